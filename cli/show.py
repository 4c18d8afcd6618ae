"""`taskstore show`: all about one task, on a page."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.clock import SYSTEM
from taskstore.core.states import Status

from . import configuration, context, kept, page, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.schema.record import Container, FileRef, ScriptRecord
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
    as_json: context.JsonOption = False,
) -> None:
    """Show all about one task, or one part of it.

    --json gives the task's records in one object, as they are in its files.

    Example: taskstore show @last
    """
    if source + packages + history + (config is not None) > 1:
        raise typer.BadParameter("--source, --packages, --history and --config exclude each other")
    from taskstore.store import query, tasks

    store = context.open_store()
    row = query.row_of(store, context.resolve(store, task))
    script = tasks.read_script(row.paths)
    if source:
        _print_source(row.paths, script, as_json=as_json)
    elif packages:
        _print_packages(script, as_json=as_json)
    elif history:
        _print_history(row, as_json=as_json)
    elif config is not None:
        configuration.print_one(row.paths, config, as_json=as_json)
    elif as_json:
        render.print_json(_as_object(row, script))
    else:
        _print_page(store, row, script)


def _as_object(row: Row, script: ScriptRecord) -> dict[str, object]:
    from taskstore.store import artifacts, models

    from . import ls

    task = row.task
    more = {
        "status_changed": task.status_changed,
        "runtime": task.runtime,
        "history": task.history,
        "execution": task.execution,
        "container": task.container,
        "enqueue_status": task.enqueue_status,
        "imported": task.imported,
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
    _print_code(row.paths, script)
    _print_container(row.task.container)
    _print_parameters(row)
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
    for command, why in _next_commands(row, _short_id(store, row.id)):
        render.hanging("", f"{command:44} ", (why, "dim"))


def _short_id(store: Store, task_id: str) -> str:
    from taskstore.core import prefixes
    from taskstore.store import places

    return prefixes.shortest([task_id, *(found for _, found in places.walk(store, []))])[task_id]


_UNFINISHED = (Status.IN_PROGRESS, Status.FAILED, Status.STOPPED)
"""Statuses in which it matters how far the task has come."""


def _print_status(store: Store, row: Row) -> None:
    task = row.task
    status = task.status.label
    if task.status_reason and task.status_reason.lower() != status.lower():
        own, separator, gap = task.status_reason.partition("; ")
        status += f"; {gap}" if separator and own.lower() == status.lower() else f": {task.status_reason}"
    progress = task.runtime.get("progress", "")
    page.facts(
        [
            ("status", status + (f", {progress}%" if progress and task.status in _UNFINISHED else "")),
            ("message", task.status_message.strip()),
            ("created", _moment(task.created)),
            ("started", _moment(task.started)),
            ("ended", _moment(task.completed)),
            ("ran", _how_long(row)),
            ("archived", "yes" if row.is_archived else ""),
            ("queue", _queue(store, row)),
        ],
        styles={"status": render.style_of(task.status)},
    )


def _queue(store: Store, row: Row) -> str:
    name = row.task.execution.queue if row.task.execution else ""
    if row.task.status is not Status.QUEUED:
        return name and f"taken from {name}"
    from taskstore.queues import queue

    found = queue.position(store, row.id)
    if found is not None:
        return f"{found[0]}, {found[1]} of {found[2]}"
    if queue.is_claimed(store, row.id):
        return f"{name}, taken by a worker"
    return f"{name}, without a ticket: `taskstore doctor --fix` puts it back"


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    if not render.is_terminal():
        return render.rfc3339(moment)
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} ({render.ago(moment, SYSTEM.now())})"


def _how_long(row: Row) -> str:
    task = row.task
    if task.active_duration is not None:
        return render.duration(task.active_duration)
    if task.status is Status.IN_PROGRESS and task.started:
        return f"{render.duration(max(0.0, (SYSTEM.now() - task.started).total_seconds()))} so far"
    return ""


def _print_place(row: Row, script: ScriptRecord) -> None:
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
            ("imported", ", ".join(f"{item.kind} {item.id}" for item in task.imported)),
            ("path", str(row.paths.home)),
        ]
    )


def _print_code(paths: TaskPaths, script: ScriptRecord) -> None:
    page.facts(
        [
            ("command", _command(script)),
            ("in", script.cwd),
            ("repository", script.repository),
            ("commit", _commit(script)),
            ("changes", _changes(paths, script)),
            ("code", f"source/script, {render.size(script.standalone.size)}" if script.standalone else ""),
            ("packages", _package_count(script)),
        ]
    )


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


def _command(script: ScriptRecord) -> str:
    if not script.argv and not script.entry_point and not script.module:
        return ""
    program = ["-m", script.module] if script.module else script.argv[:1] or [script.entry_point]
    return shlex.join([script.binary or "python", *program, *script.argv[1:]])


def _commit(script: ScriptRecord) -> str:
    if not script.version_num:
        return ""
    names = [f"branch {script.branch}"] * bool(script.branch) + [f"tag {script.tag}"] * bool(script.tag)
    if script.bundle:
        names.append("not pushed: its commits are kept with the task")
    return script.version_num + (f" ({', '.join(names)})" if names else "")


def _changes(paths: TaskPaths, script: ScriptRecord) -> str:
    missing = script.missing
    lost, lost_untracked = (missing.changed, missing.untracked) if missing else (0, 0)
    parts = [_diff(paths, script.diff, lost)] if script.diff is not None else []
    if script.untracked or lost_untracked:
        parts.append(render.count(len(script.untracked) + lost_untracked, "untracked file"))
        parts += [f"{lost_untracked:,} left out"] if lost_untracked else []
    dirty = sum(item.dirty for item in script.submodules)
    if dirty:
        parts.append(render.count(dirty, "changed submodule"))
    is_told = script.diff is not None if lost else bool(lost_untracked)
    if missing and not is_told:
        what = f"{render.count(lost, 'changed file')}: " if lost else ""
        parts.append(f"{'the rest ' if parts else ''}not recorded ({what}{page.short(missing.reason)})")
    return ", ".join(parts) or ("none" if script.version_num else "")


def _diff(paths: TaskPaths, reference: FileRef, lost: int) -> str:
    """Say what the diff holds, of a work tree with `lost` more changed files."""
    from taskstore.sections import compare, patch

    data = compare.read_source(paths, reference, limit_bytes=32 << 20)
    rest = f", {lost:,} left out" if lost else ""
    if data is None:
        return f"uncommitted, {render.size(reference.size)}{rest}"
    found = patch.measure(data)
    count = f"{found.files:,} of {found.files + lost:,} files" if lost else render.count(found.files, "file")
    return f"+{found.added:,} -{found.removed:,} lines in {count}{rest}"


def _package_count(script: ScriptRecord) -> str:
    return f"{len(script.requirements):,} imported (--packages lists them)" if script.requirements else ""


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
                _moment(change.time),
                change.status,
                change.reason,
                change.who,
            )
            for change in row.task.history
        ],
        [render.Column("time", is_fixed=True), render.Column("status", is_fixed=True), "reason", "by"],
    )


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


def _print_packages(script: ScriptRecord, *, as_json: bool) -> None:
    if as_json:
        for name, version in script.requirements.items():
            render.print_json({"name": name, "version": version})
        return
    render.table(script.requirements.items(), ["name", "version"])


def _print_source(paths: TaskPaths, script: ScriptRecord, *, as_json: bool) -> None:
    from taskstore.sections import compare

    shown = 0
    for name, reference in script.code_files():
        shown += 1
        data = compare.read_source(paths, reference)
        text = None if data is None or b"\0" in data else data.decode("utf-8", "replace")
        if as_json:
            render.print_json({"name": name, "path": reference.path, "size": reference.size, "text": text})
            continue
        title = f"{render.safe(name)} ({render.safe(reference.path)}, {render.size(reference.size)})"
        render.hanging(("# ", "bold"), (title, "bold"))
        render.line(render.safe_lines(text).rstrip("\n") if text is not None else "# large or not text; see its file")
    if not shown:
        context.say(render.safe(_without_code(script)))
    elif script.missing is not None:
        context.say(render.safe(f"that is not all: {_changes(paths, script)}"))


def _without_code(script: ScriptRecord) -> str:
    """Say why there is no code to show, and where there is some."""
    if script.missing is not None:
        return f"no code was captured: its uncommitted changes are not recorded ({script.missing.reason})"
    if script.version_num:
        is_left = any(item.dirty and not item.captured for item in script.submodules)
        where = "but within submodules" if is_left else "in the repository"
        return f"no code was captured beside the commit: nothing was changed {where}"
    notes = [note for note in script.notes if note.startswith(("source:", "code:", "git:", "the repository", "git is"))]
    return "; ".join(["no code was captured, and no commit is known", *notes])
