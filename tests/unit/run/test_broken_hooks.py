"""A library's new version that has nothing of what a capture hooks into: said once, and the program goes on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from taskstore.capture.base import Sink
from taskstore.run.frameworks import ARGUMENTS, FRAMEWORKS, Framework, connected

HOOKED = [row._replace(libraries=(library,)) for row in (*ARGUMENTS, *FRAMEWORKS) for library in row.libraries]


class Noted:
    """A sink that keeps what it is told of failures."""

    reporter = None

    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []

    def note(self, capture: str, message: str) -> None:
        self.notes.append((capture, message))


@pytest.fixture
def emptied(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put a library that has the module, and nothing in it, in the place of the one that may be installed."""
    (name,) = request.param.libraries
    relay = getattr(importlib.import_module(f"taskstore.capture.{request.param.capture}"), "RELAY", None)
    if relay is not None:
        relay.uninstall()  # of an earlier test
    top = name.partition(".")[0]
    for known in [known for known in sys.modules if known.partition(".")[0] == top]:
        monkeypatch.delitem(sys.modules, known)
    folder = tmp_path
    for part in name.split("."):
        folder /= part
        folder.mkdir()
        (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for known in [known for known in sys.modules if known.partition(".")[0] == top]:
        del sys.modules[known]
    if relay is not None:
        relay.uninstall()


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize(
    ("row", "emptied"), [(row, row) for row in HOOKED], indirect=["emptied"],
    ids=[f"{row.capture}-{row.libraries[0]}" for row in HOOKED],
)  # fmt: skip
def test_a_library_without_what_is_hooked_is_noted_once_and_imported_all_the_same(
    row: Framework, emptied: str, order: str
) -> None:
    sink = Noted()
    if order == "before":
        importlib.import_module(emptied)
    with connected((row,), True, cast("Sink", sink)):
        before = dict(vars(importlib.import_module(emptied)))
    assert [capture for capture, _ in sink.notes] == [row.capture]
    assert dict(vars(sys.modules[emptied])) == before
