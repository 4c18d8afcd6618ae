"""`taskstore show`: all about one task, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.clock import SYSTEM
from taskstore.core.states import Status

from . import configuration, context, courses, kept, offers, page, program, render, standing

if TYPE_CHECKING:
    from taskstore.schema.record import Container, ScriptRecord
    from taskstore.store.query import Row
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_FACT_NAMES = {
    "os": "",
    "cpu_model": "",
    "cpu_cores_logical": " cores",
    "memory_bytes": "",
    "gpus": "",
    "container": "",
}
_SUMMARY = "Summary"
_COMMAND_WIDTH = 44


@app.command()
def show(
    task: context.TaskArgument,
    source: Annotated[
        bool, typer.Option("--source", help="The captured code: script and uncommitted changes.")
    ] = False,
    packages: Annotated[bool, typer.Option("--packages", help="The packages that the program imported.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Every change of status.")] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="NAME", help="One configuration object.", show_default=False)
    ] = None,
    plots: Annotated[bool, typer.Option("--plots", help="The scalars, drawn in the terminal.")] = False,
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="Of --plots, only this: loss or loss/train; may be repeated.",
            autocompletion=offers.metric,
        ),
    ] = [],  # noqa: B006 - typer reads it and copies
    log_y: Annotated[bool, typer.Option("--log-y", help="Of --plots, with logarithmic values.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Show all about one task, or one part of it.

    --json gives the task's records in one object, as they are in its files; with --plots one of each series.

    Example: taskstore show @last
    """
    if source + packages + history + plots + (config is not None) > 1:
        raise typer.BadParameter("--source, --packages, --history, --plots and --config exclude each other")
    if not plots and (metric or log_y):
        raise typer.BadParameter("--metric and --log-y go with --plots")
    from taskstore.store import query, tasks

    store = context.open_store()
    row = query.row_of(store, context.resolve(store, task))
    script = tasks.read_script(row.paths)
    if source:
        program.print_source(row.paths, script, as_json=as_json)
    elif packages:
        program.print_packages(script, as_json=as_json)
    elif history:
        _print_history(row, as_json=as_json)
    elif config is not None:
        configuration.print_one(row.paths, config, as_json=as_json)
    elif plots:
        courses.show(row.paths, metric, is_log=log_y, as_json=as_json)
    elif as_json:
        render.print_json(_as_object(store, row, script))
    else:
        _print_page(store, row, script)


def _as_object(store: Store, row: Row, script: ScriptRecord) -> dict[str, object]:
    from taskstore.store import ancestry, artifacts, models

    from . import ls

    task = row.task
    more = {
        "status_changed": task.status_changed,
        "runtime": task.runtime,
        "history": task.history,
        "execution": task.execution,
        "container": task.container,
        "enqueue_status": task.enqueue_status,
        "ticket": standing.as_object(store, row),
        "imported": task.imported,
        "conflicts": ancestry.open_conflicts(row.paths),
        "is_elsewhere": ancestry.is_elsewhere(row.paths, task),
        "script": script,
        "artifacts": artifacts.read(row.paths).artifacts,
        "models": models.read(row.paths),
        "configuration": configuration.as_objects(row.paths),
    }
    return {**ls.as_object(row), **more}


def _print_page(store: Store, row: Row, script: ScriptRecord) -> None:
    render.hanging("", (render.safe(row.task.name), "bold"))
    page.facts([("id", row.id), ("project", row.project), ("type", row.task.type), ("tags", ", ".join(row.task.tags))])
    page.facts([("parent", row.task.parent or ""), ("comment", row.task.comment)])
    render.line()
    _print_status(store, row)
    _print_place(row, script)
    program.facts(row.paths, script)
    _print_container(row.task.container)
    _print_parameters(row)
    standing.trials(store, row)
    configuration.print_list(row.paths)
    _print_metrics(row)
    kept.plots(row.paths)
    kept.samples(row.paths)
    kept.artifacts(row.paths)
    kept.models(row.paths)
    notes = [*script.notes, *(note for item in row.task.imported for note in item.notes)]
    if notes:
        page.heading("Notes")
        for note in notes:
            render.hanging("- ", page.short(note.splitlines()[0] if note else ""))
    page.heading("History")
    _history_lines(row)
    page.heading("Next")
    commands = _next_in_place(store, row) or _next_commands(row, context.short_ids(store)(row.id))
    width = max(_COMMAND_WIDTH, *(len(command) for command, _ in commands))
    for command, why in commands:
        render.hanging("", f"{command:{width}} ", (why, "dim"))


_UNFINISHED = (Status.IN_PROGRESS, Status.FAILED, Status.STOPPED)
"""Statuses in which it matters how far the task has come."""


_ELSEWHERE = "as it was when it was copied; what has become of it since, the store knows that it is in"


def _print_status(store: Store, row: Row) -> None:
    from taskstore.store import ancestry

    task = row.task
    status = task.status.label
    rivals = ", ".join(ancestry.open_conflicts(row.paths))
    is_elsewhere = ancestry.is_elsewhere(row.paths, task)
    if task.status_reason and task.status_reason.lower() != status.lower():
        own, separator, gap = task.status_reason.partition("; ")
        status += f"; {gap}" if separator and own.lower() == status.lower() else f": {task.status_reason}"
    progress = task.runtime.get("progress", "")
    page.facts(
        [
            ("status", status + (f", {progress}%" if progress and task.status in _UNFINISHED else "")),
            ("message", task.status_message.strip()),
            ("created", page.moment(task.created)),
            ("started", page.moment(task.started)),
            ("ended", page.moment(task.completed)),
            ("ran", "" if is_elsewhere else _how_long(row)),
            ("archived", "yes" if row.is_archived else ""),
            ("known", _ELSEWHERE if is_elsewhere else ""),
            ("conflicts", f"{rivals}; `taskstore conflicts show {row.id[:12]}` shows them" if rivals else ""),
            *standing.facts(store, row),
        ],
        styles={"status": render.style_of(task.status)},
    )


def _how_long(row: Row) -> str:
    task = row.task
    if task.active_duration is not None:
        return render.duration(task.active_duration)
    if task.status is Status.IN_PROGRESS and task.started:
        return f"{render.duration(max(0.0, (SYSTEM.now() - task.started).total_seconds()))} so far"
    return ""


def _print_place(row: Row, script: ScriptRecord) -> None:
    from taskstore.run import trust

    task = row.task
    runtime = task.runtime
    machine = [
        runtime[name] + unit for name, unit in _FACT_NAMES.items() if runtime.get(name) and name != "memory_bytes"
    ]
    memory = runtime.get("memory_bytes", "")
    if memory.isdigit():
        machine.append(f"{render.size(int(memory))} memory")
    page.facts(
        [
            ("where", f"{task.user}@{task.host}" if task.user and task.host else task.host or task.user),
            ("machine", ", ".join(machine)),
            ("python", " ".join(part for part in (script.python, script.executable) if part)),
            *(("imported", trust.came_from(mark)) for mark in task.imported),
            ("left out", _left_out(row)),
            ("path", context.place(row.paths.home)),
        ]
    )


def _left_out(row: Row) -> str:
    from taskstore.schema.bundle import KINDS
    from taskstore.store import left_out

    return ", ".join(KINDS[kind] for kind in left_out.gone(row.paths, row.task))


def _print_container(asked: Container | None) -> None:
    """Print what the task asks to be run in: `machine` says what it was run in."""
    if asked is not None:
        page.facts(
            [
                ("image", asked.image),
                ("with", asked.arguments),
                ("set up by", asked.setup_shell_script.strip()),
            ]
        )


def _print_parameters(row: Row) -> None:
    found = [
        (f"{section}/{name}", page.short(parameter.value), page.short(parameter.description or ""))
        for section, parameters in row.hyperparams.items()
        for name, parameter in parameters.items()
    ]
    if not found:
        return
    page.heading("Parameters", f"{len(found):,}" if len(found) > 20 else "")
    has_about = any(about for _, _, about in found)
    columns = [render.Column("name"), render.Column("value"), render.Column("meaning", style="dim")]
    page.grid(
        [item if has_about else item[:2] for item in found[: page.MAX_ROWS]], columns if has_about else columns[:2]
    )
    page.say_rest(len(found))


def _print_metrics(row: Row) -> None:
    from taskstore.schema.codec import number
    from taskstore.schema.record import MONITOR
    from taskstore.store import sampling

    metrics = [
        (metric, variant, last)
        for metric, variants in sorted(row.last_metrics.items())
        for variant, last in sorted(variants.items())
    ]
    series = [item for item in metrics if item[2].iteration >= 0]
    courses = sampling.courses(row.paths) if series else {}
    reach = f"up to iteration {row.last_iteration:,}" if row.last_iteration is not None else ""
    for heading, about, is_monitor in (("Metrics", reach, False), ("Resources", "", True)):
        shown = [item for item in series if item[0].startswith(MONITOR) is is_monitor]
        if not shown:
            continue
        page.heading(heading, about)
        page.grid(
            [
                (
                    f"{metric.removeprefix(MONITOR)}/{variant}",
                    number(last.value),
                    None if last.min_value is None else number(last.min_value),
                    None if last.max_value is None else number(last.max_value),
                    render.sparkline([value for _, value in courses.get((metric, variant), [])]),
                )
                for metric, variant, last in shown[: page.MAX_ROWS]
            ],
            ["name", *(render.Column(name, is_fixed=True) for name in ("last", "min", "max", "course"))],
        )
        page.say_rest(len(shown))
    values = [item for item in metrics if item[2].iteration < 0]
    if values:
        page.heading("Values")
        page.grid(
            [
                (variant if metric == _SUMMARY else f"{metric}/{variant}", number(last.value))
                for metric, variant, last in values[: page.MAX_ROWS]
            ],
            ["name", render.Column("value", is_fixed=True)],
        )
        page.say_rest(len(values))


def _history_lines(row: Row) -> None:
    page.grid(
        [
            (
                page.moment(change.time),
                change.status,
                change.reason,
                change.who,
            )
            for change in row.task.history
        ],
        [render.Column("time", is_fixed=True), render.Column("status", is_fixed=True), "reason", "by"],
    )


def _next_in_place(store: Store, row: Row) -> list[tuple[str, str]]:
    """Say what can be done where the task cannot be changed, or ended, in this store."""
    import shlex

    from taskstore.store import ancestry

    if store.zip is not None:
        return [(f"taskstore import {shlex.quote(context.place(store.zip))}", "bring it into a store, to change it")]
    if ancestry.is_elsewhere(row.paths, row.task):
        return [(f"taskstore logs {row.id[:12]}", "what it had printed when it was copied")]
    return []


def _next_commands(row: Row, short: str) -> list[tuple[str, str]]:
    status = row.task.status
    clone = (f"taskstore clone {short} --set NAME=VALUE", "copy it, with another parameter")
    logs = (f"taskstore logs {short}", "what it printed")
    if status is Status.CREATED:
        return [
            (f"taskstore set {short} NAME=VALUE", "change a parameter"),
            (f"taskstore run {short}", "run it here"),
        ]
    if status is Status.QUEUED:
        return [
            (f"taskstore run {short}", "run it here, and not by an agent"),
            (f"taskstore dequeue {short}", "take it out of the queue"),
        ]
    if status is Status.IN_PROGRESS:
        return [(f"taskstore logs -f {short}", "follow what it prints"), (f"taskstore abort {short}", "end it")]
    if status is Status.PUBLISHED:
        return [(f"taskstore verify {short}", "check that it is as it was published"), clone]
    if status in (Status.FAILED, Status.STOPPED):
        return [logs, (f"taskstore reset {short}", "make it a draft again; its outputs go"), clone]
    return [logs, clone, (f"taskstore publish {short}", "make it read-only, for good")]


def _print_history(row: Row, *, as_json: bool) -> None:
    if as_json:
        for change in row.task.history:
            render.print_json(change)
        return
    render.table(
        ((change.time, change.status, change.reason, change.who, change.message) for change in row.task.history),
        [render.Column("time", is_fixed=True), render.Column("status", is_fixed=True), "reason", "by", "message"],
    )
