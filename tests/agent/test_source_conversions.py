"""Line ends, encodings and filters: what git makes of contents on their way in and out stands in no one's way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from taskstore.core.errors import CodeDiffers
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, tree_hash
from tests.unit.capture.gitrepo import GitRepo, git


def come_back(repo: GitRepo, store: Store, at: Path) -> None:
    made = captured(store, entry(repo.root / "main.py", repo.root))
    expected = tree_hash(repo.root)
    assert tree_hash(built(made, at / "beside").root) == expected
    shutil.rmtree(repo.root)
    assert tree_hash(built(made, at / "again").root) == expected


def test_line_ends_that_git_converts_for_its_user_come_back(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    git(tmp_path, "config", "--global", "core.autocrlf", "true")
    git(tmp_path, "config", "--global", "core.safecrlf", "true")
    for name in ("committed.txt", "edited.txt"):
        repo.write(name, "a\r\nb\r\nc\r\n")
    (repo.root / "train.py").unlink()
    (repo.root / "src/model.py").unlink()
    repo.git("rm", "-q", "-r", "--cached", "main.py", "no newline", "run.sh", "link")
    for name in ("main.py", "run.sh", "no newline", "link"):
        (repo.root / name).unlink()
    repo.write("main.py", "print('hello')\r\n")
    repo.commit()
    assert repo.git("ls-files", "--eol", "edited.txt").startswith("i/lf    w/crlf")
    repo.write("edited.txt", "a\r\nB\r\nc\r\n")
    repo.write("new.txt", "unconverted\nas it is\n")
    come_back(repo, store, tmp_path)


def test_a_file_that_is_in_the_commit_as_no_checkout_would_write_it_is_no_difference(
    repo: GitRepo, store: Store, tmp_path: Path
) -> None:
    repo.write(".gitattributes", "*.txt text eol=lf\n")
    repo.git("add", ".gitattributes")
    repo.git("commit", "-q", "-m", "crlf.txt stays as it was committed")
    assert repo.git("ls-files", "--eol", "crlf.txt").startswith("i/crlf")
    repo.git("update-index", "--assume-unchanged", "crlf.txt")  # which git else calls changed now and again
    repo.write("train.py", "changed\n")
    come_back(repo, store, tmp_path)


def test_encodings_and_ids_that_git_writes_come_back(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write(".gitattributes", "*.utf working-tree-encoding=UTF-16LE-BOM\n*.id ident\n")
    repo.write("one.utf", "\ufeffgrüße\n".encode("utf-16-le"))
    repo.write("two.utf", "\ufeffgrüße\n".encode("utf-16-le"))
    repo.write("one.id", "$Id$\n")
    repo.commit()
    (repo.root / "one.id").unlink()
    repo.git("checkout", "--", "one.id")
    assert "$Id: " in (repo.root / "one.id").read_text()
    repo.write("two.utf", "\ufeffgrüße, anders\n".encode("utf-16-le"))
    come_back(repo, store, tmp_path)


def test_a_filter_that_the_user_has_set_up_is_used(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    for name, program in (("clean", "tr a-z A-Z"), ("smudge", "tr A-Z a-z"), ("required", "true")):
        git(tmp_path, "config", "--global", f"filter.case.{name}", program)
    repo.write(".gitattributes", "*.low filter=case\n")
    repo.write("one.low", "small letters\n")
    repo.write("two.low", "small letters\n")
    repo.commit()
    assert repo.git("show", "HEAD:one.low") == "SMALL LETTERS"
    repo.write("two.low", "other letters\n")
    come_back(repo, store, tmp_path)


def test_a_filter_that_fails_is_named(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write(".gitattributes", "*.low filter=case\n")
    repo.write("one.low", "small letters\n")
    repo.commit()
    made = captured(store, entry(repo.root / "main.py", repo.root))
    for name, program in (("smudge", "false"), ("required", "true")):
        git(tmp_path, "config", "--global", f"filter.case.{name}", program)
    with pytest.raises(CodeDiffers, match=r"cannot all be written\n.*one\.low"):
        built(made, tmp_path / "again")


def test_a_filter_that_only_the_repository_had_does_not_run(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write(".gitattributes", "*.low filter=own\n")
    repo.write("one.low", "small letters\n")
    repo.commit()
    mark = tmp_path / "ran"
    made = captured(store, entry(repo.root / "main.py", repo.root))
    repo.git("config", "filter.own.smudge", f"touch '{mark}'; cat")
    built(made, tmp_path / "again")
    assert not mark.exists()
