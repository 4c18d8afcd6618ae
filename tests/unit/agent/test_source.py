"""Code comes back as it was, from each of the places where it may be, or an error says what is not as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from taskstore.store.store import Store
from tests.unit.agent.making import built, captured, entry, tree_hash
from tests.unit.capture.changes import CHANGES, everything, fill
from tests.unit.capture.gitrepo import GitRepo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work" / "project")
    repo.write("main.py", "print('hello')\n")
    fill(repo)
    repo.commit()
    return repo


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_was_changed_comes_back(change, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    change(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    found = built(made, tmp_path / "again")
    assert tree_hash(found.root) == tree_hash(repo.root)
    assert found.target == (str(found.root / "main.py"),)
    assert (found.cwd, found.root.name) == (found.root, "project")


def test_it_comes_back_from_the_bundle_where_all_else_is_gone(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    everything(repo)
    expected = tree_hash(repo.root)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    assert tree_hash(built(made, tmp_path / "again").root) == expected
