"""One work tree rebuilt: its commit, what was not committed, what git did not know; that of a submodule likewise."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...capture.vcs.command import Git
from ...core.errors import CodeDiffers, CodeNotFound
from ...disk.layout import TaskPaths
from ...schema.record import FileRef, Missing, Submodule, Untracked
from . import comparing, files
from .building import Builder, said
from .comparing import GITLINK, Expected
from .fetching import Wanted, begin, obtain

_MAX_NAMED = 5
_FAILED = re.compile(r"error: (?:patch failed: (?P<at>.*):\d+|(?P<name>.*): .*)")
_RUN_ANYWAY = "to run without them all the same, allow what is missing"


@dataclass(frozen=True)
class Part:
    """What is recorded of one work tree: of the repository, or of a submodule."""

    name: str
    wanted: Wanted
    is_unborn: bool
    """There was no commit yet."""
    diff: FileRef | None
    untracked: list[Untracked]


@dataclass
class Building:
    """One rebuilding as it goes on: what all of its parts share."""

    builder: Builder
    paths: TaskPaths
    tell: Callable[[str], None]
    notes: list[str] = field(default_factory=list)
    links: dict[Path, dict[str, str]] = field(default_factory=dict)
    """Of each work tree that was rebuilt, the commits of its submodules by their folders, as its index has them."""

    def note(self, text: str) -> None:
        """Say something that whoever looks at the run should know."""
        self.notes.append(text)
        self.tell(text)


def build(building: Building, part: Part, root: Path) -> str:
    """Rebuild one work tree in the empty folder `root`, and compare it with its record; return the commit.

    Raises CodeNotFound, CodeDiffers, and Refused for a record that would have files written elsewhere.
    """
    if part.is_unborn:
        return _build_unborn(building, part, root)
    commit = obtain(building.builder, part.wanted, root, building.tell)
    _fill(building, part, root, commit)
    return commit


def _build_unborn(building: Building, part: Part, root: Path) -> str:
    """Rebuild a work tree that had no commit; that its hashes are of the longer kind, only the changes tell."""
    begin(building.builder, root, part.wanted)
    try:
        _fill(building, part, root, "")
    except CodeDiffers:
        shutil.rmtree(root)
        begin(building.builder, root, part.wanted, is_sha256=True)
        _fill(building, part, root, "")
    return ""


def _fill(building: Building, part: Part, root: Path, commit: str) -> None:
    git = building.builder.at(root)
    diff = _check_out(building, git, part, commit)
    wrong = [(item.path, how) for item in part.untracked if (how := files.put_untracked(building.paths, item, root))]
    index = comparing.read_index(git)
    wrong += comparing.differences(git, root, Expected(commit, diff), index)
    comparing.raise_for(wrong, part.name)
    building.links[root] = {path: name for path, (mode, name) in index.items() if mode == GITLINK}
    outside = [item.path for item in part.untracked if files.leads_out(item)]
    if outside:
        building.note(f"{part.name}: links that lead out of it, to what was not captured: {named(outside)}")


def _check_out(building: Building, git: Git, part: Part, commit: str) -> bytes:
    """Put the commit with the uncommitted changes into index and work tree; return the changes.

    They are applied to the index, from which the files are then written: contents meet the changes as git keeps
    both, before line ends and filters.
    """
    began = git.ask("read-tree", commit) if commit else git.ask("read-tree", "--empty")
    if began.problem:
        raise CodeNotFound(f"commit {commit[:12]} of {part.name} cannot be read: {said(began)}")
    diff = b""
    if part.diff is not None:
        path = files.checked_reference(building.paths, part.diff)
        diff = path.read_bytes()
        _apply(git, path if diff.strip() else None, part)
    written = git.ask("checkout-index", "--all", "--force", "--index", "--quiet")
    if written.problem:
        raise CodeDiffers(f"the files of {part.name} cannot all be written", [("git", said(written))])
    return diff


def _apply(git: Git, diff: Path | None, part: Part) -> None:
    if diff is None:
        return
    options = ("-c", "apply.ignoreWhitespace=no", "-c", "core.safecrlf=false")
    applied = git.ask(*options, "apply", "--cached", "--whitespace=nowarn", "--", str(diff))
    if applied.problem:
        lines = applied.stderr.splitlines()
        failed = {
            found["at"] or found["name"]: line[len("error: ") :] for line in lines if (found := _FAILED.match(line))
        }
        raise CodeDiffers(
            f"the uncommitted changes of {part.name} do not apply to its commit",
            list(failed.items()) or [("git", said(applied))],
            "nothing was run; where the diff was edited by hand, look at its lines for these files",
        )


def missing_of(module: Submodule) -> Missing | None:
    """Return what was not captured of a submodule; an earlier taskstore captured of all of them the commits only."""
    if module.checked_out and module.dirty and not module.captured:
        return Missing(reason="an earlier taskstore recorded no more than the commits of submodules")
    return module.missing


def refuse_missing(
    name: str,
    missing: Missing | None,
    named: list[str],
    notes: list[str],
    tell: Callable[[str], None],
    *,
    is_allowed: bool,
) -> None:
    """Raise CodeNotFound where changes of tracked files were not captured; tell of other files that were not.

    `named` are the notes of the capture, which name files.
    """
    if missing is None:
        return
    if missing.changed or not missing.untracked:
        many = f"{missing.changed:,} changed files" if missing.changed else "uncommitted changes"
        told = f"{many} of {name} were not captured: {missing.reason}"
        if not is_allowed:
            raise CodeNotFound(told, [("the capture", note) for note in named], _RUN_ANYWAY)
        notes.append(told)
        tell(told)
    if missing.untracked:
        told = f"{missing.untracked:,} untracked files of {name} were not captured: {missing.reason}"
        notes.append(told)
        tell(told)


def build_submodules(building: Building, modules: list[Submodule], root: Path, local: Path | None, url: str) -> None:
    """Rebuild the submodules in their folders, those within submodules after the ones that they are in."""
    for module in modules:
        parts = files.checked_parts(module.path, "a submodule")
        name = f"submodule {module.path}"
        if not module.checked_out:
            building.note(f"{name} was not checked out, and is not")
            continue
        outer = _outer(module, modules)
        at = root.joinpath(*files.checked_parts(outer.path, "a submodule")) if outer else root
        folder = root.joinpath(*parts)
        _check_link(building, module, at, folder)
        address = absolute(module.url, outer.url if outer else url)
        wanted = Wanted(
            name=name,
            url=address,
            local=local.joinpath(*parts) if local else None,
            bundle=bundle_of(building.paths, module.bundle),
            commit=module.version_num,
            branch="",
        )
        build(building, Part(name, wanted, False, module.diff, module.untracked), folder)
        _name_address(building.builder.at(at), folder.relative_to(at).as_posix(), address)
    known = {module.path for module in modules}
    empty = [path for path in _submodule_folders(building, modules, root) if path not in known]
    if empty:
        building.note(f"submodules of which nothing was recorded are empty: {named(empty)}")


def _submodule_folders(building: Building, modules: list[Submodule], root: Path) -> list[str]:
    """Return the folders of submodules as the indexes have them: that of the repository, and theirs."""
    prefixes = ["", *(f"{module.path}/" for module in modules if module.checked_out)]
    return [f"{prefix}{path}" for prefix in prefixes for path in building.links[root / prefix]]


def _outer(module: Submodule, modules: list[Submodule]) -> Submodule | None:
    above = [each for each in modules if module.path.startswith(f"{each.path}/")]
    return max(above, key=lambda each: len(each.path), default=None)


def _check_link(building: Building, module: Submodule, at: Path, folder: Path) -> None:
    """See that the work tree `at` has a submodule of that commit in that folder, and no link on the way to it."""
    commit = building.links[at].get(folder.relative_to(at).as_posix())
    if commit != module.version_num:
        how = "there is no submodule" if commit is None else f"commit {commit[:12]} is to be in it"
        comparing.raise_for([(module.path, f"{how}, and {module.version_num[:12]} was recorded")], "the submodules")
    if not folder.is_dir() or folder.resolve() != at.resolve() / folder.relative_to(at):
        comparing.raise_for([(module.path, "its folder is a link, or not there")], "the submodules")


def bundle_of(paths: TaskPaths, reference: FileRef | None) -> Callable[[], Path] | None:
    """Return what gives the path of a bundle once its hash was looked at."""
    return None if reference is None else lambda: files.checked_reference(paths, reference)


def absolute(url: str, base: str) -> str:
    """Return the address of a submodule that is given relative to that of the repository that it is in, as git does."""
    if not url.startswith(("./", "../")) or not base:
        return url
    base = base.rstrip("/")
    while url.startswith(("./", "../")):
        if url.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":"))
            base = base[: cut + (base[cut : cut + 1] == ":")] if cut > 0 else base
        url = url.split("/", 1)[1]
    return f"{base}{url}" if base.endswith(":") else f"{base}/{url}"


def _name_address(git: Git, path: str, url: str) -> None:
    """Have the repository know the address of a submodule, as `git submodule init` does."""
    asked = git.ask("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for entry in os.fsdecode(asked.stdout).split("\0"):
        key, _, value = entry.partition("\n")
        if value == path and url:
            git.ask("config", f"{key.removesuffix('.path')}.url", url)


def named(names: list[str]) -> str:
    """Name the first few, and count the others."""
    shown = ", ".join(name if name.isprintable() else ascii(name) for name in names[:_MAX_NAMED])
    return f"{shown} and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else shown
