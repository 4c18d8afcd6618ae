"""The commit, the bundle, the diff and the untracked files together are the tree, byte for byte."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.capture.git import Limits
from tests.unit.capture.changes import BINARY, CHANGES, LINES, everything, fill
from tests.unit.capture.gitrepo import GitRepo, git, isolate, rebuild, tree


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work")
    fill(repo)
    repo.commit()
    return repo


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_clone_and_diff_and_untracked_are_the_tree(
    change: Callable[[GitRepo], None], repo: GitRepo, tmp_path: Path
) -> None:
    remote = repo.publish(tmp_path / "remote.git")
    change(repo)
    taken = repo.snapshot()
    assert (taken.notes, taken.unpushed) == ((), ())
    assert tree(rebuild(taken, tmp_path / "again", remote=remote)) == tree(repo.root)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_diff_without_its_large_file_is_the_rest_of_the_tree(
    change: Callable[[GitRepo], None], repo: GitRepo, tmp_path: Path
) -> None:
    repo.write("large.bin", b"small\n")
    repo.commit()
    remote = repo.publish(tmp_path / "remote.git")
    change(repo)
    repo.write("large.bin", random.Random(8).randbytes(200_000))
    taken = repo.snapshot(Limits(diff_bytes=100_000))
    assert taken.notes == ("uncommitted changes left out, beyond 100,000 bytes in all: large.bin",)
    again, here = tree(rebuild(taken, tmp_path / "again", remote=remote)), tree(repo.root)
    assert again.pop("large.bin") != here.pop("large.bin")
    assert again == here


def test_unpushed_commits_come_back_from_the_bundle_on_top_of_the_remote(repo: GitRepo, tmp_path: Path) -> None:
    remote = repo.publish(tmp_path / "remote.git")
    repo.write("second.py")
    second = repo.commit()
    repo.write("third.bin", BINARY)
    third = repo.commit()
    everything(repo)
    taken = repo.snapshot()
    assert taken.unpushed == (third, second)
    assert tree(rebuild(taken, tmp_path / "again", remote=remote)) == tree(repo.root)


def test_without_a_remote_the_bundle_alone_can_be_cloned(repo: GitRepo, tmp_path: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    head = repo.commit("second")
    everything(repo)
    taken = repo.snapshot()
    assert taken.unpushed == (head, first)
    again = rebuild(taken, tmp_path / "again")
    assert tree(again) == tree(repo.root)
    assert git(again, "rev-parse", "origin/main") == head


def test_a_detached_head_without_a_remote_can_be_cloned(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("checkout", "-q", "--detach")
    repo.write("detached.py")
    head = repo.commit()
    taken = repo.snapshot()
    assert (taken.branch, taken.version_num) == ("", head)
    assert tree(rebuild(taken, tmp_path / "again")) == tree(repo.root)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_repository_without_a_commit_comes_back(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work", f"--object-format={kind}")
    repo.write("staged.py", LINES)
    repo.git("add", "-A")
    repo.write("staged.py", LINES + "edited\n")
    repo.write("new.py")
    taken = repo.snapshot()
    assert (taken.version_num, taken.branch, taken.unpushed, taken.notes) == ("", "main", (), ())
    target = tmp_path / "again"
    assert tree(rebuild(taken, target)) == tree(repo.root)


def test_sha256_commits_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work", "--object-format=sha256")
    repo.write("a.py", LINES)
    assert len(repo.commit()) == 64
    repo.write("a.py", "changed\n")
    assert tree(rebuild(repo.snapshot(), tmp_path / "again")) == tree(repo.root)


def test_a_merge_with_conflicts_comes_back_as_it_stands(repo: GitRepo, tmp_path: Path) -> None:
    remote = repo.publish(tmp_path / "remote.git")
    repo.git("checkout", "-q", "-b", "side")
    repo.write("train.py", LINES.replace("line 7\n", "side\n"))
    repo.git("rm", "-q", "crlf.txt")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("train.py", LINES.replace("line 7\n", "main\n"))
    repo.write("crlf.txt", "changed, and deleted by them\n")
    repo.commit()
    with pytest.raises(AssertionError):
        repo.git("merge", "-q", "side")
    taken = repo.snapshot()
    assert any("conflicts" in note and "train.py" in note for note in taken.notes)
    assert b"<<<<<<<" in taken.diff
    assert tree(rebuild(taken, tmp_path / "again", remote=remote)) == tree(repo.root)


def test_settings_of_the_user_do_not_change_the_diff(repo: GitRepo, tmp_path: Path) -> None:
    remote = repo.publish(tmp_path / "remote.git")
    everything(repo)
    plain = repo.snapshot()
    for name, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.context": "0",
        "diff.interHunkContext": "9",
        "diff.external": "false",
        "diff.orderFile": "missing",
        "diff.renames": "false",
        "diff.submodule": "diff",
        "diff.suppressBlankEmpty": "true",
        "diff.wordRegex": ".",
        "diff.relative": "true",
        "diff.autoRefreshIndex": "false",
        "diff.up.textconv": "false",
        "diff.up.command": "false",
        "color.ui": "always",
        "core.pager": "false",
        "core.quotePath": "true",
        "core.fsmonitor": "false-monitor",
        "status.showUntrackedFiles": "no",
        "status.relativePaths": "true",
        "status.aheadBehind": "false",
        "status.submoduleSummary": "true",
        "status.showStash": "true",
        "apply.whitespace": "fix",
    }.items():
        repo.git("config", name, value)
    repo.write(".git/info/attributes", "*.py diff=up\n")
    odd = repo.snapshot(cwd=repo.root / "src") if (repo.root / "src").is_dir() else repo.snapshot()
    assert (odd.diff, odd.untracked, odd.notes) == (plain.diff, plain.untracked, ())
    assert tree(rebuild(odd, tmp_path / "again", remote=remote)) == tree(repo.root)


def test_files_under_an_unreadable_attribute_of_diff_are_whole(repo: GitRepo, tmp_path: Path) -> None:
    repo.write(".gitattributes", "*.py -diff\n")
    repo.commit()
    repo.write("train.py", LINES + "edited\n")
    assert tree(rebuild(repo.snapshot(), tmp_path / "again")) == tree(repo.root)


def test_a_file_that_was_only_touched_is_no_change(repo: GitRepo) -> None:
    os.utime(repo.root / "train.py", (1, 1))
    assert repo.snapshot().diff == b""
