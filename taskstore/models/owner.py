"""The task that a model is of, in somebody's hands: which one, in which store, and what stands around a change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..core.errors import BadValue, ReadOnly, Refused, TaskstoreError
from ..disk.layout import TaskPaths
from ..run import session as sessions
from ..run.session import Session
from ..run.sink import warn
from ..sections.reports import Writer
from ..store import artifacts, places, tasks
from ..store.store import Store, open_default

R = TypeVar("R")


class HasOwner(Protocol):
    """A Task, as far as models need one."""

    @property
    def owner(self) -> Owner:
        """The task in whose hands its models are."""
        ...


class HasModels(Protocol):
    """A Task, as far as models need one."""

    @property
    def models(self) -> HasOwner:
        """Its models."""
        ...


@dataclass(frozen=True)
class Owner:
    """A task of a store. Of the running program's own task, a store that refuses warns once and raises nothing."""

    store: Store
    task_id: str
    session: Session | None = None

    @property
    def is_rerun(self) -> bool:
        """Whether what is stored goes before what the program says."""
        return self.session is not None and self.session.is_open and self.session.is_rerun

    def paths(self) -> TaskPaths:
        """Return where the task is. Raises NotFound."""
        return places.locate(self.store, self.task_id)

    def attempt(self, action: Callable[[], R]) -> R | None:
        """Do something to the task; None, and a warning, where the store of a running program refuses."""
        session = self.session
        if session is None or not session.is_open:
            return action()
        if not session.is_recording:
            return None
        try:
            return action()
        except (OSError, TaskstoreError) as error:
            if isinstance(error, Refused) and not isinstance(error, ReadOnly):
                raise
            session.sink.cannot_write(error)
            return None

    def warn(self, message: str) -> None:
        """Tell the person, and in a run the task's record, that something was left out."""
        if self.session is not None and self.session.is_open:
            self.session.sink.note("output", message)
        else:
            warn(message)

    def writer(self) -> Writer:
        """Return what reports into the task. Raises ReadOnly where it has ended."""
        if self.session is not None:
            return self.session.sink.writer
        artifacts.check_open(tasks.read(self.paths()), "reports")
        return Writer(self.paths, _raise)


def owner_of(store: Store, task_id: str) -> Owner:
    """Return a task as an owner; where it is the one that this process runs, with what stands around that."""
    session = sessions.opened()
    is_own = session is not None and session.task_id == task_id and session.store.root == store.root
    return Owner(store, task_id, session if is_own else None)


def current_owner() -> Owner:
    """Return the owner for this process's open task. Raises Refused where there is none."""
    session = sessions.current()
    if session is None or not session.is_open:
        raise Refused("no task is open in this process; Task.init begins one, or give task=")
    return Owner(session.store, session.task_id, session)


def default_store() -> Store:
    """Return the store of this process's task, else the one that commands use here."""
    session = sessions.current()
    return session.store if session is not None else open_default()


def owner_for(task: HasModels | str | None) -> Owner:
    """Return the owner for a Task, an id, or (None) this process's open task. Raises BadValue, NotFound, Refused."""
    if task is None:
        return current_owner()
    if isinstance(task, str):
        store = default_store()
        return owner_of(store, places.resolve(store, task).id)
    with contextlib.suppress(AttributeError):
        return task.models.owner
    raise BadValue(f"task must be a Task or the id of one, not {type(task).__name__}")


def _raise(error: BaseException) -> None:
    raise error
