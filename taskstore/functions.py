"""A function as a task of its own: a draft that runs the same program, up to where it hands over that function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .core import values
from .core.errors import BadValue
from .core.names import MAX_LENGTH
from .core.secrets import Masker
from .run import session as sessions
from .run.sink import warn
from .schema.record import Parameter, ParamsRecord, TaskRecord
from .sections import clone, parameters
from .store import tasks
from .task import Task

SECTION = "Function"
MARKER = "__func_readonly__"
SYSTEM_TAG = "func"
_PLAIN = (int, float, bool, str, list, tuple, dict, type(None))


def create_function_task(
    task: Task, func: Callable[..., Any], func_name: str | None, task_name: str | None, arguments: dict[str, Any]
) -> Task | None:
    """Make a draft that runs `func(**arguments)`: a clone whose section Function holds the arguments.

    Where this process runs such a draft of this very function, the function is called with the stored arguments, and
    the process ends; of another function's, nothing happens and None is returned. Raises BadValue for an argument that
    is no plain value.
    """
    name = func_name or func.__name__
    session = sessions.current()
    if session is not None and session.is_rerun and session.task_id == task.id:
        stored = tasks.read_params(session.paths()).hyperparams.get(SECTION, {})
        if MARKER in stored:
            if stored[MARKER].value == name:
                func(**_stored(arguments, stored))
                task.close()
                sys.exit(0)
            return None
    for argument, value in arguments.items():
        if not isinstance(value, _PLAIN):
            raise BadValue(
                f"argument {argument!r} of a function task must be a plain value, not {type(value).__name__}"
            )
    return _made(task, name, task_name, arguments)


def _stored(arguments: dict[str, Any], stored: dict[str, Parameter]) -> dict[str, Any]:
    found = dict(arguments)
    for name, text in parameters.overrides(stored).items():
        if name not in arguments:
            continue
        try:
            found[name] = values.cast_like(text, arguments[name])
        except BadValue as error:
            warn(f"argument {name}: {error}; keeping {arguments[name]!r}")
    return found


def _made(task: Task, name: str, task_name: str | None, arguments: dict[str, Any]) -> Task:
    store, paths = task._store, task._paths()
    masker = task._session.masker if task._session is not None else Masker()

    def change(params: ParamsRecord) -> None:
        section = {key: parameters.parameter_of(key, value, masker) for key, value in arguments.items()}
        params.hyperparams[SECTION] = {MARKER: Parameter(name, "str"), **section}

    wanted = task_name or f"{task.get_name()} {name}"[:MAX_LENGTH]
    made = clone.clone(store, paths, name=wanted, parent=task.id, change=change)

    def mark(record: TaskRecord) -> None:
        record.system_tags = [*record.system_tags, SYSTEM_TAG]

    tasks.edit(store, made.id, mark)
    return Task(store, made.id)
