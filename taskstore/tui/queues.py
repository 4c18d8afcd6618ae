"""Queues and workers: what waits where, what runs where, since when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from ..core.spelling import ago
from ..queues import queue as queues
from ..store import workers
from ..store.query import Row
from ..store.store import Store
from .acting import ActingScreen
from .shared import begin
from .table import Column, Table
from .task import TaskScreen


@dataclass(frozen=True)
class Waiting:
    """A ticket as it is shown: of a task that waits, or that a worker has taken."""

    task_id: str
    position: int
    name: str
    project: str
    priority: int
    state: str


@dataclass(frozen=True)
class Slot:
    """A worker, with a task that it runs, if it runs one."""

    name: str
    state: str
    queues: str
    task_id: str
    since: datetime | None


class QueuesScreen(ActingScreen):
    """The queues, what is in the one at the cursor, and the workers."""

    DEFAULT_CSS = """
    QueuesScreen .head { height: 1; background: $panel; text-style: bold; }
    QueuesScreen #queues { height: 6; }
    QueuesScreen #workers { height: 6; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "leave", "back"),
        Binding("tab", "app.focus_next", "next part", priority=True),
        Binding("shift+tab", "app.focus_previous", "part before", show=False, priority=True),
        Binding("less_than_sign", "move(-1)", "sooner", tooltip="have the waiting task run sooner"),
        Binding("greater_than_sign", "move(1)", "later", tooltip="have the waiting task run later"),
    ]

    def compose(self) -> ComposeResult:
        """Three tables below one another."""
        yield Static("Queues", classes="head", markup=False)
        yield Table[queues.Counts](
            [
                Column("queue", lambda row: row.name),
                Column("waiting", lambda row: str(row.waiting), 8, is_right=True),
                Column("taken", lambda row: str(row.claimed), 8, is_right=True),
                Column("stale", lambda row: str(row.stale), 8, is_right=True),
            ],
            lambda row: row.name,
            id="queues",
        )
        yield Static("What is in it", classes="head", markup=False)
        yield Table[Waiting](
            [
                Column("#", lambda row: str(row.position or ""), 4, is_right=True),
                Column("name", lambda row: row.name),
                Column("project", lambda row: row.project, 16),
                Column("priority", lambda row: str(row.priority), 8, is_right=True),
                Column("state", lambda row: row.state, 24),
            ],
            lambda row: row.task_id,
            id="waiting",
            empty="nothing waits here; E on a task puts it into a queue",
        )
        yield Static("Workers", classes="head", markup=False)
        yield Table[Slot](
            [
                Column("worker", lambda row: row.name),
                Column("state", lambda row: row.state, 9),
                Column("queues", lambda row: row.queues, 18),
                Column("runs", lambda row: self._name_of(row.task_id), 20),
                Column("since", self._since, 12),
            ],
            lambda row: f"{row.name}\0{row.task_id}",
            id="workers",
            empty="no workers; `taskstore agent start` begins one",
        )
        yield Footer()

    def on_mount(self) -> None:
        """Show them."""
        self.query_one("#queues", Table).focus()
        begin(self, partial(self.follow, True))

    @property
    def waiting(self) -> Table[Waiting]:
        """What is in the queue."""
        return self.query_one("#waiting", Table)

    def _since(self, row: Slot) -> str:
        return "" if row.since is None else ago(row.since, self.board.store.clock.now())

    def _name_of(self, task_id: str) -> str:
        row = self._row_of(task_id)
        return task_id[:12] if row is None else row.task.name

    def _row_of(self, task_id: str) -> Row | None:
        return next((row for row in self.board.listing.rows if row.id == task_id), None)

    async def follow(self, changed: bool) -> None:
        """Look at the queues again."""
        with self.board.telling("queues"):
            store = self.board.store
            table: Table[queues.Counts] = self.query_one("#queues", Table)
            table.show(await asyncio.to_thread(queues.listed, store))
            if table.row is not None:
                self.waiting.show(await asyncio.to_thread(waiting_in, store, table.row.name))
            self.query_one("#workers", Table).show(await asyncio.to_thread(slots, store))

    def chosen(self) -> list[Row]:
        """What actions are about: the task at the cursor."""
        row = self.waiting.row
        found = None if row is None else self._row_of(row.task_id)
        return [] if found is None else [found]

    async def acted(self, done_ids: list[str], key: str) -> None:
        """Look again."""
        await self.follow(True)

    def on_table_moved(self, event: Table.Moved) -> None:
        """Show what is in another queue."""
        if event.table.id == "queues":
            begin(self, partial(self.follow, True))

    def on_table_opened(self, event: Table.Opened) -> None:
        """Go to what is in a queue, or open a task."""
        shown = event.row
        if isinstance(shown, queues.Counts):
            self.waiting.focus()
        elif isinstance(shown, (Waiting, Slot)):
            row = self._row_of(shown.task_id)
            if row is not None:
                self.app.push_screen(TaskScreen(row))

    def action_move(self, step: int) -> None:
        """Have the task at the cursor run sooner or later."""
        begin(self, partial(self._move, step))

    async def _move(self, step: int) -> None:
        row = self.waiting.row
        if row is None or not row.position:
            return
        with self.board.telling():
            await asyncio.to_thread(queues.move, self.board.store, row.task_id, max(1, row.position + step))
        await self.follow(True)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


def waiting_in(store: Store, name: str) -> Sequence[Waiting]:
    """Return what waits in a queue, in its order, and then what was taken of it."""
    found = [
        Waiting(
            entry.ticket.task_id,
            entry.position,
            entry.task.name if entry.task else entry.ticket.task_id,
            entry.project,
            entry.ticket.place.priority,
            entry.problem or "waits",
        )
        for entry in queues.show(store, name)
    ]
    for ticket, record in queues.show_claimed(store, name):
        task, project = queues.task_of(store, ticket)
        name_of = task.name if task else ticket.task_id
        state = f"taken by {record.worker or 'a worker'}"
        found.append(Waiting(ticket.task_id, 0, name_of, project, ticket.place.priority, state))
    return found


def slots(store: Store) -> list[Slot]:
    """Return every worker, once for each task that it runs."""
    found = []
    for seen in workers.listed(store):
        record = seen.record
        state = record.state if seen.is_alive else "lost"
        served = ", ".join(record.queues)
        found += [Slot(record.id, state, served, each.task, each.since) for each in record.running] or [
            Slot(record.id, state, served, "", record.started)
        ]
    return found
