"""A run of MLflow's as its stores have it, whichever of them it is in: plain values, none of which is trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple, Protocol

from ..base import LeftOut, Notes

_LATEST_MS = 4_102_444_800_000  # the year 2100: what is beyond is no time
MAX_STEP = 2**62
STATUSES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
"""MLflow's statuses by the numbers that its files have for them."""


class Point(NamedTuple):
    """One value of a metric; the time counts milliseconds since 1970."""

    metric: str
    time_ms: int
    value: float
    step: int


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What holds runs. Where its own record is lost, its id is its name."""

    id: str
    name: str
    is_deleted: bool = False
    artifact_location: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Data that a run says it has read; the data itself is not in a store of MLflow's."""

    name: str
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    context: str = ""


@dataclass(frozen=True, kw_only=True)
class LoggedModel:
    """A model of MLflow 3, which lies beside the runs. `location` is the address of its folder.

    `step` is that of the run that logged it; None where none was said.
    """

    id: str
    name: str
    run_id: str = ""
    location: str = ""
    type: str = ""
    created: datetime | None = None
    step: int | None = None
    is_deleted: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run. `points` reads its metrics anew at each call, each metric's in the order in which they were logged."""

    id: str
    experiment: Experiment
    points: Callable[[Notes], Iterator[Point]]
    name: str = ""
    status: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    user: str = ""
    is_deleted: bool = False
    artifact_uri: str = ""
    folder: Path | None = None
    """Where its artifacts are, unless they are found at the address."""
    source_name: str = ""
    entry_point: str = ""
    source_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    output_models: tuple[LoggedModel, ...] = ()
    input_models: tuple[LoggedModel, ...] = ()
    notes: Notes = field(default_factory=Notes)
    """What of it could not be read."""
    began: datetime
    """When it was made: by its record, else by its oldest file."""


class Reader(Protocol):
    """Reads one store of MLflow's."""

    def count(self) -> int:
        """Return about how many runs there are, for the bar."""
        ...

    def runs(self, *, with_deleted: bool) -> Iterator[Run | LeftOut]:
        """Yield runs as they are read; of what cannot be read at all, the reason."""
        ...

    def begun(self, run_id: str, *, with_deleted: bool) -> datetime | None:
        """Return when another run of the store was made; None where it is not there, or was deleted."""
        ...

    def lost(self) -> Iterable[str]:
        """Say what else is in the store, and does not come along."""
        ...


def time_of(milliseconds: object) -> datetime | None:
    """Return a moment; None where it is none."""
    is_number = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    if not is_number or not 0 < milliseconds < _LATEST_MS:  # type: ignore[operator]  # a number
        return None
    return datetime.fromtimestamp(float(milliseconds) / 1000, tz=timezone.utc)  # type: ignore[arg-type]  # a number


def is_time(milliseconds: int) -> bool:
    """Tell whether a number may be a time."""
    return 0 < milliseconds < _LATEST_MS


def text_of(value: object) -> str:
    """Return a text as it may be stored; of a number its digits; anything else is none."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def left_out_deleted(count: int) -> LeftOut:
    """Say how many runs were left out since MLflow has deleted them."""
    were, them = ("run was", "it") if count == 1 else ("runs were", "them")
    return LeftOut(f"{count:,} deleted {were} left out; --with-deleted takes {them} along")
