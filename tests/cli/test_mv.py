from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from taskstore_cli import several
from taskstore_cli.main import app

from taskstore.store import places
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def _project(store: Store, task_id: str) -> str:
    store.places.clear()
    return places.project_of(store, places.locate(store, task_id).home)


def test_several_tasks_move_to_a_new_project(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = workshop.task(), workshop.task()
    assert cli("mv", first.id, second.id, "vision/cats").code == 0
    assert {_project(store, first.id), _project(store, second.id)} == {"vision/cats"}


def test_what_fails_does_not_keep_the_others_from_moving(cli: Cli, workshop: Workshop, store: Store) -> None:
    first = workshop.task()
    result = cli("mv", "no/such", first.id, "vision/cats", "--json")
    assert result.code == 3
    assert [item["id"] for item in result.objects] == [first.id]
    assert _project(store, first.id) == "vision/cats"


def test_a_bad_project_moves_nothing(cli: Cli, workshop: Workshop, store: Store) -> None:
    first = workshop.task()
    assert cli("mv", first.id, "a").code == 4
    assert cli("mv", first.id).code == 2
    assert _project(store, first.id) == "examples"


def test_of_one_argument_alone_it_is_the_project_that_is_missing(cli: Cli, workshop: Workshop) -> None:
    workshop.task()
    for argv in (["@last"], ["--json", "@last"], ["--", "@last"]):
        missing = cli("mv", *argv)
        assert missing.code == 2
        assert "Missing argument 'PROJECT'" in missing.err
    none = cli("mv")
    assert none.code == 2
    assert "Missing argument 'TASK'" in none.err


def _commands(group: Any) -> Iterator[Any]:
    for name in group.list_commands(typer.Context(group)):
        command = group.get_command(typer.Context(group), name)
        yield from _commands(command) if hasattr(command, "list_commands") else [command]


def test_every_command_of_several_and_then_one_tells_which_of_them_is_missing() -> None:
    for command in _commands(typer.main.get_command(app)):
        arguments = [param for param in command.params if param.param_type_name == "argument"]
        is_several_first = any(param.nargs == -1 and param.required for param in arguments[:-1])
        assert isinstance(command, several.SeveralThenOne) is is_several_first, command.name
