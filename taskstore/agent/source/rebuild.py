"""The code of a task in an empty folder, ready to be started: the order of the steps, and where each thing goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import CodeNotFound, Refused
from ...disk.layout import TaskPaths
from ...run.code import PENDING
from ...schema.record import ScriptRecord
from . import files, work_tree
from .building import Builder, Limits
from .fetching import Wanted
from .target import Place, find_target
from .work_tree import Building, Part

_MAX_NAME_BYTES = 200
_SAID_OF_CHANGES = re.compile(r"(submodule .*: )?uncommitted changes( and untracked files)? left out")
_SAID_OF_COMMITS = "unpushed commits left out"


@dataclass(frozen=True)
class Tree:
    """Rebuilt code.

    `root` is the root of the rebuilt repository, or the folder of a standalone script; `cwd` is where the program is
    started; `target` is what python is given before the program's own arguments; `notes` are for people. Folders in
    `pythonpath` are to come first in PYTHONPATH: a module that lay elsewhere than where the program was started.
    `commit` is the whole name of the commit that the repository is at, empty without one.
    """

    root: Path
    cwd: Path
    target: tuple[str, ...]
    notes: tuple[str, ...]
    pythonpath: tuple[Path, ...] = ()
    commit: str = ""


def rebuild(
    paths: TaskPaths,
    script: ScriptRecord,
    at: Path,
    *,
    tell: Callable[[str], None],
    allow_missing: bool = False,
    limits: Limits | None = None,
) -> Tree:
    """Rebuild the code of a task in the empty folder `at`, which is the caller's to remove, and compare it.

    The commit comes from the recorded folder, else the task's bundle, else the remote. Nothing is asked of a person,
    and nothing at `at` depends on any of these places afterwards. Several may be rebuilt at once, each in a folder.

    Raises CodeNotFound where the commit is nowhere to be had, or the capture left out changed files (with
    `allow_missing` that is only told); CodeDiffers, with the files, where what was rebuilt is not what was recorded;
    Refused for a record that would write elsewhere, or names nothing to run. What is in `at` then is of no use.
    """
    if PENDING in script.notes:
        raise CodeNotFound("the code of the task was not captured: its run was over before git had answered")
    at = at.resolve()
    at.mkdir(parents=True, exist_ok=True)
    if next(at.iterdir(), None) is not None:
        raise Refused(f"{at} is not empty; code is rebuilt in a folder of its own")
    notes: list[str] = []
    root, commit = None, ""
    _refuse_missing(script, tell, notes, is_allowed=allow_missing)
    if script.repository:
        building = Building(Builder(limits or Limits()), paths, tell, notes)
        root, commit = _repository(building, script, at)
    place = Place(paths, script, at, root, _working_folder(script, root, notes) if root else at / "script")
    found = find_target(place, notes)
    return Tree(root or place.cwd, place.cwd, found.target, tuple(notes), found.pythonpath, commit)


def _refuse_missing(script: ScriptRecord, tell: Callable[[str], None], notes: list[str], *, is_allowed: bool) -> None:
    """Say what the capture left out, before anything is fetched."""
    named = [note for note in script.notes if _SAID_OF_CHANGES.match(note)]
    parts = [("the repository", script.missing)]
    parts += [(f"submodule {module.path}", work_tree.missing_of(module)) for module in script.submodules]
    for name, missing in parts:
        work_tree.refuse_missing(name, missing, named, notes, tell, is_allowed=is_allowed)


def _repository(building: Building, script: ScriptRecord, at: Path) -> tuple[Path, str]:
    root = at / "repository" / _folder_name(script)
    local = Path(script.root) if script.root and Path(script.root).is_absolute() else None
    wanted = Wanted(
        name=script.repository,
        url=script.repository,
        local=local,
        bundle=work_tree.bundle_of(building.paths, script.bundle),
        commit=script.version_num,
        branch=script.branch,
        said=tuple(note for note in script.notes if note.startswith(_SAID_OF_COMMITS)),
    )
    # What has run had its program; of a draft that was made from a branch there is the branch's name, and maybe a diff.
    is_unborn = not script.version_num and bool(script.untracked or script.standalone)
    part = Part("the repository", wanted, is_unborn, script.diff, script.untracked)
    commit = work_tree.build(building, part, root)
    if commit and commit != script.version_num:
        what = f"{script.version_num} is" if script.version_num else "no commit was recorded;"
        building.note(f"{what} {script.branch or 'the branch of the remote'} at commit {commit}")
    work_tree.build_submodules(building, script.submodules, root, local, script.repository)
    return root, commit


def _folder_name(script: ScriptRecord) -> str:
    """Return the name that the repository's folder had, which some programs are called after."""
    name = Path(script.root).name or re.split(r"[/:\\]", script.repository.rstrip("/\\"))[-1].removesuffix(".git")
    is_plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and name not in ("", ".", "..")
    return name if is_plain and len(name.encode()) <= _MAX_NAME_BYTES and not files.is_of_git(name) else "code"


def _working_folder(script: ScriptRecord, root: Path, notes: list[str]) -> Path:
    """Return where the program is started, which is made where git knows nothing in it."""
    if script.cwd and script.root and not Path(script.cwd).is_relative_to(Path(script.root)):
        notes.append(
            f"it was started in {script.cwd}, outside of its repository, and is started in the repository's root"
        )
    if script.working_dir in ("", "."):
        return root
    folder = files.made_folder(root, files.checked_parts(script.working_dir, "a working directory"))
    if not folder.resolve().is_relative_to(root):
        raise Refused(f"the task's working directory {script.working_dir!r} leads out of its repository")
    return folder
