"""How one gets a task of the store: by its id, its names, its tags, or ClearML's task_filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from .core import checks
from .core.errors import BadValue
from .notebook import Results
from .run import session as sessions
from .run.sink import warn
from .store import places
from .store.store import Store, open_default

if TYPE_CHECKING:
    from .store.query import Row

Found = TypeVar("Found", bound="Finding")


class Finding:
    """The class methods by which a `Task` is found."""

    def __init__(self, store: Store, task_id: str) -> None:
        self._store = store
        self._id = task_id

    def _row(self) -> Row:
        from .store import query

        return query.row_of(self._store, places.locate(self._store, self._id))

    def _repr_html_(self) -> str:
        from . import notebook

        return notebook.of_task(self)

    @classmethod
    def _found(cls: type[Found], reference: str) -> Found:
        store = default_store()
        return cls(store, places.resolve(store, reference).id)

    @classmethod
    def get_task(
        cls: type[Found],
        task_id: str | None = None,
        *,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str | None] = (),
        allow_archived: bool = True,
        task_filter: Mapping[str, object] | None = None,
    ) -> Found | None:
        """Return a task of the store by its id (or a unique prefix), or the last modified that fits all the rest.

        Project and name are exact; `tags` and `task_filter` are as for `get_tasks`. An archived task is taken only
        where no other fits, and with allow_archived=False never. None where nothing fits; where several do, it warns.
        Raises NotFound for an unknown id or project, and BadValue where nothing is given.
        """
        from .sections import find  # a run has no use for it

        checks.texts(task_id=task_id, project_name=project_name, task_name=task_name)
        checks.lists(tags=tags)
        checks.flags(allow_archived=allow_archived)
        checks.kinds(Mapping, task_filter=task_filter)
        store = default_store()
        if task_id:
            return cls._found(task_id)
        if not (task_name or project_name or tags or task_filter):
            raise BadValue("which task? give task_id, or project_name and task_name, tags or task_filter")
        wanted = find.Wanted(
            projects=find.names(project_name),
            name=task_name or None,
            is_name_exact=True,
            tags=tags or (),
            with_archived=allow_archived,
            task_filter=task_filter,
        )
        best = find.best(store, wanted, warn)
        return cls(store, best.id) if best else None

    @classmethod
    def get_tasks(
        cls: type[Found],
        task_ids: Sequence[str] | None = None,
        *,
        project_name: str | Sequence[str] | None = None,
        with_subprojects: bool = False,
        task_name: str | None = None,
        tags: Sequence[str | None] = (),
        allow_archived: bool = True,
        task_filter: Mapping[str, object] | None = None,
    ) -> list[Found]:
        """Return the tasks that fit all that is given, the last modified first; given ids, in the order of those.

        Projects are exact, or include what is below them; `task_name` is a regular expression found somewhere in the
        name; `tags` and `task_filter` are ClearML's languages. Unknown projects and ids are warned of and passed over.
        Raises BadValue naming what cannot be understood.
        """
        from .sections import find  # a run has no use for it

        checks.lists(task_ids=task_ids, project_name=project_name, or_text=True)
        _check_search(with_subprojects, task_name, tags, allow_archived, task_filter)
        store = default_store()
        wanted = find.Wanted(
            ids=find.names(task_ids),
            projects=find.names(project_name),
            with_subprojects=with_subprojects,
            name=task_name,
            tags=tags or (),
            with_archived=allow_archived,
            task_filter=task_filter,
        )
        return Results(cls(store, row.id) for row in find.find(store, wanted, warn))

    @classmethod
    def query_tasks(
        cls: type[Found],
        project_name: str | Sequence[str] | None = None,
        *,
        with_subprojects: bool = False,
        task_name: str | None = None,
        tags: Sequence[str | None] = (),
        allow_archived: bool = True,
        additional_return_fields: Sequence[str] | None = None,
        task_filter: Mapping[str, object] | None = None,
    ) -> list[str] | list[dict[str, object]]:
        """Return the ids of the tasks that fit, as for `get_tasks`; with fields, a dictionary of id and those for each.

        A field has the name that filters use: `status`, `Args/lr`, `loss/train.min`, `last_metrics.loss.train.value`.
        """
        from .sections import find  # a run has no use for it

        checks.lists(project_name=project_name, or_text=True)
        checks.lists(additional_return_fields=additional_return_fields)
        _check_search(with_subprojects, task_name, tags, allow_archived, task_filter)
        store = default_store()
        wanted = find.Wanted(
            projects=find.names(project_name),
            with_subprojects=with_subprojects,
            name=task_name,
            tags=tags or (),
            with_archived=allow_archived,
            task_filter=task_filter,
        )
        rows = find.find(store, wanted, warn)
        if additional_return_fields is None:
            return Results(row.id for row in rows)
        return Results(find.described(row, additional_return_fields) for row in rows)


def _check_search(
    with_subprojects: object, task_name: object, tags: object, allow_archived: object, task_filter: object
) -> None:
    checks.texts(task_name=task_name)
    checks.lists(tags=tags)
    checks.flags(with_subprojects=with_subprojects, allow_archived=allow_archived)
    checks.kinds(Mapping, task_filter=task_filter)


def default_store() -> Store:
    """Return the store of this process's run; where there is none, the one that is found from here."""
    session = sessions.current()
    return session.store if session is not None else open_default()
