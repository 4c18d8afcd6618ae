from __future__ import annotations

import sys

import pytest

from .conftest import Cli, Terminal


def test_without_textual_the_command_names_the_extra(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    for name in [name for name in sys.modules if name.startswith("taskstore.tui.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("textual.")]:
        monkeypatch.delitem(sys.modules, name)
    result = cli("tui")
    assert (result.code, result.out) == (4, "")
    assert result.err == ("taskstore: the terminal screen needs Textual; `pip install 'taskstore[tui]'` installs it\n")


def test_where_there_is_no_terminal_the_command_says_what_prints(cli: Cli) -> None:
    result = cli("tui")
    assert result.code == 4
    assert "this is no terminal; `taskstore ls` and `taskstore show` print to a pipe" in result.err


def test_a_terminal_shows_the_store_that_was_named(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from taskstore.tui.app import Board

    started: list[tuple[str, str]] = []
    monkeypatch.setattr(Board, "run", lambda board: started.append((str(board.store.root), board.theme)))
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Terminal())
    assert cli("--store", f"{tmp_path}/store", "tui", "--light").code == 0
    assert started == [(f"{tmp_path}/store", "textual-light")]


def test_a_store_that_is_not_there_is_told_as_by_any_command(cli: Cli, tmp_path: object) -> None:
    assert cli("--store", f"{tmp_path}/none", "tui").code == 3
