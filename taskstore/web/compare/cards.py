"""One task's plot or debug sample, among those of the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from nicegui import ui

from ...disk.layout import TaskPaths
from ...store.plots import DebugSample, Plot
from . import figures

if TYPE_CHECKING:
    from .view import View

_Item = TypeVar("_Item", bound="Plot | DebugSample")
_NOT_SHOWN: Any = object()


class Card:
    """A frame with the task's letter and name, what it has at the step, and which iteration that is of."""

    def __init__(self, view: View, place: int) -> None:
        task_id, name = view.comparison.ids[place], view.comparison.names[place]
        self._shown: object = _NOT_SHOWN
        with ui.element("section").classes("cmp-card").style(f"--cmp-colour: {view.colours[place]}") as section:
            with ui.element("div").classes("cmp-head"):
                ui.element("span").classes("cmp-dot").props("aria-hidden=true")
                ui.label(view.letters[place]).classes("cmp-letter")
                ui.link(name or task_id[:12], f"/task/{task_id}").classes("cmp-name")
                ui.space()
                self._step = ui.label().classes("cmp-dim")
            self._place = ui.element("div").classes("cmp-shown")
        section.props["aria-label"] = view.labels[place]

    def forget(self) -> None:
        """Draw anew what comes next, whatever it is."""
        self._shown = _NOT_SHOWN

    def show(self, item: _Item | None, step: int, draw: Callable[[_Item], None]) -> None:
        """Show what there is at a step; what is shown already stays as it is."""
        is_older = item is not None and item.iteration != step
        self._step.set_text("" if item is None else f"iteration {item.iteration:,}{' (its last)' if is_older else ''}")
        if self._shown is not _NOT_SHOWN and self._shown == item:
            return
        self._shown = item
        self._place.clear()
        with self._place:
            if item is None:
                ui.label("nothing up to this iteration").classes("cmp-nothing")
            else:
                draw(item)


def draw_plot(plot: Plot, paths: TaskPaths) -> None:
    """Draw a plot: a figure, or the picture that it is."""
    if plot.image is not None:
        _picture(address(paths, plot.image), f"{plot.title} {plot.series}")
        return
    figure = figures.harmless(plot.figure)
    if figure["data"] or figure["layout"].get("annotations") or figure["layout"].get("shapes"):
        ui.plotly(figure).classes("ts-chart cmp-figure")
    else:
        ui.label("This plot has nothing that can be drawn here.").classes("cmp-nothing")


def draw_sample(sample: DebugSample, paths: TaskPaths) -> None:
    """Draw a debug sample: a picture, sound, a film, a page in a sandbox, or the way to save it."""
    named = sample.name or f"{sample.title} {sample.series}"
    if sample.path is None:
        ui.label(f"It is not in the store; it is said to be at {sample.url}").classes("cmp-wrap")
        return
    source = address(paths, sample.path)
    kind = sample.media_type.partition("/")[0]
    if kind == "image":
        _picture(source, named)
    elif kind in ("audio", "video"):
        element = ui.element(kind).props("controls preload=metadata").classes("cmp-media")
        element.props["src"], element.props["aria-label"] = source, named
    elif sample.media_type in ("text/html", "text/plain"):
        element = ui.element("iframe").props('sandbox loading=lazy referrerpolicy="no-referrer"').classes("cmp-page")
        element.props["src"], element.props["title"] = source, named
    else:
        link = ui.link(f"Save {named}", source).classes("cmp-wrap")
        link.props["download"] = True


def _picture(source: str, named: str) -> None:
    link = ui.link(target=source, new_tab=True)
    link.props["aria-label"] = f"Open {named} in full size"
    with link:
        image = ui.element("img").classes("cmp-picture").props("loading=lazy")
        image.props["src"], image.props["alt"] = source, named


def address(paths: TaskPaths, file: Path) -> str:
    """Return where a file of a task's samples is served."""
    return f"/compare/sample/{paths.id}/{quote(file.relative_to(paths.home).as_posix())}"
