"""Making and looking at queues, and a task's way into one and out of it.

A queue is a folder of tickets, one for each task that waits. Who takes one renames it, so of any number of takers one
wins, on any filesystem (docs/decisions/0020-claiming-is-a-rename.md). A ticket is good while its task is queued and
names the queue; others are dropped with a word, and never silently.
"""

from __future__ import annotations

import contextlib
import errno
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import BadTransition, BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused
from ..core.names import check_name
from ..core.states import Status
from ..disk.atomic import replace_record, staging_beside, sync_folder
from ..disk.layout import QueuePaths, TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.queue import Place, QueueRecord, TicketRecord, rank_of
from ..schema.record import DEVELOPMENT, TaskRecord
from ..store import places, tasks, tickets
from ..store.store import Store, writing
from ..store.tickets import DEFAULT, Ticket

_ENQUEUED_FROM = frozenset({Status.CREATED, Status.STOPPED, Status.FAILED, Status.QUEUED})
_STEP_NS = 1_000
"""Between two tickets of one moment: room for ten to be moved between them before others are moved on."""
_SHIFT_NS = 1_000_000


@dataclass(frozen=True)
class Entry:
    """One ticket as a person is shown it. `problem` says why it will be dropped; None: its task really waits."""

    ticket: Ticket
    position: int
    project: str = ""
    task: TaskRecord | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many tasks wait in a queue, how many workers have taken, and how many tickets are not good."""

    name: str
    waiting: int
    claimed: int
    stale: int


def check(name: str) -> str:
    """Return a queue's name stripped. Raises BadName: it has at least 3 characters."""
    return check_name("queue", name)


def find(store: Store, name: str) -> str:
    """Return the name of a queue that is there; the default one always is. Raises NotFound saying how to make it."""
    name = name.strip()
    if not name:
        raise BadValue("no queue named; `taskstore queue ls` lists them")
    if name != DEFAULT and not store.paths.queue(name).waiting.is_dir():
        raise tickets.unknown(name)
    return name


def create(store: Store, name: str) -> str:
    """Make a queue; return its name. Raises BadName, ReadOnly, Conflict where it is there."""
    name = check(name)
    if not ensure(store, name):
        raise Conflict(f"there is a queue '{name}' already")
    return name


def ensure(store: Store, name: str) -> bool:
    """Make a queue where it is not there, whole by one rename; tell whether it was not there. Raises ReadOnly."""
    with writing(store):
        return _appear(store, name)


def _appear(store: Store, name: str) -> bool:
    home = store.paths.queue(name)
    if home.waiting.is_dir():
        return False
    store.paths.queues.mkdir(exist_ok=True)
    staging = QueuePaths(staging_beside(home.home))
    try:
        staging.waiting.mkdir(parents=True)
        staging.claimed.mkdir()
        record = QueueRecord(rev=1, name=name, created=store.clock.now(), who=tasks.who())
        replace_record(staging.record, codec.encode(record))
        staging.home.rename(home.home)
    except OSError as error:
        shutil.rmtree(staging.home, ignore_errors=True)
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Another was first, or what is there is the rest of one whose removal was interrupted.
        home.claimed.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            home.waiting.mkdir()
            return True
        return False
    sync_folder(store.paths.queues)
    return True


def delete(store: Store, name: str, *, force: bool = False) -> int:
    """Remove a queue; return how many tasks `force` has taken out of it before.

    Without `force` one that is not empty is refused, and so is the default queue. A ticket that comes while it is being
    removed keeps it.
    """
    name = find(store, name)
    if name == DEFAULT:
        raise Refused(f"the queue '{DEFAULT}' is always there; `taskstore queue purge {DEFAULT}` empties it")
    home = store.paths.queue(name)
    taken = tickets.of_queue(store, name, claimed=True)
    if not force and (taken or tickets.of_queue(store, name)):
        raise _not_empty(name)
    purged = purge(store, name) if force else 0
    try:
        with writing(store):
            home.waiting.rmdir()  # from here on it is not there
    except FileNotFoundError:
        raise tickets.unknown(name) from None
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise _not_empty(name) from None
        raise
    for ticket in taken:
        tickets.discard(ticket)
    with contextlib.suppress(OSError):  # doctor finishes what something has come in the way of
        home.claimed.rmdir()
        home.record.unlink()
        home.home.rmdir()
    sync_folder(store.paths.queues)
    return purged


def _not_empty(name: str) -> Refused:
    return Refused(f"the queue '{name}' is not empty; --force takes its tasks out of it first")


def purge(store: Store, name: str) -> int:
    """Take every task out of a queue, and every ticket that is not good; return how many tasks were taken out."""
    done = 0
    for ticket in tickets.of_queue(store, find(store, name)):
        try:
            dequeue(store, ticket.task_id, only=ticket.queue)
            done += 1
        except ReadOnly:
            raise  # it waits still
        except (Refused, NotFound):
            tickets.discard(ticket)
    return done


def listed(store: Store) -> list[Counts]:
    """Return every queue and how much is in it, by name. What is counted as waiting really waits."""
    found = []
    look_up(store)
    for name in tickets.names(store):
        entries = _entries(store, tickets.of_queue(store, name))
        stale = sum(entry.problem is not None for entry in entries)
        claimed = len(tickets.of_queue(store, name, claimed=True))
        found.append(Counts(name, len(entries) - stale, claimed, stale))
    return found


def show(store: Store, name: str) -> list[Entry]:
    """Return what waits in a queue, in the order in which it is taken; what is not good is marked."""
    name = find(store, name)
    look_up(store)
    return _entries(store, tickets.of_queue(store, name))


def how_to_run(name: str) -> str:
    """Return the command that runs what waits in a queue."""
    return f"taskstore agent start --queue {shlex.quote(name)}"


def count(store: Store, name: str) -> int:
    """Return how many tasks really wait in a queue. Raises NotFound."""
    return sum(entry.problem is None for entry in show(store, name))


def show_claimed(store: Store, name: str) -> list[tuple[Ticket, TicketRecord]]:
    """Return what workers have taken of a queue, and not yet done with."""
    found = []
    for ticket in tickets.of_queue(store, find(store, name), claimed=True):
        with contextlib.suppress(FileNotFoundError, Damaged):
            found.append((ticket, ticket.read()))
    return found


def look_up(store: Store) -> None:
    """Remember where every task is: one walk instead of one for each ticket."""
    store.places.update((task_id, Path(folder) / task_id) for folder, task_id in places.walk(store, []))


def _entries(store: Store, found: list[Ticket]) -> list[Entry]:
    entries = []
    position = 0
    for ticket in found:
        record, project, problem = _looked_at(store, ticket)
        position += problem is None
        entries.append(Entry(ticket, position if problem is None else 0, project, record, problem))
    return entries


def task_of(store: Store, ticket: Ticket) -> tuple[TaskRecord | None, str]:
    """Return the task of a ticket, and its project; None where it is not to be read."""
    return _looked_at(store, ticket)[:2]


def _looked_at(store: Store, ticket: Ticket) -> tuple[TaskRecord | None, str, str | None]:
    try:
        paths = places.locate(store, ticket.task_id)
        record = tasks.read(paths)
    except (NotFound, FileNotFoundError):
        where = "in the trash" if store.paths.trashed(ticket.task_id).record.is_file() else "deleted"
        return None, "", f"its task is {where}"
    except Damaged as error:
        return None, "", f"its task's record is damaged: {error.why}"
    return record, places.project_of(store, paths.home), why_not(ticket, record)


def why_not(ticket: Ticket, record: TaskRecord) -> str | None:
    """Say why a ticket is not good any more; None where it is."""
    if tickets.is_good(ticket.queue, record):
        return None
    if record.status is not Status.QUEUED:
        return f"its task is {record.status.label} by now"
    queue = record.execution.queue if record.execution else ""
    return f"its task waits in queue '{queue}'" if queue else "its task names no queue"


def position(store: Store, task_id: str) -> tuple[str, int, int] | None:
    """Return (queue, position from 1, how many wait there) of a task that waits; None where it has no ticket."""
    for ticket in tickets.of_task(store, task_id):
        waiting = [each for each in show(store, ticket.queue) if each.problem is None]
        for entry in waiting:
            if entry.ticket.task_id == task_id:
                return ticket.queue, entry.position, len(waiting)
    return None


def enqueue(store: Store, task_id: str, queue: str = DEFAULT, *, priority: int = 0) -> TaskRecord:
    """Put a draft, or a task that was stopped or has failed, into a queue, and out of any other.

    The higher priority (-1000 to 1000) comes first, and within one who came first. Its status is queued from then on,
    and what it was is kept for `dequeue`. Raises NotFound, BadTransition, BadValue; Conflict where it is there already.
    """
    queue = find(store, queue)
    rank = rank_of(priority)
    if queue == DEFAULT:
        ensure(store, queue)

    def put(paths: TaskPaths, record: TaskRecord) -> None:
        before = tasks.read(paths)
        _clear_the_way(store, queue, before)
        place = Place(rank, _next_key(store, queue, rank), task_id)
        record.system_tags = [tag for tag in record.system_tags if tag != DEVELOPMENT]
        was = before.status if before.status is not Status.QUEUED else before.enqueue_status or Status.CREATED
        tickets.mark_waiting(record, queue, was)
        ticket = TicketRecord(rev=1, task=task_id, enqueued=store.clock.now(), who=tasks.who())
        tickets.write(store, tickets.new(store, queue, place), ticket)

    return tasks.transition(
        store, task_id, Status.QUEUED, only_from=_ENQUEUED_FROM, reason=f"enqueued in {queue}", also=put
    )


def _clear_the_way(store: Store, queue: str, before: TaskRecord) -> None:
    """Remove earlier tickets of the task in this queue, which are not good; Conflict where one is."""
    if tickets.is_good(queue, before):
        if any(ticket.queue == queue for ticket in tickets.of_task(store, before.id)):
            raise Conflict(f"task {before.id[:12]} waits in queue '{queue}' already")
        if any(ticket.queue == queue for ticket in tickets.of_task(store, before.id, claimed=True)):
            raise Conflict(f"task {before.id[:12]} was taken from queue '{queue}' by a worker just now")
    for ticket in tickets.of_task(store, before.id):
        if ticket.queue == queue:
            tickets.discard(ticket)


def _next_key(store: Store, queue: str, rank: int) -> int:
    """Return a key behind all others of a rank, whatever the clocks of other machines have said."""
    now_ns = int(store.clock.now().timestamp() * 1_000_000) * 1_000
    last = max((ticket.place.key for ticket in tickets.of_queue(store, queue) if ticket.place.rank == rank), default=0)
    return max(now_ns, last + _STEP_NS)


def dequeue(store: Store, task_id: str, *, only: str | None = None) -> TaskRecord:
    """Take a task out of the queue that it waits in (`only` where it is that one); its status is as it was before.

    Raises Refused where it waits in none.
    """

    def action(paths: TaskPaths) -> TaskRecord:
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        if record.status is not Status.QUEUED or (only is not None and not tickets.is_good(only, record)):
            raise Refused(f"task {task_id[:12]} is {record.status.label}: it waits in no queue")
        tasks.take_back(store, record, "dequeued")
        tasks.write(paths, record, previous)
        tickets.prune(store, record)
        return record

    return tasks.under_lock(store, task_id, action)


def move(store: Store, task_id: str, to: int) -> Entry:
    """Give a waiting task another position in its queue, counted from 1; -1 is the last. Returns its entry.

    Its priority becomes that of its new neighbours, as far as it must. Raises NotFound where it does not wait,
    BadTransition where a worker takes it meanwhile.
    """
    ticket = _waiting(store, task_id)
    if to == 0 or to < -1:
        raise BadValue(f"a position in a queue is a number from 1 on, or -1 for the last, not {to}")
    good = [entry.ticket for entry in show(store, ticket.queue) if entry.problem is None]
    others = [each for each in good if each.task_id != task_id]
    at = len(others) if to == -1 else min(to - 1, len(others))
    above = others[at - 1] if at else None
    below = others[at] if at < len(others) else None
    if above is not None and below is not None and _is_full(above.place, below.place):
        _make_room(store, others, at)
        return move(store, task_id, to)
    return _put_at(store, ticket, _between(ticket.place, above, below))


def set_priority(store: Store, task_id: str, priority: int) -> Entry:
    """Give a waiting task another priority; among those of that, it stands by when it came. Raises as `move`."""
    ticket = _waiting(store, task_id)
    return _put_at(store, ticket, Place(rank_of(priority), ticket.place.key, task_id))


def _waiting(store: Store, task_id: str) -> Ticket:
    record = tasks.read(places.locate(store, task_id))
    for ticket in tickets.of_task(store, task_id):
        if tickets.is_good(ticket.queue, record):
            return ticket
    raise NotFound("waiting task", task_id, f"it is {record.status.label}; `taskstore enqueue` puts it into a queue")


def _put_at(store: Store, ticket: Ticket, place: Place) -> Entry:
    if tickets.moved(store, ticket, place) is None:
        raise BadTransition(ticket.task_id, Status.QUEUED.value, Status.QUEUED.value, "a worker has taken it meanwhile")
    return next(entry for entry in show(store, ticket.queue) if entry.ticket.task_id == ticket.task_id)


def _is_full(above: Place, below: Place) -> bool:
    return above.rank == below.rank and below.key - above.key < 2


def _between(own: Place, above: Ticket | None, below: Ticket | None) -> Place:
    rank = own.rank
    if above is not None:
        rank = max(rank, above.place.rank)
    if below is not None:
        rank = min(rank, below.place.rank)
    is_tied_above = above is not None and above.place.rank == rank
    is_tied_below = below is not None and below.place.rank == rank
    if is_tied_above and is_tied_below:
        key = (above.place.key + below.place.key) // 2  # type: ignore[union-attr]  # what is tied is there
    elif is_tied_above:
        key = max(own.key, above.place.key + _STEP_NS)  # type: ignore[union-attr]  # as above
    elif is_tied_below:
        key = max(0, min(own.key, below.place.key - _STEP_NS))  # type: ignore[union-attr]  # as above
    else:
        key = own.key
    return Place(rank, key, own.task)


def _make_room(store: Store, others: list[Ticket], at: int) -> None:
    """Move the tickets from `at` on back by as much each, the last one first: their order is never disturbed."""
    rank = others[at].place.rank
    for ticket in reversed(others[at:]):
        if ticket.place.rank == rank:
            tickets.moved(store, ticket, Place(rank, ticket.place.key + _SHIFT_NS, ticket.task_id))
