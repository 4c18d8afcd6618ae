"""A repository with a little of everything in it, for every test of the agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.capture.changes import fill
from tests.unit.capture.gitrepo import GitRepo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work" / "project")
    repo.write("main.py", "print('hello')\n")
    fill(repo)
    repo.commit()
    return repo


@pytest.fixture
def pushed(repo: GitRepo, tmp_path: Path) -> Path:
    """The remote of the repository, which has all of its commits."""
    return repo.publish(tmp_path / "remote.git")
