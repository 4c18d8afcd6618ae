"""Typer against the real library, whose click is its own in recent versions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import pytest

typer = pytest.importorskip("typer")
core = pytest.importorskip("typer.core")

from taskstore.capture import click as capture  # noqa: E402 - after importorskip

from .command_lines import Remembered, again, program, stored_of, unhooked  # noqa: E402

click_core = pytest.importorskip("click.core")
COMMAND = next(kind for kind in core.TyperGroup.__mro__ if kind.__name__ == "Command")


@pytest.fixture(autouse=True)
def _unhooked() -> Iterator[None]:
    yield from unhooked((COMMAND, "parse_args"))


class Color(str, Enum):
    RED = "r"
    GREEN = "g"


def make():
    app = typer.Typer()

    @app.command()
    def train(
        data: Path,
        lr: Annotated[float, typer.Option(help="the rate")] = 0.1,
        steps: int = 5,
        name: str | None = None,
        on: bool = True,
        tags: Annotated[list[str], typer.Option()] = [],  # noqa: B006 - as Typer's documentation has it
        color: Color = Color.RED,
    ):
        return {"data": data, "lr": lr, "steps": steps, "name": name, "on": on, "tags": tags, "color": color}

    return app


def call(app, argv, stored=None):
    sink = Remembered(dict(stored or {}))
    with capture.patched(click_core, sink), capture.patched(core, sink):
        return app(list(argv), standalone_mode=False), sink


def test_every_kind_is_recorded_with_its_value_type_and_help() -> None:
    _, sink = call(make(), ["d.csv", "--lr", "1", "--tags", "a", "--tags", "b"])
    values = {name: getattr(value, "value", value) for name, value in sink.values().items()}
    assert {**values, "tags": list(values["tags"]), "data": str(values["data"])} == {
        **{"data": "d.csv", "lr": 1.0, "steps": 5, "name": None, "on": True, "tags": ["a", "b"], "color": "r"},
    }
    assert sink.helps()["lr"] == "the rate"
    assert [sink.types()[name] for name in ("lr", "steps", "on", "name")] == ["float", "int", "bool", "str"]


def test_a_stored_text_becomes_what_typer_makes_of_it() -> None:
    stored = {"data": "x.csv", "lr": "2", "steps": "7", "name": "ada", "on": "False", "tags": '["p"]', "color": "GREEN"}
    names = (
        ("GREEN",) if hasattr(core.TyperOption, "get_runtime_param") else ()
    )  # before, Typer itself knew values only
    for color in (*names, "g"):
        result, sink = call(make(), [], {**stored, "color": color})
        assert result == {
            **{"data": Path("x.csv"), "lr": 2.0, "steps": 7, "name": "ada", "on": False},
            **{"tags": ["p"], "color": Color.GREEN},
        }
        assert sink.notes == []


def test_what_was_recorded_comes_back_as_it_was() -> None:
    from taskstore.core.values import to_text

    first, sink = call(make(), ["d.csv", "--color", "g", "--tags", "a b", "--no-on"])
    texts = {name: to_text(one.value)[0] for name, one in sink.sections["Args"].items()}
    second, sink = call(make(), [], texts)
    assert (second, sink.notes) == (first, [])


def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept() -> None:
    result, sink = call(make(), ["d.csv", "--steps", "3"], {"steps": "many"})
    assert result["steps"] == 3
    assert len(sink.notes) == 1
    assert sink.notes[0].startswith("click: steps: the stored value 'many' does not fit, kept '3'")
    assert sink.stored == {"steps": "3"}


def test_commands_are_parameters_and_the_stored_one_runs() -> None:
    app = typer.Typer()

    @app.command()
    def hello(count: int = 1):
        return ("hello", count)

    @app.command()
    def bye(count: int = 2):
        return ("bye", count)

    result, sink = call(app, ["hello", "--count", "3"])
    assert result == ("hello", 3)
    assert sink.values() == {"hello": True, "hello/count": 3, "bye": False, "bye/count": 2}
    assert call(app, ["hello", "--count", "3"], {"hello": "False", "bye": "True", "bye/count": "4"})[0] == ("bye", 4)


LATE = """
    import typer
    from taskstore import Task

    def main(lr: float, steps: int = 5):
        task = Task.init("examples", "a run")
        print(lr, steps)

    if __name__ == "__main__":
        typer.run(main)
"""
TOP = LATE.replace("    def main", "    Task.init('examples', 'a run')\n    def main").replace(
    'task = Task.init("examples", "a run")', "pass"
)


@pytest.mark.parametrize("text", [LATE, TOP], ids=["late", "top"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "0.5")
    assert (first.code, first.stdout, first.own_stderr, first.told) == (0, "0.5 5\n", "", [])
    assert stored_of(first) == {"Args/lr": "0.5", "Args/steps": "5"}
    ended, copy = again(tmp_path / "work", text, first, {"Args/lr": "0.25", "Args/steps": "many"}, "1", "--steps", "7")
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "0.25 7\n", "")
    assert len(ended.told) == 1
    assert stored_of(ended, copy) == {"Args/lr": "0.25", "Args/steps": "7"}
