"""Queues and workers: what waits, in which order, and what runs where, since when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from ...board.standing import QueueView, WatchedStanding
from ...core.errors import TaskstoreError
from ...queues import queue as queues
from ...store.workers import Seen
from .. import grid, moments
from ..frame import Frame, empty, frame

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk

_LOOK_S = 2.0


def register(desk: Desk, application: FastAPI) -> None:  # noqa: ARG001 - all pages are registered alike
    """Answer at `/queues`."""
    watched = WatchedStanding(desk.store, lambda: desk.listing.version)

    @ui.page("/queues")
    async def page() -> None:
        with frame(desk, "Queues", at="/queues") as made:
            await asyncio.to_thread(watched.look)
            await _Page(desk, made, watched).build()


class _Page:
    def __init__(self, desk: Desk, made: Frame, watched: WatchedStanding) -> None:
        self._desk = desk
        self._frame = made
        self._watched = watched
        self._shown: object = None
        self._is_open = not desk.why_read_only

    async def build(self) -> None:
        with ui.row().classes("items-center w-full"):
            ui.label("Queues and workers").classes("text-h6").props("role=heading aria-level=1")
            ui.space()
            if self._is_open:
                name = ui.input("New queue").props("dense outlined").classes("w-48")
                ui.button("Create", on_click=lambda: self._create(name)).props("no-caps outline")
                name.on("keydown.enter", lambda: self._create(name))
        self._place = ui.column().classes("w-full gap-4")
        self._draw()
        ui.timer(_LOOK_S, self._look)

    async def _look(self) -> None:
        await asyncio.to_thread(self._watched.look)
        if self._watched.now is not self._shown:
            self._draw()

    def _draw(self) -> None:
        self._shown = standing = self._watched.now
        self._place.clear()
        with self._place:
            for view in standing.queues:
                self._draw_queue(view)
            self._draw_workers(standing.workers)

    def _draw_queue(self, view: QueueView) -> None:
        with ui.card().classes("w-full").props("flat bordered"):
            with ui.row().classes("items-center w-full"):
                ui.label(view.name).classes("text-subtitle1").props("role=heading aria-level=2")
                good = sum(entry.problem is None for entry in view.waiting)
                ui.label(f"{good} waiting, {len(view.taken)} running").classes("opacity-80")
                ui.space()
                if self._is_open:
                    self._queue_buttons(view)
            if not view.waiting and not view.taken:
                empty("Nothing waits here.", f"taskstore enqueue TASK --queue {view.name}")
                return
            with grid.table(f"What waits in {view.name}", ("", "Task", "Project", "Priority", "Since", "")):
                for taken in view.taken:
                    with grid.row():
                        grid.cell("running")
                        grid.task_cell(taken.task.name if taken.task else "", taken.ticket.task_id)
                        grid.cell(taken.project)
                        grid.cell(taken.ticket.place.priority)
                        grid.cell(moments.moment(taken.record.claimed))
                        grid.cell(f"worker {taken.record.worker}" if taken.record.worker else "")
                for entry in view.waiting:
                    with grid.row():
                        grid.cell(entry.position or "stale")
                        grid.task_cell(entry.task.name if entry.task else "", entry.ticket.task_id)
                        grid.cell(entry.project)
                        grid.cell(entry.ticket.place.priority)
                        grid.cell(moments.moment(entry.task.status_changed) if entry.task else "")
                        with grid.box():
                            if entry.problem is not None:
                                ui.label(entry.problem)
                            elif self._is_open:
                                self._entry_buttons(entry.ticket.task_id, entry.position, good)

    def _queue_buttons(self, view: QueueView) -> None:
        store, name = self._desk.store, view.name
        if view.waiting:
            ui.button(
                "Empty", on_click=lambda: self._ask(f"Take all {len(view.waiting)} tasks out of {name}?", purge)
            ).props("flat dense no-caps").props["aria-label"] = f"Empty {name}"
        if name != "default":
            ui.button("Delete", on_click=lambda: self._ask(f"Delete the queue {name}?", delete)).props(
                "flat dense no-caps"
            ).props["aria-label"] = f"Delete {name}"

        def purge() -> str:
            return f"{queues.purge(store, name)} tasks taken out of {name}"

        def delete() -> str:
            queues.delete(store, name)
            return f"queue {name} deleted"

    def _entry_buttons(self, task_id: str, position: int, count: int) -> None:
        store = self._desk.store

        def button(icon: str, label: str, to: int, *, is_enabled: bool) -> None:
            made = ui.button(icon=icon, on_click=partial(self._do, lambda: self._moved(task_id, to)))
            made.props("flat dense round").props["aria-label"] = f"{label} {task_id[:12]}"
            made.set_enabled(is_enabled)

        button("vertical_align_top", "To the front:", 1, is_enabled=position > 1)
        button("arrow_upward", "Up:", position - 1, is_enabled=position > 1)
        button("arrow_downward", "Down:", position + 1, is_enabled=position < count)

        def dequeue() -> str:
            from ...run import remote

            remote.dequeue(store, task_id)
            return f"{task_id[:12]} waits no more"

        made = ui.button(icon="close", on_click=partial(self._do, dequeue)).props("flat dense round")
        made.props["aria-label"] = f"Dequeue {task_id[:12]}"

    def _moved(self, task_id: str, to: int) -> str:
        return f"{task_id[:12]} is at position {queues.move(self._desk.store, task_id, to).position}"

    def _draw_workers(self, found: tuple[Seen, ...]) -> None:
        ui.label("Workers").classes("text-subtitle1").props("role=heading aria-level=2")
        if not found:
            empty("No agent runs.", "taskstore agent start --queue default")
            return
        with grid.table("Workers", ("Worker", "Host", "State", "Queues", "Slots", "Runs", "Since")):
            for seen in found:
                record = seen.record
                for running in (*record.running, *([] if record.running else [None])):
                    with grid.row():
                        grid.cell(record.id)
                        grid.cell(record.host)
                        grid.cell(record.state if seen.is_alive else "gone")
                        grid.cell(", ".join(record.queues))
                        grid.cell(record.slots)
                        if running is None:
                            grid.cell("idle")
                            grid.cell(moments.moment(record.started))
                        else:
                            grid.task_cell(self._name_of(running.task), running.task)
                            grid.cell(moments.moment(running.since))

    def _name_of(self, task_id: str) -> str:
        return next((row.task.name for row in self._desk.listing.rows if row.id == task_id), "")

    async def _create(self, name: ui.input) -> None:
        wanted = name.value or ""
        if await self._do(lambda: f"queue {queues.create(self._desk.store, wanted)} created"):
            name.set_value("")

    def _ask(self, question: str, act: Callable[[], str]) -> None:
        with ui.dialog() as dialog, ui.card():
            ui.label(question)
            with ui.row():
                ui.button("Yes", on_click=lambda: (dialog.close(), self._do(act))[1]).props("no-caps color=negative")
                ui.button("No", on_click=dialog.close).props("no-caps flat")
        dialog.open()

    async def _do(self, act: Callable[[], str]) -> bool:
        try:
            self._desk.check()
            text = await asyncio.to_thread(act)
        except TaskstoreError as error:
            self._frame.feedback.fail(error)
            return False
        self._frame.feedback.say(text)
        await self._desk.look()
        await self._look()
        return True
