"""Views of the table of tasks that are kept by name: each is the query of the page's address that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import BadName, BadValue, NotFound
from ..disk.atomic import replace_record
from ..disk.lock import edit_lock
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.views import ViewRecord, ViewsRecord
from . import tasks
from .store import Store, writing

MAX_NAME = 80
MAX_QUERY = 16_000
MAX_VIEWS = 200


@dataclass(frozen=True)
class Known:
    """A view's name, and the query that shows it."""

    name: str
    query: str


def listed(store: Store) -> list[Known]:
    """Return all views by name. Raises Damaged."""
    record, _ = _read(store)
    return [Known(name, each.query) for name, each in sorted(record.views.items(), key=lambda item: item[0].casefold())]


def keep(store: Store, name: str, query: str) -> Known:
    """Keep a view under a name, in place of one that has it. Of two at once, none is lost.

    Raises BadName, BadValue for a query that is too long, ReadOnly, Damaged.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadName("view", name[:MAX_NAME], f"it is 1 to {MAX_NAME} characters that can be seen")
    if len(query) > MAX_QUERY:
        raise BadValue(f"a view of {len(query):,} characters; {MAX_QUERY:,} are the most")
    with writing(store), edit_lock(store.paths.lock, store.locks):
        record, previous = _read(store)
        if name not in record.views and len(record.views) >= MAX_VIEWS:
            raise BadValue(f"there are {MAX_VIEWS} views already; remove one first")
        record.views[name] = ViewRecord(query=query.removeprefix("?"), saved=store.clock.now(), who=tasks.who())
        _write(store, record, previous)
    return Known(name, record.views[name].query)


def remove(store: Store, name: str) -> Known:
    """Forget a view. Raises NotFound, ReadOnly, Damaged."""
    with writing(store), edit_lock(store.paths.lock, store.locks):
        record, previous = _read(store)
        gone = record.views.pop(name, None)
        if gone is None:
            raise NotFound("view", name, "the table of tasks lists them")
        _write(store, record, previous)
    return Known(name, gone.query)


def _read(store: Store) -> tuple[ViewsRecord, bytes]:
    path = store.paths.views
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return ViewsRecord(), b""
    return codec.decode(ViewsRecord, data, path), data


def _write(store: Store, record: ViewsRecord, previous: bytes) -> None:
    record.rev += 1
    path = store.paths.views
    replace_record(path, codec.encode_over(record, previous, path) if previous else codec.encode(record))
