"""A console of any length, page by page: its end at once, what was before and after, and where a text is in it.

A place in the console is a byte offset in each of its logs. A page is found by reading some of each log, so that a
million lines open as fast as ten.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..core.errors import Damaged
from ..disk.layout import TaskPaths
from . import events, follow
from .events import ConsoleLine, ConsoleTail

Place = dict[str, int]
"""How far into each log, by its name; in one that is not named, its beginning."""

_BLOCK_BYTES = 128 << 10
_PARTS_BYTES = 64 << 10
"""How far back the parts are looked for of a line that ends in a block."""
_MOST_HITS = 10_000


@dataclass(frozen=True)
class Page:
    """Some lines that follow one another, and the places where they begin and end."""

    lines: list[ConsoleLine]
    start: Place
    end: Place
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class Hit:
    """One line that holds what is looked for: in which log, and where the line begins and ends there."""

    log: str
    start: int
    end: int


@dataclass(frozen=True)
class _At:
    """A line, and where in its log the entry is that ends it."""

    line: ConsoleLine
    log: str
    start: int
    end: int


def end_of(paths: TaskPaths) -> Place:
    """Return the place behind the last whole entry of each log."""
    return {log.name: _whole_size(log) for log in events.console_logs(paths)}


def before(paths: TaskPaths, place: Mapping[str, int] | None = None, count: int = 500, stream: str = "") -> Page:
    """Return the last `count` lines before a place, before the end by default; of one stream where it is named.

    Raises Damaged.
    """
    ends = dict(place) if place is not None else end_of(paths)
    logs = events.console_logs(paths)
    found: list[_At] = []
    begins: Place = {}
    for log in logs:
        lines, begins[log.name] = _lines_before(log, ends.get(log.name, 0), count, stream)
        found += lines
    found.sort(key=_time)
    # What one log had no room for is left to the page before, and so is what is older than that in the others.
    taken = found[-count:]
    start = _starts(found[: len(found) - len(taken)], begins)
    return Page([one.line for one in taken], start, ends, not any(start.values()), ends == end_of(paths))


def after(paths: TaskPaths, place: Mapping[str, int], count: int = 500, stream: str = "") -> Page:
    """Return the first `count` lines from a place on. Raises Damaged."""
    merged = heapq.merge(
        *(_lines_from(log, place.get(log.name, 0), stream) for log in events.console_logs(paths)), key=_time
    )
    end = dict(place)
    lines: list[ConsoleLine] = []
    is_last = True
    for one in merged:
        if len(lines) == count:
            is_last = False
            break
        lines.append(one.line)
        end[one.log] = one.end
    return Page(lines, dict(place), end_of(paths) if is_last else end, not any(place.values()), is_last)


def around(paths: TaskPaths, hit: Hit, count: int = 500, stream: str = "") -> tuple[Page, int]:
    """Return a page with a hit in its middle, and which of its lines the hit is. Raises Damaged."""
    log = next((log for log in events.console_logs(paths) if log.name == hit.log), None)
    if log is None:
        return before(paths, None, count, stream), -1
    found = next((one for one in _lines_from(log, hit.start, "") if one.end == hit.end), None)
    if found is None:
        return before(paths, None, count, stream), -1
    place = {
        other.name: hit.start if other.name == hit.log else _offset_at(other, found.line.time)
        for other in events.console_logs(paths)
    }
    head = before(paths, place, count // 2, stream)
    tail = after(paths, place, count - count // 2, stream)
    lines = [*head.lines, *tail.lines]
    at = next((len(head.lines) + number for number, line in enumerate(tail.lines) if line == found.line), -1)
    return Page(lines, head.start, tail.end, head.is_first, tail.is_last), at


def find(paths: TaskPaths, text: str, stream: str = "", most: int = _MOST_HITS) -> list[Hit]:
    """Return the lines that hold a text, whatever its case, in order of time; at most so many. Raises Damaged.

    Of a line that was written in parts, one part must hold all of it.
    """
    if not text:
        return []
    hits: list[tuple[bytes, Hit]] = []
    for log in events.console_logs(paths):
        hits += _hits(log, text.lower(), stream, most)
    return [hit for _, hit in sorted(hits, key=lambda pair: pair[0])[:most]]


def follower(paths: TaskPaths, place: Mapping[str, int]) -> follow.ConsoleFollower:
    """Return what reads the console from a place on as it grows. Raises Damaged."""
    made = follow.ConsoleFollower()
    for log in events.console_logs(paths):
        at = place.get(log.name, 0)
        made.begin(log.name, at, _tail_at(log, at))
    return made


def _lines_before(log: Path, end: int, count: int, stream: str) -> tuple[list[_At], int]:
    """Return some lines that end before an offset, at least `count` where there are, and where they begin."""
    size = _BLOCK_BYTES
    while True:
        start = _entry_after(log, end - size) if end > size else 0
        found = list(_lines_within(log, start, end, stream))
        if len(found) >= count or start == 0:
            return found, start
        size *= 4


def _lines_from(log: Path, start: int, stream: str) -> Iterator[_At]:
    size = _whole_size(log)
    while start < size:
        end = min(size, start + _BLOCK_BYTES)
        if end < size:
            end = _entry_after(log, end)
        yield from _lines_within(log, start, end, stream)
        start = end


def _lines_within(log: Path, start: int, end: int, stream: str) -> Iterator[_At]:
    """Yield the lines whose last entry is within a range that begins and ends with an entry."""
    tail = _tail_at(log, start)
    at = start
    for raw in _read(log, start, end).split(b"\n")[:-1]:
        after = at + len(raw) + 1
        for line in tail.feed(raw):
            if not stream or line.stream == stream:
                yield _At(line, log.name, at, after)
        at = after


def _tail_at(log: Path, place: int) -> ConsoleTail:
    """Return what knows the parts, just before a place, of lines that have not ended there."""
    tail = ConsoleTail()
    start = place - _PARTS_BYTES
    data = _read(log, max(0, start), place)
    if start > 0:
        data = data[data.find(b"\n") + 1 :]
    for _ in tail.feed(data):
        pass
    return tail


def _entry_after(log: Path, offset: int) -> int:
    """Return where the first entry begins that begins at an offset or behind it."""
    if offset <= 0:
        return 0
    size = _BLOCK_BYTES
    at = offset - 1
    while True:
        data = _read(log, at, at + size)
        found = data.find(b"\n")
        if found >= 0:
            return at + found + 1
        if len(data) < size:
            return at + len(data)
        at += size


def _offset_at(log: Path, time: datetime) -> int:
    """Return where the first entry begins that is not before a time: entries of one log are in order of time."""
    least, most = 0, _whole_size(log)
    while least < most:
        middle = _entry_after(log, (least + most) // 2)
        if middle >= most:
            middle = least
        data = _read(log, middle, middle + _BLOCK_BYTES)
        end = data.find(b"\n") + 1 or len(data)
        line = next(ConsoleTail().feed(data[: end - 1], is_end=True), None)
        if line is not None and line.time >= time:
            most = middle
        elif middle + end >= most:
            return most
        else:
            least = middle + end
    return least


def _hits(log: Path, text: str, stream: str, most: int) -> Iterator[tuple[bytes, Hit]]:
    needle = text.encode("utf-8", "surrogatepass")
    size = _whole_size(log)
    start = 0
    while start < size and most > 0:
        end = min(size, start + 16 * _BLOCK_BYTES)
        end = _entry_after(log, end) if end < size else size
        data = _read(log, start, end)
        folded = data.decode("utf-8", "replace").lower().encode() if not data.isascii() else data.lower()
        if len(folded) != len(data):  # letters whose lower case is longer: only the same case is found
            folded = data
        for begin, stop in _entries_with(folded, needle):
            entry = data[begin:stop]
            time, _, rest = entry.partition(b" ")
            name, _, body = rest.partition(b" ")
            where = stop - begin - len(body) + 2  # behind "P " or "F "
            if (not stream or name == stream.encode()) and needle in folded[begin + where : stop]:
                yield time, Hit(log.name, start + begin, start + stop)
                most -= 1
                if most == 0:
                    return
        start = end


def _entries_with(data: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    found = data.find(needle)
    while found >= 0:
        begin = data.rfind(b"\n", 0, found) + 1
        stop = data.find(b"\n", found) + 1 or len(data)
        yield begin, stop
        found = data.find(needle, stop)


def _starts(left: list[_At], begins: Place) -> Place:
    """Return the place behind the lines that are left to an earlier page."""
    start = dict(begins)
    for one in left:
        start[one.log] = max(start[one.log], one.end)
    return start


def _whole_size(log: Path) -> int:
    """Return the size of a log without an entry that has not ended."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, 2)
            start = size
            while start > 0:
                length = min(_BLOCK_BYTES, start)
                start -= length
                stream.seek(start)
                found = stream.read(length).rfind(b"\n")
                if found >= 0:
                    return start + found + 1
            return 0
    except FileNotFoundError:
        return 0
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def _read(log: Path, start: int, end: int) -> bytes:
    try:
        with log.open("rb") as stream:
            stream.seek(start)
            return stream.read(max(0, end - start))
    except FileNotFoundError:
        return b""
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def _time(one: _At) -> datetime:
    return one.line.time
