"""`taskstore compare`: two to twenty tasks side by side, and which parameters go with a metric."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, page, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.sections.compare.many import Files, Line, SideBySide, Value
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_ABSENT = "(not there)"
_LETTERS = "ABCDEFGHIJKLMNOPQRST"
_GAP = 2
_MAX_NAME, _MAX_VALUE = 30, 26
_SHARED = 4
"""So many characters that two texts have in common are shown before those in which they differ."""
_SHORT_COMMIT = 12
_FILES = ("configuration", "source")


@app.command()
def compare(
    tasks: context.TasksArgument,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="What is the same, too.")] = False,
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="Only this metric, like loss or loss/train.min; may be repeated.",
            autocompletion=offers.metric,
        ),
    ] = [],  # noqa: B006 - typer reads it and copies
    importance: Annotated[
        str | None,
        typer.Option(
            "--importance",
            metavar="METRIC",
            help="Instead: how closely each parameter goes with a metric.",
            autocompletion=offers.metric,
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Set 2 to 20 tasks side by side: details, parameters, command, code, packages, metrics, machine, configuration.

    Only what differs is shown. Many tasks are shown in blocks, one below the other. Of metrics, marks say which task
    has the least and the greatest value. Piped, it is one table of tab-separated values, a column a task.

    Importance is the rank correlation (Spearman) of numbers, and the correlation ratio (eta) of others: 0 is none, 1
    is all. It wants 3 tasks or more, and proves no cause.

    Example: taskstore compare @last examples/first examples/second --metric loss
    """
    from taskstore.sections.compare import many

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    store = context.open_store()
    found = [context.resolve(store, reference) for reference in tasks]
    sides = many.read(store, found)
    if importance is not None:
        _print_importance(store, found, importance, as_csv=as_csv, as_json=as_json)
        return
    table = many.side_by_side(sides)
    chosen = _chosen(table, metric, show_all=show_all)
    if as_json:
        render.print_json(_as_object(table, chosen, show_all=show_all))
    elif as_csv or not render.is_terminal():
        _print_table(table, chosen, as_csv=as_csv)
    else:
        _print_page(store, table, chosen)


Sections = dict[str, list["Line"]]


def _chosen(table: SideBySide, metrics: Sequence[str], *, show_all: bool) -> Sections:
    """Choose the lines to show; a metric that is asked for by name is shown where it is the same, too."""
    from taskstore.sections.compare import many

    found = {
        section: [line for line in lines if show_all or not line.is_same] for section, lines in table.sections.items()
    }
    if metrics:
        known = table.sections["metrics"]
        found["metrics"] = [line for line in known if any(many.is_named(line, name) for name in metrics)]
        for name in metrics:
            if not any(many.is_named(line, name) for line in known):
                context.say(f"no task here has {name!r}; `taskstore show TASK` lists metrics")
    return found


def _as_object(table: SideBySide, chosen: Sections, *, show_all: bool) -> dict[str, object]:
    ids = [task.id for task in table.tasks]
    tasks = [
        {"id": task.id, "name": task.name, "project": project}
        for task, project in zip(table.tasks, table.projects, strict=True)
    ]
    sections: dict[str, object] = {
        section: [
            {"name": line.name, "values": list(line.values), "is_same": line.is_same}
            | (
                {
                    "kind": line.kind,
                    "least": [ids[place] for place in line.least],
                    "greatest": [ids[place] for place in line.greatest],
                }
                if section == "metrics"
                else {}
            )
            for line in lines
        ]
        for section, lines in chosen.items()
        if section not in _FILES
    }
    for section in _FILES:
        sections[section] = [
            {
                "name": item.name,
                "is_same": item.is_same,
                "diffs": ["\n".join(item.diff(place).lines) for place in range(len(ids))],
            }
            for item in _files(table, section)
            if show_all or not item.is_same
        ]
    return {"tasks": tasks, **sections}


def _files(table: SideBySide, section: str) -> tuple[Files, ...]:
    return table.source if section == "source" else table.configuration


def _print_table(table: SideBySide, chosen: Sections, *, as_csv: bool) -> None:
    rows = [
        [section, line.name, line.kind, *map(_exact, line.values)]
        for section, lines in chosen.items()
        for line in lines
    ]
    _table(rows, ["section", "name", "kind", *(task.id for task in table.tasks)], as_csv=as_csv)


def _table(rows: list[list[object]], columns: Sequence[str | render.Column], *, as_csv: bool) -> None:
    if not as_csv:
        render.table(rows, columns)
        return
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.name if isinstance(column, render.Column) else column for column in columns])
    writer.writerows([render.cell(value) for value in row] for row in rows)


def _exact(value: Value) -> object:
    return float(value) if isinstance(value, int) else value


def _print_page(store: Store, table: SideBySide, chosen: Sections) -> None:
    short = context.short_ids(store)
    for letter, task, project in zip(_LETTERS, table.tasks, table.projects, strict=False):
        render.hanging((f"{letter}  ", "bold"), (f"{short(task.id)}  ", "dim"), render.safe(f"{project}/{task.name}"))
    for section, lines in chosen.items():
        if not lines:
            continue
        least, greatest = _marks()
        page.heading(section.capitalize(), f"{least} least, {greatest} greatest" if section == "metrics" else "")
        if section in _FILES:
            known = {item.name: item for item in _files(table, section)}
            rows = [(line.name, _changes(known[line.name])) for line in lines]
        else:
            rows = [
                (f"{line.name} {line.kind}".strip(), _texts(line, is_metric=section == "metrics")) for line in lines
            ]
        _print_blocks(rows, is_right=section == "metrics")
    if any(chosen[section] for section in _FILES):
        render.line()
        render.hanging("", ("`taskstore diff A B` shows files of two tasks line by line", "dim"))


def _marks() -> tuple[str, str]:
    return ("↓", "↑") if render.speaks_unicode() else ("v", "^")


def _texts(line: Line, *, is_metric: bool) -> list[str]:
    """Spell the values of a line; of long texts that begin alike, that beginning is left out."""
    if is_metric:
        least, greatest = (set(places) for places in (line.least, line.greatest))
        low, high = _marks()
        return [
            f"{_shown(value)} {low if place in least else high if place in greatest else ' '}"
            for place, value in enumerate(line.values)
        ]
    texts = [_shown(value, line.name) for value in line.values]
    present = [text for text, value in zip(texts, line.values, strict=True) if value is not None]
    shared = len(os.path.commonprefix(present)) - _SHARED
    if line.is_same or shared <= _SHARED or len(present) < 2 or max(map(len, present)) <= _MAX_VALUE:
        return texts
    cut = "…" if render.speaks_unicode() else "..."
    return [text if value is None else cut + text[shared:] for text, value in zip(texts, line.values, strict=True)]


def _shown(value: Value, name: str = "") -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, str):
        return value[:_SHORT_COMMIT] if name == "commit" else page.short(value)
    if name == "duration" and isinstance(value, (int, float)):
        return render.duration(value)
    return page.moment(value).partition(" (")[0] if not isinstance(value, (int, float)) else render.short_number(value)


def _changes(item: Files) -> list[str]:
    """Say how much of a file differs from the first task's."""
    return [_change(item, place) for place in range(len(item.sources))]


def _change(item: Files, place: int) -> str:
    source = item.sources[place]
    if source is None:
        return _ABSENT
    if place == 0 or item.sources[0] is None:
        return "not text" if source.text is None else render.count(len(source.text.splitlines()), "line")
    found = item.diff(place)
    if found.is_same:
        return "same as A"
    if len(found.lines) < 3:
        return "differs"
    added, removed = (sum(text[:1] == sign for text in found.lines[2:]) for sign in "+-")
    return f"+{added} -{removed}"


def _print_blocks(rows: Sequence[tuple[str, Sequence[str]]], *, is_right: bool) -> None:
    """Print a table of a name and a text for each task; as many tasks side by side as the terminal has room for."""
    from rich.cells import cell_len

    width = render.console().width
    name_width = min(_MAX_NAME, max(4, *(cell_len(render.safe(name)) for name, _ in rows)))
    widths = [min(_MAX_VALUE, max(cell_len(texts[place]) for _, texts in rows)) for place in range(len(rows[0][1]))]
    for number, block in enumerate(_blocks(widths, width - name_width)):
        if number:
            render.line()
        page.grid(
            [(name, *(texts[place] for place in block)) for name, texts in rows],
            ["name", *(render.Column(_LETTERS[place], is_right=is_right) for place in block)],
        )


def _blocks(widths: Sequence[int], available: int) -> Iterator[list[int]]:
    """Cut columns into blocks that fit; one that is too wide by itself is a block."""
    block: list[int] = []
    used = 0
    for place, width in enumerate(widths):
        if block and used + width + _GAP > available:
            yield block
            block, used = [], 0
        block.append(place)
        used += width + _GAP
    yield block


def _print_importance(store: Store, found: Sequence[TaskPaths], metric: str, *, as_csv: bool, as_json: bool) -> None:
    from taskstore.sections.compare import importance
    from taskstore.store import query

    rows = [query.row_of(store, paths) for paths in found]
    ranked = importance.of_rows(rows, metric)
    having = sum(row.get(f"metric:{metric}") is not None for row in rows)
    if not having:
        context.say(f"no task here has {metric!r}; `taskstore show TASK` lists metrics")
    elif having < importance.MIN_TASKS:
        context.say(f"importance wants {importance.MIN_TASKS} tasks with {metric!r}, and there are {having}")
    if as_json:
        for item in ranked:
            render.print_json(item)
        return
    _table(
        [[item.name, item.score, _DIRECTIONS[item.direction], item.method, item.count] for item in ranked],
        ["parameter", "importance", "metric", "method", "tasks"],
        as_csv=as_csv,
    )


_DIRECTIONS = {1: "rises", -1: "falls", 0: ""}
