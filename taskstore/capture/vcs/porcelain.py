"""What git prints, as values: pure functions over the `-z` forms of its commands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# how many fields stand before the path, by kind of entry: git-status(1), "Porcelain Format Version 2"
_FIELDS = {"1": 8, "2": 9, "u": 10}
_NO_BRANCH = ("(detached)", "(unknown)")


@dataclass(frozen=True)
class Status:
    """`git status --porcelain=v2 --branch -z`. Paths are relative to the root."""

    commit: str = ""
    branch: str = ""
    is_ahead: bool | None = None
    """Whether HEAD has commits that its upstream lacks; None where that is not known."""
    changed: tuple[str, ...] = ()
    """Paths that differ from HEAD in the index or the work tree; what was renamed has both its names."""
    is_known: bool = True
    """False where git did not tell what has changed."""
    unmerged: tuple[str, ...] = ()
    submodules: dict[str, str] = field(default_factory=dict)
    """Path to git's four letters, of the submodules that differ from the index or from HEAD."""
    untracked: tuple[str, ...] = ()
    knows_submodules: bool = True
    """False where git was not asked whether there are changes within submodules."""


def parse_status(output: bytes) -> Status:
    """Read a status; entries of unknown kinds are passed over, as git's manual asks."""
    headers: dict[str, str] = {}
    unmerged: list[str] = []
    untracked: list[str] = []
    submodules: dict[str, str] = {}
    changed: list[str] = []
    entries = iter(os.fsdecode(output).split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            headers[name] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in _FIELDS:
            fields = entry.split(" ", _FIELDS[kind])
            changed.append(fields[-1])
            if fields[2].startswith("S"):
                submodules[fields[-1]] = fields[2]
            if kind == "u":
                unmerged.append(fields[-1])
            if kind == "2":
                changed.append(next(entries, ""))  # the name it had before
    branch = headers.get("branch.head", "")
    return Status(
        commit=commit_id(headers.get("branch.oid", "")),
        branch="" if branch in _NO_BRANCH else branch,
        is_ahead=_is_ahead(headers.get("branch.ab")),
        changed=tuple(changed),
        unmerged=tuple(unmerged),
        submodules=submodules,
        untracked=tuple(untracked),
    )


def _is_ahead(ahead_behind: str | None) -> bool | None:
    return None if ahead_behind is None else not ahead_behind.startswith("+0 ")


def commit_id(text: str) -> str:
    """Return `text` when it is a whole object name, else ""."""
    return text if _HEX.fullmatch(text) else ""


@dataclass(frozen=True)
class Config:
    """The entries of `git config -z --get-regexp`, in git's order of reading."""

    entries: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str:
        """Return the last value of `key`, the one that counts for git, or ""."""
        return next((value for name, value in reversed(self.entries) if name == key), "")

    def subsections(self, section: str, variable: str) -> list[tuple[str, str]]:
        """Return (subsection, value) of every `section.<subsection>.variable`."""
        head, tail = f"{section}.", f".{variable}"
        return [
            (key[len(head) : -len(tail)], value)
            for key, value in self.entries
            if key.startswith(head) and key.endswith(tail) and len(key) > len(head) + len(tail)
        ]


def parse_config(output: bytes) -> Config:
    """Read `git config -z --get-regexp`; a key without a value has ""."""
    pairs = (entry.partition("\n") for entry in os.fsdecode(output).split("\0") if entry)
    return Config(tuple((key, value) for key, _, value in pairs))


def remote_url(config: Config, branch: str) -> str:
    """Return the address that git would fetch from: of the branch's remote, else of `origin`, else of any; or ""."""
    urls: dict[str, str] = {}
    for name, url in config.subsections("remote", "url"):
        urls.setdefault(name, url)  # git fetches from the first
    wanted = (config.get(f"branch.{branch}.remote"), "origin", *urls)
    return _expanded(next((urls[name] for name in wanted if name in urls), ""), config)


def _expanded(url: str, config: Config) -> str:
    """Apply `url.<base>.insteadOf` as git does: the longest prefix that fits is replaced."""
    fitting = [
        (len(prefix), base + url[len(prefix) :])
        for base, prefix in config.subsections("url", "insteadof")
        if url.startswith(prefix)
    ]
    return max(fitting)[1] if fitting else url


def parse_index(output: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield (mode, object, path) of `git ls-files --stage -z`."""
    for entry in os.fsdecode(output).split("\0"):
        facts, tab, path = entry.partition("\t")
        if tab:
            mode, name, _ = facts.split(" ", 2)
            yield mode, name, path
