"""A record, a diff and files that somebody has changed: nothing is written elsewhere, and what differs is named."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.core.errors import CodeDiffers, CodeNotFound, Refused
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import FileRef, ScriptRecord, Untracked
from taskstore.store.settings import Capture
from taskstore.store.store import Store
from tests.agent.making import built, captured, entry, tree_hash
from tests.unit.capture.changes import LINES
from tests.unit.capture.gitrepo import GitRepo

Made = tuple[TaskPaths, ScriptRecord]
OUTSIDE = [
    *("../out", "a/../../out", "/out", "./out", "a//out", "", ".", "a/..", "nul\0"),
    *(
        ".git/config",
        "src/.git/hooks/post-checkout",
        ".GIT/config",
        ".git./config",
        "git~1/config",
        ".g\u200cit/config",
    ),
    *(".git /config", ".git::$INDEX_ALLOCATION/config"),
]


@pytest.fixture
def made(repo: GitRepo, store: Store) -> Made:
    repo.write("new.txt", "new\n")
    repo.write("train.py", LINES.replace("line 7\n", "changed\n"))
    return captured(store, entry(repo.root / "main.py", repo.root))


def everything_below(folder: Path, but: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if not path.is_relative_to(but)}


@pytest.mark.parametrize("path", OUTSIDE)
def test_an_untracked_file_outside_of_the_tree_is_refused_by_name(path: str, made: Made, tmp_path: Path) -> None:
    made[1].untracked[0].path = path
    at = tmp_path / "room/again"
    before = everything_below(tmp_path, at)
    with pytest.raises(Refused) as caught:
        built(made, at)
    assert repr(path) in str(caught.value)
    assert everything_below(tmp_path, at) - {str(at)} <= before | {str(tmp_path / "room")}
    assert not (at / "repository/project/.git/hooks").exists()


def test_bytes_of_a_name_are_looked_at_as_the_name_is(made: Made, tmp_path: Path) -> None:
    made[1].untracked[0].path_bytes = b"../out".hex()
    with pytest.raises(Refused, match=r"\.\./out"):
        built(made, tmp_path / "again")


@pytest.mark.parametrize("target", ["/", "..", "src", "../../.."])
def test_nothing_is_written_through_a_link(target: str, made: Made, tmp_path: Path) -> None:
    file = made[1].untracked[0].file
    made[1].untracked = [Untracked(path="door", link=target), Untracked(path="door/written.txt", file=file)]
    with pytest.raises(Refused, match="there is a link"):
        built(made, tmp_path / "again")
    assert not list(tmp_path.rglob("written.txt"))


def test_nothing_is_written_through_a_link_of_the_commit(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.link("door", str(tmp_path))
    repo.commit()
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    (tmp_path / "kept").write_text("as it was")
    source = paths.source / "untracked" / "kept"
    source.parent.mkdir(parents=True)
    source.write_text("changed")
    reference = FileRef(path="source/untracked/kept", size=7, hash="0" * 64)
    script.untracked = [Untracked(path="door/kept", file=reference)]
    with pytest.raises(Refused, match="there is a link"):
        built((paths, script), tmp_path / "again")
    assert (tmp_path / "kept").read_text() == "as it was"


def test_a_link_that_leads_out_comes_back_as_it_was_and_is_told(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.link("data", "/mnt/data")
    repo.link("src/up", "../../other")
    repo.link("src/inside", "../train.py")
    found = built(captured(store, entry(repo.root / "main.py", repo.root)), tmp_path / "again")
    assert tree_hash(found.root) == tree_hash(repo.root)
    assert found.notes == ("the repository: links that lead out of it, to what was not captured: data, src/up",)


def test_a_file_is_never_written_over_another(made: Made, tmp_path: Path) -> None:
    made[1].untracked[0].path = "main.py"
    with pytest.raises(CodeDiffers, match=r"main\.py: the commit and its changes have a file there too"):
        built(made, tmp_path / "again")


@pytest.mark.parametrize("path", ["../../../../secret", "/etc/hostname", "source/link", "source"])
def test_a_reference_to_a_file_that_is_not_the_tasks_is_refused(path: str, made: Made, tmp_path: Path) -> None:
    paths, script = made
    (paths.source / "link").symlink_to("/etc/hostname")
    (tmp_path / "secret").write_text("secret")
    for reference in (script.untracked[0].file, script.diff):
        assert reference is not None
        before, reference.path = reference.path, path
        with pytest.raises(Refused, match="leads out|no path below|is no file"):
            built(made, tmp_path / f"again {reference.size}")
        reference.path = before


@pytest.mark.parametrize(
    ("name", "what"), [("working_dir", "../.."), ("working_dir", "/"), ("working_dir", ".git"), ("working_dir", "link")]
)
def test_a_working_directory_elsewhere_is_refused(name: str, what: str, made: Made, tmp_path: Path) -> None:
    setattr(made[1], name, what)
    with pytest.raises(Refused):
        built(made, tmp_path / "again")


def test_a_program_elsewhere_is_refused(made: Made, repo: GitRepo, tmp_path: Path) -> None:
    made[1].entry_point = "../outside.py"
    with pytest.raises(Refused, match="leads out of its repository"):
        built(made, tmp_path / "again")


def test_a_program_that_is_a_link_to_elsewhere_is_not_run(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    elsewhere = GitRepo(tmp_path / "plain").write("real.py", "print('as captured')\n")
    repo.link("linked.py", str(elsewhere))
    made = captured(store, entry(repo.root / "linked.py", repo.root))
    elsewhere.write_text("print('changed since')\n")
    (target,) = built(made, tmp_path / "again").target
    assert Path(target).read_text() == "print('as captured')\n"


DIFF = """diff --git a/{name} b/{name}
new file mode {mode}
--- /dev/null
+++ b/{name}
@@ -0,0 +1 @@
+{text}
"""


@pytest.mark.parametrize("name", ["../out", ".git/hooks/post-checkout", "/out", "src/../../out", ".GIT/config"])
def test_a_diff_that_writes_elsewhere_is_refused(
    name: str, made: Made, tmp_path: Path, rewritten: Callable[[bytes], None]
) -> None:
    rewritten(DIFF.format(name=name, mode="100755", text="x").encode())
    at = tmp_path / "room/again"
    with pytest.raises(CodeDiffers):
        built(made, at)
    assert not (at / "repository/out").exists()
    assert not (at / "repository/project/.git/hooks").exists()


def test_a_diff_that_writes_through_its_own_link_is_refused(
    made: Made, tmp_path: Path, rewritten: Callable[[bytes], None]
) -> None:
    link = DIFF.format(name="door", mode="120000", text="..") + "\\ No newline at end of file\n"
    rewritten((link + DIFF.format(name="door/out", mode="100644", text="x")).encode())
    with pytest.raises(CodeDiffers):
        built(made, tmp_path / "room/again")
    assert not list(tmp_path.rglob("out"))


@pytest.fixture
def rewritten(made: Made) -> Callable[[bytes], None]:
    """Give the task another diff, with the hash that it has."""
    import hashlib

    def rewrite(diff: bytes) -> None:
        paths, script = made
        assert script.diff is not None
        paths.diff.unlink()
        paths.diff.write_bytes(diff)
        script.diff.hash, script.diff.size = hashlib.sha256(diff).hexdigest(), len(diff)

    return rewrite


def test_a_changed_diff_is_named(made: Made, tmp_path: Path) -> None:
    made[0].diff.write_bytes(made[0].diff.read_bytes().replace(b"+changed", b"+CHANGED"))
    with pytest.raises(CodeDiffers) as caught:
        built(made, tmp_path / "again")
    assert caught.value.files == (("source/uncommitted.diff", "its SHA-256 is another"),)


def test_a_diff_that_does_not_make_the_files_that_it_names_is_refused(
    made: Made, tmp_path: Path, rewritten: Callable[[bytes], None]
) -> None:
    rewritten(made[0].diff.read_bytes().replace(b"+changed", b"+CHANGED"))
    with pytest.raises(CodeDiffers) as caught:
        built(made, tmp_path / "again")
    ((name, how),) = caught.value.files
    assert name == "train.py"
    assert "was recorded" in how


def test_a_diff_edited_by_hand_applies_without_its_index_lines(
    made: Made, tmp_path: Path, rewritten: Callable[[bytes], None]
) -> None:
    lines = made[0].diff.read_bytes().replace(b"+changed", b"+CHANGED").splitlines(keepends=True)
    rewritten(b"".join(line for line in lines if not line.startswith(b"index ")))
    found = built(made, tmp_path / "again")
    assert "CHANGED\n" in (found.root / "train.py").read_text()


def test_a_diff_that_does_not_apply_names_its_files(
    made: Made, tmp_path: Path, rewritten: Callable[[bytes], None]
) -> None:
    rewritten(made[0].diff.read_bytes().replace(b"-line 7", b"-line 8"))
    with pytest.raises(CodeDiffers) as caught:
        built(made, tmp_path / "again")
    assert [name for name, _ in caught.value.files] == ["train.py"]
    assert "do not apply" in str(caught.value)


def test_changed_copies_of_untracked_files_are_all_named(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        repo.write(name, name)
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    paths.untracked("one").write_text("eno")
    paths.untracked("two").write_text("twofold")
    with pytest.raises(CodeDiffers) as caught:
        built((paths, script), tmp_path / "again")
    assert [name for name, _ in caught.value.files] == ["one", "two"]
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (again.files, str(again)) == (caught.value.files, str(caught.value))


def test_names_that_cannot_be_printed_are_spelled_out(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("new\nline\x1b[2J", "x")
    paths, script = captured(store, entry(repo.root / "main.py", repo.root))
    paths.untracked("new\nline\x1b[2J").write_text("y")
    with pytest.raises(CodeDiffers) as caught:
        built((paths, script), tmp_path / "again")
    assert r"'new\nline\x1b[2J': its SHA-256" in str(caught.value)


def test_changes_that_were_not_captured_are_refused_unless_allowed(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("train.py", os.urandom(5_000))
    repo.write("src/model.py", "small\n")
    made = captured(store, entry(repo.root / "main.py", repo.root), Capture(diff_mib=0.001))
    with pytest.raises(CodeNotFound) as caught:
        built(made, tmp_path / "again")
    assert str(caught.value).startswith("1 changed files of the repository were not captured: beyond 1,048 bytes")
    assert "train.py" in str(caught.value)
    found = built(made, tmp_path / "all the same", allow_missing=True)
    assert (found.root / "train.py").read_text() == LINES
    assert (found.root / "src/model.py").read_text() == "small\n"
    assert len(found.notes) == 1


def test_untracked_files_that_were_not_captured_are_told(repo: GitRepo, store: Store, tmp_path: Path) -> None:
    repo.write("large.bin", os.urandom(5_000))
    repo.write("small.txt", "small\n")
    made = captured(store, entry(repo.root / "main.py", repo.root), Capture(untracked_file_mib=0.001))
    found = built(made, tmp_path / "again")
    assert (found.root / "small.txt").exists()
    assert found.notes == ("1 untracked files of the repository were not captured: larger than 1,048 bytes",)


def test_a_repository_that_git_could_not_read_is_refused(
    repo: GitRepo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = captured(store, entry(repo.root / "main.py", repo.root))
    with pytest.raises(CodeNotFound, match="uncommitted changes of the repository were not captured: git is not on"):
        built(made, tmp_path / "again")
    found = built(made, tmp_path / "all the same", allow_missing=True)
    assert [Path(word).name for word in found.target] == ["main.py"]
