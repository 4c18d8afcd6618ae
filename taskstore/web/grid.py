"""A plain table of a page: rows of text and links, which every browser and screen reader knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui


@contextmanager
def table(caption: str, columns: Sequence[str]) -> Iterator[None]:
    """Build a table whose rows are made within the block by `row`."""
    with ui.element("div").classes("ts-scroll"), ui.element("table").classes("ts-table"):
        with ui.element("caption").classes("ts-hidden"):
            ui.label(caption)
        with ui.element("thead"), ui.element("tr"):
            for column in columns:
                with ui.element("th").props("scope=col"):
                    ui.label(column)
        with ui.element("tbody"):
            yield


@contextmanager
def row() -> Iterator[None]:
    """Build one row, of cells that are made within the block by `cell`."""
    with ui.element("tr"):
        yield


@contextmanager
def box() -> Iterator[None]:
    """Build one cell of anything."""
    with ui.element("td"):
        yield


def cell(text: object, *, link: str = "", is_mono: bool = False) -> None:
    """Build one cell of text; nothing is shown of None."""
    with box():
        shown = "" if text is None else str(text)
        made = ui.link(shown, link) if link else ui.label(shown)
        if is_mono:
            made.classes("ts-mono")


def task_cell(name: str, task_id: str) -> None:
    """Build a cell that leads to a task."""
    cell(name or task_id[:12], link=f"/task/{task_id}")
