"""`taskstore export`: tasks as other programs read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import chosen, context, leaving, render, several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskstore.disk.layout import TaskPaths
    from taskstore.share.exporters.base import Exporter, Options
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _kinds() -> list[str]:
    from taskstore.share.exporters import KINDS

    return list(KINDS)


def _kind(text: str) -> str:
    return context.one_of(*_kinds())(text)


def _complete_kind(incomplete: str) -> list[str]:
    return context.completing(*_kinds())(incomplete)


@app.command()
def export(
    kind: Annotated[
        str,
        typer.Option(
            "--to",
            parser=_kind,
            metavar="KIND",
            help="clearml (an offline session of each task), csv, jsonl, parquet (tables).",
            autocompletion=_complete_kind,
            show_default=False,
        ),
    ],
    tasks: chosen.TasksArgument = None,
    project: context.ProjectOption = None,
    where: chosen.WhereOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file or a folder; without it sessions go into the working directory.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace what is there.")] = False,
    unpacked: Annotated[bool, typer.Option("--unpacked", help="clearml: a folder in place of a zip.")] = False,
    output_uri: Annotated[
        str,
        typer.Option("--output-uri", metavar="URL", help="clearml: where its reader uploads weights to."),
    ] = "",
    table: Annotated[
        list[str],
        typer.Option("--table", metavar="NAME", help="tasks, params, metrics, last_metrics; else all of them."),
    ] = [],  # noqa: B006 - typer reads it and copies
    allow_secrets: leaving.AllowOption = False,
    redact: leaving.RedactOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Write tasks as other programs read them; print the paths of what was written.

    Each file appears whole or not at all, and replaces nothing without --force. What a format cannot express is said
    on stderr.

    Tables are of all tasks where none are named or chosen. What looks like a secret leaves only if you say so.

    Example: taskstore export --to clearml @last -o run.zip
    """
    from taskstore.share import exporters
    from taskstore.share.exporters.base import Options

    exporter = exporters.of_kind(kind)
    if not (tasks or project or where or exporter.takes_many):
        raise typer.BadParameter("name tasks, or choose them by --project or --where")
    store = context.open_store()
    found = chosen.find(store, tasks or [], project, where)
    options = Options(output=output, is_forced=force, is_unpacked=unpacked, output_uri=output_uri, tables=tuple(table))
    exporter.check(len(found), options)
    groups = [found] if exporter.takes_many else [[paths] for paths in found]
    free, exit_code = several.tried(groups, lambda group: exporter.check_free(group, options))
    checking = leaving.confirm_leaving(
        store,
        [paths for group in free for paths in group],
        allow_secrets=allow_secrets,
        redact=redact,
        only=lambda name: exporter.takes_file(name, options),
    )
    with checking as (source, leaves):
        groups = [leaves] if exporter.takes_many and leaves else [[paths] for paths in leaves]
        _, code = several.tried(groups, lambda group: _export(source, exporter, group, options, as_json=as_json))
    exit_code = exit_code or code
    if exit_code:
        raise typer.Exit(exit_code)


def _export(store: Store, exporter: Exporter, tasks: Sequence[TaskPaths], options: Options, *, as_json: bool) -> None:
    done = exporter.run(store, tasks, options)
    for note in done.notes:
        context.say(f"{tasks[0].id[:12]}: {note}" if len(tasks) == 1 else note)
    if as_json:
        paths = [str(path) for path in done.paths]
        render.print_json(
            {"tasks": [task.id for task in tasks], "paths": paths, "counts": done.counts, "notes": list(done.notes)}
        )
        return
    for path in done.paths:
        render.line(str(path))
