"""absl's flags against the real library."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path

import pytest

flags = pytest.importorskip("absl.flags")

from taskstore.capture import absl, early  # noqa: E402 - after importorskip

from ..run.programs import run  # noqa: E402
from .command_lines import REPOSITORY, Remembered, again, program, stored_of, unhooked  # noqa: E402


class Color(enum.Enum):
    RED = 1
    GREEN = 2


@pytest.fixture(autouse=True)
def _unhooked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    flags.DEFINE_float("lr", 0.1, "the rate", flag_values=values, module_name="train.py")
    flags.DEFINE_integer("steps", 5, "how many", flag_values=values, lower_bound=1, module_name="train.py")
    flags.DEFINE_string("name", None, "a name", flag_values=values, module_name="train.py")
    flags.DEFINE_bool("on", True, "whether", flag_values=values, module_name="train.py")
    flags.DEFINE_list("tags", ["a"], "some", flag_values=values, module_name="train.py")
    flags.DEFINE_multi_integer("sizes", [1], "some", flag_values=values, module_name="train.py")
    flags.DEFINE_enum("kind", "a", ["a", "b"], "one", flag_values=values, module_name="train.py")
    flags.DEFINE_enum_class("color", Color.RED, Color, "one", flag_values=values, module_name="train.py")
    flags.DEFINE_integer("deep", 3, "absl's", flag_values=values, module_name="absl.logging")
    flags.DEFINE_integer("other", 3, "absl's", flag_values=values, module_name="absl.logging")
    yield from unhooked((flags.FlagValues, "__call__"))


def call(argv, stored=None):
    sink = Remembered(dict(stored or {}))
    with absl.patched(flags, sink):
        flags.FLAGS(["prog", *argv])
    return {name: flags.FLAGS[name].value for name in flags.FLAGS}, sink


def test_types_are_told_by_absls_words_too_and_its_own_flags_as_its_own() -> None:
    _, sink = call(["--deep=2"])
    assert sink.told("TF_DEFINE") == {
        **{"lr": "float", "steps": "int", "name": "string", "on": "bool", "kind": "string enum"},
        **{"tags": "comma separated list of strings", "sizes": "multi int", "color": "enum class", "deep": "int"},
    }
    assert {name: (one.value, one.told) for name, one in sink.of_libraries.items()} == {"other": (3, "int")}


def test_a_stored_text_of_a_flag_of_a_library_counts_too() -> None:
    values, _ = call([], {"other": "9"})
    assert values["other"] == 9


def test_the_programs_flags_are_recorded_and_of_the_others_those_that_are_set() -> None:
    _, sink = call(["--lr=1", "--noon", "--sizes=2", "--sizes=3", "--deep=4", "rest"])
    assert sink.values("TF_DEFINE") == {
        **{"lr": 1.0, "steps": 5, "name": None, "on": False, "tags": ["a"], "sizes": [2, 3], "kind": "a"},
        **{"color": Color.RED, "deep": 4},
    }
    assert sink.types("TF_DEFINE") == {
        **{"lr": "float", "steps": "int", "name": "str", "on": "bool", "tags": "list/str", "sizes": "list/int"},
        **{"kind": "str", "color": "Color", "deep": "int"},
    }
    assert sink.helps("TF_DEFINE")["lr"] == "the rate"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("lr", "2", 2.0), ("steps", "7", 7), ("name", "ada", "ada"), ("on", "False", False), ("kind", "b", "b")],
        *[("tags", '["p", "q,r"]', ["p", "q,r"]), ("sizes", "[4, 5]", [4, 5]), ("color", "GREEN", Color.GREEN)],
    ],
)
def test_a_stored_text_becomes_what_the_flag_makes_of_it(name, text, value) -> None:
    values, sink = call(["--lr=1", "--tags=x,y", "--sizes=9", "--on"], {name: text})
    assert values[name] == value
    assert type(values[name]) is type(value)
    assert sink.notes == []


def test_what_was_recorded_comes_back_as_it_was() -> None:
    from taskstore.core.values import to_text

    first, sink = call(["--lr=1e-3", "--tags=a b,c", "--sizes=2", "--color=green", "--name=3"])
    texts = {name: to_text(one.value)[0] for name, one in sink.sections["TF_DEFINE"].items()}
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    second, sink = call([], texts)
    assert (second, sink.notes) == (first, [])


def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept() -> None:
    values, sink = call(["--steps=3"], {"steps": "0", "kind": "c", "lr": "x"})
    assert (values["steps"], values["kind"], values["lr"]) == (3, "a", 0.1)
    assert [note.split(" (")[0] for note in sink.notes] == [
        "absl: lr: the stored value 'x' does not fit, kept '0.1'",
        "absl: steps: the stored value '0' does not fit, kept '3'",
        "absl: kind: the stored value 'c' does not fit, kept 'a'",
    ]
    assert sink.stored == {"steps": "3", "kind": "a", "lr": "0.1"}


def test_what_a_validator_refuses_does_not_fit() -> None:
    flags.register_validator("steps", lambda value: value != 13, flag_values=flags.FLAGS)
    values, sink = call([], {"steps": "13"})
    assert (values["steps"], len(sink.notes)) == (5, 1)


def test_a_required_flag_is_taken_from_the_store() -> None:
    flags.mark_flag_as_required("name", flags.FLAGS)
    assert call(["rest"], {"name": "ada"})[0]["name"] == "ada"
    flags.FLAGS["name"].unparse()
    with pytest.raises(flags.IllegalFlagValueError):
        call(["rest"], {"lr": "1"})


def test_a_task_that_begins_later_is_told_what_was_parsed() -> None:
    early.install()
    flags.FLAGS(["prog", "--lr=2"])
    sink = Remembered()
    with absl.patched(flags, sink):
        pass
    assert sink.values("TF_DEFINE")["lr"] == 2.0


def test_a_hook_that_fails_is_noted_and_the_program_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(absl, "_own", lambda values: 1 / 0)
    values, sink = call(["--lr=2"])
    assert values["lr"] == 2.0
    assert [note.splitlines()[0] for note in sink.notes] == ["absl: ZeroDivisionError: division by zero"]


LATE = """
    from absl import app, flags
    from taskstore import Task

    FLAGS = flags.FLAGS
    flags.DEFINE_float("lr", None, "the rate", required=True)
    flags.DEFINE_integer("steps", 5, "how many")

    def main(argv):
        task = Task.init("examples", "a run")
        print(FLAGS.lr, FLAGS.steps)

    if __name__ == "__main__":
        app.run(main)
"""
TOP = "\n    from taskstore import Task\n    Task.init('examples', 'a run')\n" + LATE.replace(
    'task = Task.init("examples", "a run")', "pass"
)


@pytest.mark.parametrize("text", [LATE, TOP], ids=["late", "before the library"])
def test_a_program_is_captured_and_its_clone_runs_with_other_values(tmp_path: Path, text: str) -> None:
    first = program(tmp_path / "work", text, "--lr=0.5")
    assert (first.code, first.stdout, first.own_stderr, first.told) == (0, "0.5 5\n", "", [])
    assert stored_of(first) == {"TF_DEFINE/lr": "0.5", "TF_DEFINE/steps": "5"}
    changes = {"TF_DEFINE/lr": "0.25", "TF_DEFINE/steps": "many"}
    ended, copy = again(tmp_path / "work", text, first, changes, "--steps=7")
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "0.25 7\n", "")
    assert len(ended.told) == 1
    assert stored_of(ended, copy) == {"TF_DEFINE/lr": "0.25", "TF_DEFINE/steps": "7"}


def test_errors_and_help_are_absls_own(tmp_path: Path) -> None:
    text = "\n    TASK" + LATE.replace('task = Task.init("examples", "a run")', "raise ValueError(FLAGS.lr)").replace(
        "from taskstore import Task", "pass"
    )
    for argv in (["--help"], ["--lr=x"], [], ["--odd"], ["--lr=1"]):
        env = {"PYTHONPATH": str(REPOSITORY)}
        plain, ours = (run(tmp_path / "work", text, *argv, with_task=with_task, env=env) for with_task in (False, True))
        assert (ours.code, ours.stdout, ours.own_stderr) == (plain.code, plain.stdout, plain.stderr)
