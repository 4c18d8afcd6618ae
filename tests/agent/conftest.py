"""Children of an agent find this taskstore, wherever they are run."""

from __future__ import annotations

from pathlib import Path

import pytest

import taskstore


@pytest.fixture(autouse=True)
def _found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(taskstore.__file__).parents[1]))
