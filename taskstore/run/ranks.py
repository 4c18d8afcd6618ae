"""How the ranks of a distributed run meet in one task, though no process of theirs is the other's parent.

Rank 0 claims the meeting, begins the task and writes its id into the meeting's file; the others wait for that, and
join. Where rank 0 does not come in time, the first of the others claims it instead. A claim is made under a lock, so of
any number of ranks one begins the task (docs/decisions/0019-ranks-meet-in-a-file.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from ..core.errors import TaskstoreError
from ..disk.atomic import replace_record
from ..disk.lock import edit_lock
from ..disk.process import ProcessIdentity, boot_id, identity, is_gone, is_here, started_at
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.record import Moment
from ..store import liveness, places, settings
from ..store.store import Store, find_root, open_at
from .mode import Group, Mode, Role
from .sink import warn

_POLL_S = 0.05
_LAG_S = 30.0
_KEPT = timedelta(days=1)
_begun = 0
"""How many tasks this process has begun or joined here: ranks run one program, so the second meets the second."""


class Meeting(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who has claimed a meeting, when, and the task that it then began."""

    process: ProcessIdentity
    claimed: Moment
    task: str = ""


@dataclass(frozen=True)
class Claim:
    """What the rank holds that is to begin the task."""

    store: Store
    path: Path
    meeting: Meeting

    def settle(self, task_id: str | None) -> None:
        """Tell the other ranks of the task; with None, that there is none from here, and another may claim."""
        with contextlib.suppress(OSError, TaskstoreError):
            if task_id is None:
                self.path.unlink(missing_ok=True)
            else:
                replace_record(self.path, codec.encode(msgspec.structs.replace(self.meeting, task=task_id)))


def meet(
    role: Role,
    find_store: Callable[[], Store],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Role, Claim | None]:
    """Return a rank's role: it joins the task of the run, or begins it, and then has a claim to settle.

    Who is no rank, or meets nobody because the store cannot be used, gets its role back as it is.
    """
    global _begun
    if role.group is None or role.mode is not Mode.FRESH:
        return role, None
    try:
        store = find_store()
        configured, _ = settings.load_sound(store)
        if not configured.distributed.join:
            return role, None
        path = _path(store, role.group, _begun)
        found = _met(store, path, role.group, configured.distributed.wait_s, sleep)
    except (OSError, TaskstoreError):
        return role, None
    _begun += 1
    if isinstance(found, Claim):
        return role, found
    return Role(Mode.HELPER, found, str(store.root), role.group), None


def joined_already(role: Role, environ: Mapping[str, str] = os.environ) -> Role:
    """Return the role of a rank that has not begun anything: a helper where the run has a task by now. Waits never."""
    if role.group is None or role.mode is not Mode.FRESH:
        return role
    try:
        store = open_at(find_root(environ=environ, cwd=Path.cwd(), home=Path.home()))
        task_id = ""
        for number in range(_begun, _begun + 100):
            meeting = _of_this_run(store, _path(store, role.group, number), role.group)
            if meeting is None:
                break
            task_id = meeting.task or task_id
    except (OSError, RuntimeError, TaskstoreError):
        return role
    return Role(Mode.HELPER, task_id, str(store.root), role.group) if task_id else role


def _met(store: Store, path: Path, group: Group, wait_s: float, sleep: Callable[[float], None]) -> Claim | str:
    """Return the task that the run has, or a claim on beginning it."""
    path.parent.mkdir(exist_ok=True)
    left_s, passed_over = wait_s, _of_this_run(store, path, group)
    while True:
        meeting = _of_this_run(store, path, group)
        if meeting is not None and meeting.task:
            return meeting.task
        if left_s <= 0 or (group.rank == 0 and meeting is None):
            claim = _claimed(store, path, group, passed_over)
            if claim is not None:
                if group.rank:
                    warn(f"rank {group.rank} begins the task, for rank 0 has not within {wait_s:g} s")
                return claim
            left_s, passed_over = wait_s, _of_this_run(store, path, group)  # somebody else has just claimed it
        sleep(_POLL_S)
        left_s -= _POLL_S


def _claimed(store: Store, path: Path, group: Group, passed_over: Meeting | None) -> Claim | None:
    """Claim a meeting that nobody of this run has, or only one who has begun nothing for too long."""
    with edit_lock(path.with_name(".lock"), store.locks):
        meeting = _of_this_run(store, path, group)
        if meeting is not None and (meeting.task or meeting != passed_over):
            return None
        made = Meeting(process=identity(), claimed=store.clock.now())
        replace_record(path, codec.encode(made))
    _forget_old(store, path)
    return Claim(store, path, made)


def _of_this_run(store: Store, path: Path, group: Group) -> Meeting | None:
    """Return the meeting, unless it was left by an earlier run of the same address and port.

    Ranks of one run overlap in time, and runs that have an address and a port in common do not.
    """
    meeting = _read(path)
    if meeting is None:
        return None
    is_dead = is_gone(meeting.process) if is_here(meeting.process) else None
    if is_dead is False:
        return meeting
    seen = _last_seen(store, meeting.task) if meeting.task else 0.0 if is_dead else meeting.claimed.timestamp()
    # What is seen of another host's files, and its clock, may lag behind.
    return meeting if seen > started_at() - (0.0 if is_dead else _LAG_S) else None


def _last_seen(store: Store, task_id: str) -> float:
    """Return when the run of a task has shown last that it lives; 0 where that cannot be read."""
    try:
        return liveness.last_shown(places.locate(store, task_id)) or 0.0
    except (OSError, TaskstoreError):
        return 0.0


def _read(path: Path) -> Meeting | None:
    try:
        return codec.decode(Meeting, read_bytes(path), path)
    except (OSError, TaskstoreError):
        return None  # not there yet, or not to be read: it is claimed anew


def _path(store: Store, group: Group, number: int) -> Path:
    """Return the file of a run's meeting; ranks of one host have it to themselves, whatever other hosts run."""
    where = boot_id() if group.is_on_one_host else ""
    digest = hashlib.sha256(f"{group.key}\n{where}\n{number}".encode()).hexdigest()
    return store.paths.meeting(digest[:32])


def _forget_old(store: Store, own: Path) -> None:
    oldest = (store.clock.now() - _KEPT).timestamp()
    for path in own.parent.glob("*.json"):
        with contextlib.suppress(OSError):
            if path != own and path.stat().st_mtime < oldest:
                path.unlink()
