"""Running what came from elsewhere: an imported task's program is another's code, and is run on a person's word."""

from __future__ import annotations

from ..core.errors import Refused
from ..core.states import Status
from ..disk.layout import TaskPaths
from ..schema.record import Container, Execution, Imported, TaskRecord
from ..store import places, tasks
from ..store.store import Store


def is_needed(record: TaskRecord) -> bool:
    """Tell whether a task, or what it was cloned from, came from elsewhere, and nobody has said that it may run."""
    return bool(record.imported) and not (record.execution is not None and record.execution.trusted)


def give(store: Store, task_id: str) -> None:
    """Write down that this user lets the task's program run; of a clone of it that says nothing."""

    def change(record: TaskRecord) -> None:
        record.execution = record.execution or Execution()
        record.execution.trusted = tasks.who()

    if is_needed(tasks.read(places.locate(store, task_id))):
        tasks.edit(store, task_id, change, allowed=frozenset(Status))


def check(store: Store, task_id: str, *, is_trusted: bool) -> None:
    """Raise Refused where a task's program is not to be run yet; with `is_trusted` it is from now on."""
    paths = places.locate(store, task_id)
    record = tasks.read(paths)
    if not is_needed(record):
        return
    if is_trusted:
        give(store, task_id)
        return
    raise Refused(
        f"task {task_id[:12]} came from elsewhere ({origin(record)}), and to run it is to run its program: "
        f"{command(paths)}; look at it, and give --trust (trust=True) to say that it may run"
    )


def origin(record: TaskRecord) -> str:
    """Say where a task came from."""
    return came_from(record.imported[-1])


def came_from(mark: Imported) -> str:
    """Say what a mark does of where a task came from."""
    return f"{mark.kind} {mark.id}, from {mark.path}, on {mark.time:%Y-%m-%d}"


def command(paths: TaskPaths) -> str:
    """Say what would be run."""
    import shlex

    script = tasks.read_script(paths)
    spelled = shlex.join(script.argv) or script.entry_point or script.module or "no program"
    of = f" of {script.repository} at {script.version_num[:12]}" if script.repository else ""
    return f"`{spelled}`{of}{_container(tasks.read(paths).container)}"


def _container(asked: Container | None) -> str:
    if asked is None:
        return ""
    wishes = [asked.image, asked.arguments, "a set-up script of its own" if asked.setup_shell_script else ""]
    return f" (where agents use containers, it asks for {', '.join(filter(None, wishes))})" if any(wishes) else ""
