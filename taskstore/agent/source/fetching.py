"""A repository at a commit, from whichever place has it: where it was, the task's bundle, the remote.

What comes is a clone of its own, which knows nothing of where it came from: objects are copied, never linked or
borrowed. Its branches of remotes are those of the original, so that the same commits count as pushed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...capture.vcs.command import Answer, Git
from ...core.errors import CodeNotFound
from .building import Builder, said, text

_WHOLE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BEGINNING = re.compile(r"[0-9a-f]{4,63}")
_SHA256_CHARS = 64
_HINT = "bring back one of these places, or push the commit to the remote"


@dataclass(frozen=True)
class Wanted:
    """A repository at a commit, and where it may be; `commit` is "" for the branch as it stands."""

    name: str
    """What it is called in messages."""
    url: str
    """The remote's address, or a folder; "" for none."""
    local: Path | None
    """Where it was."""
    bundle: Callable[[], Path] | None
    """Gives the bundle of commits that no remote had."""
    commit: str
    branch: str
    said: tuple[str, ...] = ()
    """What the capture said of commits that it left out."""


def begin(builder: Builder, target: Path, wanted: Wanted, *, is_sha256: bool = False) -> Git:
    """Make a repository without a commit in the empty folder `target`; return what runs git in it."""
    target.mkdir(parents=True, exist_ok=True)
    git = builder.at(target)
    hashes = ("--object-format=sha256",) if is_sha256 or len(wanted.commit) == _SHA256_CHARS else ()
    made = git.ask("init", "--quiet", "--template=", *hashes)
    if made.problem:
        raise CodeNotFound(f"no repository could be made in {target}: {said(made)}")
    _name_head(git, wanted.branch, "")
    _name_remote(git, wanted)
    return git


def obtain(builder: Builder, wanted: Wanted, target: Path, tell: Callable[[str], None]) -> str:
    """Make a clone in the empty folder `target`, nothing checked out; return the commit that its HEAD is at.

    Raises CodeNotFound with all places that were tried, and what each said.
    """
    tried: list[tuple[str, str]] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    for place, attempt in _attempts(builder, wanted, target):
        tell(f"{wanted.name}: looking in {place}")
        if target.exists():
            shutil.rmtree(target)
        problem = attempt()
        commit = "" if problem else _resolved(builder.at(target), wanted)
        if commit:
            _name_head(builder.at(target), wanted.branch, commit)
            return commit
        tried.append((place, problem or f"{_what(wanted)} is not there"))
    absent = [("its folder", "not recorded")] * (wanted.local is None) + [("a remote", "not recorded")] * (
        not _is_elsewhere(wanted)
    )
    absent += [("the task", said_) for said_ in wanted.said]
    raise CodeNotFound(f"{_what(wanted)} of {wanted.name} is not to be had", [*tried, *absent], _HINT)


def _what(wanted: Wanted) -> str:
    if wanted.commit:
        return f"commit {wanted.commit[:12]}"
    return f"branch {wanted.branch}" if wanted.branch else "a commit"


def _attempts(builder: Builder, wanted: Wanted, target: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    if wanted.local is not None:
        yield str(wanted.local), lambda: _from_folder(builder, wanted, target)
    if wanted.bundle is not None:
        yield "the task's bundle", lambda: _from_bundle(builder, wanted, target)
    if _is_elsewhere(wanted):
        yield wanted.url, lambda: _from_remote(builder, wanted, target)


def _is_elsewhere(wanted: Wanted) -> bool:
    return bool(wanted.url) and wanted.url != str(wanted.local)


def _from_folder(builder: Builder, wanted: Wanted, target: Path) -> str:
    """Clone the repository in its own folder: all its objects come, also those that no branch has any more."""
    local = wanted.local
    if local is None or not local.is_dir():
        return "it is gone"
    if not os.path.lexists(local / ".git"):
        return "it is no repository any more"
    at_local = builder.at(local)
    known = at_local.ask("cat-file", "-e", f"{wanted.commit}^{{commit}}") if _WHOLE.fullmatch(wanted.commit) else None
    if known is not None and known.problem and wanted.bundle is None:
        unknown = "Not a valid object name" in known.stderr
        return f"{_what(wanted)} is not there" if unknown else said(known)
    problem = _cloned_folder(builder, wanted, local, target)
    if problem:
        return problem
    git = builder.at(target)
    if known is None:
        _remember(git, wanted, _FOLDER)
    git.ask("remote", "remove", _FOLDER)  # whose branches are the folder's own
    if known is None or known.problem:
        problem = _topped_up(git, wanted) or _absent(git, wanted)
    elif not _has(git, wanted.commit):
        problem = _answered(git.ask("fetch", "--quiet", "--no-tags", "--", str(local), wanted.commit))
    return problem or _lacking(git, target, wanted)


def _cloned_folder(builder: Builder, wanted: Wanted, local: Path, target: Path) -> str:
    """Clone a folder, with its branches of remotes as what they are; of a clone that is shallow some may not come.

    In one command, as far as it goes: an agent does this at each start.
    """
    git = builder.at(target.parent)
    named = (f"remote.origin.url={wanted.url}", f"remote.origin.fetch={_BRANCHES}") if wanted.url else ()
    options = ("--origin", _FOLDER, *(option for each in named for option in ("--config", each)))
    whole = ("-c", f"remote.{_FOLDER}.fetch={_REMOTES}")
    if not _cloned(git, str(local), target, *options, before=whole):
        return ""
    if target.exists():
        shutil.rmtree(target)
    problem = _cloned(git, str(local), target, *options)
    if not problem:
        builder.at(target).ask("fetch", "--quiet", "--no-tags", "--", str(local), _REMOTES)
    return problem


def _lacking(git: Git, target: Path, wanted: Wanted) -> str:
    """Say that a folder has the commit and not all of its files, which it would have fetched when they are wanted."""
    is_partial = next((target / ".git" / "objects" / "pack").glob("*.promisor"), None) is not None
    if not is_partial or not _has(git, wanted.commit):
        return ""
    answer = git.ask("rev-list", "--objects", "--no-walk", "--missing=print", wanted.commit)
    is_whole = not answer.problem and not any(line.startswith(b"?") for line in answer.stdout.splitlines())
    return "" if is_whole else f"it is a partial clone, and has not all files of {_what(wanted)}"


def _from_bundle(builder: Builder, wanted: Wanted, target: Path) -> str:
    git = begin(builder, target, wanted)
    return _topped_up(git, wanted) or _absent(git, wanted)


def _from_remote(builder: Builder, wanted: Wanted, target: Path) -> str:
    url = wanted.url
    is_folder = Path(url).is_absolute()
    if is_folder and not Path(url).exists():
        return "it is gone"
    problem = _cloned(builder.remote_at(target.parent), url, target)
    if problem:
        return problem
    git = builder.at(target)
    _name_remote(git, wanted)
    if not _WHOLE.fullmatch(wanted.commit):
        _remember(git, wanted, "origin")
        return ""
    if _has(git, wanted.commit):
        return ""
    problem = _topped_up(git, wanted)
    if _has(git, wanted.commit):
        return ""
    asked = ("fetch", "--quiet", "--no-tags", "origin", wanted.commit)  # of no branch any more
    failed = _answered(builder.remote_at(target).ask(*asked))
    return failed and (problem or failed)


def _cloned(git: Git, source: str, target: Path, *more: str, before: tuple[str, ...] = ()) -> str:
    # Copied, not linked: git renews the times of objects that it would write again, in the original too.
    options = ("--quiet", "--no-checkout", "--no-hardlinks", "--dissociate", "--template=")
    return _answered(git.ask(*before, "clone", *options, *more, "--", source, str(target)))


def _answered(answer: Answer) -> str:
    return said(answer) if answer.problem else ""


def _topped_up(git: Git, wanted: Wanted) -> str:
    """Fetch the task's bundle, which holds the commit where no remote has it."""
    if wanted.bundle is None or not wanted.commit:
        return ""
    return _answered(git.ask("fetch", "--quiet", "--no-tags", "--", str(wanted.bundle()), "HEAD"))


def _absent(git: Git, wanted: Wanted) -> str:
    """Say that the clone has not the commit whose whole name is wanted."""
    is_there = not _WHOLE.fullmatch(wanted.commit) or _has(git, wanted.commit)
    return "" if is_there else f"{_what(wanted)} is not there"


def _has(git: Git, commit: str) -> bool:
    return not git.ask("cat-file", "-e", f"{commit}^{{commit}}").problem


def _remember(git: Git, wanted: Wanted, remote: str) -> None:
    """Keep what a name that is no whole commit means to the place that it came from, by the remote's name."""
    names = [f"refs/tags/{wanted.commit}", f"refs/remotes/{remote}/{wanted.commit}"]
    if not wanted.commit:
        names = [f"refs/remotes/{remote}/{wanted.branch}"] if wanted.branch else ["HEAD"]
    elif _BEGINNING.fullmatch(wanted.commit):
        names.append(wanted.commit)
    for name in names:
        found = git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if not found.problem:
            git.ask("update-ref", _MEANT, text(found))
            return


_MEANT = "refs/taskstore/meant"
_REMOTES = "+refs/remotes/*:refs/remotes/*"
_BRANCHES = "+refs/heads/*:refs/remotes/origin/*"
_FOLDER = "taskstore-folder"
"""What the folder that a clone came from is called in it, until that is forgotten."""


def _resolved(git: Git, wanted: Wanted) -> str:
    """Return the commit's whole name, or "" where the clone does not know what was meant."""
    if _WHOLE.fullmatch(wanted.commit):
        return wanted.commit
    found = git.ask("rev-parse", "--verify", "--quiet", f"{_MEANT}^{{commit}}")
    git.ask("update-ref", "-d", _MEANT)
    return "" if found.problem else text(found)


def _name_head(git: Git, branch: str, commit: str) -> None:
    """Put HEAD on the branch where that is a name for one, else on the commit alone."""
    ref = f"refs/heads/{branch}"
    if commit and branch and _is_head(git, ref, commit):
        return
    is_name = bool(branch) and not git.ask("check-ref-format", ref).problem
    if is_name and (not commit or not git.ask("update-ref", ref, commit).problem):
        git.ask("symbolic-ref", "HEAD", ref)
    elif commit:
        git.ask("update-ref", "--no-deref", "HEAD", commit)


def _is_head(git: Git, ref: str, commit: str) -> bool:
    """Tell whether HEAD is on that branch at that commit, as it is where the original has not moved on."""
    answer = git.ask("for-each-ref", "--format=%(HEAD)%(refname) %(objectname)", "refs/heads/")
    return f"*{ref} {commit}" in os.fsdecode(answer.stdout).splitlines()


def _name_remote(git: Git, wanted: Wanted) -> None:
    """Have the clone know its remote, as the original did; nothing is fetched.

    Of an original without one it is the original: by that name a capture of the clone calls the repository.
    """
    if wanted.url:
        git.ask("config", "remote.origin.url", wanted.url)
        git.ask("config", "remote.origin.fetch", _BRANCHES)
