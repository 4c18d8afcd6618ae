"""Carrying out a plan: task by task, several at once. What fails is said of its task, and the others go on."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol

from ...core.errors import Refused, RemoteError, TaskstoreError
from ...disk.layout import TaskPaths
from ...store import store as stores
from ...store.store import Store
from ..merging import SKIPPED, Outcome, TaskState, bring_in, check_joinable, is_trashed, join, manifest_of
from ..merging.frozen import is_published
from ..merging.own import Here, look
from . import choosing, here, stored, tree
from .choosing import Choice
from .deciding import Decision, conflicts_of, decided
from .manifest import Entry, Manifest
from .peer import Moved, Peer, Unfit
from .plan import Plan, Way, plan

_TASKS_AT_ONCE = 4
_PUBLISH_EVERY_S = 30.0
_MAX_ROUNDS = 5
_MANY = 100
_DELETED = "deleted"


class Watch(Protocol):
    """Who looks on. It is called by several threads."""

    def begin(self, tasks: int) -> None:
        """So many tasks are to be exchanged."""
        ...

    def moved(self, count_bytes: int) -> None:
        """So many bytes of some file have come or gone."""
        ...

    def finished(self) -> None:
        """One task is done with."""
        ...


@dataclass(frozen=True)
class Done:
    """What became of one task. `action` is pulled, pushed, or merged, which is both; or it was left: `reason` says why.

    `is_new` where one side had nothing of it. `conflicts` are the units that a person has to decide, `missing` the
    files that its records name and that nobody had.
    """

    id: str
    project: str
    name: str
    action: str
    is_new: bool = False
    reason: str = ""
    conflicts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass
class Result:
    """A line for each task that was not the same on both sides, and the errors of those that failed, by their ids."""

    done: list[Done] = field(default_factory=list)
    failed: list[tuple[str, TaskstoreError]] = field(default_factory=list)
    same: int = 0


class Stop:
    """Ends transfers that are under way: `tick` is called for every piece of them, and who looks on is told."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._is_set = threading.Event()

    def set(self) -> None:
        """Have every transfer end at its next piece."""
        self._is_set.set()

    def tick(self, count_bytes: int) -> None:
        """Count a piece, or raise Stopped."""
        if self._is_set.is_set():
            raise Stopped
        self.watch.moved(count_bytes)


class Stopped(Refused):
    """The exchange has ended, and so has this transfer. Nobody sees it."""


class Exchange:
    """An exchange of tasks between a store and a peer, in one direction or both."""

    def __init__(self, store: Store, peer: Peer, way: Way, stop: Stop) -> None:
        self._store = store
        self._peer = peer
        self._way = way
        self._stop = stop
        self._theirs: Manifest = {}

    def run(self, planned: Plan, theirs: Manifest) -> Result:
        """Carry out a plan; `theirs` is the manifest of the other side that it was made of.

        Raises RemoteError where the other side has failed as a whole; what had gone there by then is told there.
        """
        result = Result(same=planned.same)
        self._theirs = theirs
        todo = planned.ids
        self._stop.watch.begin(len(todo))
        for _ in range(_MAX_ROUNDS):
            try:
                todo = self._round(todo, result)
            except BaseException:
                self._stop.set()
                with contextlib.suppress(TaskstoreError):
                    self._publish()
                raise
            if not todo:
                return result
            self._theirs = self._peer.manifest([])
        why = RemoteError(f"{self._peer.origin.address}: others change the same tasks all the time; try again")
        result.failed += [(task_id, why) for task_id in todo]
        return result

    def _round(self, todo: Iterable[str], result: Result) -> list[str]:
        """Exchange tasks and tell of them; return those that somebody else has changed meanwhile."""
        clock = self._store.clock
        raced: list[str] = []
        with ThreadPoolExecutor(_TASKS_AT_ONCE, "taskstore-sync") as pool:
            left, told_at = iter(todo), clock.monotonic()
            under_way: dict[Future[Done], str] = {}
            try:
                while True:
                    for task_id in itertools.islice(left, 2 * _TASKS_AT_ONCE - len(under_way)):
                        under_way[pool.submit(self._task, task_id)] = task_id
                    if not under_way:
                        break
                    finished, _ = wait(under_way, timeout=_PUBLISH_EVERY_S, return_when=FIRST_COMPLETED)
                    for future in finished:
                        self._note(under_way.pop(future), future, result)
                    if clock.monotonic() - told_at > _PUBLISH_EVERY_S:
                        raced += self._publish()
                        told_at = clock.monotonic()
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        raced += self._publish()
        result.done = [done for done in result.done if done.id not in raced]
        return raced

    def _publish(self) -> list[str]:
        return self._peer.publish() if self._way.is_out else []

    def _note(self, task_id: str, future: Future[Done], result: Result) -> None:
        self._stop.watch.finished()
        try:
            result.done.append(future.result())
        except RemoteError as error:
            if not isinstance(error, Unfit):
                self._peer.manifest([])  # raises where it is not this task alone
            result.failed.append((task_id, error))
        except TaskstoreError as error:
            result.failed.append((task_id, error))

    def _task(self, task_id: str) -> Done:
        for _ in range(2):
            try:
                return self._exchange(task_id, self._theirs.get(task_id))
            except FileNotFoundError:  # somebody has put another state there since
                self._theirs = self._peer.manifest([])
        entry = self._theirs.get(task_id)
        if entry is not None and self._way.is_out and self._is_lost(task_id, entry):
            return self._exchange(task_id, None)
        raise Unfit(f"{self._peer.origin.address}: files of task {task_id[:12]} are missing there; try again later")

    def _is_lost(self, task_id: str, entry: Entry) -> bool:
        """Tell whether nobody can read what the other side has of a task; then what is here may take its place."""
        try:
            self._peer.look(task_id, entry)
        except FileNotFoundError:
            return look(self._store, task_id) is not None
        return False

    def _exchange(self, task_id: str, entry: Entry | None) -> Done:
        moved = Moved()
        theirs = self._peer.look(task_id, entry) if entry is not None else None
        mine = look(self._store, task_id)
        what = decided(here.state(mine), theirs.state if theirs else None, self._way, can_merge=self._peer.can_merge)
        outcomes = []
        if what.is_pulled and theirs is not None:
            with self._peer.source(theirs, mine, moved) as files:
                outcomes.append(bring_in(self._store, theirs.state, files, self._peer.origin))
        if what.is_pushed and all(each.kind != SKIPPED for each in outcomes):
            outcomes.append(self._peer.put(here.sharing(self._store, task_id), theirs, moved))
        states = [side.state for side in (mine, theirs) if side is not None]
        if not states:
            raise FileNotFoundError(task_id)
        return _line(reduce(join, states), what, outcomes, moved, is_new=len(states) == 1)


def _line(state: TaskState, what: Decision, outcomes: list[Outcome], moved: Moved, *, is_new: bool) -> Done:
    entry = tree.entry_of(state, "")
    skipped = [each.reason for each in outcomes if each.kind == SKIPPED]
    return Done(
        id=state.id,
        project=entry.project,
        name=entry.name,
        action="" if skipped else what.action,
        is_new=is_new,
        reason="; ".join(skipped) or what.reason or _DELETED * is_trashed(state),
        conflicts=tuple(dict.fromkeys(unit for each in outcomes for unit in each.conflicts)),
        missing=tuple(dict.fromkeys(name for each in outcomes for name in each.missing)),
        bytes_in=moved.bytes_in,
        bytes_out=moved.bytes_out,
    )


def previewed(store: Store, peer: Peer, way: Way, planned: Plan, mine: Manifest, theirs: Manifest) -> Result:
    """Return what carrying out a plan would do. Of tasks that differ the states are read, and nothing is changed."""
    result = Result(same=planned.same)
    for task_id in planned.ids:
        own, other = mine.get(task_id), theirs.get(task_id)
        entry = own or other
        if entry is None:
            continue
        line = Done(task_id, entry.project, entry.name, "pushed" if own else "pulled", is_new=True)
        if own is not None and other is not None:
            try:
                found = look(store, task_id)
                here_, there = here.state(found), peer.look(task_id, other).state
                _check_joinable(found, there, way)
            except TaskstoreError as error:
                result.failed.append((task_id, error))
                continue
            what = decided(here_, there, way, can_merge=peer.can_merge)
            known = [state for state in (here_, there) if state is not None]
            reason = what.reason or _DELETED * (bool(known) and is_trashed(reduce(join, known)))
            line = Done(task_id, entry.project, entry.name, what.action, False, reason, conflicts_of(here_, there))
        result.done.append(line)
    return result


def _check_joinable(mine: Here | None, theirs: TaskState, way: Way) -> None:
    """Raise Conflict where a published task does not let the other side's in."""
    if mine is None:
        return
    if way.is_in:
        check_joinable(mine.state, theirs, manifest_of(mine.paths) if mine.paths is not None else {})
    elif not is_published(theirs):  # what was left out of one that is, and is let in, its manifest says there
        check_joinable(theirs, mine.state)


def _leaving(store: Store, peer: Peer, way: Way, planned: Plan, theirs: Manifest) -> list[TaskPaths]:
    """Return the tasks whose files would be put there: those of which this side knows more, and that have files."""
    found = []
    for task_id in sorted({*planned.to_push, *planned.to_merge}) if way.is_out else ():
        mine, entry = look(store, task_id), theirs.get(task_id)
        with contextlib.suppress(FileNotFoundError):  # it has changed there since, and is looked at again
            other = peer.look(task_id, entry).state if entry is not None else None
            if decided(here.state(mine), other, way, can_merge=peer.can_merge).is_pushed and mine and mine.paths:
                found.append(mine.paths)
    return found


Leave = Callable[[Store, list[TaskPaths]], AbstractContextManager[tuple[Store, list[TaskPaths]]]]
"""Lets tasks leave a store, or raises; yields the store that they leave from, which may be one of masked copies."""


def exchanged(
    store: Store,
    peer: Peer,
    way: Way,
    choice: Choice,
    stop: Stop,
    *,
    is_dry: bool = False,
    leave: Leave = lambda store, tasks: nullcontext((store, tasks)),
) -> Result:
    """Compare the two sides, and have the tasks that are meant agree; or, where it `is_dry`, say what that would do.

    `leave` is asked about those that would be put there, before anything moves. Raises NotFound, Ambiguous for tasks
    that are not there, ReadOnly, Refused, and RemoteError where a side has failed.
    """
    stores.check_writable(store)  # a zip is not even looked through as a folder is
    problems: list[TaskstoreError] = []
    theirs = peer.manifest(problems)
    mine = stored.store_manifest(store, problems)
    chosen = None
    if not choice.is_all:
        chosen = peer.chosen(choice, theirs, mine) if way is Way.PULL else choosing.in_store(store, choice)
    planned = plan(mine, theirs, way, chosen)
    store = here.ready(store, mine, planned.ids)
    is_putting = way.is_out and bool(planned.to_push or planned.to_merge)
    if is_putting:
        peer.check_writable()
    if way.is_in and (planned.to_pull or planned.to_merge):
        here.check_writable(store)
    if is_dry:
        result = previewed(store, peer, way, planned, mine, theirs)
    else:
        if is_putting:
            peer.make()
        if not planned.is_empty:
            peer.expect(theirs, planned.ids)
        with leave(store, _leaving(store, peer, way, planned, theirs)) as (source, _):
            result = Exchange(source, peer, way, stop).run(planned, theirs)
    result.failed = [*(("", problem) for problem in problems), *result.failed]
    result.done.sort(key=lambda done: done.id)
    if not is_dry and not result.failed:
        peer.forget()
    if not is_dry and len(result.done) > _MANY:
        stored.store_manifest(store, [])  # for the next time: nobody looks at all of them twice
        peer.remember()
    return result
