from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from parsing import ORIGINALS, Color, Store, exit_of, make, run, unhooked, with_commands

from taskstore.capture import arguments, early
from taskstore.capture.base import Found
from taskstore.core.errors import BadValue
from taskstore.core.secrets import MASK


@pytest.fixture(autouse=True)
def _clean():
    yield from unhooked()


def test_a_parse_is_reported_with_values_types_and_help():
    parser = make(
        ("--lr", {"type": float, "default": 0.1, "help": "learning rate, 100%% of %(default)s"}),
        ("--epochs", {"type": int, "default": 3}),
        ("--name", {"help": argparse.SUPPRESS}),
        ("--fast", {"action": "store_true"}),
        ("--layers", {"nargs": "+", "type": int, "default": [1, 2]}),
        ("--tag", {"action": "append"}),
        ("--warmup", {"type": float, "default": 1}),
        ("--limit", {"type": int}),
        ("data", {}),
    )
    namespace, sink = run(parser, ["--lr", "0.5", "--tag", "a", "--tag", "b", "here"])
    assert sink.sections == {
        "Args": {
            "lr": Found(0.5, "float", "learning rate, 100% of %(default)s"),
            "epochs": Found(3, "int"),
            "name": Found(None),
            "fast": Found(False, "bool"),
            "layers": Found([1, 2], "list/int"),
            "tag": Found(["a", "b"], "list/str"),
            "warmup": Found(1, "float"),
            "limit": Found(None, "int"),
            "data": Found("here", "str"),
        }
    }
    assert sink.value("tag") is namespace.tag
    assert sink.notes == []


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"nargs": "+", "type": int}, "list/int"),
        ({"nargs": 2, "type": float}, "list/float"),
        ({"nargs": "*"}, "list/str"),
        ({"nargs": "*", "type": Path}, "list"),
        ({"action": "append", "type": int}, "list/int"),
        ({"action": "append", "nargs": 2, "type": int}, "list"),
        ({"action": "extend", "nargs": "+", "type": int}, "list/int"),
        ({"action": "append_const", "const": 3}, "list"),
        ({"nargs": "?", "type": int}, "int"),
    ],
)
def test_a_list_that_is_not_given_has_the_type_of_a_list(options, kind):
    _, sink = run(make(("--x", options)), [])
    assert sink.sections["Args"]["x"] == Found(None, kind)


def test_an_enum_is_described_by_its_values():
    _, sink = run(make(("--color", {"type": Color, "default": Color.RED, "help": "which"})), [])
    assert sink.sections["Args"]["color"] == Found(Color.RED, "Color", "which\nValues:\nRED,\nGREEN")


@pytest.mark.parametrize("method", ["parse_args", "parse_known_args", "parse_intermixed_args"])
def test_nested_calls_are_reported_once(method):
    _, sink = run(make(("--lr", {"type": float})), ["--lr", "1"], method=method)
    assert sink.reports == 1
    assert sink.value("lr") == 1.0


def test_unknown_arguments_stay_the_programs():
    (namespace, rest), sink = run(make(("--lr", {"type": float})), ["--lr", "1", "--x"], method="parse_known_args")
    assert (namespace.lr, rest) == (1.0, ["--x"])
    assert list(sink.sections["Args"]) == ["lr"]


def test_a_sub_command_is_reported_with_its_arguments():
    _, sink = run(with_commands(), ["train", "--lr", "0.1"])
    assert sink.reports == 1
    assert {name: found.value for name, found in sink.sections["Args"].items()} == {
        "seed": 0,
        "command": "train",
        "lr": 0.1,
    }
    assert sink.sections["Args"]["lr"].description == "rate"


def test_a_sub_command_without_a_name_is_reported_too():
    parser = make()
    parser.add_subparsers().add_parser("go").add_argument("--speed", type=int, default=1, help="how fast")
    _, sink = run(parser, ["go", "--speed", "2"])
    assert sink.sections["Args"] == {"speed": Found(2, "int", "how fast")}


def test_a_suppressed_default_is_reported_only_when_it_was_given():
    parser = make(("--x", {"default": argparse.SUPPRESS}), argument_default=argparse.SUPPRESS)
    assert run(parser, [])[1].sections == {}
    assert run(parser, ["--x", "1"])[1].value("x") == "1"


def test_a_namespace_of_the_program_is_reported_and_kept():
    mine = argparse.Namespace(extra=5, _hidden=1)
    sink = Store()
    with arguments.capture(sink):
        assert make(("--x", {"default": "1"})).parse_args([], namespace=mine) is mine
    assert {name: found.value for name, found in sink.sections["Args"].items()} == {"x": "1", "extra": 5}


def test_any_object_may_be_the_namespace():
    class Config:
        other = 1

    sink = Store({"x": "7"})
    with arguments.capture(sink):
        make(("--x", {"type": int})).parse_args([], namespace=Config)
    assert list(sink.sections["Args"]) == ["x"]
    assert Config.x == 7


def test_an_open_file_is_recorded_by_its_name(tmp_path):
    target = tmp_path / "out.txt"
    parser = make(("--out", {}), ("--log", {}))
    with target.open("w") as stream:
        parser.set_defaults(out=stream, log=sys.__stdout__)
        namespace, sink = run(parser, [], {"out": str(target)})
        assert sink.value("out") == str(target)
        assert sink.value("log") == "<stdout>"
        assert namespace.out is stream


def test_parsers_made_before_and_subclasses_are_seen():
    class Mine(argparse.ArgumentParser):
        def parse_args(self, args=None, namespace=None):
            parsed = super().parse_args(args, namespace)
            parsed.added = 1
            return parsed

    before = Mine()
    before.add_argument("--x", type=int)
    _, sink = run(before, ["--x", "3"])
    assert sink.value("x") == 3
    assert sink.reports == 1


def test_of_two_parses_of_the_program_the_later_value_stands():
    sink = Store()
    with arguments.capture(sink):
        first = make(("--config", {"default": "a.yaml"}), ("--lr", {"default": 1}))
        _, rest = first.parse_known_args(["--depth", "4"])
        second = make(("--depth", {"type": int}), ("--lr", {"default": 2}))
        second.parse_args(rest)
    assert {name: found.value for name, found in sink.sections["Args"].items()} == {
        "config": "a.yaml",
        "lr": 2,
        "depth": 4,
    }


def library(tmp_path, body):
    """Import code that lies where installed packages lie."""
    folder = tmp_path / "site-packages"
    folder.mkdir(exist_ok=True)
    path = folder / "lib.py"
    path.write_text(body)
    space: dict[str, object] = {"__name__": "lib"}
    exec(compile(body, str(path), "exec"), space)  # noqa: S102 - the code is above
    return space["parse"]


LIBRARY = """
import argparse
class Parser(argparse.ArgumentParser):
    def into(self, args=None):
        return self.parse_args(args)
def parse(args=None, **defaults):
    parser = argparse.ArgumentParser()
    for name, value in defaults.items():
        parser.add_argument("--" + name, default=value)
    return parser.parse_args(args)
parse.Parser = Parser
"""


def test_a_librarys_internal_parse_is_not_the_programs(tmp_path, monkeypatch):
    parse = library(tmp_path, LIBRARY)
    monkeypatch.setattr(sys, "argv", ["prog", "--x", "1"])
    sink = Store()
    with arguments.capture(sink):
        parse([], x=2)
        parse(["--x", "3"], x=2)
    assert sink.sections == {}


def test_a_library_that_reads_the_command_line_is_reported(tmp_path, monkeypatch):
    parse = library(tmp_path, LIBRARY)
    monkeypatch.setattr(sys, "argv", ["prog", "--x", "1"])
    for args in (None, ["--x", "1"]):
        sink = Store()
        with arguments.capture(sink):
            parse(args, x=2)
        assert sink.value("x") == "1"


def test_a_librarys_parse_never_replaces_the_programs(tmp_path, monkeypatch):
    parse = library(tmp_path, LIBRARY)
    monkeypatch.setattr(sys, "argv", ["prog"])
    sink = Store({"x": "9"})
    with arguments.capture(sink):
        make(("--x", {"type": int, "default": 1})).parse_args()
        assert parse(None, x=2, y=3).x == 2
    assert sink.value("y") == 3
    assert sink.value("x") == 1


def test_a_librarys_parser_that_the_program_uses_is_the_programs(tmp_path):
    parser = library(tmp_path, LIBRARY).Parser()
    parser.add_argument("--x", type=int)
    sink = Store()
    with arguments.capture(sink):
        parser.into(["--x", "4"])
    assert sink.value("x") == 4


def test_a_parse_in_another_thread_is_reported():
    sink = Store()
    with arguments.capture(sink):
        thread = threading.Thread(target=lambda: make(("--x", {"default": 1})).parse_args([]))
        thread.start()
        thread.join()
    assert sink.value("x") == 1


def test_a_parse_within_a_type_is_not_reported():
    def inner(text):
        return make(("--y", {"default": 1})).parse_args([]).y

    _, sink = run(make(("--x", {"type": inner})), ["--x", "a"])
    assert list(sink.sections["Args"]) == ["x"]


def test_a_parse_before_the_capture_is_reported_and_replaced():
    early.install()
    namespace = make(("--lr", {"type": float})).parse_args(["--lr", "1"])
    sink = Store({"lr": "0.25"})
    with arguments.capture(sink):
        assert namespace.lr == 0.25
    assert sink.value("lr") == 1.0


def test_every_task_of_a_process_gets_what_was_parsed_before():
    early.install()
    make(("--lr", {"type": float})).parse_args(["--lr", "1"])
    for _ in range(2):
        sink = Store()
        with arguments.capture(sink):
            pass
        assert sink.value("lr") == 1.0


def test_remembered_parses_are_bounded():
    early.install()
    parser = make(("--x", {}))
    for _ in range(early.MAX_PARSES + 20):
        parser.parse_args([])
    assert len(early.parses()) == early.MAX_PARSES


def test_the_hook_is_undone_and_a_later_patch_is_left_alone():
    with arguments.capture(Store()):
        assert vars(argparse.ArgumentParser)["parse_args"] is not ORIGINALS["parse_args"]
    assert vars(argparse.ArgumentParser)["parse_args"] is ORIGINALS["parse_args"]

    def theirs(self, args=None, namespace=None):
        return ORIGINALS["parse_args"](self, args, namespace)

    with arguments.capture(Store()):
        argparse.ArgumentParser.parse_args = theirs
    assert vars(argparse.ArgumentParser)["parse_args"] is theirs
    argparse.ArgumentParser.parse_args = ORIGINALS["parse_args"]


def test_after_the_capture_nothing_is_reported():
    sink = Store()
    with arguments.capture(sink):
        pass
    make(("--x", {"default": 1})).parse_args([])
    assert sink.sections == {}


def in_a_new_process(code, *argv):
    result = subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(arguments.__file__).parents[2])},
    )
    return json.loads(result.stdout)


def test_the_early_hook_imports_neither_argparse_nor_typing():
    code = """
import sys
before = set(sys.modules)
space = {"__name__": "early"}
with open(sys.argv[1]) as source:
    exec(compile(source.read(), sys.argv[1], "exec"), space)
space["install"]()
names = sorted(set(sys.modules) - before)
import json
print(json.dumps(names))
"""
    assert set(in_a_new_process(code, early.__file__)) <= {"__future__"}


def test_argparse_imported_after_the_hook_is_captured_and_looks_as_ever():
    code = """
import sys
from taskstore.capture import early
sys.modules.pop("argparse", None)
early.install()
early.install()
finders = len(sys.meta_path)
import argparse, inspect, json
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.parse_args()
print(json.dumps({
    "parses": [vars(namespace) for _, namespace, _ in early.parses()],
    "finders": finders - len(sys.meta_path),
    "waiting": "argparse" in early._finder.waiting,
    "loader": sorted(vars(argparse.__loader__)),
    "has_source": "class ArgumentParser" in inspect.getsource(argparse),
    "signature": str(inspect.signature(argparse.ArgumentParser.parse_args)),
}))
"""
    told = in_a_new_process(code, "--lr", "0.5")
    assert told["parses"] == [{"lr": 0.5}]
    assert (told["finders"], told["waiting"]) == (0, False)  # other libraries may still come
    assert "exec_module" not in told["loader"]
    assert told["has_source"]
    assert told["signature"] == "(self, args=None, namespace=None)"


BAD_LINES = [["--help"], ["--lr", "x"], [], ["--name"], ["--lr", "1", "--unknown"], ["--lr", "1", "a", "--kind", "c"]]


@pytest.mark.parametrize("argv", BAD_LINES)
def test_a_parse_that_exits_does_so_as_without_us(argv):
    specs = (
        ("--lr", {"type": float, "required": True, "help": "in %%, default %(default)s"}),
        ("--name", {"required": True}),
        ("--kind", {"choices": ["a", "b"]}),
        ("data", {}),
    )
    expected = exit_of(make(*specs), argv)
    for stored in ({}, {"kind": "a"}, {"lr": "0.5", "name": MASK}):
        sink = Store(stored)
        with arguments.capture(sink):
            code, out, err = exit_of(make(*specs), argv)
        assert (code, out) == expected[:2]
        if "lr" not in stored or "required" not in expected[2]:
            assert err == expected[2]
        assert err.split("error:")[0] == expected[2].split("error:")[0]  # the usage, with what is required
        assert sink.sections == {}


def test_an_error_that_does_not_exit_is_the_programs():
    parser = make(("--lr", {"type": float}), exit_on_error=False)
    sink = Store({"lr": "1"})
    with arguments.capture(sink), pytest.raises(argparse.ArgumentError):
        parser.parse_args(["--lr", "x"])
    assert sink.sections == {}


def test_a_capture_that_fails_is_noted_and_the_program_goes_on():
    class Broken:
        dtype, shape = "int", ()

        def tolist(self):
            raise RuntimeError("lost")

    parser = make(("--x", {"default": 1}))
    parser.set_defaults(odd=Broken())
    namespace, sink = run(parser, [])
    assert namespace.x == 1
    assert sink.notes == ["arguments of prog not captured: RuntimeError: lost"]


def test_a_namespace_is_described_by_its_values():
    assert arguments.record(argparse.Namespace(lr=0.1, _x=1)) == {"lr": Found(0.1, "float")}


def test_a_parser_is_described_by_its_last_parse_else_by_its_defaults():
    parser = make(("--lr", {"type": float, "default": 0.1, "help": "rate"}), ("--x", {"default": argparse.SUPPRESS}))
    parser.set_defaults(extra=1)
    assert arguments.record(parser) == {"lr": Found(0.1, "float", "rate"), "extra": Found(1, "int")}
    early.install()
    parser.parse_args(["--lr", "0.2"])
    assert arguments.record(parser)["lr"] == Found(0.2, "float", "rate")


def test_anything_else_is_refused():
    with pytest.raises(BadValue, match="dict is no argparse parser"):
        arguments.record({})  # type: ignore[arg-type]
