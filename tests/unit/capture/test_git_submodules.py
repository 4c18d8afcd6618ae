"""What a snapshot says of submodules: those of the repository, and those within them."""

from pathlib import Path
from typing import BinaryIO

import pytest

from taskstore.capture.git import Limits, Missing, Untracked
from taskstore.capture.vcs.command import Answer, Git
from tests.unit.capture.gitrepo import GitRepo, git


def paths(files: tuple[Untracked, ...]) -> list[str]:
    return [file.path for file in files]


def with_submodule(repo: GitRepo, tmp_path: Path) -> GitRepo:
    library = GitRepo.create(tmp_path / "library")
    library.write("lib.py")
    library.commit()
    repo.git("submodule", "--quiet", "add", "../library", "deps/lib")
    repo.commit("submodule")
    return GitRepo(repo.root / "deps/lib")


def test_submodules_come_with_address_and_commit(repo: GitRepo, tmp_path: Path) -> None:
    module = with_submodule(repo, tmp_path)
    repo.git("config", "submodule.deps/lib.url", "https://u:t0ken@example.org/lib.git")
    (found,) = repo.snapshot().submodules
    assert (found.path, found.url, found.is_dirty) == ("deps/lib", "https://example.org/lib.git", False)
    assert found.commit == module.git("rev-parse", "HEAD")
    repo.git("config", "--unset", "submodule.deps/lib.url")
    assert repo.snapshot().submodules[0].url == "../library"
    repo.git("submodule", "--quiet", "deinit", "--force", "deps/lib")
    assert repo.snapshot().submodules[0].commit == found.commit


def test_a_submodule_moved_to_another_commit_is_in_the_diff_which_still_applies(repo: GitRepo, tmp_path: Path) -> None:
    module = with_submodule(repo, tmp_path)
    repo.git("config", "diff.ignoreSubmodules", "all")
    moved = module.commit("moved")
    module.write("lib.py", "dirty too\n")
    repo.write("train.py", "edited\n")
    taken = repo.snapshot()
    (found,) = taken.submodules
    assert (found.commit, found.is_dirty) == (moved, True)
    assert taken.notes == ()
    assert found.state is not None
    assert (found.state.unpushed, b"dirty too" in found.state.diff) == ((moved,), True)
    module.git("push", "-q", "origin", "HEAD:refs/heads/elsewhere")
    (pushed,) = repo.snapshot().submodules
    assert pushed.state is not None
    assert pushed.state.unpushed == ()
    git(tmp_path, "clone", "-q", str(repo.root), "again")
    git(tmp_path / "again", "apply", "--index", given=taken.diff)
    assert moved in git(tmp_path / "again", "ls-files", "--stage", "deps/lib")


@pytest.mark.parametrize("change", ["edited", "untracked"])
def test_a_dirty_submodule_is_called_dirty_and_adds_nothing_to_the_diff(
    change: str, repo: GitRepo, tmp_path: Path
) -> None:
    with_submodule(repo, tmp_path).write("lib.py" if change == "edited" else "new.py", "changed\n")
    taken = repo.snapshot()
    (found,) = taken.submodules
    assert (taken.diff, found.is_dirty) == (b"", True)
    assert found.state is not None
    assert paths(found.state.untracked) == ([] if change == "edited" else ["new.py"])
    assert (b"+changed" in found.state.diff) is (change == "edited")


def test_submodules_within_submodules_come_with_what_differs_in_them(repo: GitRepo, tmp_path: Path) -> None:
    outer = with_submodule(repo, tmp_path)
    inner = GitRepo.create(tmp_path / "inner")
    inner.write("inner.py")
    inner.commit()
    outer.git("submodule", "--quiet", "add", str(inner.root), "in")
    outer.commit("a submodule in the submodule")
    repo.commit("moved")
    assert [(each.path, each.is_dirty) for each in repo.snapshot().submodules] == [
        ("deps/lib", False),
        ("deps/lib/in", False),
    ]
    GitRepo(outer.root / "in").write("new.py")
    found = {each.path: each for each in repo.snapshot().submodules}
    assert [each.is_dirty for each in found.values()] == [True, True]
    state = found["deps/lib/in"].state
    assert state is not None
    assert (paths(state.untracked), state.version_num) == (["new.py"], inner.git("rev-parse", "HEAD"))


def test_without_submodules_and_with_clean_ones_no_command_is_added(
    repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stream = Git.stream

    def counted(self: Git, target: BinaryIO, *arguments: str, max_bytes: int, given: bytes = b"") -> Answer:
        asked.append(next(word for word in arguments if word[0].isalpha() and "." not in word))
        return stream(self, target, *arguments, max_bytes=max_bytes, given=given)

    monkeypatch.setattr(Git, "stream", counted)
    plain = ["rev-parse", "status", "config", "rev-list", "for-each-ref"]
    repo.snapshot()
    assert sorted(asked) == sorted(plain)
    with_submodule(repo, tmp_path)
    asked.clear()
    repo.snapshot()
    assert sorted(asked) == sorted([*plain, "config", "ls-files", "rev-list"])


def test_a_submodule_that_is_not_checked_out_is_called_so(repo: GitRepo, tmp_path: Path) -> None:
    with_submodule(repo, tmp_path)
    assert [each.is_checked_out for each in repo.snapshot().submodules] == [True]
    repo.git("submodule", "--quiet", "deinit", "--force", "deps/lib")
    (found,) = repo.snapshot().submodules
    assert (found.is_checked_out, found.state) == (False, None)


def test_submodules_share_the_limits_with_their_repository(repo: GitRepo, tmp_path: Path) -> None:
    module = with_submodule(repo, tmp_path)
    for place in (repo, module):
        place.write("new.py", "x" * 600)
    module.write("lib.py", "y" * 600)
    taken = repo.snapshot(Limits(untracked_total_bytes=1_000, diff_bytes=500))
    (found,) = taken.submodules
    assert found.state is not None
    assert (paths(taken.untracked), taken.missing) == (["new.py"], None)
    assert (found.state.untracked, found.state.diff) == ((), b"")
    assert found.state.missing == Missing(1, 1, "beyond 400 bytes in all; beyond 500 bytes in all")
    assert all(note.startswith("submodule deps/lib: ") for note in taken.notes)
    assert len(taken.notes) == 2
