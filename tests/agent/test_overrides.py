"""Stored values reach a program that an agent runs from its rebuilt code, in the types of the program's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.run import remote
from taskstore.store.store import open_at
from taskstore.task import Task

from ..run.programs import run
from .agents import Ran, again, draft_of, work

pytestmark = pytest.mark.usefixtures("found_by_children")

TEXT = """
    import argparse, json
    TASK
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--flag", action="store_true")
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    class Model:
        depth = 3
        name = "plain"
    model = Model()
    net = task.connect({"on": True, "shape": (2, 3), "deep": {"rate": 0.5, "none": None}})
    task.connect(model, name="Model")
    print(json.dumps([vars(args), net, vars(model)]))
"""
CHANGES = {
    "Args/lr": "0.25",
    "Args/layers": "[4, 5, 6]",
    "Args/flag": "True",
    "Args/data": "elsewhere",
    "General/on": "false",
    "General/shape": "[7, 8]",
    "General/deep/rate": "2",
    "Model/depth": "9",
}


def test_arguments_dicts_and_objects_take_stored_values_in_their_own_types(tmp_path: Path) -> None:
    first = run(tmp_path / "work", TEXT, "--data", "here")
    assert first.code == 0, first.stderr
    shutil.rmtree(tmp_path / "work")
    ran = again(first, CHANGES)
    assert (ran.record.status, ran.record.status_reason) == (Status.COMPLETED, "completed"), ran.console
    assert ran.printed == [
        {"lr": 0.25, "layers": [4, 5, 6], "flag": True, "data": "elsewhere"},
        {"on": False, "shape": [7, 8], "deep": {"rate": 2.0, "none": None}},
        {"depth": 9},
    ]
    assert ran.stored().items() >= CHANGES.items() - {("General/on", "false")}


def test_a_value_that_does_not_fit_is_named_in_the_console_beside_the_one_that_is_kept(tmp_path: Path) -> None:
    first = run(tmp_path / "work", TEXT, "--data", "here")
    shutil.rmtree(tmp_path / "work")
    ran = again(first, {"Args/lr": "fast", "General/deep/rate": "slow", "Model/depth": "2.5"})
    assert ran.record.status is Status.COMPLETED
    assert ran.printed[0]["lr"] == 0.1
    assert (ran.printed[1]["deep"]["rate"], ran.printed[2]) == (0.5, {})
    told = "\n".join(line for line in ran.console if line.startswith("taskstore: "))
    for name, refused, kept in (("lr", "fast", "0.1"), ("deep/rate", "slow", "0.5"), ("depth", "2.5", "3")):
        line = next((line for line in told.splitlines() if refused in line), "")
        assert name in line, (name, told)
        assert f"'{refused}'" in line
        assert kept in line.partition(refused)[2]
    assert {name: ran.stored()[name] for name in ("Args/lr", "General/deep/rate", "Model/depth")} == {
        "Args/lr": "0.1",
        "General/deep/rate": "0.5",
        "Model/depth": "3",
    }


OBJECTS = """
    import json
    from pathlib import Path
    TASK
    Path("net.json").write_text(json.dumps({"layers": 2}))
    table = task.configuration.connect({"rate": 0.1, "names": ["a"]}, name="table")
    file = task.configuration.connect("net.json", name="net")
    print(json.dumps([table, json.loads(Path(file).read_text())]))
"""


def test_configuration_objects_take_the_stored_text(tmp_path: Path) -> None:
    first = run(tmp_path / "work", OBJECTS)
    assert first.code == 0, first.stderr
    draft = draft_of(first)
    store = open_at(first.root)
    task = Task(store, draft.id)
    task.configuration.set("table", config_dict={"rate": 0.5, "names": ["b", "c"]})
    task.configuration.set("net", '{"layers": 7}', config_type="json")
    shutil.rmtree(tmp_path / "work")
    remote.enqueue(store, draft.id)
    ran = Ran(draft, work(store))
    assert ran.printed == [{"rate": 0.5, "names": ["b", "c"]}, {"layers": 7}], ran.console
