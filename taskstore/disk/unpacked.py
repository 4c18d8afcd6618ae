"""A zip that is read as if it were a folder: the one implementation of `mounts.Mount`."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..core.errors import Damaged, Refused
from ..core.ids import is_id
from .atomic import temporary_beside
from .layout import BEACON, EVENTS, FILES, PROJECT, RECORD
from .members import MAX_RATIO, Members
from .mounts import Entries

MAX_FILES = 1_000_000
MIN_BOMB_BYTES = 256 << 20
"""From which size on a file that is packed more than `MAX_RATIO` times is not unpacked."""
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class UnpackedZip:
    """A zip, seen as the folder `root`. `names` are the files as they are there, each with its name in the zip."""

    def __init__(self, root: Path, members: Members, names: Mapping[str, str]) -> None:
        self.root = root
        self.zip = members.path
        self._members = members
        self._names = names
        self._pid = os.getpid()
        self._bringing = threading.RLock()
        self._homes: dict[str, list[str]] = {}
        self._folders: dict[str, set[str]] = {}
        for name in names:
            self._enter(name)

    def _enter(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for depth, part in enumerate(parts):
            above = "/".join(parts[:depth])
            self._folders.setdefault(above, set()).add(part)
            if is_id(part):
                self._homes.setdefault(f"{above}/{part}", []).append(name)
                return

    def close(self) -> None:
        """Close the zip; what was unpacked stays."""
        self._members.__exit__()

    def entries(self, folder: str) -> Entries:
        """Return the task ids and the project components in a folder, each sorted."""
        ids = sorted(name for name in self._folders.get(folder, ()) if is_id(name))
        return ids, [name for name in self.folders(folder) if self._is_project(f"{folder}/{name}")]

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder, but for the tasks' and hidden ones, sorted."""
        return sorted(name for name in self._folders.get(folder, ()) if not is_id(name) and name[0] != ".")

    def _is_project(self, folder: str) -> bool:
        is_task = f"{folder}/{RECORD}" in self._names  # somebody has renamed or copied it
        return not is_task or f"{folder}/{PROJECT}" in self._names or any(map(is_id, self._folders.get(folder, ())))

    def files(self) -> Iterator[tuple[str, int, int]]:
        """Yield every file: its name, its size unpacked, and as it lies in the zip."""
        for name, entry in self._names.items():
            yield name, self._members.sizes[entry], self._members.packed_bytes(entry)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the files right in a folder of a task, with their sizes."""
        home = folder.rpartition("/")[0]
        below = f"{folder}/"
        names = [name for name in self._homes.get(home, ()) if name.startswith(below) and "/" not in name[len(below) :]]
        return {name[len(below) :]: self._members.sizes[self._names[name]] for name in names}

    def has(self, home: str, start: str) -> bool:
        """Tell whether the name of any file of a task, within the task, begins so."""
        return any(name.startswith(f"{home}/{start}") for name in self._homes.get(home, ()))

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file's bytes, and unpack nothing; None where there is none. Raises Damaged."""
        entry = self._names.get(name)
        if entry is None:
            return None
        if self._members.sizes[entry] > max_bytes:
            raise Damaged(self.zip / entry, f"larger than {max_bytes >> 20} MiB")
        return self._own_members().read(entry, max_bytes)

    def chunks(self, name: str) -> Iterator[bytes] | None:
        """Return a file's bytes in pieces; None where there is none. Raises Refused, and while it is read Damaged."""
        entry = self._names.get(name)
        if entry is None:
            return None
        self._check_ratio(entry)
        return self._own_members().chunks(entry)

    def bring_task(self, home: str) -> None:
        """Unpack a task's folder, but for its blobs. Raises Damaged, Refused."""
        blobs = f"{home}/{FILES}/"
        self._bring_all(name for name in self._homes.get(home, ()) if not name.startswith(blobs))

    def bring(self, name: str) -> None:
        """Unpack a file, or all below a folder of a task. Raises Damaged, Refused."""
        if name in self._names:
            self._bring_all([name])
            return
        parts = name.split("/")
        home = next((depth for depth, part in enumerate(parts, 1) if is_id(part)), 0)
        names = self._homes.get("/".join(parts[:home]), ())
        self._bring_all(one for one in names if one.startswith(f"{name}/"))

    def _bring_all(self, names: Iterable[str]) -> None:
        with self._bringing:
            missing = [name for name in names if not os.path.lexists(self.root / name)]
            for name in missing:
                self._check(self._names[name])
            # The record comes last: where it is, all else of its task is.
            for name in sorted(missing, key=lambda name: name.endswith(f"/{RECORD}")):
                self._unpack(name)

    def _unpack(self, name: str) -> None:
        entry, target = self._names[name], self.root / name
        temporary = temporary_beside(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as stream:
                stream.writelines(self._own_members().chunks(entry))
            if name.endswith(f"/{BEACON}") or f"/{EVENTS}/" in name:  # they say when a run was last seen
                os.utime(temporary, (self._changed(entry),) * 2)
            temporary.replace(target)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Refused(f"{self.zip / entry} cannot be unpacked into {self.root.parent}: {why}") from None
        finally:
            with contextlib.suppress(OSError, ValueError):
                temporary.unlink(missing_ok=True)

    def _changed(self, entry: str) -> float:
        """When a file was changed last, as far as the zip says so; it was before the zip was."""
        packed = self.zip.stat().st_mtime
        moment = self._members.date_time(entry)
        if moment <= _NO_TIME:
            return packed
        with contextlib.suppress(ValueError, OverflowError):
            return min(packed, time.mktime((*moment, 0, 0, -1)))
        return packed

    def _check(self, entry: str) -> None:
        self._check_ratio(entry)
        size = self._members.sizes[entry]
        if size > free_bytes(self.root.parent):
            raise Refused(f"{self.zip / entry} has {size:,} bytes, more than is free at {self.root.parent}")

    def _check_ratio(self, entry: str) -> None:
        size, packed = self._members.sizes[entry], self._members.packed_bytes(entry)
        if size > MIN_BOMB_BYTES and size > MAX_RATIO * packed:
            raise Refused(f"{self.zip / entry} says that its {packed:,} bytes unpack to {size:,}; it was not unpacked")

    def _own_members(self) -> Members:
        """The zip as this process has it open: where a parent reads on is the parent's."""
        if self._pid != os.getpid():
            opened = Members(self.zip, max_files=MAX_FILES)
            if opened.sizes != self._members.sizes:
                raise Damaged(self.zip, "it has changed since it was opened")
            self._members, self._pid = opened, os.getpid()
        return self._members


def free_bytes(folder: Path) -> int:
    """Return how much may be written there."""
    return shutil.disk_usage(folder).free
