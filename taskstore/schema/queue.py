"""The records of queues, and how a ticket's file is named: its place in the queue is in its name, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

import msgspec

from ..core.errors import BadValue
from ..core.ids import is_id
from .record import Moment

MAX_PRIORITY = 1000
_NAME = re.compile(r"([0-9]{4})-([0-9]{20})-([0-9a-f]{32})(?:\.([0-9a-f]{8}-[0-9]+))?\.json\Z")


class OnLost(str, Enum):
    """What becomes of a task whose worker is lost with it: it has failed, or it is put back and begins anew."""

    FAIL = "fail"
    REQUEUE = "requeue"


class QueueRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """queue.json: the whole name, which the folder's may abbreviate, and who has made it when.

    `time_limit_s` is how long a task that was taken from it may run.
    `renaming_to` is there while its tasks are moving to a queue of that name.
    """

    rev: int = 0
    name: str = ""
    on_lost: OnLost = OnLost.FAIL
    time_limit_s: float | None = None
    renaming_to: str = ""
    created: Moment | None = None
    who: str = ""


class TicketRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A ticket: the task that waits, since when, by whom; and the worker that has taken it."""

    rev: int = 0
    task: str = ""
    enqueued: Moment | None = None
    who: str = ""
    worker: str = ""
    claimed: Moment | None = None


@dataclass(frozen=True, order=True)
class Place:
    """A place in a queue, in order: the higher priority first, and within one the earlier `key` (nanoseconds).

    `owner` names the process that has taken the ticket, as temporary files name theirs; empty while it waits.
    """

    rank: int
    key: int
    task: str
    owner: str = ""

    @property
    def priority(self) -> int:
        """The priority, from -1000 to 1000; 0 is what a task has that was given none."""
        return MAX_PRIORITY - self.rank

    @property
    def file_name(self) -> str:
        """The ticket's file name: names in order are tickets in order."""
        taken = f".{self.owner}" if self.owner else ""
        return f"{self.rank:04d}-{self.key:020d}-{self.task}{taken}.json"


def rank_of(priority: int) -> int:
    """Return what a priority is spelled as in a file name. Raises BadValue."""
    if isinstance(priority, bool) or not isinstance(priority, int) or not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
        raise BadValue(f"a priority is a whole number from -{MAX_PRIORITY} to {MAX_PRIORITY}, not {priority!r}")
    return MAX_PRIORITY - priority


def place_of(file_name: str) -> Place | None:
    """Read a ticket's file name; None where it is none."""
    found = _NAME.match(file_name)
    if found is None or not is_id(found[3]) or int(found[1]) > 2 * MAX_PRIORITY:
        return None
    return Place(int(found[1]), int(found[2]), found[3], found[4] or "")
