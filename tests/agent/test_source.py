"""Code comes back as it was, from each of the places where it may be, or an error says what is not as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, tree_hash
from tests.unit.capture.changes import CHANGES
from tests.unit.capture.gitrepo import GitRepo


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_was_changed_comes_back(change, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    change(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    found = built(made, tmp_path / "again")
    assert tree_hash(found.root) == tree_hash(repo.root)
    assert found.target == (str(found.root / "main.py"),)
    assert (found.cwd, found.root.name) == (found.root, "project")
