"""What a snapshot says of a healthy repository."""

import os
import socket
import sys
from pathlib import Path

import pytest

from taskstore.capture.git import Limits, Missing, Untracked, snapshot
from taskstore.store.store import init
from tests.unit.capture.gitrepo import GitRepo, link


def paths(files: tuple[Untracked, ...]) -> list[str]:
    return [file.path for file in files]


def test_a_folder_outside_git_has_no_snapshot(repo: GitRepo, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    assert snapshot(outside / "x.py", outside) is None
    assert snapshot(None, outside / "missing") is None


def test_the_basic_facts_are_those_of_git(repo: GitRepo) -> None:
    taken = repo.snapshot(script=repo.root / "train.py")
    assert taken.root == repo.root
    assert taken.repository == str(repo.root)
    assert (taken.branch, taken.version_num, taken.tag) == ("main", repo.git("rev-parse", "HEAD"), "")
    assert (taken.diff, taken.untracked, taken.submodules, taken.notes) == (b"", (), (), ())


def test_branch_and_tag_keep_their_whole_names(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "-b", "feature/ünï")
    repo.git("tag", "-a", "release/v1", "-m", "one")
    taken = repo.snapshot()
    assert (taken.branch, taken.tag) == ("feature/ünï", "release/v1")


def test_the_remote_is_the_followed_one_then_origin_then_any(repo: GitRepo) -> None:
    repo.git("remote", "add", "only", "https://example.org/only.git")
    assert repo.snapshot().repository == "https://example.org/only.git"
    repo.git("remote", "add", "origin", "git@example.org:a/origin.git")
    assert repo.snapshot().repository == "git@example.org:a/origin.git"
    repo.git("config", "branch.main.remote", "only")
    assert repo.snapshot().repository == "https://example.org/only.git"
    repo.git("config", "branch.main.remote", ".")
    assert repo.snapshot().repository == "git@example.org:a/origin.git"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:t0ken@example.org/a.git?private_token=t0ken", "https://example.org/a.git"),
        ("ssh://git:t0ken@example.org/a.git", "ssh://git@example.org/a.git"),
        ("work:a/b.git", "https://example.org/team/a/b.git"),
    ],
)
def test_the_address_is_the_expanded_one_without_credentials(url: str, expected: str, repo: GitRepo) -> None:
    repo.git("config", "url.https://u:t0ken@example.org/.insteadOf", "wor")
    repo.git("config", "url.https://u:t0ken@example.org/team/.insteadOf", "work:")
    repo.git("remote", "add", "origin", url)
    repo.git("remote", "set-url", "--add", "origin", "https://second.example.org/")
    taken = repo.snapshot()
    assert taken.repository == expected
    assert "t0ken" not in repr(taken)


def test_a_relative_remote_is_read_from_the_root(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("remote", "add", "origin", "../remote.git")
    assert repo.snapshot(cwd=repo.root / "sub").repository == str(tmp_path / "remote.git")


@pytest.mark.parametrize(
    ("cwd", "script", "working_dir", "entry_point"),
    [
        (".", "train.py", ".", "train.py"),
        (".", "sub/dir/eval.py", ".", "sub/dir/eval.py"),
        ("sub/dir", "sub/dir/eval.py", "sub/dir", "eval.py"),
        ("sub/dir", "train.py", "sub/dir", "../../train.py"),
        ("..", "sub/dir/eval.py", ".", "sub/dir/eval.py"),
        ("sub", None, "sub", ""),
    ],
)
def test_working_dir_and_entry_point_follow_clearml(
    cwd: str, script: str | None, working_dir: str, entry_point: str, repo: GitRepo
) -> None:
    taken = repo.snapshot(script=repo.root / script if script else None, cwd=repo.root / cwd)
    assert (taken.working_dir, taken.entry_point) == (working_dir, entry_point)


def test_a_relative_script_is_read_from_the_cwd_of_the_process(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root / "sub")
    taken = repo.snapshot(script=Path("dir/eval.py"), cwd=Path())
    assert (taken.working_dir, taken.entry_point) == ("sub", "dir/eval.py")


def test_links_lead_to_the_repository_and_a_tracked_link_stays_one(repo: GitRepo, tmp_path: Path) -> None:
    link(tmp_path / "alias", str(repo.root))
    taken = repo.snapshot(script=tmp_path / "alias" / "train.py", cwd=tmp_path / "alias" / "sub")
    assert (taken.root, taken.working_dir, taken.entry_point) == (repo.root, "sub", "../train.py")
    link(tmp_path / "command", str(repo.root / "sub/dir/eval.py"))
    assert repo.snapshot(script=tmp_path / "command", cwd=tmp_path).entry_point == "sub/dir/eval.py"
    repo.link("run.py", "sub/dir/eval.py")
    assert repo.snapshot(script=repo.root / "run.py").entry_point == "run.py"


def test_the_repository_of_the_script_comes_before_that_of_the_cwd(repo: GitRepo, tmp_path: Path) -> None:
    other = GitRepo.create(tmp_path / "other")
    other.commit()
    assert repo.snapshot(script=repo.root / "train.py", cwd=other.root).root == repo.root
    stray = tmp_path / "stray.py"
    stray.touch()
    taken = repo.snapshot(script=stray, cwd=other.root)
    assert (taken.root, taken.entry_point) == (other.root, stray.as_posix())


def test_ignored_files_stay_out_but_for_the_entry_point(repo: GitRepo) -> None:
    repo.write(".gitignore", "*.log\nscratch/\n")
    repo.write("a.log")
    repo.write("scratch/try.py", "print(1)\n")
    assert paths(repo.snapshot().untracked) == [".gitignore"]
    taken = repo.snapshot(script=repo.root / "scratch/try.py")
    assert paths(taken.untracked) == [".gitignore", "scratch/try.py"]
    assert taken.notes == ()


def test_files_that_are_named_as_what_holds_credentials_stay_where_they_are_and_are_noted(repo: GitRepo) -> None:
    kept = {".env", "sub/.env.local", "key.pem", "id_rsa", "secrets.yaml", "client_secret_1.json"}
    for name in {*kept, ".env.example", "secrets.py", "id_rsa.pub", "environment.yaml"}:
        repo.write(name, "x\n")
    taken = repo.snapshot()
    assert paths(taken.untracked) == [".env.example", "environment.yaml", "id_rsa.pub", "secrets.py"]
    (note,) = taken.notes
    assert note.startswith("untracked files left out, named as what holds credentials")
    assert ".env" in note


def test_an_untracked_file_is_described_without_following_links(repo: GitRepo, tmp_path: Path) -> None:
    repo.write("tool.sh", "1234", mode=0o755)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("secret")
    repo.link("leads out", "../private")
    assert repo.snapshot().untracked == (
        Untracked("leads out", repo.root / "leads out", 0, is_executable=False, link_target="../private"),
        Untracked("tool.sh", repo.root / "tool.sh", 4, is_executable=True),
    )


def test_a_nested_repository_is_left_out_with_a_note(repo: GitRepo) -> None:
    nested = GitRepo.create(repo.root / "vendor" / "lib")
    nested.write("code.py")
    nested.commit()
    taken = repo.snapshot()
    assert taken.untracked == ()
    assert taken.notes == ("untracked files left out, nested repositories: vendor/lib/",)


@pytest.mark.skipif(sys.platform == "win32", reason="no fifos, no sockets in folders")
def test_fifos_and_sockets_are_neither_taken_nor_waited_for(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(repo.root / "pipe")
    monkeypatch.chdir(repo.root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("listener")
        repo.write("plain")
        assert paths(repo.snapshot().untracked) == ["plain"]
        assert paths(repo.snapshot(script=repo.root / "pipe").untracked) == ["plain"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_left_out_with_a_note(repo: GitRepo) -> None:
    repo.write("locked", mode=0)
    taken = repo.snapshot()
    assert (taken.untracked, taken.notes) == ((), ("untracked files left out, unreadable: locked",))


@pytest.mark.parametrize(
    ("limits", "taken", "note"),
    [
        (Limits(untracked_file_bytes=50), ["a.csv", "z.py"], "larger than 50 bytes: b.csv, bad\\nname"),
        (Limits(untracked_files=2), ["a.csv", "z.py"], "beyond the first 2: b.csv, bad\\nname"),
        (Limits(untracked_files=1), ["z.py"], "beyond the first 1: "),
        (Limits(untracked_total_bytes=60), ["a.csv", "z.py"], "beyond 60 bytes in all: b.csv, bad\\nname"),
    ],
)
def test_beyond_a_limit_data_is_left_out_before_code(
    limits: Limits, taken: list[str], note: str, repo: GitRepo
) -> None:
    repo.write("a.csv", "x" * 10)
    repo.write("b.csv", "x" * 100)
    repo.write("z.py", "x" * 40)
    repo.write("bad\nname", "x" * 200)
    found = repo.snapshot(limits)
    assert paths(found.untracked) == taken
    assert len(found.notes) == 1
    assert note in found.notes[0].replace("'", "")


def test_a_note_names_a_few_files_and_counts_the_others(repo: GitRepo) -> None:
    for number in range(9):
        repo.write(f"{number}.csv", "xx")
    (note,) = repo.snapshot(Limits(untracked_file_bytes=1)).notes
    assert note.endswith("0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 4 more")


def test_a_file_that_is_too_large_for_the_diff_costs_itself_only(repo: GitRepo) -> None:
    for number in range(20):
        repo.write(f"data/{number:02}.csv", "0\n" * number)
    repo.commit()
    for number in range(20):
        repo.write(f"data/{number:02}.csv", f"{number}\n" * 10)
    repo.write("data/07.csv", "changed\n" * 100_000)
    repo.write("train.py", "edited\n")
    taken = repo.snapshot(Limits(diff_bytes=100_000), script=repo.root / "train.py")
    names = [line.split(b" b/")[1].decode() for line in taken.diff.splitlines() if line.startswith(b"diff --git")]
    assert sorted(names) == sorted([*(f"data/{n:02}.csv" for n in range(20) if n != 7), "train.py"])
    assert names[0] == "train.py"
    assert taken.notes == ("uncommitted changes left out, beyond 100,000 bytes in all: data/07.csv",)
    assert taken.missing == Missing(1, 0, "beyond 100,000 bytes in all")
    assert taken.has_entry_point


def test_the_entry_point_comes_before_smaller_files(repo: GitRepo) -> None:
    repo.write("train.py", "edited\n" * 1000)
    repo.write("sub/dir/eval.py", "edited\n" * 900)
    limits = Limits(diff_bytes=9_000)
    taken = repo.snapshot(limits, script=repo.root / "train.py")
    assert b"train.py" in taken.diff
    assert taken.missing == Missing(1, 0, "beyond 9,000 bytes in all")
    assert taken.has_entry_point
    assert b"eval.py" in repo.snapshot(limits, script=repo.root / "sub/dir/eval.py").diff


def test_a_diff_of_exactly_the_limit_fits(repo: GitRepo) -> None:
    repo.write("train.py", "changed\n" * 1_000)
    whole = repo.snapshot().diff
    assert repo.snapshot(Limits(diff_bytes=len(whole))).diff == whole
    taken = repo.snapshot(Limits(diff_bytes=len(whole) - 1), script=repo.root / "train.py")
    assert (taken.diff, taken.has_entry_point) == (b"", False)
    assert taken.missing is not None
    assert taken.missing.changed == 1


def test_the_entry_point_is_held_where_git_or_the_untracked_files_hold_it(repo: GitRepo, tmp_path: Path) -> None:
    stray = tmp_path / "stray.py"
    stray.touch()
    repo.write("new.py")
    repo.link("out.py", str(stray))
    scripts = (repo.root / "train.py", repo.root / "new.py", stray, repo.root / "out.py", None)
    held = [repo.snapshot(script=script).has_entry_point for script in scripts]
    assert held == [True, True, False, False, False]
    limits = Limits(untracked_file_bytes=1)
    taken = repo.snapshot(limits, script=repo.root / "new.py")
    assert not taken.has_entry_point
    assert taken.missing == Missing(0, 1, "larger than 1 bytes")


@pytest.mark.parametrize("is_tracked", [False, True], ids=["untracked", "tracked"])
def test_what_lies_in_a_store_is_no_part_of_the_code(is_tracked: bool, repo: GitRepo) -> None:
    for name in (".taskstore", "deep/er/mine"):
        made = init(repo.root / name)
        made.paths.ignore.unlink()  # as stores were made once
        repo.write(f"{name}/projects/a/log.txt")
    if is_tracked:
        repo.commit()
        for name in (".taskstore", "deep/er/mine"):
            repo.write(f"{name}/projects/a/log.txt", "more\n")
        repo.write("train.py", "edited\n")
    repo.write("deep/own.py")
    repo.write("fixture/taskstore.json")
    taken = repo.snapshot(script=repo.root / "train.py")
    assert paths(taken.untracked) == ["deep/own.py", "fixture/taskstore.json"]
    assert (taken.notes, taken.missing) == ((), None)
    assert b"log.txt" not in taken.diff
    assert (b"train.py" in taken.diff) is is_tracked


def test_git_does_not_see_a_store(repo: GitRepo) -> None:
    init(repo.root / ".taskstore")
    assert repo.git("status", "--porcelain") == ""


def test_unpushed_are_the_commits_that_no_remote_branch_has(repo: GitRepo, tmp_path: Path) -> None:
    first = repo.git("rev-parse", "HEAD")
    assert repo.snapshot().unpushed == (first,)
    repo.publish(tmp_path / "remote.git")
    assert repo.snapshot().unpushed == ()
    second = repo.commit()
    assert repo.snapshot().unpushed == (second,)
    repo.git("push", "-q", "origin", "HEAD:refs/heads/elsewhere")
    assert repo.snapshot().unpushed == ()
    third = repo.commit()
    repo.git("checkout", "-q", "--detach")
    assert repo.snapshot().unpushed == (third,)
    repo.git("checkout", "-q", "-b", "local", "--track", "main")
    assert repo.snapshot().unpushed == (third,)  # level with its upstream, which is a branch of this repository
    fourth = repo.commit()
    taken = repo.snapshot(Limits(unpushed_commits=1))
    assert taken.unpushed == (fourth,)
    assert taken.notes == ("more than 1 commits are unpushed; the list holds the newest",)


def test_contents_of_lfs_files_are_noted_as_missing(repo: GitRepo) -> None:
    repo.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    repo.git("add", "big.bin")
    assert any("LFS" in note for note in repo.snapshot().notes)


def test_a_linked_work_tree_is_its_own_root(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = GitRepo(tmp_path / "linked")
    linked.write("new.py")
    taken = linked.snapshot(script=linked.root / "train.py")
    assert (taken.root, taken.branch, paths(taken.untracked)) == (linked.root, "side", ["new.py"])
    assert taken.notes == ()
