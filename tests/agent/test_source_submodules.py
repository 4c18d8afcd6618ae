"""Submodules come back at their commits, with what was changed in them, and what only they had."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from taskstore.agent.source import rebuild
from taskstore.agent.source.work_tree import absolute
from taskstore.core.errors import CodeDiffers, CodeNotFound, Refused
from taskstore.run import checkout
from taskstore.schema.record import Submodule
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, facts_of, tree_hash
from tests.unit.capture.changes import LINES, everything, fill
from tests.unit.capture.gitrepo import GitRepo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with a submodule that has a submodule; each has a remote, of which all commits are."""
    isolate(tmp_path, monkeypatch)
    inner = GitRepo.create(tmp_path / "inner")
    inner.write("inner.py", LINES)
    inner.commit()
    library = GitRepo.create(tmp_path / "library")
    fill(library)
    library.git("submodule", "--quiet", "add", str(inner.root), "in ner")
    library.commit()
    repo = GitRepo.create(tmp_path / "work" / "project")
    repo.write("main.py", "print('hello')\n")
    repo.git("submodule", "--quiet", "add", str(library.root), "deps/lib")
    repo.git("submodule", "--quiet", "update", "--init", "--recursive")
    repo.commit()
    return repo


def library(repo: GitRepo) -> GitRepo:
    return GitRepo(repo.root / "deps/lib")


def inner(repo: GitRepo) -> GitRepo:
    return GitRepo(repo.root / "deps/lib/in ner")


def clean(repo: GitRepo) -> None:
    """Leave all as it is."""


def changed(repo: GitRepo) -> None:
    everything(library(repo))


def changed_innermost(repo: GitRepo) -> None:
    inner(repo).write("inner.py", LINES + "more\n")
    inner(repo).write("new.sh", "#!/bin/sh\n", mode=0o755)
    inner(repo).link("a link", "inner.py")


def unpushed(repo: GitRepo) -> None:
    library(repo).write("unpushed.py", LINES)
    library(repo).commit()


def unpushed_and_committed_above(repo: GitRepo) -> None:
    inner(repo).write("unpushed.py", LINES)
    inner(repo).commit()
    unpushed(repo)
    repo.commit("moved")


def staged(repo: GitRepo) -> None:
    unpushed(repo)
    repo.git("add", "-A")
    changed(repo)


def of_all_kinds(repo: GitRepo) -> None:
    unpushed_and_committed_above(repo)
    unpushed(repo)
    changed(repo)
    changed_innermost(repo)
    everything_above = repo.write("new above.py", LINES)
    everything_above.chmod(0o755)


STATES = [clean, changed, changed_innermost, unpushed, unpushed_and_committed_above, staged, of_all_kinds]


@pytest.mark.parametrize("is_gone", [False, True], ids=["", "folder gone"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_of_submodules_comes_back(state, is_gone: bool, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    state(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    expected, facts = tree_hash(repo.root), facts_of(repo.snapshot())
    if is_gone:
        shutil.rmtree(repo.root)
    found = built(made, tmp_path / "again")
    assert tree_hash(found.root) == expected
    assert facts_of(GitRepo(found.root).snapshot()) == facts
    assert [note for note in found.notes if "links" not in note] == []


def test_submodules_come_from_their_own_folders_while_these_are_there(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    unpushed_and_committed_above(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    for folder in (tmp_path / "library", tmp_path / "inner"):
        shutil.rmtree(folder)
    told: list[str] = []
    found = rebuild(*made, tmp_path / "again", tell=told.append)
    expected = tree_hash(repo.root)
    assert [line.partition(": looking in ")[2] for line in told] == [
        str(each.root) for each in (repo, library(repo), inner(repo))
    ]
    shutil.rmtree(repo.root)
    moved = found.root.rename(tmp_path / "moved")
    assert tree_hash(moved) == expected
    assert GitRepo(moved / "deps/lib/in ner").git("status", "--porcelain") == ""


def test_what_differs_in_submodules_is_said_before_a_run_in_the_original_folder(repo: GitRepo, store: Store) -> None:
    of_all_kinds(repo)
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    assert checkout.differences(paths, script) == []
    inner(repo).write("inner.py", LINES + "other\n")
    inner(repo).write("new.sh", "other\n")
    assert checkout.differences(paths, script) == [
        "the uncommitted changes are not the recorded ones (deps/lib/in ner/inner.py)",
        "files that git does not track are not as they were (deps/lib/in ner/new.sh)",
    ]
    library(repo).commit()
    commit, other = script.submodules[0].version_num[:12], library(repo).git("rev-parse", "HEAD")[:12]
    assert f"submodule deps/lib is at commit {other}, and not {commit}" in checkout.differences(paths, script)


def test_a_submodule_whose_folder_was_empty_stays_so(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.git("submodule", "--quiet", "deinit", "--force", "deps/lib")
    shutil.rmtree(tmp_path / "library")
    found = built(captured(store, entry(repo.root / "main.py", repo.root)), tmp_path / "again")
    assert list((found.root / "deps/lib").iterdir()) == []
    assert found.notes == ("submodule deps/lib was not checked out, and is not",)


def test_a_submodule_that_nobody_has_is_named_with_all_places(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    unpushed(repo)
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    for folder in (repo.root, tmp_path / "library"):
        shutil.rmtree(folder)
    with pytest.raises(CodeNotFound) as caught:
        built((paths, script), tmp_path / "again")
    places = dict(caught.value.tried)
    assert "submodule deps/lib" in str(caught.value)
    assert set(places) == {str(repo.root / "deps/lib"), "the task's bundle", str(tmp_path / "library")}
    assert places[str(tmp_path / "library")] == "it is gone"
    assert "prerequisite" in places["the task's bundle"]


def test_what_an_earlier_taskstore_recorded_of_a_changed_submodule_is_refused(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    changed_innermost(repo)
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    plain = [
        Submodule(path=each.path, url=each.url, version_num=each.version_num, dirty=each.dirty)
        for each in script.submodules
    ]
    old = msgspec.structs.replace(script, submodules=plain)
    with pytest.raises(CodeNotFound, match="submodule deps/lib were not captured: an earlier taskstore"):
        built((paths, old), tmp_path / "again")
    found = built((paths, old), tmp_path / "once more", allow_missing=True)
    assert (found.root / "deps/lib/in ner/inner.py").read_text() == LINES
    assert len(found.notes) == 2


def test_a_submodule_at_another_commit_than_the_record_says_is_refused(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    script.submodules[0].version_num = "1" * 40
    with pytest.raises(CodeDiffers, match="deps/lib: commit .* is to be in it, and 111111111111 was recorded"):
        built((paths, script), tmp_path / "again")


def test_a_submodule_where_there_is_none_is_refused(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    script.submodules = [Submodule(path="main.py", version_num="1" * 40)]
    with pytest.raises(CodeDiffers, match="there is no submodule"):
        built((paths, script), tmp_path / "again")
    script.submodules = [Submodule(path="../out", version_num="1" * 40)]
    with pytest.raises(Refused, match="no path below a folder"):
        built((paths, script), tmp_path / "once more")
    assert not (tmp_path / "once more/repository/out").exists()


def test_submodules_that_were_not_recorded_are_told(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    script.submodules = []
    assert built((paths, script), tmp_path / "again").notes == (
        "submodules of which nothing was recorded are empty: deps/lib",
    )


@pytest.mark.parametrize(
    ("url", "base", "whole"),
    [
        ("../library", "/srv/git/project", "/srv/git/library"),
        ("../library.git", "https://example.org/team/project.git/", "https://example.org/team/library.git"),
        ("../../other/library", "git@example.org:team/project", "git@example.org:other/library"),
        ("./inside", "https://example.org/project", "https://example.org/project/inside"),
        ("https://example.org/library", "/srv/git/project", "https://example.org/library"),
    ],
)
def test_an_address_relative_to_its_repository_is_made_whole_as_git_does(url: str, base: str, whole: str) -> None:
    assert absolute(url, base) == whole
