"""The submodules of a work tree, and whether git tracks the entry point: one question to the index answers both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...core.urls import strip_credentials
from .command import Git
from .porcelain import Config, commit_id, parse_config, parse_index
from .records import Submodule

_GITLINK = "160000"


@dataclass(frozen=True)
class Indexed:
    """What the index says of the submodules and of one path."""

    submodules: tuple[Submodule, ...]
    is_tracked: bool
    problem: str


def read_index(git: Git, root: Path, config: Config, states: Mapping[str, str], path: str | None) -> Indexed:
    """Read the submodules, and whether `path` is tracked (true where there is none to ask about).

    `states` are the four letters of git's status by path, of the submodules that are not as the index has them.
    """
    modules = _gitmodules(git, root)
    names = {where: name for name, where in modules.subsections("submodule", "path") if _is_inside(where)}
    asked = sorted({*names, *states, *([path] if path else [])})
    if not asked:
        return Indexed((), is_tracked=True, problem="")
    answer = git.ask("ls-files", "--stage", "-z", "--", *asked)
    entries = list(parse_index(answer.stdout))
    found = [
        _submodule(git, root, where, commit, states.get(where, ""), _url(names.get(where), config, modules))
        for mode, commit, where in entries
        if mode == _GITLINK
    ]
    is_tracked = bool(answer.problem) or path is None or any(where == path for _, _, where in entries)
    return Indexed(tuple(found), is_tracked=is_tracked, problem=answer.problem)


def _gitmodules(git: Git, root: Path) -> Config:
    if not os.path.lexists(root / ".gitmodules"):
        return Config()
    return parse_config(git.ask("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\.").stdout)


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts


def _url(name: str | None, config: Config, modules: Config) -> str:
    """The address that was cloned from, which is whole where `.gitmodules` gives a relative one."""
    if name is None:
        return ""
    key = f"submodule.{name}.url"
    return strip_credentials(config.get(key) or modules.get(key))


def _submodule(git: Git, root: Path, path: str, commit: str, state: str, url: str) -> Submodule:
    if state[1:2] == "C":  # checked out is another commit than the index has
        answer = git.inside(root / path).ask("rev-parse", "--verify", "HEAD")
        commit = commit_id(answer.stdout.decode(errors="replace").strip()) or commit
    return Submodule(path, url, commit, is_dirty="M" in state[2:] or "U" in state[2:])
