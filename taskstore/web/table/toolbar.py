"""What is done to the tasks that are selected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import actions, leaving, several
from ...board.actions import ACTIONS
from ...board.several import Outcome
from ...core.errors import TaskstoreError
from ...share import bundle
from ...store import tickets
from . import asking, parcels

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame
    from .elements import TasksGrid
    from .parcels import Parcels

_KINDS = ("artifacts", "models", "media", "source", "console")
_MAX_FOUND = 20
_MAX_COMPARED = 20
_ICONS = {
    **{"tag": "sell", "archive": "inventory_2", "unarchive": "unarchive", "clone": "content_copy"},
    **{"enqueue": "playlist_add", "abort": "stop_circle", "reset": "restart_alt", "publish": "verified"},
    **{"move": "drive_file_move", "delete": "delete"},
}


class Toolbar:
    """The buttons for what is selected; hidden while nothing is."""

    def __init__(self, desk: Desk, made: Frame, grid: TasksGrid, waiting: Parcels) -> None:
        self._desk = desk
        self._made = made
        self._grid = grid
        self._parcels = waiting
        self._selected: dict[str, str] = {}
        self._is_busy = False
        with ui.element("div").classes("tt-tools").props('role=toolbar aria-label="Selected tasks"') as self._place:
            self._count = ui.label().classes("tt-count").props('data-testid="selected-count"')
            self._button("compare", "Compare", "compare_arrows", self.compare)
            why = desk.why_read_only
            for key, icon in _ICONS.items():
                self._button(key, ACTIONS[key].label, icon, self._acting(key), why)
            self._button("zip", "Zip", "folder_zip", self._zip, why if desk.is_read_only else "")
            self._button("all", "Select all that fit", "select_all", lambda: grid.run_method("selectAll"))
            self._button("none", "Clear selection", "deselect", lambda: grid.run_method("select", []))
        self._place.set_visibility(False)

    def _button(self, key: str, label: str, icon: str, act: Callable[[], Any], why_not: str = "") -> None:
        button = ui.button(label, icon=icon, on_click=act, color=None).props(
            f'flat dense no-caps size=sm data-testid="do-{key}"'
        )
        if why_not:
            button.disable()
            button.tooltip(why_not)

    def show(self, selected: dict[str, str]) -> None:
        """Show what may be done to these tasks: names by ids."""
        self._selected = selected
        self._count.set_text(f"{len(selected):,} selected")
        self._place.set_visibility(bool(selected))

    def compare(self) -> None:
        """Go to the comparison of what is selected."""
        ids = list(self._selected)
        if not 2 <= len(ids) <= _MAX_COMPARED:
            self._made.feedback.say(f"Select 2 to {_MAX_COMPARED} tasks to compare them (x or space).")
            return
        ui.navigate.to(f"/compare?ids={','.join(ids)}")

    def _acting(self, key: str) -> Callable[[], Awaitable[None]]:
        return lambda: self._act(key)

    async def _act(self, key: str) -> None:
        values = await self._values(key)
        if values is None:
            return
        ids = list(self._selected)
        outcome = await self._run(lambda: several.do(self._desk.store, ids, key, values), ACTIONS[key].label)
        if outcome is not None:
            if key == "delete":
                self._grid.run_method("select", [failure.task_id for failure in outcome.failed])
            self._tell(outcome, ACTIONS[key].label)

    async def _values(self, key: str) -> dict[str, object] | None:
        """Ask what an action needs, or whether to lose something by it; None where the answer is no."""
        action, count = ACTIONS[key], len(self._selected)
        if key == "tag":
            changed = await asking.tags()
            return None if changed is None or changed == ([], []) else {"add": changed[0], "remove": changed[1]}
        if key == "move":
            known = sorted({row.project for row in self._desk.listing.rows})
            project = await asking.project(known, count)
            return None if project is None else {"project": project}
        if key in ("enqueue", "clone"):
            queues = await asyncio.to_thread(tickets.names, self._desk.store)
            title = f"{action.label} {count} task{'s' * (count != 1)}"
            names = list(dict.fromkeys([*queues, tickets.DEFAULT]))
            chosen = await asking.queue(names, title, may_be_none=key == "clone")
            return None if chosen is None else {"queue": chosen[0], "is_trusted": chosen[1]}
        if not action.asks:
            return {}
        title = f"{action.label} {count:,} task{'s' * (count != 1)}?"
        is_sure = await asking.confirm(title, action.asks, list(self._selected.values()), action.label)
        return {} if is_sure else None

    async def _run(self, work: Callable[[], Outcome], label: str) -> Outcome | None:
        """Work on a thread, one thing at a time, and see what has come of it."""
        if self._is_busy:
            self._made.feedback.say("One thing at a time: what was begun is not done yet.")
            return None
        self._is_busy = True
        self._made.feedback.say(f"{label}: {len(self._selected):,} tasks…")
        try:
            actions.check(self._desk.store, is_read_only=self._desk.is_read_only)
            return await asyncio.to_thread(work)
        except TaskstoreError as error:
            self._made.feedback.fail(error)
            return None
        finally:
            self._is_busy = False
            await self._desk.look()

    def _tell(self, outcome: Outcome, label: str) -> None:
        async def back() -> None:
            undone = await self._run(lambda: several.undo(self._desk.store, outcome), "Undo")
            if undone is not None:
                self._tell(undone, "Undo")

        if outcome.done:
            self._made.feedback.say(outcome.text, back=back if outcome.undo and label != "Undo" else None)
        else:
            self._made.feedback.clear()
        if outcome.failed:
            total = len(outcome.failed) + len(outcome.done)
            with self._place:
                asking.failures(
                    f"{label} failed for {len(outcome.failed):,} of {total:,}", outcome.failed, self._names()
                )

    def _names(self) -> dict[str, str]:
        return {row.id: row.task.name for row in self._desk.listing.rows} | self._selected

    async def _zip(self) -> None:
        ids, store = list(self._selected), self._desk.store
        without = await asking.without(_KINDS, len(ids))
        if without is None:
            return
        feedback = self._made.feedback
        feedback.say("Looking for secrets…")
        path = self._parcels.place("tasks.zip")
        try:
            found = await asyncio.to_thread(leaving.find, store, ids, without=without)
            answer = await asking.secrets(_first(found), len(found)) if found else "let out"
            if answer is None:
                feedback.say("Nothing has left the store.")
                return
            feedback.say(f"Zipping {len(ids):,} tasks…")
            path = path.with_name(await asyncio.to_thread(bundle.default_name, store, ids))
            is_masked = answer == "mask"
            made = await asyncio.to_thread(leaving.write, store, ids, path, without=without, is_masked=is_masked)
        except TaskstoreError as error:
            feedback.fail(error)
            return
        finally:
            if not path.exists():
                parcels.remove(path)
        ui.download.from_url(self._parcels.offer(path), path.name)
        left_out = "".join(f"\nleft out: {name}: {why}" for name, why in list(made.left_out.items())[:_MAX_FOUND])
        feedback.say(f"{len(made.task_ids):,} tasks in {path.name}, {made.size_bytes:,} bytes{left_out}")


def _first(found: list[leaving.Found]) -> list[str]:
    more = [f"and {len(found) - _MAX_FOUND:,} more"] if len(found) > _MAX_FOUND else []
    return [*map(str, found[:_MAX_FOUND]), *more]
