"""Finding tasks by ids, projects, names, tags and ClearML's task_filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import BadValue, NotFound
from ..core.names import split_project
from ..schema import conditions, tagging, task_filter
from ..store import places, projects, query
from ..store.query import Row
from ..store.store import Store

HIDDEN = "hidden"
"""A system tag: such a task is found by its id or a search for it alone."""
_FINDS_HIDDEN = frozenset({"id", "search_text", "_all_", "_any_"})
_NEWEST_FIRST = ("-last_update",)
Warn = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which tasks are wanted; what is not given asks for nothing. Project names are exact, `name` is one or a regex."""

    ids: Sequence[str] = ()
    projects: Sequence[str] = ()
    with_subprojects: bool = False
    name: str | None = None
    is_name_exact: bool = False
    tags: Sequence[str | None] = ()
    with_archived: bool = True
    task_filter: Mapping[str, object] | None = None


@dataclass(frozen=True)
class _Where:
    """The conditions as a listing takes them."""

    tests: tuple[Callable[[Row], bool], ...]

    def matches(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one name, or several, or none, as several."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def find(store: Store, wanted: Wanted, warn: Warn) -> list[Row]:
    """List the tasks that fit, the last modified first unless the filter orders them; ids come in their own order.

    Projects and ids that are not there are warned of and passed over. Raises BadValue, BadName.
    """
    asked = task_filter.parse(wanted.task_filter)
    names = _known_projects(store, wanted.projects, warn)
    ids = _known_ids(store, wanted.ids, warn)
    if (wanted.projects and not names) or (wanted.ids and not ids):
        return []
    where = _Where((*_tests(wanted, names, ids, asked), asked.matches))
    listed = query.find(
        store,
        query.Query(with_archived=wanted.with_archived, where=where),
        order_by=asked.order_by or _NEWEST_FIRST,
    ).rows
    if ids:
        _warn_of_missing(store, ids, listed, warn)
        if not asked.order_by:
            place = {task_id: number for number, task_id in enumerate(ids)}
            listed.sort(key=lambda row: place[row.id])
    if asked.page_size is None:
        return listed
    return listed[asked.page * asked.page_size : (asked.page + 1) * asked.page_size]


def _tests(
    wanted: Wanted, names: Sequence[str], ids: Sequence[str], asked: task_filter.TaskFilter
) -> list[Callable[[Row], bool]]:
    tests: list[Callable[[Row], bool]] = []
    if ids:
        known = frozenset(ids)
        tests.append(lambda row: row.id in known)
    elif not asked.names & _FINDS_HIDDEN:
        tests.append(lambda row: HIDDEN not in row.task.system_tags)
    if names:
        tests.append(_in_projects(names, wanted.with_subprojects))
    if wanted.name is not None:
        tests.append(_named(wanted.name, is_exact=wanted.is_name_exact))
    if wanted.tags:
        if isinstance(wanted.tags, str):
            raise BadValue(f"tags must be a list of texts; write [{wanted.tags!r}]")
        tagged = tagging.parse(wanted.tags)
        tests.append(lambda row: tagged.matches(row.task.tags))
    return tests


def _in_projects(names: Sequence[str], with_subprojects: bool) -> Callable[[Row], bool]:
    exact = frozenset(names)
    below = tuple(f"{name}/" for name in names) if with_subprojects else ()
    return lambda row: row.project in exact or row.project.startswith(below)


def _named(name: str, *, is_exact: bool) -> Callable[[Row], bool]:
    if is_exact:
        stored = name.strip()  # as it is when a task is made
        return lambda row: row.task.name == stored
    try:
        search = conditions.regex(name).search
    except (re.error, RecursionError, OverflowError) as error:
        raise BadValue(f"task_name {name!r} is no regular expression: {error}") from None
    return lambda row: search(row.task.name) is not None


def _known_projects(store: Store, names: Sequence[str], warn: Warn) -> list[str]:
    known = []
    for name in names:
        try:
            projects.find(store, name)
        except NotFound as error:
            warn(str(error))
        else:
            known.append("/".join(split_project(name)))
    return known


def _known_ids(store: Store, references: Sequence[str], warn: Warn) -> list[str]:
    """Return ids; a whole one is taken as it is, because to look for each costs a walk through the store."""
    known = []
    for reference in references:
        try:
            known.append(places.id_of(store, reference))
        except NotFound as error:
            warn(str(error))
    return known


def _warn_of_missing(store: Store, ids: Sequence[str], listed: Sequence[Row], warn: Warn) -> None:
    found = {row.id for row in listed}
    for task_id in ids:
        if task_id not in found:
            try:
                places.locate(store, task_id)  # it is there where another condition has left it out
            except NotFound as error:
                warn(str(error))


def best(store: Store, wanted: Wanted, warn: Warn) -> Row | None:
    """Return the one that a name most likely means: the last modified, an archived one only where there is no other.

    Raises NotFound for an unknown project.
    """
    for name in wanted.projects:
        projects.find(store, name)
    rows = find(store, wanted, warn)
    rows = [row for row in rows if not row.is_archived] or rows
    if len(rows) > 1:
        warn(f"{len(rows)} tasks fit; taking {rows[0].id[:12]} ({rows[0].task.name}), the last modified")
    return rows[0] if rows else None


def described(row: Row, fields: Sequence[str]) -> dict[str, object]:
    """Return a task's id and the fields asked for, by the names that filters use; None where it has none."""
    return {"id": row.id} | {name: row.get(name) for name in fields}
