"""Broken repositories, hostile settings, hanging commands: a snapshot comes back, says so, and changes nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.capture.git import Limits, Missing, Snapshot, snapshot, write_bundle
from taskstore.capture.vcs.command import Git, environment, find_git
from tests.unit.capture.gitrepo import GitRepo, git, isolate

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts as programs")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work")
    repo.write("train.py")
    repo.commit("first")
    return repo


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def stamps(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            facts = path.stat()
            found[str(path)] = (facts.st_mtime_ns, facts.st_ino, path.read_bytes())
    return found


def test_nothing_in_the_repository_is_written(repo: GitRepo) -> None:
    repo.write("train.py", "changed\n")
    repo.write("new.py")
    repo.write("same.py")
    repo.git("add", "same.py")
    os.utime(repo.root / "same.py", (1, 1))  # git would like to refresh the index for it
    before = stamps(repo.root)
    taken = repo.snapshot()
    assert taken.notes == ()
    assert stamps(repo.root) == before


@posix_only
def test_a_clean_repository_costs_five_commands(repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.publish(tmp_path / "remote.git")
    log = tmp_path / "calls"
    script(tmp_path / "bin" / "git", f'echo "$*" >>{log}\nexec {find_git()} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    taken = repo.snapshot(script=repo.root / "train.py")
    assert taken.notes == ()
    assert len(log.read_text().splitlines()) == 5


@posix_only
def test_no_program_named_in_the_settings_is_run(
    repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = tmp_path / "witness"
    program = str(script(tmp_path / "program", f"touch {witness}; cat"))
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        script(repo.root / ".git/hooks" / hook, f"touch {witness}")
    for name in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "credential.helper",
        "core.askPass",
        "diff.x.textconv",
    ):
        repo.git("config", name, program)
    repo.git("config", "diff.x.command", program)
    repo.write(".git/info/attributes", "* diff=x\n")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", program)
    monkeypatch.setenv("GIT_PAGER", program)
    witness.unlink(missing_ok=True)
    repo.write("train.py", "changed\n")
    taken = repo.snapshot()
    assert write_bundle(taken, tmp_path / "x.bundle") is None
    assert b"+changed" in taken.diff
    assert not witness.exists()


def test_a_partial_clone_fetches_nothing(repo: GitRepo, tmp_path: Path) -> None:
    repo.write("blob.txt", "not in the partial clone\n")
    repo.commit()
    remote = repo.publish(tmp_path / "remote.git")
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", remote.as_uri(), "partial")
    partial = GitRepo(tmp_path / "partial")
    partial.git("read-tree", "HEAD")
    partial.write("blob.txt", "changed\n")
    before = stamps(partial.root)
    taken = partial.snapshot()
    assert taken.version_num == partial.git("rev-parse", "HEAD")
    assert any("uncommitted changes left out" in note for note in taken.notes)
    assert stamps(partial.root) == before


@posix_only
@pytest.mark.parametrize("where", ["filter", "grandchild that ignores signals"])
def test_a_hanging_command_is_killed_with_its_children(where: str, repo: GitRepo, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    trap = "trap '' TERM INT HUP;" if "ignores" in where else ""
    program = script(tmp_path / "slow", f"{trap} echo $$ >{pid}.tmp; mv {pid}.tmp {pid}; sleep 600; cat")
    repo.git("config", "filter.slow.clean", str(program))
    repo.write(".git/info/attributes", "*.py filter=slow\n")
    repo.write("train.py", "y\n")  # of the same size: git must look inside
    begin = time.monotonic()
    taken = repo.snapshot(Limits(timeout_s=0.5))
    assert time.monotonic() - begin < 30
    assert taken.version_num == repo.git("rev-parse", "HEAD")
    assert any("no answer within" in note for note in taken.notes)
    assert not is_running(int(pid.read_text()))


def is_running(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def test_without_time_left_there_is_a_note_and_no_wait(repo: GitRepo) -> None:
    taken = repo.snapshot(Limits(total_s=0))
    why = "no time left for it"
    note = f"the repository cannot be read: {why}"
    assert taken == Snapshot(repo.root, missing=Missing(reason=why), notes=(note,))


def test_all_commands_share_one_budget_of_time(repo: GitRepo) -> None:
    executable = find_git()
    assert executable
    clock = iter([0.0, 1.0, 10.0])
    runner = Git(executable, repo.root, environment(os.environ), timeout_s=5, total_s=10, now=lambda: next(clock))
    assert runner.ask("rev-parse", "HEAD").problem == ""
    assert runner.ask("rev-parse", "HEAD").stopped == "time"


def test_git_that_is_not_there_is_noted_only_where_there_is_a_repository(
    repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    taken = repo.snapshot()
    assert (taken.root, taken.version_num) == (repo.root, "")
    assert "git is not on the PATH" in taken.notes[0]
    assert snapshot(None, tmp_path) is None


@posix_only
def test_a_git_in_the_working_directory_is_never_run(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    script(repo.root / "git", "touch ran")
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("PATH", f".{os.pathsep}{repo.root / 'nowhere'}")
    assert "not on the PATH" in repo.snapshot().notes[0]
    assert not (repo.root / "ran").exists()


def test_dubious_ownership_is_noted_with_what_to_do(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    (note,) = repo.snapshot().notes
    assert "safe.directory" in note
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")  # how containers say that they trust it
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert repo.snapshot().notes == ()


def head_lost(repo: GitRepo) -> None:
    (repo.root / ".git/HEAD").unlink()


def head_of_zeros(repo: GitRepo) -> None:
    (repo.root / ".git/HEAD").write_bytes(bytes(41))


def branch_torn(repo: GitRepo) -> None:
    (repo.root / ".git/refs/heads/main").write_text("")


def index_torn(repo: GitRepo) -> None:
    index = repo.root / ".git/index"
    index.write_bytes(index.read_bytes()[:20])


def objects_lost(repo: GitRepo) -> None:
    for path in (repo.root / ".git/objects").glob("??/*"):
        path.unlink()


def blobs_torn(repo: GitRepo) -> None:
    name = repo.git("rev-parse", "HEAD:train.py")
    path = repo.root / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"torn")


def config_torn(repo: GitRepo) -> None:
    repo.write(".git/config", "[core\n")


def extension_of_the_future(repo: GitRepo) -> None:
    repo.write(".git/config", "[core]\n\trepositoryformatversion = 999\n")


def work_tree_lost(repo: GitRepo) -> None:
    repo.git("worktree", "add", "-q", "../linked")
    repo.root.joinpath(".git").rename(repo.root / "elsewhere")
    repo.write(".git", "gitdir: /nowhere/at/all\n")


def submodule_lost(repo: GitRepo) -> None:
    nested = GitRepo.create(repo.root / "module")
    nested.commit()
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "module")
    repo.git("commit", "-q", "-m", "gitlink")
    (repo.root / "module/.git").rename(repo.root / "module/old")
    repo.write("module/.git", "gitdir: ../nowhere\n")


BREAKAGES: list[Callable[[GitRepo], None]] = [
    *(head_lost, head_of_zeros, branch_torn, index_torn, objects_lost, blobs_torn, config_torn),
    *(extension_of_the_future, work_tree_lost, submodule_lost),
]


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda broken: broken.__name__)
def test_a_broken_repository_gives_notes_and_no_error(
    broken: Callable[[GitRepo], None], repo: GitRepo, tmp_path: Path
) -> None:
    repo.write("more.py")
    repo.commit()
    broken(repo)
    repo.write("train.py", "edited\n")
    taken = repo.snapshot(script=repo.root / "train.py")
    assert taken.root == repo.root
    assert taken.notes
    assert all(note.isprintable() for note in taken.notes)
    write_bundle(taken, tmp_path / "broken.bundle")


@pytest.mark.parametrize(
    "broken", [objects_lost, index_torn, head_of_zeros, config_torn], ids=lambda broken: broken.__name__
)
def test_what_cannot_be_read_is_never_taken_for_unchanged(broken: Callable[[GitRepo], None], repo: GitRepo) -> None:
    assert repo.snapshot().missing is None
    broken(repo)
    taken = repo.snapshot(script=repo.root / "train.py")
    assert taken.missing is not None
    assert taken.missing.reason
    assert not taken.has_entry_point


def test_a_file_whose_content_git_has_lost_costs_itself_only(repo: GitRepo) -> None:
    repo.write("other.py", "a\n")
    repo.commit()
    blobs_torn(repo)
    repo.write("train.py", "edited\n")
    repo.write("other.py", "b\n")
    taken = repo.snapshot(script=repo.root / "train.py")
    assert b"other.py" in taken.diff
    assert b"train.py" not in taken.diff
    assert taken.missing is not None
    assert (taken.missing.changed, taken.missing.untracked) == (1, 0)
    assert not taken.has_entry_point


def test_a_broken_submodule_does_not_cost_the_rest(repo: GitRepo) -> None:
    submodule_lost(repo)
    repo.write("train.py", "edited\n")
    repo.write("new.py")
    taken = repo.snapshot()
    assert "new.py" in [file.path for file in taken.untracked]
    assert taken.version_num == repo.git("rev-parse", "HEAD")


def test_a_gitmodules_that_points_outside_is_not_followed(repo: GitRepo) -> None:
    entries = ("../../etc", "/etc", "a/../../b", "", "train.py")
    repo.write(".gitmodules", "".join(f'[submodule "{n}"]\n\tpath = {p}\n\turl = x\n' for n, p in enumerate(entries)))
    taken = repo.snapshot(script=repo.root / "train.py")
    assert (taken.submodules, taken.notes) == ((), ())


def test_a_held_index_lock_is_no_obstacle(repo: GitRepo) -> None:
    repo.write("train.py", "edited\n")
    (repo.root / ".git/index.lock").touch()
    taken = repo.snapshot()
    assert taken.notes == ()
    assert b"+edited" in taken.diff


def test_a_bare_repository_and_the_inside_of_git_have_no_snapshot(repo: GitRepo, tmp_path: Path) -> None:
    assert snapshot(None, repo.root / ".git" / "objects") is None
    assert snapshot(None, repo.publish(tmp_path / "remote.git")) is None


def test_an_empty_folder_named_git_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(tmp_path, monkeypatch)
    (tmp_path / "plain" / ".git").mkdir(parents=True)
    assert snapshot(None, tmp_path / "plain") is None


def test_pointers_left_by_a_hook_are_ignored(repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = GitRepo.create(tmp_path / "other")
    head = repo.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_PREFIX", "sub/")
    monkeypatch.setenv("GIT_TRACE", "1")
    taken = repo.snapshot()
    assert (taken.root, taken.version_num, taken.notes) == (repo.root, head, ())


def test_a_work_tree_apart_from_its_repository_is_found_by_the_environment(
    repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repo.git("rev-parse", "HEAD")
    (repo.root / ".git").rename(tmp_path / "apart.git")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "apart.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.root))
    repo.write("train.py", "edited\n")
    taken = repo.snapshot()
    assert (taken.root, taken.version_num) == (repo.root, head)
    assert b"+edited" in taken.diff
    assert write_bundle(taken, tmp_path / "x.bundle") is None
    assert (tmp_path / "x.bundle").exists()
    assert snapshot(None, tmp_path) is None


def test_of_nothing_unpushed_no_bundle_is_written(repo: GitRepo, tmp_path: Path) -> None:
    repo.publish(tmp_path / "remote.git")
    assert write_bundle(repo.snapshot(), tmp_path / "out.bundle") is None
    assert not (tmp_path / "out.bundle").exists()


def test_a_bundle_over_the_limit_leaves_a_note_and_no_file(repo: GitRepo, tmp_path: Path) -> None:
    repo.write("noise", os.urandom(200_000))
    repo.commit()
    folder = tmp_path / "out"
    folder.mkdir()
    note = write_bundle(repo.snapshot(), folder / "x.bundle", limits=Limits(bundle_bytes=100_000))
    assert note == "unpushed commits left out: more than 100,000 bytes"
    assert list(folder.iterdir()) == []


def test_a_bundle_that_cannot_be_written_is_noted(repo: GitRepo, tmp_path: Path) -> None:
    note = write_bundle(repo.snapshot(), tmp_path / "missing" / "x.bundle")
    assert note is not None
    assert "could not be written" in note


def test_a_bundle_after_head_has_moved_on_still_holds_the_commit(repo: GitRepo, tmp_path: Path) -> None:
    taken = repo.snapshot()
    repo.commit("later")
    assert write_bundle(taken, tmp_path / "x.bundle") is None
    git(tmp_path, "clone", "-q", "x.bundle", "again")
    git(tmp_path / "again", "checkout", "-q", taken.version_num)


def test_a_bundle_after_head_has_moved_away_is_refused_with_a_note(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit("to be thrown away")
    taken = repo.snapshot()
    repo.git("reset", "-q", "--hard", "HEAD~1")
    note = write_bundle(taken, tmp_path / "x.bundle")
    assert note is not None
    assert "HEAD has moved" in note


def test_a_shallow_clone_bundles_what_is_on_top_of_the_remote(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit("second")
    remote = repo.publish(tmp_path / "remote.git")
    git(tmp_path, "clone", "-q", "--depth=1", remote.as_uri(), "shallow")
    shallow = GitRepo(tmp_path / "shallow")
    shallow.write("new.py")
    head = shallow.commit()
    taken = shallow.snapshot()
    assert (taken.unpushed, taken.notes) == ((head,), ())
    assert write_bundle(taken, tmp_path / "x.bundle") is None
    git(repo.root, "fetch", "-q", tmp_path / "x.bundle", "HEAD")
    assert repo.git("rev-parse", "FETCH_HEAD") == head
    shallow.git("remote", "remove", "origin")
    note = write_bundle(shallow.snapshot(), tmp_path / "y.bundle")
    assert note is not None
    assert "shallow" in note
