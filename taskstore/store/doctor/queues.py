"""Checks and repairs of queues: each ticket has a task that waits, and each task that waits has a ticket.

Between a ticket and its task's record a crash may come; whoever takes tickets then drops it, and here it is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...core.errors import Damaged, NotFound, Refused
from ...core.names import encode
from ...core.states import Status
from ...disk.atomic import is_temporary, replace_record
from ...disk.beacon import is_alive
from ...disk.layout import QueuePaths, TaskPaths
from ...disk.text import read_bytes
from ...schema import codec
from ...schema.queue import Place, QueueRecord, TicketRecord, place_of, rank_of
from ...schema.record import TaskRecord
from .. import ancestry, places, tasks, tickets, workers
from ..store import Store
from ..tickets import Ticket
from . import quarantine
from .finding import Finding, Kind


def check(store: Store) -> Iterator[Finding]:
    """Yield what is wrong with queues and tickets; it reads the record of every task."""
    homes = tickets.folders(store)
    waiting = dict(_waiting(store))
    ticketed: set[tuple[str, str]] = set()
    for home in homes:
        yield from _queue(home)
        name = tickets.name_of(home)
        if name is not None:
            for folder in (home.waiting, home.claimed):
                yield from _strangers(folder)
            yield from _tickets(store, name, waiting, ticketed)
            yield from _claims(store, name, waiting, ticketed)
    if any(tickets.name_of(home) is None for home in homes):
        return  # a task may have its ticket where nobody can tell which queue it is
    for task_id, record in waiting.items():
        queue = _queue_of(record)
        if (queue, task_id) not in ticketed:
            yield Finding(Kind.UNQUEUED, places.locate(store, task_id).record, *_unqueued(store, queue))


def _waiting(store: Store) -> Iterator[tuple[str, TaskRecord]]:
    """Yield the record of every task that waits."""
    for folder, task_id in places.walk(store, []):
        store.places[task_id] = Path(folder) / task_id
        try:
            record = tasks.read(TaskPaths(Path(folder) / task_id))
        except (Damaged, FileNotFoundError):
            continue
        if record.status is Status.QUEUED and not ancestry.is_elsewhere(TaskPaths(Path(folder) / task_id), record):
            yield task_id, record


def _queue_of(record: TaskRecord) -> str:
    return record.execution.queue if record.execution is not None else ""


def _unqueued(store: Store, queue: str) -> tuple[str, str]:
    if _is_there(store, queue):
        return f"it waits in queue {queue!r}, and has no ticket there", "put a ticket at the end of the queue"
    what = f"it waits in queue {queue!r}, which is not there" if queue else "it waits, and names no queue"
    return what, "give it the status back that it had before"


def _is_there(store: Store, queue: str) -> bool:
    return bool(queue) and store.paths.queue(queue).waiting.is_dir()


def _queue(home: QueuePaths) -> Iterator[Finding]:
    missing = [folder.name for folder in (home.waiting, home.claimed) if not folder.is_dir()]
    if missing:
        why = f"it has no folder {missing[0]!r}: its removal or a copy was interrupted"
        yield Finding(Kind.QUEUE, home.home, why, "make the folder again")
    name = tickets.name_of(home)
    if name is None:
        yield Finding(Kind.QUEUE, home.record, "its long name is lost: write the whole name into queue.json")
        return
    if encode(name) != home.home.name:
        yield Finding(Kind.QUEUE, home.home, f"no queue is found by this folder's name; that of {name!r} is another")
        return
    try:
        said = tickets.read_queue(home).name
        why = f"it says that its name is {said!r}" if said != name else ""
    except FileNotFoundError:
        why = "the file is missing"
    except Damaged as error:
        why = error.why
    if why:
        yield Finding(Kind.QUEUE, home.record, why, f"write {name!r}, as its folder says")


def _strangers(folder: Path) -> Iterator[Finding]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if place_of(path.name) is None and not is_temporary(path.name):
                yield Finding(Kind.TICKET, path, "it is no ticket", "move it to quarantine")


def _tickets(
    store: Store, queue: str, waiting: dict[str, TaskRecord], ticketed: set[tuple[str, str]]
) -> Iterator[Finding]:
    for ticket in tickets.of_queue(store, queue):
        problem = _problem(ticket, waiting)
        if problem is None and (queue, ticket.task_id) in ticketed:
            problem = "its task has another ticket before it"
        if problem is not None:
            yield Finding(Kind.TICKET, ticket.path, problem, "move it to quarantine")
            continue
        ticketed.add((queue, ticket.task_id))
        try:
            ticket.read()
        except Damaged as error:
            yield Finding(Kind.TICKET, ticket.path, error.why, "write it again: its name says all that counts")
        except FileNotFoundError:
            continue  # taken just now


def _problem(ticket: Ticket, waiting: dict[str, TaskRecord]) -> str | None:
    record = waiting.get(ticket.task_id)
    if record is None:
        return "its task does not wait: a crash came between the two, or it was changed by hand"
    if not tickets.is_good(ticket.queue, record):
        return f"its task waits in queue {_queue_of(record)!r}"
    return None


def _claims(
    store: Store, queue: str, waiting: dict[str, TaskRecord], ticketed: set[tuple[str, str]]
) -> Iterator[Finding]:
    """A ticket that was taken is its taker's while that lives, or may: of another machine's nothing is known."""
    for ticket in tickets.of_queue(store, queue, claimed=True):
        is_good = _problem(ticket, waiting) is None
        if is_good:
            ticketed.add((queue, ticket.task_id))
        if workers.is_abandoned(store, ticket) and not _runs_on(store, ticket):
            yield Finding(
                Kind.CLAIM, ticket.path, "the worker that has taken it is gone", _claim_repair(ticket, waiting)
            )


def _runs_on(store: Store, ticket: Ticket) -> bool:
    """Tell whether the task lives though its worker does not: it is let run to its end."""
    try:
        paths = places.locate(store, ticket.task_id)
        return tasks.read(paths).status is Status.IN_PROGRESS and is_alive(paths.beacon, store.locks)
    except (NotFound, Damaged, FileNotFoundError):
        return False


def _claim_repair(ticket: Ticket, waiting: dict[str, TaskRecord]) -> str:
    if _problem(ticket, waiting) is None:
        return "put it back into the queue"
    return "put its task back, or call it failed, as the queue says"


def mend_queue(store: Store, finding: Finding) -> None:
    """Make a queue's folders, or its record, again."""
    home = QueuePaths(finding.path if finding.path.is_dir() else finding.path.parent)
    if finding.path == home.home:
        home.waiting.mkdir(exist_ok=True)
        home.claimed.mkdir(exist_ok=True)
        return
    if home.record.is_dir():
        quarantine.take(store, home.record, finding.message)
    elif home.record.exists():
        quarantine.keep_copy(store, home.record, finding.message)
    record = QueueRecord(rev=1, name=tickets.name_of(home) or "", created=store.clock.now(), who=tasks.who())
    replace_record(home.record, codec.encode(record))


def mend_ticket(store: Store, finding: Finding) -> None:
    """Take a ticket out that is none, or not good; write one again that cannot be read."""
    place = place_of(finding.path.name)
    if place is None:
        quarantine.take(store, finding.path, finding.message)
        return
    ticket = Ticket(_queue_name(finding.path), place, finding.path)
    try:
        tasks.under_lock(store, ticket.task_id, lambda paths: _settle(store, ticket, tasks.read(paths), finding))
    except NotFound:
        quarantine.take(store, finding.path, finding.message)


def _queue_name(ticket: Path) -> str:
    return tickets.name_of(QueuePaths(ticket.parent.parent)) or ""


def _settle(store: Store, ticket: Ticket, record: TaskRecord, finding: Finding) -> None:
    """Under the task's lock: whoever enqueues it is done with both."""
    if not ticket.path.exists():
        return  # taken, or somebody was first
    first = next((each for each in tickets.of_queue(store, ticket.queue) if each.task_id == record.id), ticket)
    if not tickets.is_good(ticket.queue, record) or first.path != ticket.path:
        quarantine.take(store, ticket.path, finding.message)
        return
    try:
        ticket.read()
    except Damaged:
        if ticket.path.is_dir():
            quarantine.take(store, ticket.path, finding.message)
        else:
            quarantine.keep_copy(store, ticket.path, finding.message)
        replace_record(ticket.path, codec.encode(TicketRecord(rev=1, task=record.id)))


def mend_claim(store: Store, finding: Finding) -> None:
    """Put a ticket back whose worker is gone, where its task still waits; else take it out.

    A task that has begun is put back by whoever takes tickets (agent/recovery.py), which comes before this.
    """
    place = place_of(finding.path.name)
    ticket = Ticket(_queue_name(finding.path), place, finding.path) if place is not None else None
    if ticket is None or not workers.is_abandoned(store, ticket):
        raise Refused(f"{finding.path} is not what it was; look again")
    mended = ticket

    def action(paths: TaskPaths) -> None:
        if not mended.path.exists():
            return
        if tickets.is_good(mended.queue, tasks.read(paths)):
            mended.path.rename(tickets.new(store, mended.queue, replace(mended.place, owner="")).path)
        else:
            quarantine.take(store, mended.path, finding.message)

    try:
        tasks.under_lock(store, ticket.task_id, action)
    except NotFound:
        quarantine.take(store, finding.path, finding.message)


def mend_unqueued(store: Store, finding: Finding) -> None:
    """Put a task that waits without a ticket back into its queue; without a queue it does not wait any more."""

    def action(paths: TaskPaths) -> None:
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        queue = _queue_of(record)
        if record.status is not Status.QUEUED or any(_tickets_in(store, queue, record.id)):
            return
        if not _is_there(store, queue):
            tasks.take_back(store, record, "the queue that it waited in is not there")
            tasks.write(paths, record, previous)
            return
        key = max((each.place.key for each in tickets.of_queue(store, queue)), default=0) + 1
        place = Place(rank_of(0), max(key, int(store.clock.now().timestamp() * 1_000_000) * 1_000), record.id)
        ticket = TicketRecord(rev=1, task=record.id, enqueued=store.clock.now(), who=tasks.who())
        tickets.write(store, tickets.new(store, queue, place), ticket)

    tasks.under_lock(store, finding.path.parent.name, action)


def _tickets_in(store: Store, queue: str, task_id: str) -> Iterator[Ticket]:
    for is_claimed in (False, True):
        yield from (each for each in tickets.of_task(store, task_id, claimed=is_claimed) if each.queue == queue)
