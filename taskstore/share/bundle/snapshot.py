"""The files of one task as they are at one moment, though a run goes on writing into it.

Records are replaced by renames, so that what is open of one stays as it is. They are opened first and looked at again
when the blobs are known: what they name is then there. Logs are taken as long as they are seen behind that.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...core import portable
from ...core.errors import Busy
from ...disk import mounts
from ...disk.atomic import is_temporary
from ...disk.layout import BEACON, EVENTS, LOCK, RECORD, SAMPLES, SOURCE_FOLDER, STOP, TaskPaths
from ...disk.text import parse_json_object
from ...schema import codec

Put = Callable[[str, Iterator[bytes], int], None]
Wanted = Callable[[str], bool]
Facts = tuple[int, int, int]
Held = tuple[int, BinaryIO]
_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 64 << 10
_ROUNDS = 20
_LOCAL = frozenset({LOCK, BEACON, STOP})
_BLOBS = ("files/", f"{SOURCE_FOLDER}/")


@dataclass
class Snapshot:
    """Copies one task; `left_out` names what no bundle can hold: links, and names that not every filesystem has.

    Such names are kept where the copy need not be `is_portable`.
    """

    paths: TaskPaths
    is_wanted: Wanted
    is_portable: bool = True
    left_out: dict[str, str] = field(default_factory=dict)
    _first: dict[str, Facts] | None = None
    _checked: set[str] = field(default_factory=set)

    def size(self) -> int:
        """Return the bytes of all its files as they are now."""
        self._first = self._look()
        return sum(size for _, _, size in self._first.values())

    def copy(self, put: Put) -> None:
        """Put every file: blobs, then logs, then the records. Raises Busy where it was moved or reset."""
        found, self._first = self._first or self._look(), None
        copied: dict[str, Facts] = {}
        for left in reversed(range(_ROUNDS)):
            for name in _blobs(found, is_first=not copied):
                if name not in copied:
                    self._put_blob(put, name, found[name], copied)
            with contextlib.ExitStack() as held:
                records = {name: self._held(name, held) for name in found if _is_record(name)}
                now = self._look()
                if RECORD not in now:  # it was moved or deleted
                    break
                is_complete = all(name in copied for name in _blobs(now, is_first=False))
                is_settled = _records(found) == _records(now) and None not in records.values()
                if is_complete and (is_settled or not left):
                    self._check(copied, now)
                    self._put_logs(put, now)
                    self._put_records(put, records)
                    return
            found = now
        raise Busy(self.paths.home, 0)

    def _look(self) -> dict[str, Facts]:
        """Return what tells whether a file has changed, by its name, in the order of names."""
        found: dict[str, Facts] = {}
        mounts.bring(self.paths.home)
        home = str(self.paths.home)
        for folder, folders, files in os.walk(home):
            for name in [*files, *(each for each in folders if os.path.islink(f"{folder}/{each}"))]:  # noqa: PTH114 - many
                within = f"{folder}/{name}"[len(home) + 1 :].replace(os.sep, "/")
                if is_local(within) or not self.is_wanted(within):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    facts = os.lstat(f"{folder}/{name}")
                    if stat.S_ISREG(facts.st_mode):
                        found[within] = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
                    else:
                        self.left_out[within] = "it is a link or a device, and no file"
        self._check_names(found)
        return {name: found[name] for name in sorted(found) if name not in self.left_out}

    def _check_names(self, found: Mapping[str, Facts]) -> None:
        if not self.is_portable or found.keys() <= self._checked:
            return
        for name in found.keys() - self._checked:
            why = portable.why_not(name)
            if why is not None:
                self.left_out[name] = why
        for other, name in portable.meetings(name for name in found if name not in self.left_out):
            self.left_out[name] = f"on some filesystems it is one with {other!r}"
        self._checked |= found.keys()

    def _held(self, name: str, held: contextlib.ExitStack) -> Held | None:
        """Open a record, or read it where it is small: so many are never open at once."""
        try:
            stream = held.enter_context((self.paths.home / name).open("rb"))
        except FileNotFoundError:
            return None
        size_bytes = os.fstat(stream.fileno()).st_size
        if size_bytes > _SMALL_BYTES:
            return size_bytes, stream
        with stream:
            data = stream.read(_SMALL_BYTES)
        return len(data), io.BytesIO(data)

    def _put_blob(self, put: Put, name: str, facts: Facts, copied: dict[str, Facts]) -> None:
        try:
            stream = (self.paths.home / name).open("rb")
        except FileNotFoundError:  # which the next look does not find
            return
        with stream:
            put(name, _chunks(stream, facts[2]), facts[2])
        copied[name] = facts

    def _check(self, copied: dict[str, Facts], now: dict[str, Facts]) -> None:
        """A blob is never changed; but it may go, and another take its name."""
        for name, facts in copied.items():
            if now.get(name, facts) != facts and not name.startswith(f"{SAMPLES}/"):
                raise Busy(self.paths.home / name, 0)

    def _put_logs(self, put: Put, found: dict[str, Facts]) -> None:
        for name, (_, _, size_bytes) in found.items():
            if _is_log(name):
                try:
                    stream = (self.paths.home / name).open("rb")
                except FileNotFoundError:  # the task was reset
                    raise Busy(self.paths.home, 0) from None
                with stream:
                    put(name, _chunks(stream, size_bytes), size_bytes)

    def _put_records(self, put: Put, records: dict[str, Held | None]) -> None:
        for name, record in records.items():
            if record is None:
                continue
            size_bytes, stream = record
            if name == RECORD:
                data = without_local(self.paths.record, stream.read())
                put(name, iter([data]), len(data))
            else:
                put(name, _chunks(stream, size_bytes), size_bytes)


def without_local(path: Path, data: bytes) -> bytes:
    """Return task.json without what holds for this store alone: who has said that its program may run."""
    if b'"trusted"' not in data:
        return data
    record = parse_json_object(path, data)
    execution = record.get("execution")
    if not isinstance(execution, dict) or "trusted" not in execution:
        return data
    del execution["trusted"]
    if not execution:
        del record["execution"]
    return codec.encode_plain(record)


def _chunks(stream: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """Yield a file's bytes up to the length that was seen, though it may have grown since."""
    while size_bytes > 0 and (chunk := stream.read(min(_CHUNK_BYTES, size_bytes))):
        size_bytes -= len(chunk)
        yield chunk


def is_local(name: str) -> bool:
    """Tell whether a file of a task stays where it is: locks, beacons, requests to a run, what is unfinished."""
    return name in _LOCAL or (("/." in name or name[0] == ".") and any(map(is_temporary, name.split("/"))))


def _blobs(found: Iterable[str], *, is_first: bool) -> list[str]:
    """Return the blobs; later on without samples, which come and go as long as a run reports."""
    return [name for name in found if _is_blob(name) and (is_first or not name.startswith(f"{SAMPLES}/"))]


def _records(found: Mapping[str, Facts]) -> dict[str, Facts]:
    return {name: facts for name, facts in found.items() if _is_record(name)}


def _is_record(name: str) -> bool:
    return not _is_log(name) and not _is_blob(name)


def _is_log(name: str) -> bool:
    return name.startswith(f"{EVENTS}/")


def _is_blob(name: str) -> bool:
    return name.startswith(_BLOBS)
