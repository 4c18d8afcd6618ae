"""What `auto_connect_streams` as a dict captures: what it names as true, and nothing else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.core.errors import BadValue
from taskstore.store.store import Store


@pytest.fixture
def printed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object], list[str]]]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.chdir(tmp_path)
    log = logging.getLogger("a program")
    handlers: list[logging.Handler] = []

    def run(choice: object) -> list[str]:
        task = Task.init("examples", "a run", auto_connect_streams=choice)  # type: ignore[arg-type]  # what tests give
        handler = logging.StreamHandler(sys.stderr)
        handlers.append(handler)
        log.addHandler(handler)
        sys.stdout.write("to stdout\n")
        sys.stderr.write("to stderr\n")
        log.warning("two\nlines")
        log.removeHandler(handler)
        task.close()
        return task.reports.console()

    yield run
    for handler in handlers:
        log.removeHandler(handler)


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (True, ["to stdout", "to stderr", "two", "lines"]),
        (False, []),
        ({}, []),
        ({"stdout": True}, ["to stdout"]),
        ({"stdout": True, "stderr": False, "logging": False}, ["to stdout"]),
        ({"stderr": True}, ["to stderr", "two", "lines"]),
        ({"stderr": True, "logging": True}, ["to stderr", "two", "lines"]),
        ({"logging": True}, ["two", "lines"]),
        ({"stdout": True, "logging": True}, ["to stdout", "two", "lines"]),
    ],
)
def test_what_is_chosen_is_kept_and_nothing_else(
    choice: object, kept: list[str], printed: Callable[[object], list[str]]
) -> None:
    before = logging.StreamHandler.emit
    assert printed(choice) == kept
    assert logging.StreamHandler.emit is before


def test_an_unknown_stream_is_refused(printed: Callable[[object], list[str]]) -> None:
    with pytest.raises(BadValue, match="auto_connect_streams has no key 'sterr'; there are stdout, stderr, logging"):
        printed({"sterr": True})


def test_a_handler_of_a_file_is_passed_over(printed: Callable[[object], list[str]], tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "a.log")
    logging.getLogger("a program").addHandler(handler)
    try:
        assert printed({"logging": True}) == ["two", "lines"]
    finally:
        logging.getLogger("a program").removeHandler(handler)
        handler.close()
    assert (tmp_path / "a.log").read_text() == "two\nlines\n"
