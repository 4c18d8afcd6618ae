from __future__ import annotations

from pathlib import Path

from taskstore.core.states import Status
from taskstore.schema.record import ScriptRecord
from taskstore.store import places, tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def test_the_new_id_stands_alone_on_stdout(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task()
    result = cli("clone", original.id)
    assert result.code == 0
    made = places.resolve(store, result.out.strip())
    assert result.out == f"{made.id}\n"
    assert tasks.read(made).name == "Clone Of first run"
    assert tasks.read(made).status is Status.CREATED
    assert tasks.read(made).parent == original.id
    assert "a draft" in result.err


def test_set_changes_the_clone_and_not_the_original(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task(parameters={"Args/lr": "0.5", "Args/epochs": "3"})
    made = places.resolve(
        store, cli("clone", original.id, "--set", "Args/lr=0.1", "--set", "properties/by=me").out.strip()
    )
    args = tasks.read_params(made).hyperparams["Args"]
    assert (args["lr"].value, args["lr"].type, args["epochs"].value) == ("0.1", "float", "3")
    assert tasks.read_params(made).hyperparams["properties"]["by"].value == "me"
    assert tasks.read_params(original).hyperparams["Args"]["lr"].value == "0.5"


def test_a_mistyped_parameter_is_added_with_a_warning_that_names_its_like(cli: Cli, workshop: Workshop) -> None:
    original = workshop.task(parameters={"Args/lr": "0.5"})
    for mistyped in ("General/lr", "Args/lrr"):
        result = cli("clone", original.id, "--set", f"{mistyped}=1")
        assert result.code == 0
        assert f"{mistyped} was not among the recorded parameters, and is added; did you mean Args/lr?" in result.err


def test_a_value_of_another_type_is_stored_with_a_warning(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task(parameters={"Args/lr": "0.5"})
    result = cli("clone", original.id, "--set", "Args/lr=fast")
    assert "'fast' is not a float" in result.err
    made = places.resolve(store, result.out.strip())
    assert tasks.read_params(made).hyperparams["Args"]["lr"].value == "fast"


def test_a_credential_never_reaches_the_disk(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task(parameters={"Args/lr": "0.5"})
    result = cli("clone", original.id, "--set", "Args/api_key=hunter2hunter2")
    assert "looks like a credential" in result.err
    assert not [path for path in store.root.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_name_project_and_comment_are_as_given(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task()
    made = places.resolve(
        store, cli("clone", original.id, "--name", "other", "-p", "vis/x", "--comment", "why").out.strip()
    )
    assert (tasks.read(made).name, tasks.read(made).comment) == ("other", "why")
    assert places.project_of(store, made.home) == "vis/x"


def test_json_is_one_object_and_nothing_else(cli: Cli, workshop: Workshop) -> None:
    original = workshop.task()
    result = cli("clone", original.id, "--json")
    (facts,) = result.objects
    assert facts.keys() == {"id", "name", "project", "status", "path", "cloned_from"}
    assert (facts["status"], facts["cloned_from"]) == ("created", original.id)
    assert result.err == ""


def test_a_mistake_makes_no_task(cli: Cli, workshop: Workshop, store: Store) -> None:
    original = workshop.task()
    for argv, code in (
        (("--set", "foo"), 4),
        (("--set", "=1"), 4),
        (("--set", "Args/=1"), 4),
        (("--name", ""), 4),
        (("--project", ""), 4),
        (("--bogus",), 2),
    ):
        result = cli("clone", original.id, *argv)
        assert (result.code, result.out) == (code, ""), argv
        assert "Traceback" not in result.err
    assert cli("clone", "nothing/here").code == 3
    assert [task_id for _, task_id in places.walk(store)] == [original.id]


def test_run_leaves_with_the_exit_code_of_the_program(
    cli: Cli, workshop: Workshop, store: Store, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text("import sys; sys.exit(3)")
    record = ScriptRecord(entry_point=str(script), cwd=str(tmp_path), argv=["train.py"])
    original = workshop.task(status=Status.CREATED, script=record)
    result = cli("clone", original.id, "--run")
    made = places.resolve(store, result.out.split()[0])
    assert result.code == 3
    assert tasks.read(made).status is Status.FAILED
    assert tasks.read(original).status is Status.CREATED
