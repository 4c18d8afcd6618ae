# ruff: noqa: S301 - what is unpickled has been pickled here
"""What stands in for a library's function pickles as that does: spawned workers get it among their arguments."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.run import session as sessions

_FUNCTIONS = ("torch.save", "torch.load", "joblib.dump", "joblib.load", "matplotlib.pyplot.show")
_METHODS = ("matplotlib.figure:Figure.savefig", "click.core:Command.parse_args", "argparse:ArgumentParser.parse_args")


def _found(name: str) -> Callable[..., object]:
    path, _, inner = name.partition(":") if ":" in name else name.rpartition(".")
    found: object = importlib.import_module(path)
    for part in inner.split("."):
        found = getattr(found, part)
    return found  # type: ignore[return-value]  # a function, by its name


@pytest.mark.parametrize("name", [*_FUNCTIONS, *_METHODS])
def test_a_hooked_function_pickles_within_a_run_and_is_the_librarys_own_elsewhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(name.partition(":")[0].partition(".")[0])
    monkeypatch.setenv("TASKSTORE_ROOT", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    before = _found(name)
    Task.init("examples", "a run")
    try:
        hooked = _found(name)
        data = pickle.dumps(hooked)
        assert pickle.loads(data) is hooked
    finally:
        session = sessions.opened()
        assert session is not None
        session.close()
    assert _found(name) is before
    assert pickle.loads(data) is before
