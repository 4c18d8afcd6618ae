"""Every error that taskstore raises on purpose, and the exit code that the command line gives it.

    TaskstoreError            1
    ├── NotFound              3   no task, project or file of that name; Ambiguous where a name fits several
    ├── Refused               4   the request is understood and not allowed
    │   ├── BadTransition         the task's status does not allow it
    │   ├── Conflict              somebody else's change or name is in the way
    │   ├── BadName               a name that cannot be used
    │   ├── BadValue              an argument of the wrong type, shape or range
    │   ├── CodeNotFound          a task's code is not to be had, or not all of it
    │   ├── CodeDiffers           a task's code was rebuilt, and is not what was recorded
    │   ├── FunctionFailed        the function of a function task has raised an exception
    │   ├── ReadOnly              a published task, or a store that cannot be written
    │   └── NotSupported      9   something that taskstore has not, such as what needs a server
    ├── Busy                  5   a lock was not free in time; try again
    ├── Damaged               6   a file does not hold what it must; `taskstore doctor` looks into it
    ├── TooNew                7   the store was written by a later taskstore
    └── RemoteError           8   a remote did not answer, or not as it should

Exit code 2 is the command line's own (wrong usage), 130 is an interrupt. Errors pickle, because they cross
process borders; the facts in them are attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .states import Status


class TaskstoreError(Exception):
    """The root of every expected error; its message says what is wrong and what to do next."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[TaskstoreError], args: tuple[object, ...], facts: dict[str, object]) -> TaskstoreError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class NotFound(TaskstoreError):
    """Nothing has this name or id."""

    exit_code = 3

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(f"no {kind} '{name}'" + (f"; {hint}" if hint else ""))
        self.kind = kind
        self.name = name


class Ambiguous(NotFound):
    """A name or id prefix fits several things; `candidates` lists them."""

    def __init__(self, kind: str, name: str, candidates: Sequence[str]) -> None:
        listing = "".join(f"\n  {candidate}" for candidate in candidates)
        TaskstoreError.__init__(self, f"'{name}' fits {len(candidates)} {kind}s; give more of the id:{listing}")
        self.kind = kind
        self.name = name
        self.candidates = tuple(candidates)


class Refused(TaskstoreError):
    """The request is understood and not allowed."""

    exit_code = 4


class FunctionFailed(Refused):
    """The function of a function task has raised; `kind` and `text` are the exception's, `trace` is its traceback.

    Where it was one of Python's own, one like it is this error's `__cause__`.
    """

    def __init__(self, task_id: str, kind: str, text: str, trace: str) -> None:
        super().__init__(f"the function of task {task_id[:12]} has raised {kind}: {text}\n{trace}".rstrip())
        self.task_id = task_id
        self.kind = kind
        self.text = text
        self.trace = trace


class BadTransition(Refused):
    """A task's status does not allow the change; the task is as it was. Statuses are given by their stored names."""

    def __init__(self, task_id: str, current: str, wanted: str, hint: str = "") -> None:
        state, aim = Status(current).label, Status(wanted).label
        message = f"task {task_id[:12]} is {state} " + ("already" if state == aim else f"and cannot become {aim}")
        super().__init__(message + (f"; {hint}" if hint else ""))
        self.task_id = task_id
        self.current = current
        self.wanted = wanted


class Conflict(Refused):
    """Somebody else's change, or a name already taken, is in the way."""


class BadName(Refused, ValueError):
    """A name that cannot be used; `name` is it, and the message says why."""

    def __init__(self, kind: str, name: str, why: str) -> None:
        super().__init__(f"bad {kind} name {name!r}: {why}")
        self.kind = kind
        self.name = name


class BadValue(Refused, ValueError):
    """An argument has the wrong type, shape or range; the message names it and what is wanted."""


class CodeNotFound(Refused):
    """A task's code, or a part of it, is not to be had; `tried` says of each place what it answered."""

    def __init__(self, message: str, tried: Sequence[tuple[str, str]] = (), hint: str = "") -> None:
        listing = "".join(f"\n  {place}: {answer}" for place, answer in tried)
        super().__init__(message + listing + (("\n" if tried else "; ") + hint if hint else ""))
        self.tried = tuple(tried)


class CodeDiffers(Refused):
    """What was rebuilt of a task's code is not what was recorded; `files` names each file and how it differs."""

    def __init__(self, message: str, files: Sequence[tuple[str, str]], hint: str = "") -> None:
        listing = "".join(f"\n  {name if name.isprintable() else ascii(name)}: {how}" for name, how in files)
        super().__init__(message + listing + (f"\n{hint}" if hint else ""))
        self.files = tuple(files)


class ReadOnly(Refused):
    """The task is published or not a draft, or the store cannot be written."""


class NotSupported(Refused):
    """Something that taskstore has not; the message names what to do instead."""

    exit_code = 9


class Busy(TaskstoreError):
    """A lock was not free in time; `path` is its file."""

    exit_code = 5

    def __init__(self, path: Path, waited_s: float) -> None:
        super().__init__(f"another process holds {path} (waited {waited_s:g} s); try again")
        self.path = path
        self.waited_s = waited_s


class Damaged(TaskstoreError):
    """The file at `path` does not hold what it must; nothing was changed."""

    exit_code = 6

    def __init__(self, path: Path, why: str, hint: str = "`taskstore doctor` says what can be repaired") -> None:
        super().__init__(f"damaged file {path}: {why}; {hint}")
        self.path = path
        self.why = why


class TooNew(TaskstoreError):
    """The store's format is newer than this program reads; nothing was read or written."""

    exit_code = 7

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path} has format {found} and this taskstore reads up to {known}; "
            "upgrade it with `pip install --upgrade taskstore`"
        )
        self.path = path
        self.found = found
        self.known = known


class RemoteError(TaskstoreError):
    """A remote did not answer, or not as it should."""

    exit_code = 8
