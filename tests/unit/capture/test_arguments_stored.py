from __future__ import annotations

import argparse
import json
import traceback
from pathlib import Path

import pytest
from parsing import Color, Store, exit_of, make, override, run, unhooked, with_commands

from taskstore.capture import arguments, early
from taskstore.core.secrets import MASK
from taskstore.core.values import to_text


@pytest.fixture(autouse=True)
def _clean():
    yield from unhooked()


CASES = [
    (("--x", {"type": int, "default": 1}), "7", 7),
    (("--x", {"type": float, "default": 1}), "7", 7.0),
    (("--x", {"default": "a"}), "7", "7"),
    (("--x", {"default": "a"}), "", ""),
    (("--x", {}), "", None),
    (("--x", {"type": int}), "", None),
    (("--x", {"type": int}), "7", 7),
    (("--x", {"type": bool, "default": True}), "False", False),
    (("--x", {"action": "store_true"}), "True", True),
    (("--x", {"action": "store_false"}), "false", False),
    (("--x", {"action": argparse.BooleanOptionalAction}), "False", False),
    (("--x", {"action": "store_const", "const": 5, "default": 1}), "5", 5),
    (("--x", {"action": "store_const", "const": 5}), "5", 5),
    (("--x", {"action": "count", "default": 0}), "3", 3),
    (("--x", {"action": "count"}), "3", 3),
    (("--x", {"nargs": "+", "type": int}), "[3, 4]", [3, 4]),
    (("--x", {"nargs": 2, "type": float, "default": (0.9, 0.99)}), "[0.5, 0.6]", (0.5, 0.6)),
    (("--x", {"nargs": "*", "default": []}), '["a b", "c"]', ["a b", "c"]),
    (("--x", {"nargs": "*"}), "", None),
    (("--x", {"nargs": "?", "const": "c"}), "v", "v"),
    (("--x", {"action": "append", "type": int}), "[1, 2]", [1, 2]),
    (("--x", {"action": "append", "nargs": 2, "type": int}), "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    (("--x", {"action": "extend", "nargs": "+", "type": int}), "[1, 2]", [1, 2]),
    (("--x", {"choices": ["a", "b"], "default": "a"}), "b", "b"),
    (("--x", {"type": Color, "default": Color.RED}), "GREEN", Color.GREEN),
    (("--x", {"type": Path, "default": Path("a")}), "b", Path("b")),
    (("--x", {"type": json.loads, "default": {"a": 1}}), '{"b": [2]}', {"b": [2]}),
    (("--x", {"type": lambda text: text.split(","), "default": ["a"]}), '["b", "c"]', ["b", "c"]),
    (("--x", {"type": lambda text: text.split(","), "default": ["a"]}), "b,c", ["b", "c"]),
    (("--x", {"default": argparse.SUPPRESS, "type": int}), "3", 3),
    (("--x", {"action": "append_const", "const": 3}), "[3, 3]", [3, 3]),
    (("--x", {"action": "append_const", "const": Color.RED}), '["RED"]', [Color.RED]),
    (("--x", {"action": "append_const", "const": 3}), "", None),
    (("x", {"nargs": "?", "type": int}), "3", 3),
    (("x", {"nargs": argparse.REMAINDER}), '["a"]', ["a"]),
    (("x", {"nargs": "*", "type": int}), "[1]", [1]),
]


@pytest.mark.parametrize(("spec", "text", "value"), CASES)
def test_a_stored_text_becomes_what_the_parser_makes_of_it(spec, text, value):
    found, notes = override(spec, text)
    assert (found, type(found), notes) == (value, type(value), [])


@pytest.mark.parametrize(("spec", "text", "value"), CASES)
def test_what_was_stored_by_a_run_gives_the_same_values_back(spec, text, value):
    stored, kind = to_text(value)
    assert override(spec, stored) == (value, [])


def test_the_store_wins_over_the_command_line():
    assert override(("--x", {"type": int}), "7", ["--x", "1"]) == (7, [])


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (("--x", {"type": int, "default": 1}), "2.5"),
        (("--x", {"choices": ["a", "b"], "default": "a"}), "c"),
        (("--x", {"type": int, "choices": [1, 2], "default": 1}), "3"),
        (("--x", {"action": "store_true"}), "maybe"),
        (("--x", {"type": bool, "default": True}), "maybe"),
        (("--x", {"nargs": 2, "type": int, "default": [1, 2]}), "[1]"),
        (("--x", {"nargs": "+", "type": int, "default": [1]}), "[]"),
        (("--x", {"nargs": "+", "type": int, "default": [1]}), '["a"]'),
        (("--x", {"nargs": "+", "default": ["a"]}), "a b"),
        (("--x", {"action": "append", "choices": ["a"], "default": ["a"]}), '["b"]'),
        (("--x", {"type": {"1": 1}.__getitem__, "default": 1}), "9"),
        (("--x", {"type": Color, "default": Color.RED}), "BLUE"),
    ],
)
def test_a_text_that_does_not_fit_is_noted_and_the_programs_value_kept(spec, text):
    default = spec[1].get("default", False)
    value, notes = override(spec, text)
    assert value == default
    assert len(notes) == 1
    assert notes[0].startswith(f"x: the stored value {text!r} does not fit, kept {to_text(default)[0]!r}")


def test_a_misfit_of_one_argument_leaves_the_others():
    parser = make(("--a", {"type": int, "default": 1}), ("--b", {"type": int, "default": 1}))
    namespace, _ = run(parser, [], {"a": "x", "b": "2"})
    assert (namespace.a, namespace.b) == (1, 2)


def test_the_value_that_was_kept_is_recorded_in_place_of_the_text_that_does_not_fit():
    parser = make(("--a", {"type": int, "default": 1}), ("--b", {"type": int, "default": 1}))
    _, sink = run(parser, ["--a", "3"], {"a": "x", "b": "02"})
    assert sink.stored == {"a": "3", "b": "02"}


def test_an_exception_of_the_program_shows_no_frame_of_ours():
    parser = make(("--a", {"type": int, "required": True}), ("--b", {"type": lambda text: [][7]}))
    early.uninstall()
    with pytest.raises(IndexError) as bare:
        parser.parse_args(["--a", "1", "--b", "2"])
    for stored in ({}, {"a": "3"}):
        with arguments.capture(Store(stored)), pytest.raises(IndexError) as seen:
            parser.parse_args(["--a", "1", "--b", "2"])
        assert [line.name for line in traceback.extract_tb(seen.value.__traceback__)] == [
            line.name for line in traceback.extract_tb(bare.value.__traceback__)
        ]


def test_a_note_tells_no_secret():
    value, notes = override(("--password", {"choices": ["p1"], "default": "p1"}), "hunter2")
    assert value == "p1"
    assert notes == [f"password: the stored value '{MASK}' does not fit, kept '{MASK}'"]


@pytest.mark.parametrize("text", [MASK, f"https://u:{MASK}@h"])
def test_a_masked_text_overrides_nothing(text):
    assert override(("--url", {"default": "https://u:pw@h"}), text) == ("https://u:pw@h", [])


def test_unknown_stored_names_are_ignored():
    namespace, sink = run(make(("--x", {"type": int})), ["--x", "1"], {"y": "2"})
    assert vars(namespace) == {"x": 1}
    assert sink.notes == []


def test_what_equals_the_store_keeps_its_identity():
    marker = [1, 2]
    namespace, _ = run(make(("--x", {"default": marker})), [], {"x": "[1, 2]"})
    assert namespace.x is marker


def test_extra_arguments_are_returned_with_overrides_too():
    (namespace, rest), _ = run(make(("--x", {"type": int})), ["--y"], {"x": "3"}, method="parse_known_args")
    assert (namespace.x, rest) == (3, ["--y"])


def test_both_switches_of_one_name_take_the_stored_value():
    parser = make()
    parser.add_argument("--on", dest="x", action="store_true", default=True)
    parser.add_argument("--off", dest="x", action="store_false")
    assert run(parser, [], {"x": "False"})[0].x is False


def test_an_action_of_the_programs_own_is_cast_like_its_value():
    class Pairs(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):
            setattr(namespace, self.dest, dict(pair.split("=") for pair in values))

    spec = ("--x", {"action": Pairs, "nargs": "*", "default": {}})
    assert override(spec, '{"a": "2"}', ["--x", "a=1"]) == ({"a": "2"}, [])


REQUIRED = (
    ("--lr", {"type": float, "required": True}),
    ("--tag", {"action": "append", "required": True}),
    ("data", {}),
)
STORED = {"lr": "0.5", "tag": '["a"]', "data": "here"}


@pytest.mark.parametrize("method", ["parse_args", "parse_known_args"])
def test_what_is_required_may_come_from_the_store(method):
    parser = make(*REQUIRED)
    result, sink = run(parser, [], STORED, method=method)
    namespace = result[0] if isinstance(result, tuple) else result
    assert vars(namespace) == {"lr": 0.5, "tag": ["a"], "data": "here"}
    assert sink.notes == []
    assert [action.required for action in parser._actions if action.dest in STORED] == [True, True, True]
    assert [action.default for action in parser._actions if action.dest in STORED] == [None, None, None]


def test_what_neither_the_store_nor_the_command_line_has_is_still_missed():
    with arguments.capture(Store({"lr": "0.5"})):
        code, _, err = exit_of(make(*REQUIRED), ["--tag", "b"])
    assert code == 2
    assert err.endswith("the following arguments are required: data\n")


@pytest.mark.parametrize("text", ["fast", MASK])
def test_a_stored_text_that_does_not_fit_satisfies_nothing(text):
    with arguments.capture(Store({**STORED, "lr": text})):
        code, _, err = exit_of(make(*REQUIRED), [])
    assert code == 2
    assert "lr" in err.split("error:")[1]


def test_a_required_group_may_come_from_the_store():
    def grouped():
        parser = make()
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--a", type=int)
        group.add_argument("--b", type=int)
        return parser

    assert vars(run(grouped(), [], {"a": "", "b": "3"})[0]) == {"a": None, "b": 3}
    with arguments.capture(Store({"a": "", "b": ""})):
        assert exit_of(grouped(), [])[0] == 2


def test_a_sub_command_and_what_it_requires_may_come_from_the_store():
    namespace, sink = run(with_commands(), [], {"command": "train", "lr": "0.5", "seed": "3"})
    assert vars(namespace) == {"command": "train", "lr": 0.5, "seed": 3, "func": print}
    assert sink.value("lr") is None or sink.notes == []


def test_the_stored_sub_command_replaces_the_given_one():
    namespace, sink = run(with_commands(), ["train", "--lr", "1"], {"command": "test", "threshold": "0.25"})
    assert vars(namespace) == {"command": "test", "threshold": 0.25, "seed": 0, "func": len}
    assert sink.notes == []


def test_an_unknown_stored_sub_command_is_noted():
    namespace, sink = run(with_commands(), ["train", "--lr", "1"], {"command": "fly"})
    assert namespace.command == "train"
    assert len(sink.notes) == 1
    assert "fly" in sink.notes[0]
