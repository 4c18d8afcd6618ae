from __future__ import annotations

import re

import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.schema.record import Parameter, ParamsRecord, ScriptRecord, TaskRecord
from taskstore.store import tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop
from .test_completion import offered

GOAL = "loss/train:min"


@pytest.fixture
def base(workshop: Workshop) -> TaskPaths:
    script = ScriptRecord(entry_point="train.py", binary="python3")
    return workshop.task("train", parameters={"Args/lr": "0.1", "Args/seed": "1"}, script=script)


@pytest.fixture
def ended(workshop: Workshop, store: Store, base: TaskPaths) -> str:
    """A sweep with two trials that have ended, of which the second is the better one, and one that has not."""

    def edit(record: TaskRecord) -> None:
        record.type = "optimizer"

    sweep = workshop.task("rates", edit=edit, status=Status.CREATED)
    said = {"metric": Parameter(GOAL), "grid/Args/lr": Parameter("0.1,0.012345678901")}

    def change(params: ParamsRecord) -> None:
        params.hyperparams["Sweep"] = said

    tasks.edit_params(store, sweep.id, change)
    for name, rate, losses in (
        ("one", "0.1", [3.0, 2.0]),
        ("two", "0.012345678901", [1.0, 1.5]),
        ("three", "0.5", []),
    ):

        def child(record: TaskRecord) -> None:
            record.parent = sweep.id

        workshop.task(
            name,
            parameters={"Args/lr": rate},
            scalars={"loss/train": losses} if losses else None,
            status=Status.COMPLETED if losses else Status.CREATED,
            edit=child,
        )
    workshop.end(sweep, Status.COMPLETED)
    return sweep.id


def test_a_sweep_is_begun_and_its_trials_wait(cli: Cli, base: TaskPaths, store: Store) -> None:
    (facts,) = cli("sweep", base.id, "--grid", "Args/lr=0.1,0.01", "--metric", GOAL, "--json").objects
    assert [entry.ticket.task_id for entry in queue.show(store, "default")] == facts["trials"]
    assert [each["parameters"] for each in cli("sweep", facts["id"], "--json").objects] == [
        {"Args/lr": "0.1"},
        {"Args/lr": "0.01"},
    ]


def test_the_best_trial_is_first_and_one_without_a_value_last(cli: Cli, ended: str) -> None:
    header, *rows = cli("sweep", ended).rows
    assert header == ["id", "status", "loss/train.min", "last", "Args/lr"]
    assert [row[1:] for row in rows] == [
        ["Completed", "1", "1.5", "0.012345678901"],
        ["Completed", "2", "2", "0.1"],
        ["Draft", "", "", "0.5"],
    ]
    assert [(each["rank"], each["name"]) for each in cli("sweep", ended, "--json").objects] == [
        (1, "two"),
        (2, "one"),
        (None, "three"),
    ]


def test_in_a_terminal_ids_are_short_and_nothing_is_cut(terminal: Cli, ended: str) -> None:
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in terminal("sweep", ended).lines]
    assert lines[0].split() == ["id", "status", "loss/train.min", "last", "Args/lr"]
    assert re.fullmatch(r"[0-9a-f]{8,31} +Completed +1 +1\.5 +0\.0123457", lines[1].rstrip())


def test_a_task_that_is_no_sweep_has_to_be_told_what_to_try(cli: Cli, base: TaskPaths) -> None:
    result = cli("sweep", base.id)
    assert result.code == 4
    assert "--grid or --random" in result.err


def test_the_page_of_a_sweep_has_its_trials(cli: Cli, ended: str) -> None:
    section = cli("show", ended).out.partition(f"Trials  by {GOAL}\n")[2].partition("\n\n")[0]
    assert [line.split()[1] for line in section.splitlines()] == ["status", "Completed", "Completed", "Draft"]
    assert [line.split()[2] for line in section.splitlines()[1:3]] == ["1", "2"]


def test_what_is_tried_and_by_what_it_is_compared_is_completed(base: TaskPaths, ended: str) -> None:
    assert offered(f"taskstore sweep {base.id} --grid Args/l") == ["Args/lr="]
    assert offered(f"taskstore sweep {base.id} --random ") == ["Args/lr=", "Args/seed="]
    assert offered(f"taskstore sweep {base.id} --metric ") == ["loss/train:min", "loss/train:max"]
