from __future__ import annotations

from taskstore.core.states import Status
from taskstore.store import tasks

from .conftest import Cli, Workshop


def test_a_task_is_renamed_in_any_status(cli: Cli, workshop: Workshop) -> None:
    for status in (Status.CREATED, Status.IN_PROGRESS, Status.COMPLETED):
        paths = workshop.task(status=status)
        result = cli("rename", paths.id, f"it is {status}")
        assert (result.code, result.out) == (0, "")
        assert tasks.read(paths).name == f"it is {status}"


def test_a_short_name_is_refused_and_nothing_changes(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    result = cli("rename", paths.id, "ab")
    assert result.code == 4
    assert "at least 3 characters" in result.err
    assert tasks.read(paths).name == "first run"


def test_a_missing_argument_is_wrong_usage(cli: Cli, workshop: Workshop) -> None:
    assert cli("rename", workshop.task().id).code == 2
    assert cli("rename", "no/such", "abc").code == 3


def test_json_tells_the_new_name(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    assert cli("rename", paths.id, "new name", "--json").objects[0]["name"] == "new name"


def test_a_name_cannot_control_the_terminal(cli: Cli, workshop: Workshop) -> None:
    result = cli("rename", workshop.task().id, "red\x1b[31m\nname")
    assert "\x1b" not in result.err
    assert len(result.err.splitlines()) == 1
