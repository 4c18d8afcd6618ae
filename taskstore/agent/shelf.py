"""The cache of environments: built once for each key, used by many at once, the longest unused removed.

    <root>/<key>-<nonce>/                 an environment, in its final place, because it cannot be moved
    <root>/<key>-<nonce>/complete.json    written last: without it nothing of the folder is used
    <root>/locks/<key>.lock               held by whoever builds, takes up or removes one
    <root>/held/<key>-<nonce>.<nonce>     held as long as somebody uses it; one file for each

The locks are the kernel's, so that a process that is killed holds nothing. The folder is one machine's, whatever
kind of lock the store has.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..core.errors import Busy, Refused
from ..disk.atomic import replace_record
from ..disk.lock import give_flock, take_flock
from ..disk.process import boot_id

FORMAT = 1
"""Counts in every key; what an earlier taskstore has built is not taken, and goes when it is the longest unused."""
_MARKER = "complete.json"
_LOCKS, _HELD = "locks", "held"
_WAIT_S = 3600.0
_POLL_S = 0.05
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by taskstore; each folder here can be made again.\n"
"""What backup programs know a cache by (bford.info/cachedir)."""

Tell = Callable[[str], None]


class Complete(msgspec.Struct, kw_only=True):
    """complete.json: what was built, what it looked like then, and since which start of the machine it is known whole.

    `seen` is the fingerprint, `size_bytes` that of the files.
    """

    installed: list[str] = []
    notes: list[str] = []
    seen: str = ""
    size_bytes: int = 0
    boot: str = ""


@dataclass(frozen=True)
class Builder:
    """How a kind of environment is built into a folder, and looked at."""

    build: Callable[[Path], Complete]
    fingerprint: Callable[[Path], str]
    size_bytes: Callable[[Path], int]


@dataclass(frozen=True)
class Held:
    """An environment that stays where it is: as long as it is held, or a process has inherited the descriptor."""

    folder: Path
    complete: Complete
    mark: Path
    descriptor: int


class Shelf:
    """The environments in a folder, which may be shared by any number of processes and threads of one machine."""

    def __init__(self, root: Path, *, limit_bytes: float, tell: Tell) -> None:
        self._root = root
        self._limit_bytes = limit_bytes
        self._tell = tell

    @contextlib.contextmanager
    def held(self, key: str, builder: Builder) -> Iterator[Held]:
        """Hold the environment of a key, built now where there is none that is whole.

        Of several who want it at once one builds and the others wait. Raises what `build` raises; Refused where the
        folder cannot be written or locked; Busy where another has been building for an hour.
        """
        try:
            self._make()
            held, is_new = self._take_up(key, builder)
        except OSError as error:
            raise Refused(
                f"environments cannot be kept in {self._root}: {error.strerror or error}; "
                "name another folder with the setting agent.environments"
            ) from error
        try:
            if is_new:
                self.clean()
            yield held
        finally:
            give_flock(held.descriptor)
            with contextlib.suppress(Busy, OSError):  # a process has inherited it, or somebody is looking at it
                _drop_mark(held.mark)

    def _take_up(self, key: str, builder: Builder) -> tuple[Held, bool]:
        with self._locked(key):
            found = self._find(key, builder)
            folder, complete = found or self._build(key, builder)
            os.utime(folder / _MARKER)
            mark = self._root / _HELD / f"{folder.name}.{secrets.token_hex(6)}"
            return Held(folder, complete, mark, take_flock(mark, 0)), found is None

    def _make(self) -> None:
        for folder in (self._root, self._root / _LOCKS, self._root / _HELD):
            folder.mkdir(parents=True, exist_ok=True)
        tag = self._root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_TAG, encoding="utf-8")

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        hold = self._take(key, is_patient=True)
        try:
            yield
        finally:
            give_flock(hold)

    def _take(self, key: str, *, is_patient: bool) -> int:
        path = self._root / _LOCKS / f"{key}.lock"
        deadline = time.monotonic() + _WAIT_S
        has_told = False
        while True:
            try:
                return take_flock(path, 0)
            except Busy:
                if not is_patient:
                    raise
                if time.monotonic() >= deadline:
                    raise Busy(path, _WAIT_S) from None
            if not has_told:
                self._tell("waits for another process, which is building the same environment")
                has_told = True
            time.sleep(_POLL_S)

    def _find(self, key: str, builder: Builder) -> tuple[Path, Complete] | None:
        """Return a whole and unchanged environment; what is not goes, unless somebody is using it."""
        found = None
        for folder in sorted(self._root.glob(f"{key}-*")):
            complete = _read(folder)
            if complete is not None and self._is_sound(folder, complete, builder):
                found = found or (folder, complete)
            elif not self._is_used(folder):
                if complete is not None:
                    self._tell(f"environment {folder.name} was changed since it was built, and is removed")
                _remove(folder)
        return found

    def _is_sound(self, folder: Path, complete: Complete, builder: Builder) -> bool:
        try:
            if builder.fingerprint(folder) != complete.seen:
                return False
            if complete.boot != boot_id():
                # The machine may have lost its power since, and with it what was not on the disk yet.
                if builder.size_bytes(folder) != complete.size_bytes:
                    return False
                _write(folder, msgspec.structs.replace(complete, boot=boot_id()))
        except OSError:
            return False
        return True

    def _build(self, key: str, builder: Builder) -> tuple[Path, Complete]:
        # A fresh name: an installer may outlive an agent that was killed, and go on to write where it was.
        folder = self._root / f"{key}-{secrets.token_hex(4)}"
        try:
            built = builder.build(folder)
        except BaseException:
            _remove(folder)
            raise
        complete = msgspec.structs.replace(
            built, seen=builder.fingerprint(folder), size_bytes=builder.size_bytes(folder), boot=boot_id()
        )
        _write(folder, complete)
        return folder, complete

    def clean(self) -> None:
        """Remove what was left half built, and of the whole ones the longest unused until the rest is within the limit.

        None that is in use goes, and so the rest may be larger.
        """
        total, found = 0, []
        for folder in self._root.glob("*-*"):
            complete = _read(folder)
            if complete is None:
                self._drop(folder)
                continue
            with contextlib.suppress(FileNotFoundError):
                found.append(((folder / _MARKER).stat().st_mtime_ns, folder, complete.size_bytes))
                total += complete.size_bytes
        for _, folder, size_bytes in sorted(found):
            if total <= self._limit_bytes:
                return
            if self._drop(folder):
                self._tell(f"removed environment {folder.name}, the longest unused")
                total -= size_bytes

    def _drop(self, folder: Path) -> bool:
        """Remove an environment that nobody uses or is building; return whether it went."""
        try:
            hold = self._take(folder.name.rpartition("-")[0], is_patient=False)
        except (Busy, OSError):  # somebody builds there, or it is another user's
            return False
        try:
            if self._is_used(folder):
                return False
            _remove(folder)
        except OSError:
            return False
        finally:
            give_flock(hold)
        return True

    def _is_used(self, folder: Path) -> bool:
        """Tell whether somebody holds an environment; marks of those who were killed go. The key is locked by us."""
        for mark in self._root.joinpath(_HELD).glob(f"{folder.name}.*"):
            try:
                _drop_mark(mark)
            except Busy:
                return True
        return False


def _read(folder: Path) -> Complete | None:
    try:
        return msgspec.json.decode((folder / _MARKER).read_bytes(), type=Complete)
    except (OSError, msgspec.DecodeError):
        return None


def _write(folder: Path, complete: Complete) -> None:
    replace_record(folder / _MARKER, msgspec.json.format(msgspec.json.encode(complete), indent=2))


def _drop_mark(mark: Path) -> None:
    """Remove the mark of a use that has ended. Raises Busy where it has not."""
    give_flock(take_flock(mark, 0))
    _unlink(mark)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):  # on Windows another who looks at it holds it for a moment
        path.unlink()


def _remove(folder: Path) -> None:
    _unlink(folder / _MARKER)  # first: what is left by a crash from here on is no environment
    shutil.rmtree(folder, ignore_errors=True)
