"""Two to twenty tasks side by side: every fact as each of them has it, and which of them has the extremes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...core.errors import BadValue
from ...disk.layout import TaskPaths
from ...schema.codec import number
from ...schema.record import LastMetric, TaskRecord
from ...store import places
from ...store.store import Store
from . import sides as facts
from .files import SourcePair, source_pair
from .sides import Side, Source

MIN_TASKS, MAX_TASKS = 2, 20
SECTIONS = ("details", "parameters", "command", "git", "packages", "metrics", "host", "configuration", "source")
"""In the order in which they are shown. The last two have a hash and a number of lines for every file."""
LAST, MIN, MAX = "last", "min", "max"
SUMMARY = "Summary"
"""The title of values that are reported once and for all."""
Value = str | float | datetime | None


@dataclass(frozen=True)
class Line:
    """One thing as each of the tasks has it, in their order; None where one has it not.

    `kind` is "" but for metrics, which have a line each for their last, min and max.
    """

    name: str
    values: tuple[Value, ...]
    kind: str = ""

    @property
    def is_same(self) -> bool:
        """Whether there is no difference: NaN is as good as NaN."""
        first = self.values[0]
        return all(value == first or (value != value and first != first) for value in self.values[1:])

    @property
    def least(self) -> tuple[int, ...]:
        """Which tasks have the least number, by their places; none where no two numbers differ."""
        return self._extreme(min)

    @property
    def greatest(self) -> tuple[int, ...]:
        """Which tasks have the greatest number; none where no two numbers differ."""
        return self._extreme(max)

    def _extreme(self, choose: Callable[[list[float]], float]) -> tuple[int, ...]:
        numbers = {
            place: float(value)
            for place, value in enumerate(self.values)
            if isinstance(value, (int, float)) and not math.isnan(value)
        }
        if len(set(numbers.values())) < 2:
            return ()
        best = choose(list(numbers.values()))
        return tuple(place for place, value in numbers.items() if value == best)


@dataclass(frozen=True)
class Files:
    """One captured file or configuration object as each of the tasks has it; None where one has it not."""

    name: str
    sources: tuple[Source | None, ...]

    @property
    def is_same(self) -> bool:
        """Whether all tasks have it, with the same content."""
        return all(source == self.sources[0] for source in self.sources[1:])

    def diff(self, place: int) -> SourcePair:
        """Compare the first task's with that of the task at `place`. It is worked out when asked for."""
        return source_pair(self.name, self.sources[0], self.sources[place])


@dataclass(frozen=True)
class SideBySide:
    """All that some tasks have, line by line, what is the same, too. `sections` has every name of SECTIONS."""

    tasks: tuple[TaskRecord, ...]
    projects: tuple[str, ...]
    sections: dict[str, tuple[Line, ...]]
    source: tuple[Files, ...]
    configuration: tuple[Files, ...]

    def differing(self, section: str) -> tuple[Line, ...]:
        """Return the lines of a section that are not the same in all tasks."""
        return tuple(line for line in self.sections[section] if not line.is_same)


def read(store: Store, tasks: Sequence[TaskPaths]) -> list[Side]:
    """Read what is compared of the tasks, in their order. Raises BadValue for too few, too many, or one named twice."""
    ids = [paths.id for paths in tasks]
    twice = next((task_id for task_id in ids if ids.count(task_id) > 1), None)
    if twice is not None:
        raise BadValue(f"task {twice} is named twice; name each task once")
    _check_count(len(ids))
    return [replace(facts.read(paths), project=places.project_of(store, paths.home)) for paths in tasks]


def side_by_side(sides: Sequence[Side]) -> SideBySide:
    """Set 2 to 20 tasks side by side. Raises BadValue for fewer or more."""
    _check_count(len(sides))
    source = _files([side.sources for side in sides])
    configuration = _files([side.configuration for side in sides])
    found = {name: _lines([read(side) for side in sides], is_sorted=name in _SORTED) for name, read in _READERS.items()}
    found |= {"metrics": _metrics(sides), "configuration": _hashes(configuration), "source": _hashes(source)}
    return SideBySide(
        tasks=tuple(side.task for side in sides),
        projects=tuple(side.project for side in sides),
        sections={name: found[name] for name in SECTIONS},
        source=source,
        configuration=configuration,
    )


def is_named(line: Line, name: str) -> bool:
    """Tell whether a line of metrics is what a person calls so, as filters do.

    A title or title/series; with .last .min or .max of that kind only. A single value goes by its own name, too.
    """
    stem, _, kind = name.rpartition(".")
    own = line.name.removeprefix(f"{SUMMARY}/")
    return _is_within(line.name, name) or own == name or (kind == line.kind and _is_within(line.name, stem))


def _is_within(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")


def _check_count(count: int) -> None:
    if not MIN_TASKS <= count <= MAX_TASKS:
        raise BadValue(f"{MIN_TASKS} to {MAX_TASKS} tasks are compared, not {count}")


def _names(found: Sequence[Mapping[str, object]], *, is_sorted: bool) -> list[str]:
    names = dict.fromkeys(name for each in found for name in each)
    return sorted(names) if is_sorted else list(names)


def _lines(found: Sequence[Mapping[str, Value]], *, is_sorted: bool) -> tuple[Line, ...]:
    return tuple(Line(name, tuple(each.get(name) for each in found)) for name in _names(found, is_sorted=is_sorted))


def _details(side: Side) -> dict[str, Value]:
    task = side.task
    found: dict[str, Value] = {
        "name": task.name,
        "project": side.project,
        "type": task.type,
        "status": task.status.label,
        "reason": task.status_reason,
        "tags": ", ".join(sorted(task.tags)),
        "comment": task.comment,
        "parent": task.parent,
        "created": task.created,
        "started": task.started,
        "ended": task.completed,
        "duration": task.active_duration,
        "iteration": side.summary.last_iteration,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _metrics(sides: Sequence[Side]) -> tuple[Line, ...]:
    """Three lines for each series; one for a value that was reported once and for all."""
    found = [facts.series(side) for side in sides]
    lines = []
    for name in _names(found, is_sorted=True):
        known = [each.get(name) for each in found]
        is_single = all(last is None or last.iteration < 0 for last in known)
        for kind in (LAST,) if is_single else (LAST, MIN, MAX):
            lines.append(Line(name, tuple(_value(last, kind) for last in known), kind))
    return tuple(lines)


def _value(last: LastMetric | None, kind: str) -> float | None:
    if last is None:
        return None
    value = {LAST: last.value, MIN: last.min_value, MAX: last.max_value}[kind]
    return None if value is None else number(value)


def _files(found: Sequence[Mapping[str, Source]]) -> tuple[Files, ...]:
    return tuple(Files(name, tuple(each.get(name) for each in found)) for name in _names(found, is_sorted=False))


def _hashes(files: Sequence[Files]) -> tuple[Line, ...]:
    """Stand for a file by its hash and how long it is: equal lines, equal files."""
    return tuple(Line(item.name, tuple(map(_stand_in, item.sources))) for item in files)


def _stand_in(source: Source | None) -> str | None:
    if source is None:
        return None
    if source.text is None:
        return source.identity
    count = source.text.count("\n") + (source.text[-1:] not in ("\n", ""))
    return f"{source.identity}, {count:,} {'line' if count == 1 else 'lines'}"


_READERS: dict[str, Callable[[Side], Mapping[str, Value]]] = {
    "details": _details,
    "parameters": facts.parameters,
    "command": lambda side: facts.command(side.script),
    "git": lambda side: facts.git(side.script),
    "packages": facts.packages,
    "host": facts.host,
}
_SORTED = frozenset({"parameters", "packages"})
