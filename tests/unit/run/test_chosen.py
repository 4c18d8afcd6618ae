"""`auto_connect_arg_parser` as a dictionary: which parameters of the command line are recorded, and replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskstore.capture.base import Found
from taskstore.run.chosen import chosen

from ...run.programs import only_task, run


class Sink:
    """Remembers what it was told, and answers with what is stored."""

    masker = None

    def __init__(self) -> None:
        self.found: list[str] = []
        self.corrected: list[str] = []

    def parameters(self, section, found):
        self.found += found
        return {"lr": "1", "steps": "2", "hello/count": "3"}

    def correct(self, section, found):
        self.corrected += found


ALL = ("lr", "steps", "hello/count")


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (True, ALL),
        ({"lr": False}, ("steps", "hello/count")),
        ({"lr": True}, ALL),
        ({"*": False}, ()),
        ({"*": False, "lr": True}, ("lr",)),
        ({"*": True, "steps": False}, ("lr", "hello/count")),
        ({"count": False}, ("lr", "steps")),
        ({"hello/count": True, "count": False, "*": False}, ("hello/count",)),
    ],
)
def test_a_choice_by_name_leaves_out_and_keeps(choice, kept) -> None:
    sink = Sink()
    filtered = chosen(sink, choice)
    assert filtered is not None
    stored = filtered.parameters("Args", {name: Found(1) for name in ALL})
    assert tuple(sink.found) == kept
    assert tuple(stored) == kept
    assert tuple(filtered.parameters("Args", {})) == kept
    filtered.correct("Args", {name: Found(1) for name in ALL})
    assert tuple(sink.corrected) == kept


@pytest.mark.parametrize("choice", [False, {}])
def test_nothing_is_captured_where_nothing_is_chosen(choice) -> None:
    assert chosen(Sink(), choice) is None


@pytest.mark.parametrize(
    ("choice", "names"), [('{"lr": False}', ["steps"]), ('{"*": False, "lr": 1}', ["lr"]), ("{}", []), ("False", [])]
)
def test_a_program_chooses_among_its_arguments(tmp_path: Path, choice: str, names: list[str]) -> None:
    text = f"""
        import argparse
        from taskstore import Task
        Task.init("examples", "a run", auto_connect_arg_parser={choice})
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        parser.add_argument("--steps", type=int, default=2)
        parser.parse_args()
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.told) == (0, [])
    path = only_task(ended).home / "params.json"
    sections = json.loads(path.read_text())["hyperparams"] if path.exists() else {}
    assert list(sections.get("Args", {})) == names
