"""A configuration object that a person edits: masked as any other, and never over what somebody else has changed."""

from __future__ import annotations

from ...core.errors import Conflict, NotFound, Refused
from ...core.states import EDITABLE
from ...disk.layout import TaskPaths
from ...store import configuration, places, settings, tasks
from ...store.configuration import Content, Stored
from ...store.store import Store
from .connect import content_of_text


def find(paths: TaskPaths, name: str) -> Stored:
    """Return one object. Raises NotFound, naming those that there are."""
    found = configuration.read(paths)
    if name not in found:
        raise NotFound("configuration", name, f"the task has {', '.join(sorted(found)[:20]) or 'none'}")
    return found[name]


def check(paths: TaskPaths, name: str) -> bytes:
    """Return what an object holds that may be edited. Raises NotFound, ReadOnly, and Refused where it is not text."""
    item = find(paths, name)
    record = tasks.read(paths)
    if record.status not in EDITABLE:
        raise tasks.not_editable(record, "configuration")
    before = item.read()
    if configuration.as_text(before) is None:
        raise Refused(f"configuration {name!r} is not text; replace its file, {item.path}")
    return before


def replace(store: Store, task_id: str, name: str, *, before: bytes, text: str) -> tuple[str, ...]:
    """Give an object another text; return the names of what is masked in it.

    Raises Conflict where it is no longer what it was when the person began, `before`; and as `check` does.
    """
    paths = places.locate(store, task_id)
    if check(paths, name) != before:
        raise Conflict(f"somebody has changed configuration {name!r} meanwhile; edit it again")
    item = find(paths, name)
    suffix = item.path.suffix[1:]
    masker = settings.masker(store, project=paths.home.parent)
    content = content_of_text(text, masker, kind=suffix or None)
    configuration.put(store, paths.id, name, Content(content.data, item.type, suffix))
    return content.masked
