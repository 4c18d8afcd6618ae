"""What the tests of saved and loaded models share: a sink that keeps what it is told, and a way into the captures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from taskstore.capture.base import Found, Sink
from taskstore.run.frameworks import FRAMEWORKS, connected

Seen = tuple[str, str, str]
"""What was done, the framework's word, and the file's name below the folder of the test."""


class Reports:
    """Keeps scalars as (title, series, value, iteration), and plots likewise."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, str, float, int]] = []
        self.plots: list[tuple[str, str, Any, int]] = []

    def report_scalar(self, title: str, series: str, value: Any, iteration: int) -> None:
        self.scalars.append((title, series, round(float(value), 6), iteration))

    def report_plotly(self, title: str, series: str, figure: Any, iteration: int) -> None:
        self.plots.append((title, series, figure, iteration))


class Kept:
    """A sink that keeps what it is told of models, scalars, parameters and failures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models: list[Seen] = []
        self.keys: set[str] = set()
        self.notes: list[str] = []
        self.found: dict[str, Mapping[str, Found]] = {}
        self.reporter = Reports()
        self.sizes: list[int] = []

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        self._add("saved", framework, path, key)

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        self._add("loaded", framework, path, key)

    def _add(self, what: str, framework: str, path: Path, key: str) -> None:
        assert path.is_absolute()
        self.models.append((what, framework, path.relative_to(self.folder).as_posix()))
        self.keys.add(key)
        self.sizes.append(path.stat().st_size if path.is_file() else 0)

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        self.found[section] = found

    def note(self, capture: str, message: str) -> None:
        self.notes.append(f"{capture}: {message}")

    @property
    def scalars(self) -> list[tuple[str, str, float, int]]:
        return self.reporter.scalars

    def taken(self) -> list[Seen]:
        """Return what was seen since the last time."""
        assert self.notes == []
        seen, self.models = self.models, []
        return seen


@contextmanager
def captured(folder: Path, choice: bool | Mapping[str, object] = True) -> Iterator[Kept]:
    """Enter every capture of a framework that a program may choose, and give what they report."""
    kept = Kept(folder)
    with connected(FRAMEWORKS, choice, cast("Sink", kept)):
        yield kept


def noted_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object]
) -> list[str]:
    """Take from a library what is hooked, as a new version of it may; return the first line of each note.

    What the program does with the rest goes on, and none of it is reported.
    """
    with monkeypatch.context() as without:
        without.delattr(owner, name)
        with captured(folder) as kept:
            act()
        assert not hasattr(owner, name)
    assert (kept.models, kept.scalars) == ([], [])
    return [note.partition("\n")[0] for note in kept.notes]
