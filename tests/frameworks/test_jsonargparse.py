"""jsonargparse, and LightningCLI on it, against the real libraries."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path

import pytest

jsonargparse = pytest.importorskip("jsonargparse")
core = pytest.importorskip("jsonargparse._core")

from taskstore.capture import arguments, early  # noqa: E402 - after importorskip
from taskstore.capture import jsonargparse as capture  # noqa: E402

from ..run.programs import run  # noqa: E402
from .command_lines import REPOSITORY, Remembered, again, program, stored_of, unhooked  # noqa: E402


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Net:
    def __init__(self, depth: int = 2, rate: float = 0.1):
        self.depth = depth


@pytest.fixture(autouse=True)
def _unhooked() -> Iterator[None]:
    yield from unhooked((core.ArgumentParser, "parse_args"))


def make(**kwargs):
    parser = jsonargparse.ArgumentParser(prog="prog", **kwargs)
    parser.add_argument("--lr", type=float, default=0.1, help="the rate")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--name", type=str | None)
    parser.add_argument("--on", type=bool, default=True)
    parser.add_argument("--sizes", type=list[int], default=[1])
    parser.add_argument("--pair", type=tuple[int, str], default=(1, "a"))
    parser.add_argument("--extra", type=dict[str, float], default={"a": 1.0})
    parser.add_argument("--color", type=Color, default=Color.RED)
    parser.add_argument("--net.depth", type=int, default=2)
    return parser


def call(parser, argv, stored=None):
    sink = Remembered(dict(stored or {}))
    with arguments.capture(sink), capture.patched(core, sink):
        return parser.parse_args(list(argv)), sink


def test_every_kind_is_recorded_with_its_value_type_and_help() -> None:
    _, sink = call(make(), ["--lr", "1", "--sizes", "[2, 3]", "--net.depth", "4"])
    values = sink.values()
    assert values == {
        **{"lr": 1.0, "steps": 5, "name": None, "on": True, "sizes": [2, 3], "pair": (1, "a"), "extra": {"a": 1.0}},
        **{"color": values["color"], "net.depth": 4},
    }
    types = sink.types()
    assert [types[name] for name in ("lr", "steps", "name", "on", "sizes")] == [
        *("float", "int", "str", "bool", "list/int"),
    ]
    assert sink.helps()["lr"] == "the rate"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("lr", "2", 2.0), ("steps", "7", 7), ("name", "ada", "ada"), ("name", "", None), ("on", "False", False)],
        *[("sizes", "[4, 5]", [4, 5]), ("pair", '[2, "b"]', (2, "b")), ("extra", '{"x": 2}', {"x": 2.0})],
        *[("color", "GREEN", Color.GREEN), ("net.depth", "9", 9)],
    ],
)
def test_a_stored_text_becomes_what_the_parser_makes_of_it(name, text, value) -> None:
    config, sink = call(make(), ["--lr", "1", "--name", "x"], {name: text})
    assert config[name] == value
    assert type(config[name]) is type(value)
    assert sink.notes == []


def test_what_was_recorded_comes_back_as_it_was() -> None:
    from taskstore.core.values import to_text

    argv = ["--lr", "1e-3", "--name", "3", "--color", "GREEN", "--pair", "[2, x]", "--extra", "{b: 2}", "--on", "no"]
    first, sink = call(make(), argv)
    texts = {name: to_text(one.value)[0] for name, one in sink.sections["Args"].items()}
    second, sink = call(make(), [], texts)
    assert (second, sink.notes) == (first, [])


def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept() -> None:
    config, sink = call(make(), ["--steps", "3"], {"steps": "many", "color": "BLUE", "lr": "0.5"})
    assert (config.steps, config.color, config.lr) == (3, Color.RED, 0.5)
    assert [note.split(" (")[0] for note in sink.notes] == [
        "jsonargparse: steps: the stored value 'many' does not fit, kept '3'",
        "jsonargparse: color: the stored value 'BLUE' does not fit, kept 'RED'",
    ]
    assert (sink.stored["steps"], sink.stored["color"]) == ("3", "RED")


def test_what_is_required_is_taken_from_the_store() -> None:
    parser = make(exit_on_error=False)
    parser.add_argument("--data", type=int, required=True)
    assert call(parser, [], {"data": "4"})[0].data == 4
    assert call(parser, ["--data", "3"], {"data": "4"})[0].data == 4
    with pytest.raises(jsonargparse.ArgumentError):
        call(parser, [], {"lr": "1"})


def test_a_required_argument_without_a_name_is_taken_from_the_store_where_it_is_not_given() -> None:
    parser = make(exit_on_error=False)
    parser.add_argument("data", type=int)
    assert call(parser, [], {"data": "4"})[0].data == 4
    assert call(parser, ["3"], {"data": "4"})[0].data == 4
    assert call(parser, ["3"], {"lr": "4"})[0].data == 3
    with pytest.raises(jsonargparse.ArgumentError):
        call(parser, ["--odd"], {"data": "4"})


@pytest.mark.parametrize(
    ("argv", "options", "text", "value"),
    [
        (["--x"], {"action": "store_true"}, "False", False),
        ([], {"action": "store_true"}, "True", True),
        ([], {"action": jsonargparse.ActionYesNo, "default": True}, "False", False),
        (["--x", "1", "2"], {"type": int, "nargs": "+"}, "[3]", [3]),
        ([], {"type": int, "nargs": 2}, "[3, 4]", [3, 4]),
        ([], {"choices": ["a", "b"], "default": "a"}, "b", "b"),
        ([], {"type": Path, "default": Path("a")}, "b", Path("b")),
        ([], {}, "3", "3"),
    ],
)
def test_arguments_in_argparses_manner(argv, options, text, value) -> None:
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--x", **options)
    config, sink = call(parser, argv, {"x": text})
    assert (config.x, sink.notes) == (value, [])
    assert type(config.x) is type(value)


def test_a_file_of_configuration_is_read_and_the_stored_values_come_over_it(tmp_path: Path) -> None:
    parser = make()
    parser.add_argument("--config", action="config")
    file = tmp_path / "c.yaml"
    file.write_text("lr: 3.0\nsteps: 8\n")
    config, sink = call(parser, ["--config", str(file)], {"lr": "4", "config": "elsewhere"})
    assert (config.lr, config.steps, sink.notes) == (4.0, 8, [])
    assert sink.values()["config"] == [str(file)]


def test_a_class_and_its_arguments() -> None:
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--net", type=Net)
    argv = ["--net", "Net", "--net.depth", "4"]
    _, sink = call(parser, [f"--net={__name__}.Net", *argv[2:]])
    values = sink.values()
    assert (values["net.class_path"], values["net.init_args.depth"], values["net.init_args.rate"]) == (
        *(f"{__name__}.Net", 4, 0.1),
    )
    config, sink = call(parser, [f"--net={__name__}.Net", *argv[2:]], {"net.init_args.depth": "7"})
    assert (config.net.init_args.depth, sink.notes) == (7, [])


def with_commands():
    parser = jsonargparse.ArgumentParser(prog="prog")
    parser.add_argument("--seed", type=int, default=0)
    commands = parser.add_subcommands()
    for name in ("fit", "test"):
        command = jsonargparse.ArgumentParser()
        command.add_argument("--lr", type=float, required=name == "test")
        commands.add_subcommand(name, command)
    return parser


def test_commands_and_the_stored_one_in_place_of_the_given_one() -> None:
    config, sink = call(with_commands(), ["--seed", "3", "fit", "--lr", "1"])
    assert config.fit.lr == 1.0
    assert sink.values() == {"seed": 3, "subcommand": "fit", "fit.lr": 1.0}
    assert sink.types()["subcommand"] == "jsonargparse.Command"
    config, sink = call(with_commands(), ["fit", "--lr", "1"], {"seed": "4", "fit.lr": "2"})
    assert (config.seed, config.subcommand, config.fit.lr) == (4, "fit", 2.0)
    config, sink = call(with_commands(), ["--seed", "3", "fit", "--lr", "1"], {"subcommand": "test", "test.lr": "5"})
    assert (config.seed, config.subcommand, config.test.lr, sink.notes) == (3, "test", 5.0, [])


def test_a_task_that_begins_later_is_told_what_was_parsed() -> None:
    early.install()
    make().parse_args(["--lr", "2"])
    sink = Remembered()
    with capture.patched(core, sink):
        pass
    assert sink.values()["lr"] == 2.0


def test_a_hook_that_fails_is_noted_and_the_program_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(capture._Parse, "_found", lambda self, config: 1 / 0)
    config, sink = call(make(), ["--lr", "2"])
    assert config.lr == 2.0
    assert [note.splitlines()[0] for note in sink.notes] == ["jsonargparse: ZeroDivisionError: division by zero"]


LATE = """
    from jsonargparse import CLI
    from taskstore import Task

    def main(lr: float = 0.1, steps: int = 5):
        "Train."
        task = Task.init("examples", "a run")
        print(lr, steps)

    if __name__ == "__main__":
        CLI(main)
"""
TOP = "\n    from taskstore import Task\n    Task.init('examples', 'a run')\n" + LATE.replace(
    'task = Task.init("examples", "a run")', "pass"
)


@pytest.mark.parametrize("text", [LATE, TOP], ids=["late", "before the library"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "--lr=0.5")
    assert (first.code, first.stdout, first.own_stderr, first.told) == (0, "0.5 5\n", "", [])
    assert {name: text for name, text in stored_of(first).items() if name != "Args/config"} == {
        **{"Args/lr": "0.5", "Args/steps": "5"},
    }
    changes = {"Args/lr": "0.25", "Args/steps": "many"}
    ended, copy = again(tmp_path / "work", text, first, changes, "--steps=7")
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "0.25 7\n", "")
    assert len(ended.told) == 1
    stored = stored_of(ended, copy)
    assert (stored["Args/lr"], stored["Args/steps"]) == ("0.25", "7")


def test_errors_and_help_are_jsonargparses_own(tmp_path: Path) -> None:
    text = "\n    TASK" + LATE.replace('task = Task.init("examples", "a run")', "raise ValueError(lr)").replace(
        "from taskstore import Task", "pass"
    )
    for argv in (["--help"], ["--lr=x"], ["--odd"], ["--print_config"], ["--lr=1"]):
        env = {"PYTHONPATH": str(REPOSITORY)}
        plain, ours = (run(tmp_path / "work", text, *argv, with_task=with_task, env=env) for with_task in (False, True))
        assert (ours.code, ours.stdout, ours.own_stderr) == (plain.code, plain.stdout, plain.stderr)


LIGHTNING = """
    from taskstore import Task
    Task.init("examples", "a run")
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.cli import LightningCLI

    class Model(LightningModule):
        def __init__(self, width: int = 8, rate: float = 0.1):
            super().__init__()
            self.width = width
            self.rate = rate

    class Quiet(Trainer):
        def fit(self, model, **others):
            print("fit", model.width, model.rate, self.max_epochs)

        def test(self, model, **others):
            print("test", model.width)

    LightningCLI(Model, trainer_class=Quiet, save_config_callback=None)
"""


def test_lightning_cli_is_captured_and_run_again_with_other_values(tmp_path: Path) -> None:
    pytest.importorskip("lightning.pytorch.cli")
    first = program(tmp_path / "work", LIGHTNING, "fit", "--model.width=4", "--trainer.max_epochs=3")
    assert (first.code, first.stdout.splitlines()[-1]) == (0, "fit 4 0.1 3"), first.stderr
    assert first.told == []
    stored = stored_of(first)
    names = ("subcommand", "fit.model.width", "fit.model.rate", "fit.trainer.max_epochs", "fit.trainer.logger")
    assert [stored[f"Args/{name}"] for name in names] == ["fit", "4", "0.1", "3", ""]
    changes = {"Args/fit.model.rate": "0.5", "Args/fit.trainer.max_epochs": "9"}
    ended, copy = again(tmp_path / "work", LIGHTNING, first, changes, "fit", "--model.width=4")
    assert (ended.code, ended.stdout.splitlines()[-1]) == (0, "fit 4 0.5 9"), ended.stderr
    assert ended.told == []
