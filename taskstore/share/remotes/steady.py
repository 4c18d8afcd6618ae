"""A Remote made of a Place: names are checked, lost connections are tried again, and failures name the address."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TypeVar

from ...core.errors import ReadOnly, RemoteError, TaskstoreError
from . import filenames
from .place import CHUNK_BYTES, Place, Reading

T = TypeVar("T")
_KEPT_IN_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True)
class Patience:
    """How long a remote is waited for, in seconds, and how often it is tried before it has failed."""

    attempts: int = 4
    pause_s: float = 0.5
    """Before the second attempt; before each later one twice as long as before."""
    connect_s: float = 10.0
    answer_s: float = 60.0
    least_bytes_per_s: int = 16 << 10
    """What an upload has to move; one that is slower counts as lost."""
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int) -> None:
        """Wait after a failed attempt, counted from 1."""
        self.sleep(self.pause_s * 2 ** (attempt - 1))

    def upload_s(self, size: int) -> float:
        """Return how long so many bytes may take to go up and be answered."""
        return self.answer_s + size / self.least_bytes_per_s


class Steady:
    """A remote, by the verbs of its place. Any number of threads may use it at once."""

    def __init__(self, place: Place, patience: Patience | None = None) -> None:
        self.place = place
        self._patience = patience or Patience()

    @property
    def address(self) -> str:
        """Where it is, without credentials."""
        return self.place.address

    @property
    def is_writable(self) -> bool:
        """False for a kind that can only be read."""
        return self.place.is_writable

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes; None where there is no such file."""
        self._check(name)
        return self._tried(name, lambda: self.place.size(name))

    def names(self, folder: str = "") -> dict[str, int]:
        """Return all finished files below a folder with their sizes. Raises NotSupported where it cannot list."""
        if folder:
            self._check(folder)
        return self._tried(folder, lambda: self._listed(folder))

    def _listed(self, folder: str) -> dict[str, int]:
        found = ((self._check(name), size) for name, size in self.place.names(folder))
        return {name: size for name, size in found if not filenames.is_unfinished(name)}

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on; a lost connection is made again, and the rest read from there.

        Raises FileNotFoundError as the first piece is asked for; RemoteError where the file is replaced meanwhile.
        """
        self._check(name)
        stamp = ""
        for attempt in itertools.count(1):
            began_at = offset
            try:
                reading = self.place.read(name, offset)
                with closing(reading.chunks) as pieces:
                    self._compare(name, stamp or reading.stamp, reading)
                    stamp = reading.stamp
                    for chunk in pieces:
                        offset += len(chunk)
                        yield chunk
            except FileNotFoundError:
                if stamp:
                    raise RemoteError(f"{self.address}: {name} was removed while it was read") from None
                raise
            except self.place.failures as error:
                self._pause_or_raise(name, error, 1 if offset > began_at else attempt)
            else:
                return

    def _compare(self, name: str, stamp: str, reading: Reading) -> None:
        if stamp != reading.stamp:
            raise RemoteError(f"{self.address}: {name} has changed while it was read; try again")

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file, which appears whole.

        What is given is read anew for each attempt; an iterator, which cannot be, is kept aside first. What it raises
        goes through as it is.
        """
        self._check(name)
        self._check_writable()
        with _repeatable(chunks) as given:
            self._tried(name, lambda: self.place.write(name, given), given)

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is removed already."""
        self._check(name)
        self._check_writable()
        with suppress(FileNotFoundError):
            self._tried(name, lambda: self.place.remove(name), passed=(FileNotFoundError,))

    def close(self) -> None:
        """Let connections go; the remote may be used again."""
        self.place.close()

    def _check(self, name: str) -> str:
        return filenames.checked(self.address, name)

    def _check_writable(self) -> None:
        if not self.is_writable:
            raise ReadOnly(f"{self.address} can only be read; push to a folder, over SSH or to a bucket")

    def _tried(
        self,
        name: str,
        act: Callable[[], T],
        given: _Given | None = None,
        *,
        passed: tuple[type[Exception], ...] = (),
    ) -> T:
        for attempt in itertools.count(1):
            try:
                return act()
            except passed:
                raise
            except self.place.failures as error:
                if given is not None and given.error is not None:
                    raise given.error from None
                self._pause_or_raise(name, error, attempt)
        raise AssertionError

    def _pause_or_raise(self, name: str, error: Exception, attempt: int) -> None:
        if isinstance(error, TaskstoreError):
            raise error
        if not self.place.is_lost(error) or attempt >= self._patience.attempts:
            raise RemoteError(f"{self._spelled(name)}: {_reason(error)}") from error
        self._patience.pause(attempt)

    def _spelled(self, name: str) -> str:
        return f"{self.address} ({name})" if name else self.address


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None)  # urllib wraps what the system has said
    error = inner if isinstance(inner, Exception) else error
    text = str(error).removeprefix("[Errno None]").strip()  # paramiko's, which has no number
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Given:
    """What is to be written, as often as it is asked for; `error` is what its own source has raised."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._chunks)
        while True:
            try:
                chunk = next(chunks)
            except StopIteration:
                return
            except Exception as error:
                self.error = error
                raise
            yield chunk


class _Kept:
    """What an iterator gave, in a file aside."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(0)
        while chunk := self._stream.read(CHUNK_BYTES):
            yield chunk


@contextmanager
def _repeatable(chunks: Iterable[bytes]) -> Iterator[_Given]:
    with ExitStack() as stack:
        if iter(chunks) is chunks:
            stream = stack.enter_context(tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY_BYTES))
            stream.writelines(chunks)
            chunks = _Kept(stream)
        yield _Given(chunks)
