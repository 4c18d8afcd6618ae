"""A remote in this process's memory: the twin that tests use, and the plainest statement of what a place does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .place import CHUNK_BYTES, Reading
from .steady import Patience, Steady


class MemoryPlace:
    """Files in a dict; what a test puts into `files` itself is what a stranger has written there."""

    is_writable = True
    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, bytes] = {}

    def is_lost(self, error: Exception) -> bool:
        """Tell a lost connection, which a subclass may play."""
        return isinstance(error, ConnectionError)

    def size(self, name: str) -> int | None:
        """Return a file's size."""
        data = self.files.get(name)
        return None if data is None else len(data)

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder."""
        start = f"{folder}/" if folder else ""
        return ((name, len(data)) for name, data in sorted(self.files.items()) if name.startswith(start))

    def read(self, name: str, offset: int) -> Reading:
        """Read what the file holds now."""
        data = self.files.get(name)
        if data is None:
            raise FileNotFoundError(name)
        return Reading(str(id(data)), (data[at : at + CHUNK_BYTES] for at in range(offset, len(data), CHUNK_BYTES)))

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file."""
        self.files[name] = b"".join(chunks)

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self.files.pop(name, None) is None:
            raise FileNotFoundError(name)

    def close(self) -> None:
        """Nothing is held."""


class MemoryRemote(Steady):
    """A remote in memory; `files` is all that it holds."""

    def __init__(self, address: str = "memory", patience: Patience | None = None) -> None:
        self._memory = MemoryPlace(address)
        super().__init__(self._memory, patience)

    @property
    def files(self) -> dict[str, bytes]:
        """What it holds, by names."""
        return self._memory.files
