"""Objects and configuration of a whole program: recorded, edited in a clone, and handed back when that is run."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ParamsRecord
from taskstore.sections import clone, parameters
from taskstore.store import configuration, places, tasks
from taskstore.store.store import open_at

from .programs import all_tasks, only_task, run, start

TEXT = """
    import dataclasses, enum, json, pathlib, tempfile
    TASK
    class Kind(enum.IntEnum):
        SGD = 1
        ADAM = 2
    @dataclasses.dataclass
    class Net:
        depth: int = 3
        kind: Kind = Kind.SGD
        rate: float | None = None
    class Settings:
        seed = 1
    net = task.connect(Net(), "Net")
    assert task.connect(Settings) is Settings
    model = task.configuration.connect({"shape": (1, 2), "token": "in-the-code"}, "model")
    pathlib.Path("own.ini").write_text("[a]\\nlr = 1\\npassword = in-the-file\\n")
    file = task.configuration.connect("own.ini", "ini")
    own = dict(vars(net), kind=net.kind.name, seed=Settings.seed, shape=model["shape"], token=model["token"])
    print(json.dumps([own, pathlib.Path(file).read_text(), file]))
    net.depth += 10
    model["added"] = [1]
"""


def test_settings_are_recorded_and_a_rerun_gets_those_of_its_task(tmp_path: Path) -> None:
    first = run(tmp_path / "work", TEXT)
    assert (first.code, first.own_stderr) == (0, "")
    assert [line for line in first.told if "masked what looks like a credential: password" not in line] == []
    home = only_task(first).home
    stored = tasks.read_params(TaskPaths(home)).hyperparams
    assert stored["Net"]["depth"].value == "13"
    assert stored["General"]["seed"].value == "1"
    assert "in-the-" not in "".join(path.read_text() for path in (home / "config").iterdir())
    store = open_at(first.root)
    paths = clone.clone(store, TaskPaths(home), name="again")

    def change(params: ParamsRecord) -> None:
        for name, value in {"depth": "5", "kind": "ADAM", "rate": "2"}.items():
            parameters.assign(params, "Net", name, value)
        parameters.assign(params, "General", "seed", "7")

    tasks.edit_params(store, paths.id, change)
    for item in configuration.read(paths).values():
        item.path.write_text(item.path.read_text().replace("lr = 1", "lr = 2").replace("[1, 2]", "[3]"))
    ended = run(tmp_path / "work", TEXT, env={"TASKSTORE_TASK_ID": paths.id})
    assert (ended.code, ended.own_stderr, ended.told) == (0, "", [])
    own, text, file = json.loads(ended.stdout)
    assert own == {"depth": 5, "kind": "ADAM", "rate": 2.0, "seed": 7, "shape": [3], "token": "in-the-code"}
    assert text == "[a]\nlr = 2\npassword = in-the-file\n"
    assert not Path(file).exists()
    assert Path(file).name == "own.ini"
    assert tasks.read_params(paths).hyperparams["Net"]["depth"].value == "15"
    assert "in-the-" not in "".join(path.read_text() for path in paths.config.iterdir())
    assert len(all_tasks(first)) == 2


def test_the_last_of_many_writes_survives_a_kill(tmp_path: Path) -> None:
    text = """
        import os, signal
        TASK
        live = task.connect({"n": 0, **{f"p{number}": number for number in range(50)}})
        for number in range(200):
            live["n"] = number
        print("done", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = start(tmp_path / "work", text)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    (found,) = (tmp_path / "work").parent.rglob("params.json")
    assert json.loads(found.read_text())["hyperparams"]["General"]["n"]["value"] == "199"


def test_a_store_that_cannot_be_written_leaves_the_programs_own_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run(tmp_path / "work", TEXT, root=tmp_path / "file" / "store")
    assert (ended.code, ended.own_stderr) == (0, "")
    own, text, file = json.loads(ended.stdout)
    assert (own["depth"], own["shape"], file) == (3, [1, 2], "own.ini")
    assert len(ended.told) == 1


def test_user_properties_and_parameters_are_set_from_the_run_and_from_elsewhere(tmp_path: Path) -> None:
    ended = run(
        tmp_path / "work",
        """
        TASK
        task.parameters.set_user_properties(owner="me")
        task.parameters.update({"lr": 0.5, "Args/n": 1})
        task.parameters.set({"lr": 1})
        task.configuration.set("notes", "free text")
        assert task.get_parameters(cast=True) == {"General/lr": 1, "properties/owner": "me"}, task.get_parameters()
        task.close()
        from taskstore import Task
        other = Task.get_task(task.id)
        other.parameters.set_user_properties(checked=True)
        print(other.parameters.get_user_properties(value_only=True), other.configuration.all())
        try:
            other.parameters.update({"lr": 2})
        except Exception as error:
            print(type(error).__name__)
        """,
    )
    assert ended.stdout == "{'owner': 'me', 'checked': 'True'} {'notes': 'free text'}\nReadOnly\n"
    assert (ended.told, ended.own_stderr) == ([], "")
    assert places.locate(open_at(ended.root), only_task(ended).record.id).config.is_dir()


def test_a_namespace_is_connected_with_what_its_parser_says_of_it(tmp_path: Path) -> None:
    text = """
        import argparse
        TASK
        parser = argparse.ArgumentParser()
        parser.add_argument("--layers", type=int, nargs="+", default=[1], help="sizes")
        parser.add_argument("--lr", type=float)
        args = parser.parse_args()
        assert task.connect(args) is args
        print(args.layers, args.lr)
        args.layers.append(9)
    """
    first = run(tmp_path / "work", text, "--layers", "3", "4")
    assert (first.stdout, first.told) == ("[3, 4] None\n", [])
    stored = tasks.read_params(TaskPaths(only_task(first).home)).hyperparams["Args"]
    assert (stored["layers"].value, stored["layers"].type, stored["layers"].description) == (
        "[3, 4, 9]",
        "list/int",
        "sizes",
    )
    store = open_at(first.root)
    paths = clone.clone(store, TaskPaths(only_task(first).home), name="again")
    tasks.edit_params(store, paths.id, lambda params: _assign(params, "0.5"))
    ended = run(tmp_path / "work", text, env={"TASKSTORE_TASK_ID": paths.id})
    assert (ended.stdout, ended.told) == ("[3, 4, 9] 0.5\n", [])


def _assign(params: ParamsRecord, lr: str) -> None:
    parameters.assign(params, "Args", "lr", lr)
