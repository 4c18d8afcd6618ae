"""Every kind of change to a work tree: what a capture takes down, and what comes back from it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from tests.unit.capture.gitrepo import GitRepo

BINARY = random.Random(7).randbytes(5000)
LINES = "".join(f"line {number}\n" for number in range(50))


def fill(repo: GitRepo) -> None:
    """Write the files that the changes are made to."""
    repo.write("train.py", LINES)
    repo.write("src/model.py", LINES.replace("line", "row"))
    repo.write("data.bin", BINARY)
    repo.write("crlf.txt", LINES.replace("\n", "\r\n"))
    repo.write("no newline", "a\nb")
    repo.write("run.sh", "#!/bin/sh\n", mode=0o755)
    repo.link("link", "train.py")


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
