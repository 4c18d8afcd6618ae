"""Which Python an environment is made with."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from taskstore.agent import interpreters
from taskstore.agent.interpreters import find, own

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand for interpreters")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_found", {})
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))


def make(folder: Path, name: str, *, says: object = None, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{json.dumps(says)}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_the_own_minor_version_is_this_python(tmp_path: Path) -> None:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    make(tmp_path / "one", f"python{minor}", says=["/elsewhere/python", f"{minor}.0 (main)"])
    assert find(minor) == own()
    assert own().is_own
    assert own().path.samefile(sys.executable)


def test_one_that_fails_or_is_of_another_version_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path / "one", "python3.99", says="pyenv: python3.99: command not found", code=127)
    make(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin", "python", says=[str(tmp_path), "3.99.1 (main)"])
    make(tmp_path / "two", "python3.99", says=["/elsewhere/python3.98", "3.98.0 (main)"])
    found = find("3.99")
    assert found is not None
    assert (found.path, found.version, found.minor, found.is_own) == (tmp_path, "3.99.1 (main)", "3.99", False)


def test_it_is_asked_once_as_long_as_it_is_there(tmp_path: Path) -> None:
    script = make(tmp_path / "two", "python3.99", says=[str(tmp_path), "3.99.1 (main)"])
    found = find("3.99")
    make(tmp_path / "two", "python3.99", code=1)
    assert find("3.99") == found
    assert script.exists()


@pytest.mark.parametrize("minor", ["3.98", "3.9", "2.7"])
def test_there_may_be_none_that_taskstore_can_run_in(tmp_path: Path, minor: str) -> None:
    make(tmp_path / "one", "python3.9", says=[str(tmp_path), "3.9.1 (main)"])
    assert find(minor) is None
