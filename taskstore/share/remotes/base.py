"""What a remote is: files by their names, which are relative, with `/` between their parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Remote(Protocol):
    """A place that holds files; all verbs may be called from several threads at once. Every failure is RemoteError."""

    @property
    def address(self) -> str:
        """Where it is, without credentials; for messages."""
        ...

    @property
    def is_writable(self) -> bool:
        """False for a kind that can only be read, such as HTTP."""
        ...

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes; None where there is no such file."""
        ...

    def names(self, folder: str = "") -> dict[str, int]:
        """Return all files below a folder with their sizes, by their names relative to the remote; none is {}.

        Unfinished writes are left out. Raises NotSupported where the kind cannot list (HTTP).
        """
        ...

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on, in pieces. Raises FileNotFoundError."""
        ...

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file, which appears whole: whoever reads sees the one before or this one. Raises ReadOnly."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is removed already."""
        ...

    def close(self) -> None:
        """Let connections go; a later call makes new ones."""
        ...
