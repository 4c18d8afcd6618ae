"""DataFrames that are kept up to date in the task: stored again when they have changed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.errors import BadValue, NotFound
from .prepared import is_a, library

TYPE = "data-audit-table"
"""ClearML's name for what is stored of them."""
_TORN = (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What pandas raises of a frame that another thread is changing."""
_MAX_MISSES = 3

Keep = Callable[[str, Any, Mapping[str, object]], None]
"""Stores a frame by a name, with what is said of it."""


@dataclass
class _Watched:
    frame: Any
    metadata: Mapping[str, object]
    stored: bytes
    misses: int = 0


class Watch:
    """The frames that one process keeps up to date.

    The program may change a frame at any time, also while it is looked at. So a changed one is copied twice, and stored
    only where both copies are equal; otherwise the next look decides.
    """

    def __init__(self) -> None:
        self._mutex = threading.RLock()  # a signal's handler ends the run, and looks for the last time
        self._watched: dict[str, tuple[_Watched, Keep]] = {}

    def register(
        self,
        name: str,
        frame: object,
        keep: Keep,
        *,
        metadata: Mapping[str, object] | None,
        uniqueness_columns: bool | Sequence[str],
    ) -> None:
        """Store a frame, and again from now on when it has changed. Raises BadValue."""
        said = {**(metadata or {}), **_said_of(name, frame, uniqueness_columns)}
        with self._mutex:
            copy = frame.copy(deep=True)  # type: ignore[attr-defined]  # a DataFrame, as has been checked
            keep(name, copy, said)
            self._watched[name] = (_Watched(frame, said, digest(copy)), keep)

    def unregister(self, name: str) -> None:
        """Look no more; what was stored last stays. Raises NotFound."""
        with self._mutex:
            if self._watched.pop(name, None) is None:
                raise NotFound("registered artifact", name, f"there is {', '.join(self._watched) or 'none'}")

    def frames(self) -> dict[str, Any]:
        """Return the program's own frames, by name."""
        with self._mutex:
            return {name: watched.frame for name, (watched, _) in self._watched.items()}

    def check(self) -> None:
        """Store every frame that has changed. Raises what storing raises."""
        with self._mutex:
            for name, (watched, keep) in list(self._watched.items()):
                found = _changed(watched)
                if found is not None:
                    keep(name, found[1], watched.metadata)
                    watched.stored = found[0]


def _changed(watched: _Watched) -> tuple[bytes, Any] | None:
    """Return a whole copy of a frame that has changed, with its digest; None where it has not, or is changing now.

    Raises what pandas does where it fails time after time.
    """
    try:
        copy = watched.frame.copy(deep=True)
        first = digest(copy)
        if first == watched.stored or digest(watched.frame.copy(deep=True)) != first:
            return None
    except _TORN:
        watched.misses += 1
        if watched.misses < _MAX_MISSES:
            return None
        raise  # it is not the program that is in the way
    watched.misses = 0
    return first, copy


def digest(frame: Any) -> bytes:  # noqa: ANN401 - a DataFrame
    """Return a hash of a frame's values, labels and types, by pandas' own of each row."""
    labels = repr([(str(column), str(kind)) for column, kind in frame.dtypes.items()])
    try:
        rows = library("pandas").util.hash_pandas_object(frame, index=True).to_numpy().tobytes()
    except TypeError:  # cells that cannot be hashed, such as lists
        rows = frame.to_csv().encode("utf-8", "surrogatepass")
    return hashlib.sha256(labels.encode("utf-8", "surrogatepass") + b"\0" + rows).digest()


def _said_of(name: str, frame: object, uniqueness_columns: bool | Sequence[str]) -> dict[str, object]:
    """Check a frame, and return what is recorded of it. Raises BadValue."""
    if not is_a(frame, "pandas", "DataFrame"):
        raise BadValue(f"artifact {name!r}: a pandas DataFrame is registered, not {type(frame).__name__}")
    table: Any = frame
    if table.index.nlevels > 1 or table.columns.nlevels > 1:
        raise BadValue(f"artifact {name!r}: a frame with several levels of labels; register its reset_index()")
    if isinstance(uniqueness_columns, bool):
        return {}
    if isinstance(uniqueness_columns, str):
        raise BadValue(f"uniqueness_columns must be true or a list of columns; write [{uniqueness_columns!r}]")
    missing = [column for column in uniqueness_columns if column not in table.columns]
    if missing:
        raise BadValue(f"uniqueness_columns: there is no column {missing[0]!r} in artifact {name!r}")
    return {"uniqueness_columns": ", ".join(map(str, uniqueness_columns))}
