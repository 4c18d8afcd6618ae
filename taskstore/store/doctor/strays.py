"""What lies where only projects, tasks or queues do, and is none: a file, a link, a folder in the trash.

The rest of the store passes it over without a word, so nothing is lost with it. A link is never followed, and goes to
quarantine as a link. What people keep beside their tasks, a README in a project's folder, is theirs and stays. So
does what begins with a dot: file managers and network filesystems put such things anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...core.ids import is_id
from ...disk.atomic import is_temporary
from ...disk.layout import PROJECT
from ..store import Store
from .finding import Finding, Kind

_REPAIR = "move it to quarantine"


def in_projects(store: Store, path: Path) -> Iterator[Finding]:
    """Judge what is no folder of its own in the tree of projects."""
    is_within_project = path.parent != store.paths.projects
    if path.is_symlink():
        if is_id(path.name) and path.is_dir():
            why = f"a link to {os.readlink(path)!r}: the task is listed, and is not checked; move its folder here"  # noqa: PTH115 - its text, as it is
            yield Finding(Kind.STRAY, path, why)
        else:
            yield _link(path)
    elif is_id(path.name) or not (is_within_project or path.name == PROJECT or path.name[0] == "."):
        yield Finding(Kind.STRAY, path, "it is neither a task nor a project", _REPAIR)


def in_trash(path: Path) -> Iterator[Finding]:
    """Judge what is no task in the trash."""
    if path.is_symlink():
        yield _link(path)
    elif path.name[0] != ".":
        yield Finding(Kind.STRAY, path, "it is no task", _REPAIR)


def in_queues(store: Store) -> Iterator[Finding]:
    """Yield what is no folder where the queues are."""
    folder = store.paths.queues
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_dir() and path.name[0] != "." and not is_temporary(path.name):
            yield _link(path) if path.is_symlink() else Finding(Kind.STRAY, path, "it is no queue", _REPAIR)


def _link(path: Path) -> Finding:
    where = os.readlink(path)  # noqa: PTH115 - its text, as it is
    return Finding(Kind.STRAY, path, f"a link to {where!r}: links are not followed here", _REPAIR)
