"""Configuration objects on the command line: listed, printed, and edited in the person's own editor."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from taskstore.core.errors import Refused, TaskstoreError

from . import context, page, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskstore.disk.layout import TaskPaths
    from taskstore.store.configuration import Stored
    from taskstore.store.store import Store


def as_objects(paths: TaskPaths) -> dict[str, dict[str, object]]:
    """Return a task's objects for --json, by name; `text` is null where an object is not text."""
    from taskstore.store import configuration

    return {name: _as_object(paths, item) for name, item in configuration.read(paths).items()}


def _as_object(paths: TaskPaths, item: Stored) -> dict[str, object]:
    from taskstore.store import configuration

    return {
        "name": item.name,
        "type": item.type,
        "description": item.description,
        "path": item.path.relative_to(paths.home).as_posix(),
        "text": configuration.text_of(item),
    }


def print_list(paths: TaskPaths) -> None:
    """Print which objects there are, where there are any."""
    from taskstore.store import configuration

    found = configuration.read(paths)
    if not found:
        return
    page.heading("Configuration")
    page.grid(
        [
            (
                page.short(item.name),
                page.short(item.type),
                render.size(item.path.stat().st_size),
                page.short(item.path.relative_to(paths.home).as_posix()),
            )
            for item in found.values()
        ],
        ["name", "type", render.Column("size", is_fixed=True), render.Column("where", style="dim")],
    )


def print_one(paths: TaskPaths, name: str, *, as_json: bool) -> None:
    """Print one object's text. Raises NotFound, and Refused where it is not text."""
    from taskstore.sections.configuration import edited
    from taskstore.store import configuration

    item = edited.find(paths, name)
    if as_json:
        render.print_json(_as_object(paths, item))
        return
    text = configuration.text_of(item)
    if text is None:
        raise Refused(f"configuration {name!r} is not text; its file is {item.path}")
    render.line(render.safe_lines(text).rstrip("\n"))


def edit(store: Store, paths: TaskPaths, name: str, open_editor: Callable[[Path], None]) -> bool:
    """Let the person edit one object; tell whether it was changed. Raises NotFound, ReadOnly, Conflict."""
    from taskstore.sections.configuration import edited
    from taskstore.store import configuration

    item = edited.find(paths, name)
    before = edited.check(paths, name)
    handle, copy = tempfile.mkstemp(prefix=f"taskstore-{paths.id[:12]}-", suffix=item.path.suffix)
    os.close(handle)
    file = Path(copy)
    file.write_bytes(before)
    try:
        open_editor(file)
        after = file.read_bytes()
        if after != before:
            text = configuration.as_text(after)
            if text is None:
                raise Refused("the text is not UTF-8; nothing was changed")
            masked = edited.replace(store, paths.id, name, before=before, text=text)
            if masked:
                context.say(f"what looks like a credential is stored masked: {', '.join(masked)}")
    except TaskstoreError:
        if file.read_bytes() != before:
            context.say(f"your text is kept in {file}")
        else:
            file.unlink()
        raise
    file.unlink()
    return after != before
