from __future__ import annotations

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter
from taskstore.store import tasks

from .conftest import Cli, Workshop


def _args(paths: TaskPaths) -> dict[str, Parameter]:
    return tasks.read_params(paths).hyperparams.get("Args", {})


def test_a_drafts_parameters_are_set_keeping_type_and_description(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "0.5"})
    assert cli("set", paths.id, "Args/lr=0.2").code == 0
    assert _args(paths)["lr"] == Parameter("0.2", "float", "about lr")


def test_a_value_may_be_empty_and_hold_equals_signs(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED)
    result = cli("set", paths.id, "Args/opts=a=b=c", "Args/none=", "--json")
    assert result.objects[0]["parameters"] == {"Args/opts": "a=b=c", "Args/none": ""}
    assert _args(paths)["opts"].value == "a=b=c"


def test_a_task_that_has_run_keeps_its_parameters(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(parameters={"Args/lr": "0.5"})
    for argv in (("Args/lr=1",), ("properties/x=1", "Args/lr=1"), ("--unset", "Args/lr")):
        result = cli("set", paths.id, *argv)
        assert result.code == 4
        assert "taskstore clone" in result.err
    assert tasks.read_params(paths).hyperparams.keys() == {"Args"}
    assert _args(paths)["lr"].value == "0.5"


def test_user_properties_are_set_in_every_status(cli: Cli, workshop: Workshop) -> None:
    for status in (Status.CREATED, Status.IN_PROGRESS, Status.FAILED):
        paths = workshop.task(status=status)
        result = cli("set", paths.id, "properties/owner=me")
        assert result.code == 0
        assert "was not among" not in result.err
        assert tasks.read_params(paths).hyperparams["properties"]["owner"].value == "me"
        assert cli("set", paths.id, "--unset", "properties/owner").code == 0


def test_all_are_set_or_none(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "0.5"})
    result = cli("set", paths.id, "Args/lr=9", "--unset", "Args/nope")
    assert result.code == 3
    assert "no parameter 'Args/nope'" in result.err
    assert _args(paths)["lr"].value == "0.5"


def test_unset_removes_and_an_empty_section_goes(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED, parameters={"Args/lr": "0.5"})
    assert cli("set", paths.id, "--unset", "Args/lr").code == 0
    assert tasks.read_params(paths).hyperparams == {}


def test_a_description_goes_with_one_parameter(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED)
    assert cli("set", paths.id, "Args/lr=1", "--description", "step").code == 0
    assert _args(paths)["lr"].description == "step"
    assert cli("set", paths.id, "Args/a=1", "Args/b=1", "--description", "x").code == 2


def test_mistakes_are_said_without_a_traceback(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.CREATED)
    for argv, code in (((), 2), (("lr",), 4), (("/x=1",), 4), (("--unset", "/"), 4), (("--unset", ""), 4)):
        result = cli("set", paths.id, *argv)
        assert result.code == code, argv
        assert "Traceback" not in result.err
    assert tasks.read_params(paths).hyperparams == {}
