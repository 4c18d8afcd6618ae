"""Where a run stands in its repository: the root above a folder, ClearML's working directory and entry point."""

from __future__ import annotations

import os
from pathlib import Path


def marked_root(folder: Path) -> Path | None:
    """Return the nearest folder above that has a `.git`, which git itself may still refuse, without asking git."""
    return next((place for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), None)


def candidates(script: Path | None, cwd: Path) -> list[Path]:
    """Return the folders to look for a repository in, best first: where the script lies, where it leads, the cwd."""
    folders = [_parent_resolved(script).parent, script.resolve().parent] if script is not None else []
    return list(dict.fromkeys([*folders, cwd.resolve()]))


def working_dir(root: Path, cwd: Path) -> str:
    """Return the cwd relative to the root; "." where it is outside."""
    return relative(root, cwd.resolve()) or "."


def entry_point(root: Path, script: Path | None, inside: str) -> str:
    """Return the script relative to the working directory `inside`, with `..` where it lies elsewhere in the tree.

    That of a script outside the root is its absolute path; of no script, "".
    """
    if script is None:
        return ""
    path = script_path(root, script)
    if path is None:
        return script.resolve().as_posix()
    return Path(os.path.relpath(root / path, root / inside)).as_posix()


def script_path(root: Path, script: Path) -> str | None:
    """Return the script relative to the root, or None; a link counts as where it lies, then as where it leads."""
    return relative(root, _parent_resolved(script)) or relative(root, script.resolve())


def relative(root: Path, path: Path) -> str | None:
    """Return `path` below `root` with forward slashes, or None."""
    try:
        return path.relative_to(root.resolve()).as_posix()
    except ValueError:
        return None


def _parent_resolved(path: Path) -> Path:
    return path.parent.resolve() / path.name
