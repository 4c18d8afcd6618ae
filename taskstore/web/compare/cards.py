"""One task's plot or debug sample, among those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import figures
from ...board.stepping import Name, sample_at
from ...core.errors import BadValue
from ...disk import mounts
from ...disk.layout import TaskPaths
from ...store import plots
from .. import charts
from ..tabs.fetched import address_of, is_media

if TYPE_CHECKING:
    from pathlib import Path

    from .view import View

_HEIGHT, _LEAST_HEIGHT = 340, 160
_MOST_VALUES = 200_000
"""In the figure of one task, of which up to twenty are drawn at once."""


@dataclass(frozen=True)
class Drawn:
    """What a card shows: a figure, or a file by its address and kind; `note` says what is not shown."""

    name: str
    figure: charts.Figure | None = None
    address: str = ""
    kind: str = ""
    note: str = ""
    stamp: float = 0.0


class Card:
    """A frame with the task's letter and name, what it has at the step, and which iteration that is of."""

    def __init__(self, view: View, place: int) -> None:
        task_id, name = view.comparison.ids[place], view.comparison.names[place]
        self._shown: object = None
        self._item: Drawn | None = None
        style = f"--cmp-colour: {view.colours[place]}"
        with ui.element("section").classes("cmp-card").style(style).props('data-testid="card"') as section:
            with ui.element("div").classes("cmp-head"):
                ui.element("span").classes(view.dot(place)).props("aria-hidden=true")
                ui.label(view.letters[place]).classes("cmp-letter")
                ui.link(name or task_id[:12], f"/task/{task_id}").classes("cmp-name")
                ui.space()
                self._step = ui.label().classes("cmp-dim")
            self._place = ui.element("div").classes("cmp-shown")
        section.props["aria-label"] = view.labels[place]

    def may_be_older(self) -> None:
        """Look again at what is shown: there may be a later one of the same iteration."""
        self._shown = None

    def is_other(self, name: Name, at: int | None) -> bool:
        """Tell whether this is not what is shown."""
        return self._shown != (name, at)

    def say(self, at: int | None, step: int) -> None:
        """Say of which iteration it is what is shown at a step."""
        self._step.set_text("" if at is None else f"iteration {at:,}{'' if at == step else ' (last before)'}")

    def show(self, name: Name, at: int | None, item: Drawn | None) -> None:
        """Show something else."""
        self._shown = (name, at)
        if item is not None and item == self._item:
            return
        before, self._item = self._item, item
        if before is not None and item is not None and before.figure and item.figure and before.note == item.note:
            plot = next(iter(self._place.default_slot.children))
            if isinstance(plot, ui.plotly):
                plot.update_figure(item.figure)
                return
        self._place.clear()
        with self._place:
            if item is None:
                ui.label("nothing up to this iteration").classes("cmp-nothing")
            else:
                _build(item)


def plot(paths: TaskPaths, name: Name, iteration: int) -> Drawn:
    """Read a plot: a figure, or the picture that it is."""
    text = " / ".join(part for part in name if part)
    found = plots.read_plot(paths, *name, iteration)
    if found is None:
        return Drawn(text, note="it was deleted, or cannot be read")
    if found.image is not None:
        return _file(paths, found.image, text, "image", found.timestamp)
    try:
        cleaned = figures.cleaned(found.figure, most_values=_MOST_VALUES)
    except BadValue as error:
        return Drawn(text, note=str(error))
    note = f"not drawn here: {', '.join(cleaned.left_out)}" if cleaned.left_out else ""
    layout = {
        "margin": {"l": 50, "r": 20, "t": 44 if cleaned.figure["layout"].get("title") else 16, "b": 40},
        **cleaned.figure["layout"],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    layout["height"] = max(_LEAST_HEIGHT, min(_HEIGHT, layout["height"]))
    figure = {"data": cleaned.figure["data"], "layout": layout, "config": charts.config()}
    return Drawn(text, figure if figure["data"] or not note else None, note=note, stamp=found.timestamp)


def sample(paths: TaskPaths, name: Name, iteration: int) -> Drawn:
    """Read what is said of a debug sample: where its file is served, and what kind of file it is."""
    text = " / ".join(part for part in name if part)
    found = sample_at(paths, *name, iteration)
    if found is None:
        return Drawn(text, note="it was deleted, or cannot be read")
    text = found.name or text
    if found.path is None:
        return Drawn(text, note=f"it lies elsewhere, and is not fetched: {found.url[:500]}")
    major = found.media_type.partition("/")[0]
    kind = "page" if found.media_type in ("text/html", "text/plain") else major
    return _file(paths, found.path, text, kind, found.timestamp)


def _file(paths: TaskPaths, path: Path, name: str, kind: str, stamp: float) -> Drawn:
    if is_media(paths, path):
        mounts.bring(path)
        if path.is_file():
            return Drawn(name, address=address_of(paths, path), kind=kind, stamp=stamp)
    return Drawn(name, note=f"the file {path.name} is missing", stamp=stamp)


def _build(item: Drawn) -> None:
    if item.figure is not None:
        ui.plotly(item.figure).classes("ts-chart cmp-figure")
    elif item.kind == "image":
        _picture(item)
    elif item.kind in ("audio", "video"):
        element = ui.element(item.kind).props("controls preload=metadata").classes("cmp-media")
        element.props["src"], element.props["aria-label"] = item.address, item.name
    elif item.kind == "page":
        element = ui.element("iframe").props('loading=lazy referrerpolicy="no-referrer"').classes("cmp-page")
        element.props["sandbox"] = ""  # nothing is allowed
        element.props["src"], element.props["title"] = item.address, item.name
    elif item.address:
        link = ui.link(f"Save {item.name}", f"{item.address}?download=1").classes("cmp-wrap")
        link.props["download"] = True
    if item.note:
        ui.label(item.note).classes("cmp-nothing cmp-wrap").props("role=status")


def _picture(item: Drawn) -> None:
    link = ui.link(target=item.address, new_tab=True)
    link.props["aria-label"] = f"Open {item.name} in full size"
    with link:
        image = ui.element("img").classes("cmp-picture").props("loading=lazy")
        image.props["src"], image.props["alt"] = item.address, item.name
