"""The commit, the bundle, the diff and the untracked files together are the tree, byte for byte."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from gitrepo import GitRepo, git, isolate, rebuild, tree

from taskstore.capture.git import Limits

BINARY = random.Random(7).randbytes(5000)
LINES = "".join(f"line {number}\n" for number in range(50))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work")
    repo.write("train.py", LINES)
    repo.write("src/model.py", LINES.replace("line", "row"))
    repo.write("data.bin", BINARY)
    repo.write("crlf.txt", LINES.replace("\n", "\r\n"))
    repo.write("no newline", "a\nb")
    repo.write("run.sh", "#!/bin/sh\n", mode=0o755)
    repo.link("link", "train.py")
    repo.commit()
    return repo


def edited(repo: GitRepo) -> None:
    repo.write("train.py", LINES.replace("line 7\n", "changed\n"))


def staged(repo: GitRepo) -> None:
    edited(repo)
    repo.git("add", "-A")


def staged_then_edited_again(repo: GitRepo) -> None:
    staged(repo)
    repo.write("train.py", LINES.replace("line 9\n", "changed twice\n"))


def staged_then_taken_back(repo: GitRepo) -> None:
    staged(repo)
    repo.write("train.py", LINES)


def binary_edited(repo: GitRepo) -> None:
    repo.write("data.bin", BINARY[:100] + b"\0new" + BINARY[200:])
    repo.write("new.bin", bytes(range(256)))
    repo.git("add", "new.bin")


def renamed(repo: GitRepo) -> None:
    repo.git("mv", "src/model.py", "net.py")
    repo.git("mv", "data.bin", "renamed.bin")
    repo.write("net.py", LINES.replace("line", "row") + "more\n")


def renamed_without_git(repo: GitRepo) -> None:
    (repo.root / "src/model.py").rename(repo.root / "src/net.py")


def mode_changed(repo: GitRepo) -> None:
    (repo.root / "train.py").chmod(0o755)
    (repo.root / "run.sh").chmod(0o644)


def deleted(repo: GitRepo) -> None:
    (repo.root / "train.py").unlink()
    repo.git("rm", "-q", "data.bin")


def deleted_from_the_index_only(repo: GitRepo) -> None:
    repo.git("rm", "-q", "--cached", "train.py")


def line_ends_changed(repo: GitRepo) -> None:
    repo.write("crlf.txt", LINES.replace("\n", "\r\n").replace("line 3\r", "other\r"))
    repo.write("train.py", LINES.replace("\n", "\r\n"))
    repo.write("no newline", "a\nb\n")
    repo.write("trailing.txt", "blank at the end  \t\n\n\n")
    repo.git("add", "trailing.txt")


def added_and_removed_again(repo: GitRepo) -> None:
    repo.write("gone.py").write_text("1")
    repo.git("add", "gone.py")
    (repo.root / "gone.py").unlink()


def intended_to_add(repo: GitRepo) -> None:
    repo.write("later.py", "later\n")
    repo.git("add", "-N", "later.py")


def link_changed(repo: GitRepo) -> None:
    (repo.root / "link").unlink()
    repo.link("link", "src/model.py")


def link_became_a_file(repo: GitRepo) -> None:
    (repo.root / "link").unlink()
    repo.write("link", "a file now\n")
    (repo.root / "run.sh").unlink()
    repo.link("run.sh", "link")


def file_became_a_folder(repo: GitRepo) -> None:
    (repo.root / "train.py").unlink()
    repo.write("train.py/part.py", "inside\n")


def folder_became_a_link(repo: GitRepo) -> None:
    (repo.root / "src").rename(repo.root / "lib")
    repo.link("src", "lib")


def untracked(repo: GitRepo) -> None:
    repo.write("new.py", LINES)
    repo.write("deep/er/tool.sh", "#!/bin/sh\n", mode=0o755)
    repo.write("empty", b"")
    repo.write("raw.bin", BINARY)
    repo.link("dangling", "../outside/of/it")
    repo.link("folder link", "./deep/")


def odd_names(repo: GitRepo) -> None:
    for name in ("a b", "ünïcode ☃.py", "new\nline", "tab\there", 'quo"te', "back\\slash", "-dash", " lead", "é", "*"):
        repo.write(name, name)
        repo.write(f"tracked {name}", "one\n")
    for path in list(repo.root.glob("tracked *")):
        repo.git("add", "--", path)
    repo.write(os.fsdecode(b"latin\xe9"), "not UTF-8")
    repo.write(os.fsdecode(b"tracked latin\xe9"), "not UTF-8")
    repo.git("add", "--", os.fsdecode(b"tracked latin\xe9"))


def non_utf8_text(repo: GitRepo) -> None:
    repo.write("train.py", LINES.encode() + b"caf\xe9\n")


def everything(repo: GitRepo) -> None:
    for change in (binary_edited, renamed, mode_changed, line_ends_changed, intended_to_add, link_changed, untracked):
        change(repo)
    odd_names(repo)


def nothing(repo: GitRepo) -> None:
    """Leave the tree as committed."""


CHANGES: list[Callable[[GitRepo], None]] = [
    nothing,
    edited,
    staged,
    staged_then_edited_again,
    staged_then_taken_back,
    binary_edited,
    renamed,
    renamed_without_git,
    mode_changed,
    deleted,
    deleted_from_the_index_only,
    line_ends_changed,
    added_and_removed_again,
    intended_to_add,
    link_changed,
    link_became_a_file,
    file_became_a_folder,
    folder_became_a_link,
    untracked,
    odd_names,
    non_utf8_text,
    everything,
]


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
