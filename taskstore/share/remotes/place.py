"""What a kind of remote must know: each verb is one attempt, and raises what its own library raises."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple, Protocol

CHUNK_BYTES = 1 << 20


class Reading(NamedTuple):
    """A file that is being read: `stamp` differs where the file is another one than before, as far as can be told."""

    stamp: str
    chunks: Generator[bytes, None, None]


class Place(Protocol):
    """Files below one address. `Steady` makes a Remote of it: it checks names, tries again and names the address."""

    address: str
    is_writable: bool
    failures: tuple[type[Exception], ...]
    """What its library raises; anything else is a fault of ours."""

    def is_lost(self, error: Exception) -> bool:
        """Tell whether a failure is one of the connection, so that another attempt may do."""
        ...

    def size(self, name: str) -> int | None:
        """Return a file's size; None where there is none."""
        ...

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder as the place names them, relative to the remote, with their sizes."""
        ...

    def read(self, name: str, offset: int) -> Reading:
        """Open a file. Raises FileNotFoundError."""
        ...

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file whole, or not at all; whatever ends it, nothing of it is seen."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or raise FileNotFoundError."""
        ...

    def close(self) -> None:
        """Let connections go; what is called afterwards makes new ones."""
        ...


def regrouped(chunks: Iterable[bytes], size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield the same bytes in pieces of one size; the last may be shorter, and none is empty."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= size_bytes:
            yield bytes(held[:size_bytes])
            del held[:size_bytes]
    if held:
        yield bytes(held)
