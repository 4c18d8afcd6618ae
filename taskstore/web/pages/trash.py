"""The trash: what was deleted, to be restored or deleted for good."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import actions
from ...core.errors import TaskstoreError
from ...schema.record import TaskRecord
from ...store import tasks, trash
from .. import grid, moments
from ..frame import Frame, empty, frame

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk

_SHOWN = 200


def register(desk: Desk, application: FastAPI) -> None:  # noqa: ARG001 - all pages are registered alike
    """Answer at `/trash`."""

    @ui.page("/trash")
    async def page() -> None:
        with frame(desk, "Trash", at="/trash") as made:
            ui.label("Trash").classes("text-h6").props("role=heading aria-level=1")
            place = ui.column().classes("w-full")
            await _draw(desk, made, place)


def _read(desk: Desk) -> list[tuple[str, TaskRecord | None]]:
    """Return what is in the trash, the last deleted first; None for a record that cannot be read."""
    found: list[tuple[str, TaskRecord | None]] = []
    for paths in trash.listed(desk.store):
        try:
            found.append((paths.id, tasks.read(paths)))
        except (TaskstoreError, OSError):
            found.append((paths.id, None))
    return sorted(
        found, key=lambda item: str(item[1].trashed.time if item[1] and item[1].trashed else ""), reverse=True
    )


async def _draw(desk: Desk, made: Frame, place: ui.column) -> None:
    found = await asyncio.to_thread(_read, desk)
    place.clear()
    with place:
        if not found:
            empty("Nothing is in the trash.")
            return
        is_open = not desk.why_read_only
        more = f"; the last {_SHOWN} are shown" if len(found) > _SHOWN else ""
        with ui.row().classes("items-center"):
            ui.label(f"{len(found)} deleted{more}")
            if is_open:
                ui.button("Empty the trash", on_click=lambda: _ask(desk, made, place, found)).props("flat no-caps")
        with grid.table("Deleted tasks", ("Task", "Project", "Status", "Deleted", "")):
            for task_id, record in found[:_SHOWN]:
                with grid.row():
                    grid.cell(record.name if record else f"{task_id[:12]} (damaged)")
                    trashed = record.trashed if record else None
                    grid.cell(trashed.project if trashed else "")
                    grid.cell(record.status.label if record else "")
                    grid.cell(moments.moment(trashed.time) if trashed else "")
                    with grid.box():
                        if is_open:
                            _button("Restore", partial(_restore, desk, made, place, task_id), task_id)
                            _button(
                                "Delete for good", lambda item=task_id: _ask(desk, made, place, [(item, None)]), task_id
                            )


def _button(label: str, act: object, task_id: str) -> None:
    made = ui.button(label, on_click=act).props("flat dense no-caps")  # type: ignore[arg-type]  # any handler
    made.props["aria-label"] = f"{label}: {task_id[:12]}"


async def _restore(desk: Desk, made: Frame, place: ui.column, task_id: str) -> None:
    await made.feedback.attempt(desk.do(task_id, "restore"))
    await _draw(desk, made, place)


def _ask(desk: Desk, made: Frame, place: ui.column, found: list[tuple[str, TaskRecord | None]]) -> None:
    what = "This task is" if len(found) == 1 else f"All {len(found)} tasks are"

    async def purge() -> None:
        dialog.close()
        text = await asyncio.to_thread(_purge, desk, [task_id for task_id, _ in found])
        (made.feedback.fail if text.startswith("not ") else made.feedback.say)(text)
        await _draw(desk, made, place)

    with ui.dialog() as dialog, ui.card().props('role=dialog aria-label="Delete for good?"'):
        ui.label(f"{what} deleted for good: nothing brings back what was in the trash.")
        with ui.row():
            ui.button("Delete for good", on_click=purge).props("no-caps color=negative").props["data-testid"] = "purge"
            ui.button("Keep", on_click=dialog.close).props("no-caps flat")
    dialog.open()


def _purge(desk: Desk, task_ids: list[str]) -> str:
    failed = []
    for task_id in task_ids:
        try:
            actions.check(desk.store, is_read_only=desk.is_read_only)
            actions.do(desk.store, task_id, "purge")
        except TaskstoreError as error:
            failed.append(str(error))
    return f"not all were deleted: {'; '.join(failed)}" if failed else f"{len(task_ids)} deleted for good"
