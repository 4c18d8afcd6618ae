"""What a task printed: its end first and live, what was before on request, and a search in all of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from ...core.errors import TaskstoreError
from ...core.states import ENDED
from ...disk.layout import TaskPaths
from ...store import console, events, follow, places, tasks
from .. import charts
from ..console_view import ConsoleView
from .address import Chosen

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame

PAGE, MOST = 400, 4000
_STREAMS = {"": "stdout and stderr", "stdout": "stdout", "stderr": "stderr"}
_DEFAULTS = {"stream": "", "times": "0", "search": ""}


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Build the tab."""
    charts.style("console.css", with_charts=False)
    made = _Console(desk, frame, task_id, Chosen("console", _DEFAULTS))
    await made.build()


class _Console:
    """The tab of one visitor: which part of the console is shown, and whether its end is followed."""

    def __init__(self, desk: Desk, frame: Frame, task_id: str, chosen: Chosen) -> None:
        self._desk, self._frame, self._task_id, self._chosen = desk, frame, task_id, chosen
        self._stream = chosen.one_of("stream", *_STREAMS)
        self._page = console.Page([], {}, {}, is_first=True, is_last=True)
        self._follower: follow.ConsoleFollower | None = None
        self._sizes: dict[str, int] = {}
        self._hits: list[console.Hit] = []
        self._at = -1
        self._is_busy = False

    def _paths(self) -> TaskPaths:
        return places.locate(self._desk.store, self._task_id)

    async def build(self) -> None:
        """Put the controls and the end of the console on the page, and follow it."""
        await self._read_tail()
        self._build_controls()
        self._note = ui.label().classes("ts-note").props('role=status data-testid="console-note"')
        self._view = ConsoleView(self._page.lines)
        self._view.show_times(is_on=self._chosen["times"] == "1")
        self._view.on("earlier", self._show_earlier, args=[])
        with ui.row().classes("gap-2"):
            self._earlier = ui.button("Earlier lines", icon="expand_less", on_click=self._show_earlier)
            self._later = ui.button("Later lines", icon="expand_more", on_click=self._show_later)
            self._latest = ui.button("Latest", icon="vertical_align_bottom", on_click=self._show_tail)
            for button in (self._earlier, self._later, self._latest):
                button.props("flat dense no-caps").classes("ts-quiet")
        self._say()
        ui.timer(1.0, self._look, immediate=False)
        if self._chosen["search"]:
            await self._search(self._chosen["search"])

    def _build_controls(self) -> None:
        with ui.row().classes("ts-controls items-center gap-3"):
            self._input = ui.input("Search", value=self._chosen["search"]).props(
                'dense clearable data-testid="console-search"'
            )
            self._input.on("keydown.enter", self._next_or_search, args=[])
            self._input.on("clear", lambda: self._search(""), args=[])
            with ui.row().classes("items-center no-wrap gap-0"):
                for name, icon, step in (
                    ("Previous match", "keyboard_arrow_up", -1),
                    ("Next match", "keyboard_arrow_down", 1),
                ):
                    button = ui.button(icon=icon, on_click=lambda _, step=step: self._step(step))
                    button.props("flat dense round").classes("ts-quiet")
                    button.props["aria-label"] = name
                    button.mark(name.split()[0].lower())
                self._count = ui.label().classes("ts-note").props('role=status data-testid="console-count"')
            ui.select(
                _STREAMS, value=self._stream, label="Stream", on_change=lambda event: self._filter(event.value)
            ).props('dense options-dense data-testid="stream"').classes("ts-select")
            ui.switch(
                "Timestamps", value=self._chosen["times"] == "1", on_change=lambda event: self._show_times(event.value)
            ).props('dense data-testid="times"')
            with ui.link(target=f"/files/{self._task_id}/console.txt").props("download").classes("ts-download"):
                ui.icon("download").props("aria-hidden=true")
                ui.label("Download")

    async def _read_tail(self) -> None:
        paths, stream = self._paths(), self._stream

        def read() -> None:
            self._sizes = _sizes(paths)
            self._page = console.before(paths, None, PAGE, stream)
            follower = self._follower = console.follower(paths, self._page.end)
            rest = follower.read(paths, is_end=tasks.read(paths).status in ENDED)
            self._page.lines.extend(line for line in rest if not stream or line.stream == stream)

        await asyncio.to_thread(read)

    async def _look(self) -> None:
        if self._is_busy or not self._page.is_last or self._follower is None:
            return
        try:
            paths = self._paths()
            sizes = _sizes(paths)
            if sizes == self._sizes:
                return
            self._is_busy = True
            if any(sizes.get(name, 0) < size for name, size in self._sizes.items()):
                await self._show_tail()  # a reset
                return
            self._sizes = sizes
            lines = await asyncio.to_thread(self._follower.read, paths)
        except TaskstoreError:
            return  # deleted, or moved just now
        finally:
            self._is_busy = False
        lines = [line for line in lines if not self._stream or line.stream == self._stream]
        if len(self._view.shown) + len(lines) > MOST:
            await self._show_tail()
        elif lines:
            self._view.append(lines, is_followed=True)
            self._say()

    async def _show_tail(self) -> None:
        await self._read_tail()
        self._view.replace(self._page.lines)
        self._say()

    async def _show_earlier(self) -> None:
        if self._page.is_first or self._is_busy:
            return
        page, stream = self._page, self._stream
        more = await asyncio.to_thread(lambda: console.before(self._paths(), page.start, PAGE, stream))
        if page is not self._page:
            return
        self._page = console.Page(page.lines, more.start, page.end, more.is_first, page.is_last)
        self._view.prepend(more.lines)
        self._say()

    async def _show_later(self) -> None:
        if self._page.is_last or self._is_busy:
            return
        page, stream = self._page, self._stream
        more = await asyncio.to_thread(lambda: console.after(self._paths(), page.end, PAGE, stream))
        if page is not self._page:
            return
        if more.is_last:
            self._follower = await asyncio.to_thread(lambda: console.follower(self._paths(), more.end))
            self._sizes = {}
        self._page = console.Page(page.lines, page.start, more.end, page.is_first, more.is_last)
        self._view.append(more.lines, is_followed=False)
        self._say()

    async def _filter(self, stream: str) -> None:
        self._stream = stream
        self._chosen.set("stream", stream)
        await self._show_tail()
        if self._hits:
            await self._search(self._input.value or "")

    def _show_times(self, is_on: bool) -> None:  # noqa: FBT001 - a switch's value
        self._chosen.set("times", str(int(is_on)))
        self._view.show_times(is_on=is_on)

    async def _next_or_search(self) -> None:
        text = self._input.value or ""
        if text and text == self._chosen["search"] and self._hits:
            await self._step(1)
        else:
            await self._search(text)

    async def _search(self, text: str) -> None:
        self._chosen.set("search", text)
        self._view.highlight(text)
        self._hits = await asyncio.to_thread(lambda: console.find(self._paths(), text, self._stream)) if text else []
        self._at = len(self._hits)
        if self._hits:
            await self._step(-1)  # the latest is what people look for
        else:
            self._count.set_text("nothing found" if text else "")

    async def _step(self, by: int) -> None:
        if not self._hits:
            if self._input.value:
                await self._search(self._input.value)
            return
        self._at = (self._at + by) % len(self._hits)
        hit = self._hits[self._at]
        stream = self._stream
        page, line = await asyncio.to_thread(lambda: console.around(self._paths(), hit, PAGE, stream))
        if page.is_last:
            self._follower = await asyncio.to_thread(lambda: console.follower(self._paths(), page.end))
            self._sizes = {}
        self._page = page
        self._view.replace(page.lines, line)
        self._count.set_text(f"{self._at + 1:,} of {len(self._hits):,}")
        self._say()

    def _say(self) -> None:
        self._earlier.set_visibility(not self._page.is_first)
        self._later.set_visibility(not self._page.is_last)
        self._latest.set_visibility(not self._page.is_last)
        if not self._view.shown:
            self._note.set_text(
                "Nothing was printed yet." if not self._stream else f"Nothing was printed to {self._stream}."
            )
        else:
            self._note.set_text("" if self._page.is_last else "This is not the end of it.")


def _sizes(paths: TaskPaths) -> dict[str, int]:
    found = {}
    for log in events.console_logs(paths):
        try:
            found[log.name] = log.stat().st_size
        except OSError:
            continue
    return found
