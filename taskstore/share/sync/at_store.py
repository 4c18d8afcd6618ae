"""The other side is a store on a disk of this machine: a folder remote, a mount, another store to merge."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.errors import Ambiguous, NotFound, TaskstoreError
from ...disk.layout import StorePaths
from ...store.store import Store, init, open_at
from ..merging import Origin, Outcome, bring_in
from ..merging.own import Here, look
from ..source import FolderSource, Source
from . import choosing, here, stored
from .choosing import Choice
from .manifest import Entry, Manifest
from .peer import Moved, There, Tick


class StorePeer:
    """Tasks in another store. What comes to it is merged by its own rules and under its own locks."""

    can_merge = True

    def __init__(self, store: Store, root: Path, tick: Tick, *, is_trusted: bool) -> None:
        self._root = root
        self._clock = store.clock
        self._is_trusted = is_trusted
        self._mine = Origin(store_id=store.id, address=str(store.root), is_trusted=is_trusted)
        self._tick = tick

    @functools.cached_property
    def other(self) -> Store:
        """The store, which is there by now."""
        return open_at(self._root, clock=self._clock)

    @property
    def origin(self) -> Origin:
        """Which store it is."""
        return Origin(store_id=self.other.id, address=str(self._root), is_trusted=self._is_trusted)

    def check_writable(self) -> None:
        """Raise ReadOnly where there is a store that cannot be written."""
        if StorePaths(self._root).record.is_file():
            here.check_writable(self.other)

    def make(self) -> None:
        """Make the store where it is not there yet."""
        init(self._root, clock=self._clock)

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return an entry for each of its tasks, as they are now; a store that is still to be made has none."""
        if not StorePaths(self._root).record.is_file():
            return {}
        return stored.store_manifest(self.other, problems)

    def expect(self, known: Manifest, wanted: list[str]) -> None:
        """Find the tasks at once."""
        self.other = here.ready(self.other, known, wanted)

    def chosen(self, choice: Choice, theirs: Manifest, mine: Manifest) -> set[str]:
        """Return the ids of its tasks that are meant. Raises NotFound, which names the list of that store."""
        try:
            return choosing.in_store(self.other, choice)
        except Ambiguous:
            raise
        except NotFound as error:
            noun = "project ls" if error.kind == "project" else "ls"
            store = shlex.quote(str(self._root))
            raise NotFound(error.kind, error.name, f"`taskstore --store {store} {noun}` lists them") from None

    def look(self, task_id: str, entry: Entry) -> There:
        """Return one of its tasks."""
        found = look(self.other, task_id)
        if found is None:
            raise FileNotFoundError(task_id)
        return There(found.state)

    @contextmanager
    def source(self, theirs: There, mine: Here | None, moved: Moved) -> Iterator[Source]:
        """Read its files where they lie."""
        yield _Counted(here.files(here.sharing(self.other, theirs.state.id)), self._tick, moved, is_in=True)

    def put(self, mine: Here, theirs: There | None, moved: Moved) -> Outcome:
        """Have that store bring the task in."""
        return bring_in(self.other, mine.state, _Counted(here.files(mine), self._tick, moved, is_in=False), self._mine)

    def publish(self) -> list[str]:
        """Tell nobody: its files say it."""
        return []

    def forget(self) -> None:
        """Know nothing to forget."""

    def remember(self) -> None:
        """Read what has come, for the next manifest."""
        stored.store_manifest(self.other, [])


class _Counted:
    """A source that counts what is read of it."""

    def __init__(self, files: FolderSource, tick: Tick, moved: Moved, *, is_in: bool) -> None:
        self._files = files
        self._tick = tick
        self._moved = moved
        self._is_in = is_in

    def sizes(self) -> dict[str, int]:
        """Return the names and sizes of its files."""
        return self._files.sizes()

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes."""
        for chunk in self._files.chunks(name, offset):
            self._tick(len(chunk))
            if self._is_in:
                self._moved.bytes_in += len(chunk)
            else:
                self._moved.bytes_out += len(chunk)
            yield chunk
