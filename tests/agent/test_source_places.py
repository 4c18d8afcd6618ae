"""The commit comes from the first place that has it; where none has, each of them is named with what it said."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from taskstore.agent.source import rebuild
from taskstore.core.errors import CodeDiffers, CodeNotFound, Refused
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, facts_of, tree_hash
from tests.unit.capture.changes import everything
from tests.unit.capture.gitrepo import GitRepo, git

Made = tuple[TaskPaths, ScriptRecord]


def places_of(made: Made, at: Path) -> list[str]:
    """Rebuild, and return the places that were looked in."""
    told: list[str] = []
    rebuild(*made, at, tell=told.append)
    return [line.partition(": looking in ")[2] for line in told if ": looking in " in line]


def test_it_comes_from_its_own_folder_while_that_has_the_commit(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    everything(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(pushed)
    assert places_of(made, tmp_path / "again") == [str(repo.root)]
    assert tree_hash(tmp_path / "again/repository/project") == tree_hash(repo.root)


def test_it_comes_from_the_remote_where_its_folder_is_gone(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    everything(repo)
    expected, facts = tree_hash(repo.root), facts_of(repo.snapshot())
    made = captured(store, entry(repo.root / "main.py", repo.root))
    assert made[1].bundle is None
    shutil.rmtree(repo.root)
    assert places_of(made, tmp_path / "again") == [str(repo.root), str(pushed)]
    again = GitRepo(tmp_path / "again/repository/project")
    assert (tree_hash(again.root), facts_of(again.snapshot())) == (expected, facts)


def test_it_comes_from_the_bundle_on_top_of_the_remote(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("second.py", "2\n")
    repo.commit()
    everything(repo)
    expected, facts = tree_hash(repo.root), facts_of(repo.snapshot())
    made = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    assert places_of(made, tmp_path / "again") == [str(repo.root), "the task's bundle", str(pushed)]
    again = GitRepo(tmp_path / "again/repository/project")
    assert (tree_hash(again.root), facts_of(again.snapshot())) == (expected, facts)
    assert again.git("config", "remote.origin.url") == str(pushed)


def test_it_comes_from_the_bundle_alone_where_there_was_no_remote(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    everything(repo)
    expected, facts = tree_hash(repo.root), facts_of(repo.snapshot())
    made = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    assert places_of(made, tmp_path / "again") == [str(repo.root), "the task's bundle"]
    again = GitRepo(tmp_path / "again/repository/project")
    assert (tree_hash(again.root), facts_of(again.snapshot())) == (expected, facts)
    assert again.snapshot().repository == made[1].repository == str(repo.root)


def test_what_was_rebuilt_can_be_captured_and_rebuilt_again(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    everything(repo)
    expected = tree_hash(repo.root)
    first = built(captured(store, entry(repo.root / "main.py", repo.root)), tmp_path / "1")
    shutil.rmtree(repo.root)
    second = captured(store, entry(first.root / "main.py", first.root))
    assert tree_hash(built(second, tmp_path / "2").root) == expected
    shutil.rmtree(tmp_path / "1")
    third = built(second, tmp_path / "3")
    assert tree_hash(third.root) == expected
    assert GitRepo(third.root).snapshot().repository == str(repo.root)


def test_it_comes_from_the_bundle_on_top_of_a_fresh_clone_at_its_place(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("second.py", "2\n")
    repo.commit()
    expected = tree_hash(repo.root)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    git(tmp_path, "clone", "-q", pushed, repo.root)
    shutil.rmtree(pushed)
    assert places_of(made, tmp_path / "again") == [str(repo.root)]
    assert tree_hash(tmp_path / "again/repository/project") == expected


def test_a_commit_of_no_branch_any_more_comes_from_its_folder(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("amended.py", "1\n")
    repo.commit()
    expected = tree_hash(repo.root)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    repo.git("reset", "-q", "--hard", "HEAD~1")
    assert places_of(made, tmp_path / "again") == [str(repo.root)]
    assert tree_hash(tmp_path / "again/repository/project") == expected


def test_a_commit_of_no_branch_any_more_comes_from_the_remote(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("forced over.py", "1\n")
    repo.commit()
    repo.git("push", "-q")
    expected = tree_hash(repo.root)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("push", "-q", "--force")
    shutil.rmtree(repo.root)
    assert places_of(made, tmp_path / "again") == [str(repo.root), str(pushed)]
    assert tree_hash(tmp_path / "again/repository/project") == expected


def test_nothing_depends_on_the_places_that_it_came_from(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    made = captured(store, entry(repo.root / "main.py", repo.root))
    found = built(made, tmp_path / "again")
    shutil.rmtree(repo.root)
    shutil.rmtree(pushed)
    moved = tmp_path / "moved"
    found.root.rename(moved)
    assert git(moved, "fsck", "--full") == ""
    assert git(moved, "log", "--format=%s") == "change"
    assert git(moved, "status", "--porcelain") == ""


def test_a_folder_that_borrows_its_objects_is_not_borrowed_from(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--shared", pushed, "shared")
    made = captured(store, entry(tmp_path / "shared/main.py", tmp_path / "shared"))
    found = built(made, tmp_path / "again")
    shutil.rmtree(pushed)
    shutil.rmtree(tmp_path / "shared")
    assert git(found.root, "fsck", "--full") == ""


def test_the_original_is_left_as_it_was(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    everything(repo)
    made = captured(store, entry(repo.root / "main.py", repo.root))

    def state() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino)
            for path in repo.root.rglob("*")
            if not path.is_dir()
        }

    before = state()
    built(made, tmp_path / "again")
    assert state() == before


def test_a_shallow_clone_comes_back_as_one(pushed: Path, repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("second.py", "2\n")
    repo.commit()
    repo.git("push", "-q")
    git(tmp_path, "clone", "-q", "--depth=1", pushed.as_uri(), "shallow")
    shallow = GitRepo(tmp_path / "shallow")
    everything(shallow)
    shutil.rmtree(pushed)
    made = captured(store, entry(shallow.root / "main.py", shallow.root))
    assert places_of(made, tmp_path / "again") == [str(shallow.root)]
    again = GitRepo(tmp_path / "again/repository/shallow")
    assert tree_hash(again.root) == tree_hash(shallow.root)
    assert facts_of(again.snapshot()) == facts_of(shallow.snapshot())


def test_a_detached_head_in_a_shallow_clone_comes_back(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", pushed.as_uri(), "shallow")
    shallow = GitRepo(tmp_path / "shallow")
    shallow.git("checkout", "-q", "--detach")
    shallow.write("unpushed.py", "1\n")
    shallow.commit()
    made = captured(store, entry(shallow.root / "main.py", shallow.root))
    shallow.git("checkout", "-q", "main")
    found = built(made, tmp_path / "again")
    assert (found.root / "unpushed.py").exists()
    assert GitRepo(found.root).snapshot().branch == ""


def test_a_partial_clone_is_enough_where_it_has_all_files_of_the_commit(
    pushed: Path, repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write("train.py", "changed\n")
    repo.commit()
    repo.git("push", "-q")
    git(pushed, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", pushed.as_uri(), "whole")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--sparse", pushed.as_uri(), "sparse")
    whole, sparse = (
        captured(store, entry(tmp_path / each / "main.py", tmp_path / each)) for each in ("whole", "sparse")
    )
    expected = tree_hash(repo.root)
    assert places_of(sparse, tmp_path / "1") == [str(tmp_path / "sparse"), pushed.as_uri()]
    assert tree_hash(tmp_path / "1/repository/sparse") == expected
    shutil.rmtree(pushed)
    assert places_of(whole, tmp_path / "2") == [str(tmp_path / "whole")]
    assert tree_hash(tmp_path / "2/repository/whole") == expected
    with pytest.raises(CodeNotFound, match="it is a partial clone, and has not all files of commit"):
        built(sparse, tmp_path / "3")


def test_a_linked_work_tree_comes_back(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    linked = GitRepo(tmp_path / "linked")
    repo.git("worktree", "add", "-q", "--detach", linked.root)
    linked.write("only here.py", "1\n")
    linked.commit()
    everything(linked)
    made = captured(store, entry(linked.root / "main.py", linked.root))
    assert places_of(made, tmp_path / "again") == [str(linked.root)]
    again = GitRepo(tmp_path / "again/repository/linked")
    assert tree_hash(again.root) == tree_hash(linked.root)
    assert (again.root / ".git").is_dir()
    assert facts_of(again.snapshot()) == facts_of(linked.snapshot())


@pytest.mark.parametrize("is_gone", [False, True], ids=["", "folder gone"])
@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_repository_without_a_commit_comes_back(
    kind: str, is_gone: bool, store: Store, tmp_path: Path, repo: GitRepo
) -> None:
    new = GitRepo.create(tmp_path / "unborn", f"--object-format={kind}")
    new.write("staged.py", "1\n")
    new.git("add", "-A")
    new.write("main.py", "print('hello')\n")
    made = captured(store, entry(new.root / "main.py", new.root))
    expected = tree_hash(new.root)
    if is_gone:
        shutil.rmtree(new.root)
    found = built(made, tmp_path / "again")
    assert tree_hash(found.root) == expected
    assert found.target == (str(found.root / "main.py"),)
    assert GitRepo(found.root).snapshot().branch == "main"


def test_sha256_commits_come_back_from_a_bundle(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    new = GitRepo.create(tmp_path / "long names", "--object-format=sha256")
    new.write("main.py", "print('hello')\n")
    new.commit()
    made = captured(store, entry(new.root / "main.py", new.root))
    expected = tree_hash(new.root)
    shutil.rmtree(new.root)
    assert tree_hash(built(made, tmp_path / "again").root) == expected


def test_no_hook_or_template_of_anyone_runs(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "hook ran"
    hooks = tmp_path / "hooks"
    hook = f"#!/bin/sh\ntouch '{mark}'\n"
    everything(repo)
    for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor"):
        for folder in (hooks, tmp_path / "template/hooks", repo.root / ".git/hooks"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(hook)
            (folder / name).chmod(0o755)
    made = captured(store, entry(repo.root / "main.py", repo.root))
    for key, value in {
        "core.hooksPath": str(hooks),
        "init.templateDir": str(tmp_path / "template"),
        "core.fsmonitor": str(hooks / "fsmonitor"),
        "clone.defaultRemoteName": "elsewhere",
        "apply.whitespace": "fix",
        "apply.ignoreWhitespace": "change",
        "core.sparseCheckout": "true",
        "submodule.recurse": "true",
        "fetch.prune": "true",
    }.items():
        git(tmp_path, "config", "--global", key, value)
    expected = tree_hash(repo.root)
    found = built(made, tmp_path / "again")
    shutil.rmtree(repo.root)
    from_bundle = built(made, tmp_path / "from the bundle")
    assert (tree_hash(found.root), tree_hash(from_bundle.root)) == (expected, expected)
    assert not mark.exists()
    assert not (found.root / ".git/hooks").exists()


def test_a_damaged_bundle_is_named(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    shutil.rmtree(repo.root)
    paths.bundle.chmod(stat.S_IRUSR | stat.S_IWUSR)
    paths.bundle.write_bytes(paths.bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(CodeDiffers, match="unpushed.bundle: its SHA-256 is another"):
        built((paths, script), tmp_path / "again")


def test_a_folder_that_is_not_empty_is_left_alone(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    made = captured(store, entry(repo.root / "main.py", repo.root))
    with pytest.raises(Refused, match="not empty"):
        built(made, repo.root)
    assert os.listdir(repo.root / "src") == ["model.py"]  # noqa: PTH208 - names
