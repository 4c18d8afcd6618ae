"""The debug samples of one task, of one iteration at a time: pictures, sound, film, pages in a sandbox, texts."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import TYPE_CHECKING

from nicegui import ui

from ...core.errors import TaskstoreError
from ...disk import mounts
from ...disk.layout import TaskPaths
from ...store import places, plots
from ...store.plots import DebugSample
from .. import charts
from ..frame import empty
from .address import Chosen
from .fetched import address_of, is_media
from .plots import build_table, sizes_of
from .steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..desk import Desk
    from ..frame import Frame

AT_ONCE = 24
_MOST_NAMED = 5
_TEXT_BYTES, _MOST_ROWS = 64 << 10, 200
_TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Build the tab."""
    charts.style("samples.css", with_charts=False)
    await _Samples(desk, frame, task_id).build()


class _Samples:
    def __init__(self, desk: Desk, frame: Frame, task_id: str) -> None:
        self._desk, self._frame, self._task_id = desk, frame, task_id
        self._chosen = Chosen("samples", {"find": "", "iteration": ""})
        self._found: list[DebugSample] = []
        self._sizes: dict[str, int] = {}
        self._limit = AT_ONCE
        self._pictures: list[tuple[str, str]] = []

    def _paths(self) -> TaskPaths:
        return places.locate(self._desk.store, self._task_id)

    async def build(self) -> None:
        """Put the controls and the samples of the last iteration on the page."""
        await self._read()
        if not self._found:
            empty(
                "This task has reported no debug samples.",
                'task.get_logger().report_image("input", "first", iteration=1, image=image)',
            )
            ui.timer(1.0, self._look_for_first, immediate=False)
            return
        self._lightbox = _Lightbox(self._frame)
        with ui.row().classes("ts-controls items-center gap-3 no-wrap"):
            ui.input("Find samples", value=self._chosen["find"], on_change=lambda event: self._find(event.value)).props(
                'dense clearable debounce=250 data-testid="find-samples"'
            )
            given = self._chosen["iteration"]
            chosen = int(given) if given.lstrip("-").isdigit() and len(given) < 20 else None
            self._slider = Steps(self._iterations(), self._at, "debug samples", chosen)
        self._others = ui.label().classes("ts-note").props('role=status data-testid="other-samples"')
        self._grid = ui.element("div").classes("ts-samples").props('data-testid="samples"')
        self._more = ui.button(on_click=self._show_more).props("flat no-caps").classes("ts-quiet")
        await self._rebuild()
        ui.timer(1.0, self._look, immediate=False)

    def _iterations(self) -> list[int]:
        return sorted({sample.iteration for sample in self._found})

    async def _read(self) -> None:
        paths = self._paths()
        self._sizes = sizes_of(plots.media_logs(paths))
        self._found = await asyncio.to_thread(plots.read_samples, paths)

    async def _find(self, text: str | None) -> None:
        self._chosen.set("find", text or "")
        await self._rebuild()

    async def _at(self, iteration: int) -> None:
        self._chosen.set("iteration", "" if iteration == self._iterations()[-1] else str(iteration))
        self._limit = AT_ONCE
        await self._rebuild()

    async def _show_more(self) -> None:
        self._limit += 2 * AT_ONCE
        await self._rebuild()

    async def _rebuild(self) -> None:
        words = self._chosen["find"].lower().split()
        sought = [
            sample
            for sample in self._found
            if all(word in f"{sample.title}/{sample.series}/{sample.name}".lower() for word in words)
        ]
        wanted = [sample for sample in sought if sample.iteration == self._slider.chosen]
        self._others.set_text(_elsewhere(sought, wanted))
        wanted.sort(key=lambda sample: (sample.title, sample.series, sample.timestamp))
        self._more.set_visibility(len(wanted) > self._limit)
        self._more.set_text(f"Show more: {len(wanted) - self._limit} of {len(wanted)} are not shown")
        paths = self._paths()
        texts = await asyncio.to_thread(lambda: [_text_of(paths, sample) for sample in wanted[: self._limit]])
        self._grid.clear()
        self._lightbox.pictures = []
        with self._grid:
            for sample, text in zip(wanted, texts, strict=False):
                self._card(paths, sample, text)

    def _card(self, paths: TaskPaths, sample: DebugSample, text: str | None) -> None:
        kind = sample.media_type.partition("/")[0]
        name = f"{sample.title} / {sample.series}" if sample.series != sample.title else sample.title
        is_wide = sample.media_type == "text/html" or text is not None or kind == "video"
        with ui.element("section").classes("ts-sample" + (" ts-sample-wide" if is_wide else "")):
            ui.label(name).classes("ts-chart-title ellipsis").props("role=heading aria-level=2")
            if sample.path is None or not is_media(paths, sample.path) or not sample.path.is_file():
                self._missing(sample)
                return
            address = address_of(paths, sample.path)
            if text is not None:
                _build_text(text, sample.media_type)
            elif kind == "image":
                self._picture(address, f"{name}, iteration {sample.iteration}")
            elif kind in ("audio", "video"):
                made = ui.element(kind).props("controls preload=metadata")
                made.props["src"], made.props["aria-label"] = address, name
            elif sample.media_type == "text/html":
                made = ui.element("iframe").props('loading=lazy referrerpolicy="no-referrer"')
                made.props["sandbox"] = ""  # nothing is allowed
                made.props["src"], made.props["title"] = address, f"Page {name}"
            with (
                ui.link(target=address_of(paths, sample.path, is_download=True))
                .props("download")
                .classes("ts-download")
            ):
                ui.icon("download").props("aria-hidden=true")
                ui.label(sample.name or sample.path.name).classes("ellipsis")

    def _missing(self, sample: DebugSample) -> None:
        if sample.path is None and sample.url:
            ui.label("It lies elsewhere, and is not fetched:").classes("ts-note")
            ui.label(sample.url[:500]).classes("ts-mono")
            return
        name = sample.name or (sample.path.name if sample.path is not None else "its file")
        ui.label(f"{name} is missing").classes("ts-missing").props('data-testid="missing"')

    def _picture(self, address: str, name: str) -> None:
        self._lightbox.pictures.append((address, name))
        number = len(self._lightbox.pictures) - 1
        with ui.element("button").classes("ts-open").props('type=button data-testid="picture"') as button:
            image = ui.element("img").props("loading=lazy decoding=async")
            image.props["src"], image.props["alt"] = address, name
        button.props["aria-label"] = f"Enlarge {name}"
        button.mark(f"picture-{number}")
        button.on("click", lambda: self._lightbox.open(number), args=[])

    async def _look(self) -> None:
        if await self._has_grown():
            await self._slider.extend(self._iterations())
            await self._rebuild()

    async def _look_for_first(self) -> None:
        if await self._has_grown() and self._found:
            ui.navigate.reload()

    async def _has_grown(self) -> bool:
        try:
            if sizes_of(plots.media_logs(self._paths())) == self._sizes:
                return False
            await self._read()
        except TaskstoreError:
            return False  # deleted, or moved just now
        return bool(self._found)


class _Lightbox:
    """One picture as large as the window, with the way to those before and after it, by keys too."""

    def __init__(self, frame: Frame) -> None:
        self.pictures: list[tuple[str, str]] = []
        self._at = 0
        with (
            ui.dialog().props('maximized data-testid="lightbox"') as self._dialog,
            ui.element("div").classes("ts-lightbox"),
        ):
            self._image = ui.element("img").props('data-testid="enlarged"')
            self._name = ui.label().props("role=status")
            with ui.row().classes("items-center"):
                for name, icon, act in (
                    ("Previous picture", "chevron_left", lambda: self.step(-1)),
                    ("Next picture", "chevron_right", lambda: self.step(1)),
                    ("Close", "close", self._dialog.close),
                ):
                    self._button(name, icon, act)
        frame.on_key("ArrowLeft", "previous picture, where one is enlarged", lambda: self.step(-1))
        frame.on_key("ArrowRight", "next picture, where one is enlarged", lambda: self.step(1))

    def _button(self, name: str, icon: str, act: Callable[[], object]) -> None:
        button = ui.button(icon=icon, on_click=lambda: act()).props("flat round color=white")
        button.props["aria-label"] = name

    def open(self, number: int) -> None:
        """Enlarge one picture."""
        self._at = number
        self._show()
        self._dialog.open()

    def step(self, by: int) -> None:
        """Go to another, where one is enlarged."""
        if self._dialog.value and self.pictures:
            self._at = (self._at + by) % len(self.pictures)
            self._show()

    def _show(self) -> None:
        address, name = self.pictures[self._at]
        self._image.props["src"], self._image.props["alt"] = address, name
        self._name.set_text(f"{name} ({self._at + 1} of {len(self.pictures)})")


def _elsewhere(sought: Sequence[DebugSample], shown: Sequence[DebugSample]) -> str:
    """Say which series have nothing at the iteration that is shown, and where their last is."""
    seen = {(sample.title, sample.series) for sample in shown}
    last: dict[tuple[str, str], int] = {}
    for sample in sought:
        name = (sample.title, sample.series)
        if name not in seen:
            last[name] = max(sample.iteration, last.get(name, sample.iteration))
    named = [f"{title}/{series} (last at {iteration:,})" for (title, series), iteration in sorted(last.items())]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f"Not at this iteration: {', '.join(named[:_MOST_NAMED])}{more}" if named else ""


def _text_of(paths: TaskPaths, sample: DebugSample) -> str | None:
    """Return the beginning of a sample that is a text; None of any other, and where its file is missing."""
    if sample.path is None or not is_media(paths, sample.path):
        return None
    mounts.bring(sample.path)
    if not sample.media_type.startswith("text/") or sample.media_type == "text/html":
        return None
    try:
        with sample.path.open("rb") as stream:
            return stream.read(_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _build_text(text: str, media_type: str) -> None:
    separator = _TABLES.get(media_type)
    if separator is not None:
        rows = list(_rows(text, separator))
        if rows:
            build_table(rows[0], rows[1:])
            return
    with ui.element("pre").props('tabindex=0 aria-label="Text"'):
        ui.label(text)


def _rows(text: str, separator: str) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            found.append(row[:50])
            if len(found) > _MOST_ROWS:
                break
    except csv.Error:
        return []
    return found
