from pathlib import Path

import pytest

from tests.unit.capture.gitrepo import GitRepo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work")
    repo.write("train.py")
    repo.write("sub/dir/eval.py")
    repo.commit("first")
    return repo
