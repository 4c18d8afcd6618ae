"""A function as a task of its own: a draft that runs the same program, up to where it hands over that function."""

from __future__ import annotations

import builtins
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from .core import values
from .core.errors import BadValue, FunctionFailed, Refused
from .core.names import MAX_LENGTH
from .core.states import ENDED, Status
from .disk.layout import TaskPaths
from .lifecycle import Lifecycle
from .run import session as sessions
from .run.ending import COMPLETED
from .run.session import Session
from .schema.record import Parameter, ParamsRecord, TaskRecord
from .sections import clone, parameters
from .store.hold import Hold

if TYPE_CHECKING:
    from .core.secrets import Masker
    from .sections.artifacts import Artifacts

T = TypeVar("T")

SECTION = "Function"
MARKER = "__func_readonly__"
SYSTEM_TAG = "func"
RESULT = "result"
"""The artifact that holds what the function has returned."""
EXCEPTION = "exception"
"""The artifact that tells what it has raised."""
_BOXED = "boxed"
_PLAIN = (int, float, bool, str, list, tuple, dict, type(None))


def _stored(session: Session, arguments: Mapping[str, Any], stored: Mapping[str, Parameter]) -> dict[str, Any]:
    found = dict(arguments)
    for name, text in parameters.overrides(stored).items():
        if name not in arguments:
            continue
        try:
            found[name] = values.cast_like(text, arguments[name])
        except BadValue as error:
            session.sink.note("function", f"argument {name}: {error}; keeping {arguments[name]!r}")
            kept = parameters.parameter_of(name, arguments[name], session.masker)
            session.sink.replace_parameters(SECTION, {name: kept})
    return found


def _call(session: Session, artifacts: Artifacts, func: Callable[..., Any], arguments: dict[str, Any]) -> NoReturn:
    """Run the function, keep what came of it, and end the process."""
    try:
        result = func(**arguments)
    except Exception as error:
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        trace = "".join(traceback.format_exception(error))
        told = {"type": kind, "message": str(error), "traceback": trace}
        artifacts.upload(EXCEPTION, {name: session.masker.text(text) for name, text in told.items()})
        raise
    if result is None or isinstance(result, (str, list, tuple, PurePath)):  # which may be taken for files
        artifacts.upload(RESULT, {"value": result}, metadata={_BOXED: type(result).__name__})
    else:
        artifacts.upload(RESULT, result)
    session.close(COMPLETED)
    sys.exit(0)


class Functions(Generic[T]):
    """Functions of the program that run as tasks of their own, and what comes of them: `task.functions`."""

    def __init__(
        self,
        hold: Hold,
        *,
        masker: Callable[[], Masker],
        artifacts: Callable[[], Artifacts],
        task_of: Callable[[str], T],
    ) -> None:
        self._hold = hold
        self._masker = masker
        self._artifacts = artifacts
        self._task_of = task_of

    def create(
        self,
        func: Callable[..., Any],
        arguments: Mapping[str, Any] | None = None,
        *,
        func_name: str | None = None,
        task_name: str | None = None,
    ) -> T | None:
        """Make a draft that runs `func(**arguments)`, a clone whose section Function holds the arguments.

        An agent that runs it runs this same program up to this call, which there calls the function with the stored
        arguments, keeps what it returns as the artifact "result", and ends the process. In the draft of another
        function nothing happens, and None is returned. Functions are told apart by `func_name`, or else their names.
        Raises BadValue for an argument that is no plain value.
        """
        name, arguments = func_name or func.__name__, arguments or {}
        session = sessions.current()
        is_own = session is not None and session.task_id == self._hold.task_id
        if session is not None and is_own and session.is_rerun:
            stored = session.sink.stored(SECTION)
            if MARKER in stored:
                if stored[MARKER].value == name:
                    _call(session, self._artifacts(), func, _stored(session, arguments, stored))
                return None
        for argument, value in arguments.items():
            if not isinstance(value, _PLAIN):
                raise BadValue(
                    f"argument {argument!r} of a function task must be a plain value, not {type(value).__name__}"
                )
        if session is not None and is_own and session.is_open:
            session.wait_for_code()  # or the draft would have none
        return self._task_of(self._made(name, task_name, arguments))

    def _made(self, name: str, task_name: str | None, arguments: Mapping[str, Any]) -> str:
        masker, record = self._masker(), self._hold.read()

        def change(params: ParamsRecord) -> None:
            section = {key: parameters.parameter_of(key, value, masker) for key, value in arguments.items()}
            params.hyperparams[SECTION] = {MARKER: Parameter(name, "str"), **section}

        def mark(_: TaskPaths, made: TaskRecord) -> None:
            made.system_tags = [*made.system_tags, SYSTEM_TAG]

        wanted = task_name or f"{record.name} {name}"[:MAX_LENGTH]
        return clone.clone(
            self._hold.store, self._hold.paths, name=wanted, parent=record.id, change=change, also=mark
        ).id

    def result(
        self,
        *,
        timeout_s: float | None = None,
        check_interval_s: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        """Wait until the task of a function has ended, and return what the function has.

        Raises FunctionFailed, with the traceback, where it has raised an exception; Refused where the task is a draft,
        has ended in another way, or has not in time.
        """
        task_id = self._hold.task_id
        if self._hold.settled().status is Status.CREATED:
            raise Refused(f"task {task_id[:12]} is a draft, and nobody runs it; task.lifecycle.enqueue() has it run")
        ended = [status.value for status in ENDED]
        Lifecycle(self._hold).wait_for_status(
            ended, raise_on_status=(), timeout_s=timeout_s, check_interval_s=check_interval_s, sleep=sleep
        )
        artifacts = self._artifacts()
        if EXCEPTION in artifacts:
            _raise_again(task_id, artifacts[EXCEPTION].get())
        if RESULT not in artifacts:
            record = self._hold.read()
            raise Refused(f"task {task_id[:12]} has no result: it is {record.status.label} ({record.status_reason})")
        kept = artifacts[RESULT]
        found = kept.get()
        kind = kept.metadata.get(_BOXED)
        if kind is None:
            return found
        return tuple(found["value"]) if kind == "tuple" else found["value"]


def _raise_again(task_id: str, told: Mapping[str, str]) -> NoReturn:
    kind = getattr(builtins, told["type"], None)
    cause = kind(told["message"]) if isinstance(kind, type) and issubclass(kind, Exception) else None
    raise FunctionFailed(task_id, told["type"], told["message"], told["traceback"]) from cause
