"""Doing one thing to several tasks: all are found first, each is handled, and what fails is said task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand

from taskstore.core.errors import TaskstoreError

from . import context, render

if TYPE_CHECKING:
    from taskstore.core.secrets import Masker
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

T = TypeVar("T")
Find = Callable[["Store", str], "TaskPaths"]


class SeveralThenOne(TyperCommand):
    """A command of several things and then one more, which says of a lone word which of the two is missing.

    Click gives a lone word to the last argument, and then misses the several.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own types differ by version
        """Parse as ever; of two arguments that want a word and have one in all, the last is what is missing."""
        given = list(args)
        try:
            return list(super().parse_args(ctx, args))
        except typer.BadParameter as error:
            several, last = (param for param in self.params if param.param_type_name == "argument")
            if error.param is several:
                words, _, _ = self.make_parser(ctx).parse_args(given)
                if words.get(last.name or "") and not words.get(several.name or ""):
                    error.param = last  # type: ignore[assignment]  # click's own
            raise


def for_each(
    references: Sequence[str], action: Callable[[Store, TaskPaths], None], *, find: Find = context.resolve
) -> None:
    """Find every task, then do it to each once; leave with the exit code of the first failure, if there is one.

    All are found before anything is changed, so that `rm @last ID` means what it says.
    """
    store = context.open_store()
    found: dict[str, TaskPaths] = {}

    def look_up(reference: str) -> None:
        paths = find(store, reference)
        found.setdefault(paths.id, paths)

    _, missing = tried(references, look_up)
    _, failed = tried(found.values(), lambda paths: action(store, paths))
    if missing or failed:
        raise typer.Exit(missing or failed)


def tried(things: Iterable[T], act: Callable[[T], None]) -> tuple[list[T], int]:
    """Do it to each, and say what fails; return those that it went well with, and the first failure's exit code."""
    done: list[T] = []
    exit_code = 0
    for thing in things:
        try:
            act(thing)
        except TaskstoreError as error:
            code = report(error)
            exit_code = exit_code or code
        else:
            done.append(thing)
    return done, exit_code


def report(error: TaskstoreError) -> int:
    """Say an error; return its exit code."""
    context.say(render.safe_lines(str(error)))
    return error.exit_code


def brief(store: Store, paths: TaskPaths) -> dict[str, object]:
    """Return what a command that changes a task prints of it with --json."""
    from taskstore.store import places, tasks

    record = tasks.read(paths)
    project = record.trashed.project if record.trashed else places.project_of(store, paths.home)
    return {
        "id": record.id,
        "name": record.name,
        "project": project,
        "status": record.status.value,
        "path": context.place(paths.home),
    }


def tell(store: Store, paths: TaskPaths, what: str, *, as_json: bool, **more: object) -> None:
    """Say what was done to a task, or print it as JSON with `more` of it."""
    told(paths.id, brief(store, paths) | more, what, as_json=as_json)


def told(task_id: str, facts: dict[str, object], what: str, *, as_json: bool) -> None:
    """Say what was done to a task of which these facts are known, or print them as JSON."""
    if as_json:
        render.print_json(facts)
    else:
        name = render.safe(f"{facts['project']}/{facts['name']}")
        context.say(f"{task_id[:12]} {name}: {what}")


def masker_of(store: Store, paths: TaskPaths) -> Masker:
    """Return what masks credentials of a task, as the settings of its project say."""
    from taskstore.store import settings

    return settings.masker(store, project=paths.home.parent)
