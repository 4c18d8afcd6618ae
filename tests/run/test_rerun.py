"""Parameters: recorded as the program has them and changes them, and handed back when its task is run again."""

from __future__ import annotations

import json
from pathlib import Path

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ParamsRecord
from taskstore.sections import clone, parameters
from taskstore.store import places, tasks
from taskstore.store.store import open_at

from .programs import Ended, all_tasks, only_task, run

TEXT = """
    import argparse, copy, json, pickle, sys
    import taskstore
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--token", default="command-line-token")
    parser.add_argument("--flag", action="store_true")
    if "early" in sys.argv:
        sys.argv.remove("early")
        args = parser.parse_args()
        TASK
    else:
        TASK
        args = parser.parse_args()
    code = {
        "batch": 32, "rate": 0.5, "on": True, "name": "sgd", "none": None, "shape": (2, 3),
        "net": {"depth": 4, "act": {"kind": "relu"}}, "list": [1, 2], "api_key": "in-the-code", "inf": float("inf"),
    }
    live = task.connect(code)
    again = [json.loads(json.dumps(live)), copy.deepcopy(live), pickle.loads(pickle.dumps(live)), dict(live)]
    assert all(type(other) is dict for other in again)
    assert again[1] == again[2] == live and again[1]["net"] == live["net"]
    print(json.dumps([vars(args), live, isinstance(live, dict), live is code]))
    live["new"] = 1
    live["net"]["act"]["kind"] = "gelu"
    live["net"]["added"] = {"deep": 1}
    live["net"]["added"]["deep"] = 2
    live.update(batch=live["batch"] + 1)
"""


def test_what_the_program_connects_and_changes_later_is_recorded(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", TEXT, "--lr", "0.3", "--flag")
    assert (ended.code, ended.own_stderr, ended.told) == (0, "", [])
    stored = tasks.read_params(TaskPaths(only_task(ended).home)).hyperparams
    general = {name: (item.value, item.type) for name, item in stored["General"].items()}
    assert general["batch"] == ("33", "int")
    assert general["rate"] == ("0.5", "float")
    assert general["on"] == ("True", "bool")
    assert general["net/depth"] == ("4", "int")
    assert general["net/act/kind"] == ("gelu", "str")
    assert general["net/added/deep"] == ("2", "int")
    assert general["new"] == ("1", "int")
    assert general["api_key"][0] == "********"
    assert {name: item.value for name, item in stored["Args"].items()} == {
        "lr": "0.3",
        "layers": "[1, 2]",
        "token": "********",
        "flag": "True",
    }


def test_stored_values_replace_the_programs_in_the_types_of_its_own(tmp_path: Path) -> None:
    text = TEXT.lstrip("\n")
    first = run(tmp_path / "work", text, "--lr", "0.3")
    store = open_at(first.root)
    for early in (False, True):
        copy = clone.clone(store, places.locate(store, _first_id(first)), name=f"again {early}").id

        def change(params: ParamsRecord) -> None:
            for name, value in {
                "General/batch": "64",
                "General/rate": "2",
                "General/on": "false",
                "General/shape": "[4, 5]",
                "General/net/act/kind": "tanh",
                "General/net/depth": "deep",  # no number: the code's stays
                "Args/lr": "0.7",
                "Args/layers": "[7, 8, 9]",
                "Args/flag": "True",
            }.items():
                parameters.assign(params, *parameters.split_name(name), value)

        tasks.edit_params(store, copy, change)
        words = ["early"] if early else []
        ended = run(tmp_path / "work", text, *words, "--lr", "0.5", env={"TASKSTORE_TASK_ID": copy})
        assert (ended.code, ended.own_stderr) == (0, ""), ended.stderr
        assert [line for line in ended.told if "net/depth" not in line] == []
        args, live, is_dict, _ = json.loads(ended.stdout)
        assert args == {"lr": 0.7, "layers": [7, 8, 9], "token": "command-line-token", "flag": True}
        assert is_dict
        assert (live["batch"], live["rate"], live["on"], live["shape"]) == (64, 2.0, False, [4, 5])
        # What the first run added is part of the task, and so of the dict.
        assert live["net"] == {"depth": 4, "act": {"kind": "tanh"}, "added": {"deep": 2}}
        assert live["api_key"] == "in-the-code"  # a mask is no value
        record = tasks.read(places.locate(store, copy))
        assert record.status is Status.COMPLETED
        assert (record.name, record.parent) == (f"again {early}", _first_id(first))
        assert tasks.read_params(places.locate(store, copy)).hyperparams["General"]["batch"].value == "65"
    assert len(all_tasks(first)) == 3


def _first_id(ended: Ended) -> str:
    return next(item.record.id for item in all_tasks(ended) if item.record.name == "a run")


def test_the_task_says_what_ran_where_a_stored_value_did_not_fit(tmp_path: Path) -> None:
    text = """
        import argparse
        TASK
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=1.0)
        parser.add_argument("--epochs", type=int, default=2)
        print(parser.parse_args())
    """
    first = run(tmp_path / "work", text)
    store = open_at(first.root)
    copy = clone.clone(store, places.locate(store, _first_id(first)), name="again").id

    def change(params: ParamsRecord) -> None:
        parameters.assign(params, "Args", "lr", "seven")
        parameters.assign(params, "Args", "epochs", "3")

    tasks.edit_params(store, copy, change)
    ended = run(tmp_path / "work", text, env={"TASKSTORE_TASK_ID": copy})
    assert ended.stdout == "Namespace(lr=1.0, epochs=3)\n"
    assert len(ended.told) == 1
    stored = tasks.read_params(places.locate(store, copy)).hyperparams["Args"]
    assert {name: (item.value, item.type) for name, item in stored.items()} == {
        "lr": ("1.0", "float"),
        "epochs": ("3", "int"),
    }


def test_a_task_that_is_not_there_or_has_run_is_not_run_again(tmp_path: Path) -> None:
    first = run(tmp_path / "work", "TASK\n")
    done = only_task(first).record.id
    for task_id in (done, "0" * 32):
        ended = run(tmp_path / "work", "TASK\n", env={"TASKSTORE_TASK_ID": task_id})
        assert ended.code == 1
        assert task_id[:12] in ended.own_stderr.splitlines()[-1]
    record = only_task(first).record
    assert (record.id, record.status_reason) == (done, "completed")


def test_changes_of_a_connected_dict_after_the_end_are_a_dicts_own_affair(tmp_path: Path) -> None:
    text = """
        TASK
        live = task.connect({"n": 1})
        task.close()
        live["n"] = 2
        assert live == {"n": 2}
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.told, ended.own_stderr) == (0, [], "")
    stored = tasks.read_params(TaskPaths(only_task(ended).home)).hyperparams
    assert stored["General"]["n"].value == "1"
