"""All that the record of a task says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import task as board
from ...core.spelling import safe, size
from ...run import trust
from ..task import parts

if TYPE_CHECKING:
    from ...board.task import Relatives, Seen
    from ...store.query import Row
    from ..desk import Desk
    from ..frame import Frame

_HOST = ("os", "cpu_model", "cpu_cores_logical", "memory_bytes", "gpus", "container")
_MAX_LISTED = 200


async def show(desk: Desk, frame: Frame, task_id: str) -> None:  # noqa: ARG001 - all tabs are given it
    """Show a task's facts."""
    seen = await asyncio.to_thread(board.read, desk.store, task_id)
    family = board.relatives(desk.listing.rows, seen.row)
    _status(desk, seen)
    _identity(seen)
    _runtime(seen)
    _family(family)
    _imported(seen)


def _status(desk: Desk, seen: Seen) -> None:
    task = seen.row.task
    parts.heading("Status")
    parts.facts(
        [
            ("status", task.status.label),
            ("reason", task.status_reason),
            ("message", task.status_message.strip()),
            ("since", parts.moment(task.status_changed)),
            ("created", parts.moment(task.created)),
            ("started", parts.moment(task.started)),
            ("ended", parts.moment(task.completed)),
            ("ran", board.how_long(seen, desk.store)),
            ("last change", parts.moment(task.last_update)),
            ("progress", "" if seen.progress is None else f"{seen.progress:g} %"),
            ("iteration", "" if seen.row.last_iteration is None else f"{seen.row.last_iteration:,}"),
            ("queue", board.where_it_stands(seen.standing) or (task.execution.queue if task.execution else "")),
            ("worker", task.last_worker),
            ("archived", "yes" if seen.row.is_archived else ""),
        ],
        name="info-status",
    )


def _identity(seen: Seen) -> None:
    row, task = seen.row, seen.row.task
    parts.heading("Task")
    parts.facts(
        [
            ("id", task.id),
            ("name", task.name),
            ("project", lambda: parts.link(row.project, parts.project_address(row.project))),
            ("type", task.type),
            ("tags", ", ".join(task.tags)),
            ("system tags", ", ".join(task.system_tags)),
            ("comment", task.comment),
            ("user", task.user),
            ("host", task.host),
            ("outputs go to", task.output_destination),
            ("folder", board.folder(row.paths)),
        ],
        name="info-task",
    )


def _runtime(seen: Seen) -> None:
    runtime = dict(seen.row.task.runtime)
    host = {name: runtime.pop(name) for name in _HOST if runtime.get(name)}
    if host.get("memory_bytes", "").isdigit():
        host["memory"] = size(int(host.pop("memory_bytes")))
    if host:
        parts.heading("Machine")
        parts.facts([(name.replace("_", " "), value) for name, value in host.items()], name="info-machine")
    if runtime:
        parts.heading("Runtime")
        parts.facts(runtime.items(), name="info-runtime")


def _family(family: Relatives) -> None:
    if family.parent is not None or family.missing_parent:
        parts.heading("Parent")
        if family.parent is not None:
            _list([family.parent])
        else:
            ui.label(f"{safe(family.missing_parent)}, which is not in this store").classes("tk-break")
    if family.children:
        parts.heading("Children", note=f"{len(family.children):,}")
        _list(family.children)


def _list(rows: list[Row]) -> None:
    def linked(row: Row) -> Callable[[], None]:
        return lambda: parts.link(row.task.name, parts.task_address(row.id))

    parts.table(
        ["Name", "Status", "Created", "Project"],
        [
            (linked(row), row.task.status.label, parts.moment(row.task.created), row.project)
            for row in rows[:_MAX_LISTED]
        ],
        label="Tasks",
        name="family",
    )
    if len(rows) > _MAX_LISTED:
        ui.label(f"and {len(rows) - _MAX_LISTED:,} more").classes("tk-quiet")


def _imported(seen: Seen) -> None:
    marks = seen.row.task.imported
    if not marks:
        return
    parts.heading("Where it came from")
    for mark in marks:
        ui.label(safe(trust.came_from(mark))).classes("tk-break")
        for note in mark.notes:
            ui.label(parts.safe_lines(note)).classes("tk-quiet tk-break")
