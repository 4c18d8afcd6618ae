"""click against the real library: what is recorded, what stored values replace, and what stays as it was."""

from __future__ import annotations

import datetime
import enum
import pathlib
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

click = pytest.importorskip("click")

from taskstore.capture import click as capture  # noqa: E402 - after importorskip
from taskstore.capture import early  # noqa: E402

from ..run.programs import run, write  # noqa: E402
from .command_lines import REPOSITORY, Remembered, again, program, stored_of, unhooked  # noqa: E402

GROUPS = [kind for kind in click.core.Group.__mro__ if kind is not click.core.Command]
HOOKS = [
    (click.core.Parameter, "handle_parse_result"),
    (click.core.Command, "parse_args"),
    *[(next(kind for kind in GROUPS if name in vars(kind)), name) for name in ("parse_args", "resolve_command")],
]


@pytest.fixture(autouse=True)
def _unhooked() -> Iterator[None]:
    yield from unhooked(*HOOKS)


def call(command, argv, stored=None):
    """Run a command; returns what its callback returned, and the sink."""
    sink = Remembered(dict(stored or {}))
    with capture.patched(click.core, sink):
        result = command.main(list(argv), standalone_mode=False)
    return result, sink


def returning(*params):
    return click.Command("train", params=list(params), callback=lambda **values: values)


class Color(enum.Enum):
    RED = "r"
    GREEN = "g"


def all_kinds():
    return returning(
        click.Option(["--lr"], type=float, default=0.1, help="the rate"),
        click.Option(["--steps"], default=5),
        click.Option(["--name"]),
        click.Option(["--rate"], type=float),
        click.Option(["--on/--off"], default=True),
        click.Option(["--flag"], is_flag=True),
        click.Option(["-v", "--verbose"], count=True),
        click.Option(["--tag"], multiple=True),
        click.Option(["--size"], nargs=2, type=int),
        click.Option(["--point"], type=(int, str)),
        click.Option(["--color"], type=click.Choice(Color), default=Color.RED),
        click.Option(["--kind"], type=click.Choice(["a", "b"]), default="a"),
        click.Option(["--out"], type=click.Path(path_type=pathlib.Path), default="runs"),
        click.Option(["--day"], type=click.DateTime(["%d.%m.%Y"])),
        click.Option(["--id", "ident"], type=click.UUID),
        click.Argument(["files"], nargs=-1),
    )


def test_types_are_told_by_clicks_words_where_they_say_the_same() -> None:
    _, sink = call(all_kinds(), ["f"])
    told = {name: word for name, word in sink.told().items() if word is not None}
    assert told.pop("kind").startswith("Choice(")
    # Of several values, click tells the type of one.
    assert told == {"lr": "FLOAT", "steps": "INT", "name": "STRING", "rate": "FLOAT", "on": "BOOL", "flag": "BOOL"}


def test_every_kind_is_recorded_with_its_value_type_and_help() -> None:
    _, sink = call(all_kinds(), ["--lr", "1", "-vv", "--tag", "x", "--tag", "y", "--size", "2", "3", "f"])
    assert sink.values() == {
        **{"lr": 1.0, "steps": 5, "name": None, "rate": None, "on": True, "flag": False, "verbose": 2},
        **{"tag": ("x", "y"), "size": (2, 3), "point": None, "color": Color.RED, "kind": "a"},
        **{"out": pathlib.Path("runs"), "day": None, "ident": None, "files": ("f",)},
    }
    types = sink.types()
    assert [types[name] for name in ("lr", "steps", "name", "rate", "flag", "tag")] == [
        *("float", "int", "str", "float", "bool", "tuple/str"),
    ]
    assert sink.helps()["lr"] == "the rate"
    assert sink.helps()["color"] == "Values:\nRED,\nGREEN"


IDENT = uuid.UUID(int=7)
TEXTS = [
    ("lr", "2", 2.0),
    ("steps", "7", 7),
    ("name", "ada", "ada"),
    ("rate", "0.5", 0.5),
    ("on", "False", False),
    ("flag", "true", True),
    ("verbose", "3", 3),
    ("tag", '["p", "q"]', ("p", "q")),
    ("size", "[4, 5]", (4, 5)),
    ("point", "(1, 'a')", (1, "a")),
    ("color", "GREEN", Color.GREEN),
    ("kind", "b", "b"),
    ("out", "elsewhere", pathlib.Path("elsewhere")),
    ("day", "2024-03-02T00:00:00", datetime.datetime(2024, 3, 2)),  # noqa: DTZ001 - as click has it
    ("ident", str(IDENT), IDENT),
    ("files", '["a", "b"]', ("a", "b")),
]


def test_several_values_that_are_not_given_have_the_type_of_several() -> None:
    command = returning(
        click.Option(["--pair"], nargs=2, type=float),
        click.Option(["--point"], type=(int, str)),
        click.Option(["--one"], type=float),
    )
    _, sink = call(command, [])
    assert sink.types() == {"pair": "tuple/float", "point": "tuple", "one": "float"}


@pytest.mark.parametrize(("name", "text", "value"), TEXTS)
def test_a_stored_text_becomes_what_click_makes_of_it(name, text, value) -> None:
    result, sink = call(all_kinds(), ["--lr", "1", "--name", "x", "f"], {name: text})
    assert result[name] == value
    assert type(result[name]) is type(value)
    assert sink.notes == []


def test_what_was_recorded_comes_back_as_it_was() -> None:
    argv = ["--tag", "x y", "--size", "2", "3", "--point", "1", "a,b", "--day", "02.03.2024", "--id", str(IDENT), "-v"]
    first, sink = call(all_kinds(), argv)
    from taskstore.core.values import to_text

    texts = {name: to_text(one.value)[0] for name, one in sink.sections["Args"].items()}
    second, sink = call(all_kinds(), [], texts)
    assert second == first
    assert sink.notes == []


def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept() -> None:
    result, sink = call(all_kinds(), ["--steps", "3"], {"steps": "many", "kind": "c", "size": "[1]"})
    assert (result["steps"], result["kind"], result["size"]) == (3, "a", None)
    assert [note.split(" (")[0] for note in sink.notes] == [
        "click: steps: the stored value 'many' does not fit, kept '3'",
        "click: size: the stored value '[1]' does not fit, kept ''",
        "click: kind: the stored value 'c' does not fit, kept 'a'",
    ]
    assert sink.stored == {"steps": "3", "kind": "a", "size": ""}


def test_what_is_required_or_asked_for_is_taken_from_the_store() -> None:
    command = returning(click.Option(["--lr"], type=float, required=True), click.Option(["--name"], prompt=True))
    result, _ = call(command, [], {"lr": "0.5", "name": "ada"})
    assert result == {"lr": 0.5, "name": "ada"}
    with pytest.raises(click.MissingParameter):
        call(command, [], {"name": "ada"})


def test_what_is_typed_unseen_is_masked() -> None:
    _, sink = call(returning(click.Option(["--pin"], hide_input=True)), ["--pin", "1234"])
    assert sink.values() == {"pin": "********"}


def with_commands():
    @click.group()
    @click.option("--debug/--no-debug", default=False)
    def cli(debug):
        pass

    @cli.command()
    @click.option("--count", default=1, help="Number of greetings.")
    @click.option("--name")
    def hello(count, name):
        """Say hello."""
        return ("hello", count, name)

    @cli.command()
    @click.option("--count", default=5)
    def bye(count):
        return ("bye", count)

    @cli.group()
    def db():
        pass

    @db.command()
    @click.argument("size", type=int)
    def init(size):
        return ("init", size)

    return cli


NAMES = {
    "cli/debug": False,
    "hello": True,
    "hello/count": 3,
    "hello/name": None,
    "bye": False,
    "bye/count": 5,
    "db/init": False,
    "db/init/size": None,
}


def test_commands_are_parameters_and_theirs_are_named_below_them() -> None:
    result, sink = call(with_commands(), ["hello", "--count", "3"])
    assert result == ("hello", 3, None)
    assert sink.values() == NAMES
    assert (sink.types()["hello"], sink.types()["bye"]) == ("click.Command", "click.Command")
    assert (sink.helps()["hello"], sink.helps()["hello/count"]) == ("Say hello.", "Number of greetings.")


def test_the_stored_command_runs_in_place_of_the_one_that_was_given() -> None:
    stored = {"hello": "False", "bye": "True", "bye/count": "9", "hello/count": "3"}
    result, sink = call(with_commands(), ["hello", "--count", "3"], stored)
    assert result == ("bye", 9)
    assert (sink.values()["hello"], sink.values()["bye"], sink.values()["bye/count"]) == (False, True, 9)
    assert call(with_commands(), [], stored)[0] == ("bye", 9)
    assert call(with_commands(), ["hello"], {"db/init": "True", "db/init/size": "4"})[0] == ("init", 4)


def test_errors_usage_and_help_are_clicks_own(capsys) -> None:
    for argv in (["--help"], ["hello", "--help"], ["hello", "--count", "x"], ["nonsense"], [], ["db", "init"]):
        outputs = []
        for hooks in (nullcontext(), capture.patched(click.core, Remembered({"hello/name": "x"}))):
            with hooks, pytest.raises(SystemExit) as caught:
                with_commands().main(argv, prog_name="prog")
            outputs.append((caught.value.code, *capsys.readouterr()))
        assert outputs[0] == outputs[1]


def test_a_command_within_a_command_is_its_own_affair() -> None:
    inner = click.Command("inner", params=[click.Option(["--lr"], default=1.0)], callback=lambda lr: lr)
    outer = click.Command(
        "outer",
        params=[click.Option(["--lr"], default=2.0)],
        callback=lambda lr: (lr, inner.main([], standalone_mode=False)),
    )
    result, sink = call(outer, [], {"lr": "3"})
    assert result == (3.0, 1.0)
    assert sink.values() == {"lr": 3.0}


def test_a_task_that_begins_within_the_command_is_told_what_was_parsed() -> None:
    early.install()
    sinks = []

    def train(lr):
        sink = Remembered()
        with capture.patched(click.core, sink):
            sinks.append(sink)

    click.Command("train", params=[click.Option(["--lr"], default=1.0)], callback=train).main(
        ["--lr", "2"], standalone_mode=False
    )
    assert sinks[0].values() == {"lr": 2.0}


def test_a_hook_that_fails_is_noted_and_the_program_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(capture, "_report", lambda command, ctx: 1 / 0)
    result, sink = call(returning(click.Option(["--lr"], default=1.0)), [])
    assert result == {"lr": 1.0}
    assert [note.splitlines()[0] for note in sink.notes] == ["click: ZeroDivisionError: division by zero"]


LATE = """
    import click
    from taskstore import Task

    @click.command()
    @click.option("--lr", type=float, required=True)
    @click.option("--steps", default=5)
    @click.option("--name")
    @click.option("--api-token")
    def main(lr, steps, name, api_token):
        task = Task.init("examples", "a run")
        print(lr, steps, name)

    if __name__ == "__main__":
        main()
"""
TOP = LATE.replace("    @click.command()", "    Task.init('examples', 'a run')\n    @click.command()").replace(
    'task = Task.init("examples", "a run")', "pass"
)
BEFORE_THE_LIBRARY = "\n    from taskstore import Task\n    Task.init('examples', 'a run')\n" + LATE.replace(
    'task = Task.init("examples", "a run")', "pass"
)


@pytest.mark.parametrize("text", [LATE, TOP, BEFORE_THE_LIBRARY], ids=["late", "top", "before the library"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "--lr", "0.5", "--api-token", "abcdefgh12345")
    assert (first.code, first.stdout, first.own_stderr, first.told) == (0, "0.5 5 None\n", "", [])
    assert stored_of(first) == {
        **{"Args/lr": "0.5", "Args/steps": "5", "Args/name": "", "Args/api_token": "********"},
    }
    changes = {"Args/lr": "0.25", "Args/steps": "many", "Args/name": "ada"}
    ended, copy = again(tmp_path / "work", text, first, changes, "--steps", "7")
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "0.25 7 ada\n", "")
    assert len(ended.told) == 1
    assert "'many' does not fit, kept '7'" in ended.told[0]
    stored = stored_of(ended, copy)
    assert (stored["Args/lr"], stored["Args/steps"], stored["Args/name"]) == ("0.25", "7", "ada")


def test_a_task_that_begins_in_a_group_is_told_of_its_commands_too(tmp_path: Path) -> None:
    text = """
        import click
        from taskstore import Task

        @click.group()
        @click.option("--seed", default=1)
        def cli(seed):
            Task.init("examples", "a run")

        @cli.command()
        @click.option("--lr", type=float, prompt=True)
        def train(lr):
            print("train", lr)

        @cli.command()
        @click.option("--k", default=2)
        def test(k):
            print("test", k)

        cli()
    """
    first = program(tmp_path / "work", text, "train", "--lr", "0.5")
    assert (first.code, first.stdout, first.told) == (0, "train 0.5\n", [])
    assert stored_of(first) == {
        **{
            "Args/cli/seed": "1",
            "Args/train": "True",
            "Args/train/lr": "0.5",
            "Args/test": "False",
            "Args/test/k": "2",
        },
    }
    ended, copy = again(tmp_path / "work", text, first, {"Args/train/lr": "0.25", "Args/cli/seed": "3"}, "train")
    assert (ended.code, ended.stdout, ended.told) == (0, "train 0.25\n", [])
    changes = {"Args/train": "False", "Args/test": "True", "Args/test/k": "7"}
    ended, copy = again(tmp_path / "work", text, first, changes, "train", "--lr", "0.5")
    assert (ended.code, ended.stdout, ended.told) == (0, "test 7\n", [])
    assert stored_of(ended, copy)["Args/test/k"] == "7"


def test_a_program_that_knows_nothing_of_taskstore_is_captured_when_it_is_launched_as_a_task(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    script = write(
        folder,
        LATE.replace("from taskstore import Task", "pass").replace('task = Task.init("examples", "a run")', "pass"),
        "own.py",
    )
    words = ("-m", "taskstore.run.child", "--name=launched", "--", str(script), "--lr", "0.5")
    ended = run(folder, words, env={"PYTHONPATH": str(REPOSITORY)})
    assert (ended.code, ended.stdout, ended.told) == (0, "0.5 5 None\n", [])
    assert stored_of(ended)["Args/lr"] == "0.5"


def test_parameters_can_be_left_out_by_name(tmp_path: Path) -> None:
    text = LATE.replace('"a run")', '"a run", auto_connect_arg_parser={"*": False, "lr": True})')
    ended = program(tmp_path / "work", text, "--lr", "0.5")
    assert (ended.code, stored_of(ended)) == (0, {"Args/lr": "0.5"})
