"""`taskstore diff`: what differs between two tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, page, render

if TYPE_CHECKING:
    from taskstore.sections.compare import Comparison, Pair, SourcePair

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SECTIONS = ("parameters", "command", "git", "packages", "metrics", "host")
_FILES = ("source", "configuration")
_LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_ABSENT = "(not there)"


@app.command()
def diff(
    left: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A task: id, unique id prefix, project/name, or @last.",
            show_default=False,
            autocompletion=offers.task,
        ),
    ],
    right: Annotated[
        str,
        typer.Argument(metavar="B", help="Another one.", show_default=False, autocompletion=offers.task),
    ],
    show_all: Annotated[bool, typer.Option("--all", "-a", help="What is the same, too.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Compare two tasks: parameters, configuration, command, code, packages, metrics, machine.

    Only what differs is shown. The exit code is 0 whether they differ or not.

    Example: taskstore diff examples/first examples/second
    """
    from taskstore.sections import compare

    store = context.open_store()
    sides = [compare.read(context.resolve(store, reference)) for reference in (left, right)]
    found = compare.compare(*sides)
    if as_json:
        names = {"left": sides[0].task.id, "right": sides[1].task.id, "is_same": found.is_same}
        render.print_json({**names, **_as_object(found, show_all=show_all)})
        return
    for mark, style, side in zip("AB", ("red", "green"), sides, strict=True):
        render.hanging((f"{mark}  ", style), f"{side.task.id}  {render.safe(side.task.name)}")
    if found.is_same and not show_all:
        render.line()
        render.line("no difference")
        return
    _print(found, show_all=show_all)


def _as_object(found: Comparison, *, show_all: bool) -> dict[str, object]:
    sections: dict[str, object] = {
        name: [
            {"name": pair.name, "left": pair.left, "right": pair.right}
            for pair in getattr(found, name)
            if show_all or not pair.is_same
        ]
        for name in _SECTIONS
    }
    files = {
        name: [
            {"name": item.name, "diff": "\n".join(item.lines)}
            for item in getattr(found, name)
            if show_all or not item.is_same
        ]
        for name in _FILES
    }
    return {**sections, **files}


def _print(found: Comparison, *, show_all: bool) -> None:
    for name in _SECTIONS:
        pairs: list[Pair] = [pair for pair in getattr(found, name) if show_all or not pair.is_same]
        if not pairs:
            continue
        page.heading(name.capitalize())
        if name == "metrics":
            rows = [(pair.name, pair.left, pair.right, _signed(pair.difference)) for pair in pairs]
            page.grid(
                rows, ["name", *(render.Column(column, is_fixed=True, is_right=True) for column in ("A", "B", "B - A"))]
            )
        else:
            page.grid([(pair.name, _shown(pair.left), _shown(pair.right)) for pair in pairs], ["name", "A", "B"])
    for name in _FILES:
        files: list[SourcePair] = [item for item in getattr(found, name) if show_all or not item.is_same]
        if files:
            page.heading(name.capitalize())
            for item in files:
                _print_source(item)


def _signed(difference: float | None) -> str | None:
    if difference is None:
        return None
    text = render.short_number(difference)
    return text if text.startswith("-") or text in ("0", "NaN") else f"+{text}"


def _shown(value: object) -> str:
    return _ABSENT if value is None else page.short(str(value))


def _print_source(item: SourcePair) -> None:
    if item.is_same:
        render.hanging("", f"{render.safe(item.name)}: the same")
        return
    if len(item.lines) == 1:
        render.hanging("", f"{render.safe(item.name)}: {render.safe(item.lines[0])}")
        return
    for number, text in enumerate(item.lines):
        style = "bold" if number < 2 else _LINE_STYLES.get(text[:1], "")
        render.styled((render.safe_lines(text), style))
