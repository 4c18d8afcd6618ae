"""Parsers to parse with, and a sink to report to."""

from __future__ import annotations

import argparse
import contextlib
import io
from dataclasses import dataclass, field
from enum import Enum

import pytest

from taskstore.capture import arguments, early
from taskstore.capture.base import Found
from taskstore.core.values import to_text

WAS_INSTALLED = early.is_installed()
early.uninstall()
ORIGINALS = {name: vars(argparse.ArgumentParser)[name] for name in early.METHODS}
if WAS_INSTALLED:
    early.install()


@dataclass
class Store:
    """A sink that remembers, and answers with the texts that it was given."""

    stored: dict[str, str] = field(default_factory=dict)
    sections: dict[str, dict[str, Found]] = field(default_factory=dict)
    reports: int = 0
    notes: list[str] = field(default_factory=list)

    def console(self, stream, text, *, is_whole):
        raise AssertionError("not the console's capture")

    def parameters(self, section, found):
        if found:
            self.reports += 1
            self.sections.setdefault(section, {}).update(found)
        return self.stored

    def correct(self, section, found):
        self.stored.update({name: to_text(one.value)[0] for name, one in found.items()})

    def note(self, capture, message):
        assert capture == "arguments"
        self.notes.append(message)

    def value(self, name):
        return self.sections["Args"][name].value


def make(*specs, **kwargs):
    parser = argparse.ArgumentParser(prog="prog", **kwargs)
    for spec in specs:
        *names, options = spec
        parser.add_argument(*names, **options)
    return parser


def run(parser, argv, stored=None, method="parse_args"):
    sink = Store(dict(stored or {}))
    with arguments.capture(sink):
        result = getattr(parser, method)(argv)
    return result, sink


def override(spec, text, argv=(), **kwargs):
    """Parse with one stored text; returns the value that the program gets, and the notes."""
    parser = make(spec, **kwargs)
    dest = parser._actions[-1].dest
    namespace, sink = run(parser, list(argv), {dest: text})
    return getattr(namespace, dest), sink.notes


class Color(Enum):
    RED = "r"
    GREEN = "g"


def with_commands():
    parser = make(("--seed", {"type": int, "default": 0}))
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", aliases=["fit"])
    train.add_argument("--lr", type=float, required=True, help="rate")
    train.set_defaults(func=print)
    test = commands.add_parser("test")
    test.add_argument("--threshold", type=float, default=0.5)
    test.set_defaults(func=len)
    return parser


def exit_of(parser, argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
        parser.parse_args(argv)
    return caught.value.code, out.getvalue(), err.getvalue()


def unhooked():
    """The body of a fixture: argparse is nobody's, before the test and after it."""
    early.uninstall()
    yield
    early.uninstall()
    assert {name: vars(argparse.ArgumentParser)[name] for name in early.METHODS} == ORIGINALS
    if WAS_INSTALLED:
        early.install()
