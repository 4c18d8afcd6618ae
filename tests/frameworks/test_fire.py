"""Python Fire against the real library: functions, classes, groups, chains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

fire = pytest.importorskip("fire")

from taskstore.capture import early  # noqa: E402 - after importorskip
from taskstore.capture import fire as capture  # noqa: E402

from ..run.programs import run  # noqa: E402
from .command_lines import REPOSITORY, Remembered, again, program, stored_of, unhooked  # noqa: E402


@pytest.fixture(autouse=True)
def _unhooked() -> Iterator[None]:
    yield from unhooked(*((fire.core, name) for name in ("_Fire", "_CallAndUpdateTrace", "_MakeParseFn")))


def call(component, argv, stored=None):
    sink = Remembered(dict(stored or {}))
    given = []
    with capture.patched(fire.core, sink):
        fire.Fire(component, command=list(argv), serialize=lambda result: given.append(result) or "")
    return given[0], sink


def train(data, lr=0.1, steps=5, name=None, on=True, tags=("a",), *, deep=None):
    """Train.

    Args:
        data: what to train on
        lr: the rate
    """
    return {"data": data, "lr": lr, "steps": steps, "name": name, "on": on, "tags": tags, "deep": deep}


def test_a_functions_arguments_are_recorded() -> None:
    _, sink = call(train, ["d.csv", "--lr", "1", "--noon", "--deep", "{x: [1, b]}"])
    assert sink.values() == {
        **{"data": "d.csv", "lr": 1, "steps": 5, "name": None, "on": False, "tags": ("a",), "deep": {"x": [1, "b"]}},
    }
    assert set(sink.types().values()) == {"fire.Arg.shared"}
    assert (sink.helps()["data"], sink.helps()["lr"]) == ("what to train on", "the rate")


def test_fires_own_flags_are_told_of_as_its_own() -> None:
    _, sink = call(train, ["d.csv", "--", "--verbose"])
    assert {name: (one.value, one.type) for name, one in sink.of_libraries.items()} == {
        "verbose": (True, "bool"),
        "interactive": (False, "bool"),
        "separator": ("-", "str"),
        "completion": (None, "str"),
        "help": (False, "bool"),
        "trace": (False, "bool"),
    }
    assert not sink.of_libraries.keys() & sink.values().keys()


WHOLE_MODULE = """
from pathlib import PurePath
import fire
import taskstore


def hello(count, name="ada"):
    taskstore.Task.init("examples", "whole")


def bye(when="now"):
    taskstore.Task.init("examples", "whole")


if __name__ == "__main__":
    fire.Fire()
"""


def test_of_a_whole_module_the_commands_that_did_not_run_are_recorded_and_imports_are_none(tmp_path: Path) -> None:
    ended = program(tmp_path / "work", WHOLE_MODULE, "hello", "2")
    assert ended.code == 0, ended.own_stderr
    assert stored_of(ended) == {
        **{"Args/hello": "True", "Args/hello/count": "2", "Args/hello/name": "ada"},
        **{"Args/bye": "False", "Args/bye/when": "now"},
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("data", "x.csv", "x.csv"),
        ("lr", "2", 2.0),
        ("lr", "0.5", 0.5),
        ("steps", "7", 7),
        ("name", "ada", "ada"),
        ("name", "3", 3),
        ("name", "'3'", "3"),
        ("on", "False", False),
        ("tags", '["p", true]', ("p", True)),
        ("deep", '{"x": [true, null]}', {"x": [True, None]}),
        ("deep", "(1, 2)", (1, 2)),
        ("deep", "", None),
    ],
)
def test_a_stored_text_is_read_as_fire_reads_it(name, text, value) -> None:
    result, sink = call(train, ["d.csv", "--deep", "1"], {name: text})
    assert result[name] == value
    assert type(result[name]) is type(value)
    assert sink.notes == []


def test_what_was_recorded_comes_back_as_it_was() -> None:
    from taskstore.core.values import to_text

    first, sink = call(train, ["d.csv", "--lr", "1e-3", "--name", '"10"', "--tags", "(x,)", "--deep", "{a: [True]}"])
    assert first["name"] == "10"
    texts = {name: to_text(one.value)[0] for name, one in sink.sections["Args"].items()}
    second, sink = call(train, [], texts)
    assert (second, sink.notes) == (first, [])


def test_a_function_that_reads_its_arguments_itself_gets_them_as_it_reads_them() -> None:
    @fire.decorators.SetParseFns(code=str)
    def show(code, times=1):
        return (code, times)

    result, sink = call(show, ["012"])
    assert (result, sink.values()["code"]) == (("012", 1), "012")
    assert call(show, ["3"], {"code": "012", "times": "2"})[0] == ("012", 2)


class Group:
    """A property is not looked at: it would run."""

    @property
    def never(self):
        raise AssertionError

    @staticmethod
    def plain(a, b=1):
        return a + b

    @classmethod
    def of_class(cls, n=2):
        return n

    def several(self, *numbers, **named):
        return numbers, named


def test_methods_of_every_kind() -> None:
    result, sink = call(Group, ["several", "1", "2", "--k", "3"])
    assert result == ((1, 2), {"k": 3})
    assert sink.values() == {
        **{"plain": False, "plain/a": None, "plain/b": 1, "of_class": False, "of_class/n": 2},
        **{"several": True, "several/numbers": [1, 2], "several/k": 3},
    }
    stored = {"several/numbers": "[5]", "several/k": "7"}
    assert call(Group, ["several", "1", "2", "--k", "3"], stored)[0] == ((5,), {"k": 7})
    assert call(Group, ["plain", "1"], {"plain/b": "5"})[0] == 6


def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept() -> None:
    result, sink = call(train, ["d.csv", "--steps", "3"], {"steps": "many"})
    assert result["steps"] == 3
    assert [note.split(" (")[0] for note in sink.notes] == [
        "fire: steps: the stored value 'many' does not fit, kept '3'"
    ]
    assert sink.stored == {"steps": "3"}


def test_what_is_required_is_taken_from_the_store_and_else_fires_own_error() -> None:
    assert call(train, [], {"data": "x.csv"})[0]["data"] == "x.csv"
    with pytest.raises(fire.core.FireExit):
        call(train, [], {"lr": "1"})


class Calculator:
    """Keeps a number."""

    def __init__(self, offset=1):
        self.value = offset

    def add(self, x, y=2):
        """Add two."""
        self.value += x + y
        return self

    def sub(self, a, b=0):
        self.value -= a + b
        return self

    def get(self):
        return self.value


def test_methods_are_commands_and_the_classes_arguments_are_shared() -> None:
    result, sink = call(Calculator, ["--offset", "3", "add", "4", "-", "get"])
    assert result == 9
    assert sink.values() == {
        **{"offset": 3, "add": True, "add/x": 4, "add/y": 2, "sub": False, "sub/a": None, "sub/b": 0, "get": True},
    }
    assert (sink.types()["add"], sink.types()["add/x"], sink.types()["offset"]) == (
        *("fire.Command", "fire.Arg@add", "fire.Arg.shared"),
    )
    assert sink.helps()["add"] == "Add two."


def test_a_command_that_is_called_again_is_recorded_apart() -> None:
    argv = ["add", "1", "--y", "1", "-", "add", "5", "-", "get"]
    result, sink = call(Calculator, argv)
    assert result == 10
    assert (sink.values()["add/x"], sink.values()["add#2/x"], sink.values()["add#2"]) == (1, 5, True)
    assert call(Calculator, argv, {"add/x": "2", "add#2/x": "6"})[0] == 12


def test_the_stored_command_runs_in_place_of_the_one_that_was_given() -> None:
    commands = {"math": {"twice": lambda x: 2 * x}, "train": train, "neg": lambda x=1: -x}
    result, sink = call(commands, ["neg", "--x", "5"])
    assert result == -5
    assert (sink.values()["neg"], sink.values()["math.twice"], sink.values()["math.twice/x"]) == (True, False, None)
    stored = {"neg": "False", "math.twice": "True", "math.twice/x": "4"}
    result, sink = call(commands, ["neg", "--x", "5"], stored)
    assert result == 8
    assert (sink.values()["neg"], sink.values()["math.twice"]) == (False, True)
    assert call(commands, ["math", "twice", "3"], {**stored, "math.twice/x": "6"})[0] == 12


def test_a_task_that_begins_within_the_call_is_told_what_was_parsed() -> None:
    early.install()
    sinks = []

    def main(lr=1.0):
        sinks.append(Remembered())
        with capture.patched(fire.core, sinks[-1]):
            return ""

    fire.Fire(main, command=["--lr", "2"])
    assert sinks[0].values() == {"lr": 2}


def test_a_hook_that_fails_is_noted_and_the_program_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(capture, "_text_kept", lambda fire, value: 1 / 0)
    result, sink = call(train, ["d.csv"])
    assert result["data"] == "d.csv"
    assert [note.splitlines()[0] for note in sink.notes] == ["fire: ZeroDivisionError: division by zero"]


LATE = """
    import fire
    from taskstore import Task

    class Trainer:
        def train(self, lr, steps=5, name=None):
            task = Task.init("examples", "a run")
            print(lr, steps, name)

    if __name__ == "__main__":
        fire.Fire(Trainer)
"""
TOP = LATE.replace("    class", "    Task.init('examples', 'a run')\n    class").replace(
    'task = Task.init("examples", "a run")', "pass"
)


@pytest.mark.parametrize("text", [LATE, TOP], ids=["late", "top"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "train", "0.5")
    assert (first.code, first.stdout, first.own_stderr, first.told) == (0, "0.5 5 None\n", "", [])
    assert stored_of(first) == {
        **{"Args/train": "True", "Args/train/lr": "0.5", "Args/train/steps": "5", "Args/train/name": ""},
    }
    changes = {"Args/train/lr": "0.25", "Args/train/name": "ada", "Args/train/steps": "many"}
    ended, copy = again(tmp_path / "work", text, first, changes, "train", "0.5", "--steps", "7")
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "0.25 7 ada\n", "")
    assert len(ended.told) == 1
    assert stored_of(ended, copy)["Args/train/lr"] == "0.25"


def test_errors_and_help_are_fires_own(tmp_path: Path) -> None:
    text = "TASK" + LATE.replace('task = Task.init("examples", "a run")', "raise ValueError(lr)").replace(
        "from taskstore import Task", "pass"
    ).replace("\n    ", "\n")
    for argv in (["--help"], ["train", "--help"], ["train"], ["nothing"], ["train", "1", "--odd", "2"], ["train", "1"]):
        env = {"PYTHONPATH": str(REPOSITORY), "PAGER": "cat"}
        plain, ours = (run(tmp_path / "work", text, *argv, with_task=with_task, env=env) for with_task in (False, True))
        assert (ours.code, ours.stdout, ours.own_stderr) == (
            plain.code,
            plain.stdout,
            plain.stderr,
        )
