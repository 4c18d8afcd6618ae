"""docs/reference/cli.md says what `--help` says."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest
from taskstore_cli.main import COMMANDS

from .blocks import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_cli_reference", ROOT / "docs/generate_cli_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _words(text: str) -> list[str]:
    """The text without its layout, which differs between versions of Typer."""
    return text.split()


def test_the_reference_is_what_help_prints(generator: ModuleType) -> None:
    page = generator.TARGET.read_text("utf-8")
    hint = "run: python docs/generate_cli_reference.py"
    assert _words(page) == _words(generator.text()), hint


def test_every_command_is_in_the_reference(generator: ModuleType) -> None:
    page = generator.TARGET.read_text("utf-8")
    sections = set(re.findall(r"^## taskstore (.+)$", page, re.M))
    assert set(COMMANDS) <= sections
    assert {"trash restore", "project create"} <= sections


def test_every_command_has_help_with_an_example(generator: ModuleType) -> None:
    for words in generator.commands():
        printed = generator.help_of(*words)
        assert "Example: " in printed, words
        assert "taskstore" in printed.partition("Example: ")[2], words
