# ruff: noqa: S301 - what is unpickled has been pickled here
from __future__ import annotations

import builtins
import os
import pickle
import signal
import sys
import threading
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.run.ending import COMPLETED, INTERRUPTED, Ending, Outcome, of_exception, of_exit_code


@pytest.fixture
def beacon(tmp_path: Path) -> Path:
    path = tmp_path / ".alive"
    path.touch()
    return path


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no")


def _of(error: BaseException) -> Outcome:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - whichever it is
        raise error
    return of_exception(raised.type, raised.value, raised.tb)


@pytest.mark.parametrize("code", [None, 0, False])
def test_no_code_and_nought_are_success(code: object) -> None:
    assert of_exit_code(code) is COMPLETED


@pytest.mark.skipif(os.name != "posix", reason="one byte of a code is left by POSIX")
@pytest.mark.parametrize(("code", "status"), [(1, 1), (True, 1), (255, 255), (-1, 255), (257, 1)])
def test_a_number_is_the_code_that_a_shell_shows(code: int, status: int) -> None:
    assert of_exit_code(code) == Outcome(Status.FAILED, f"exit code {status}")


@pytest.mark.skipif(os.name != "posix", reason="one byte of a code is left by POSIX")
def test_a_code_of_which_the_system_leaves_nothing_is_success() -> None:
    assert of_exit_code(256) is COMPLETED


@pytest.mark.parametrize(("code", "text"), [("no data", "no data"), (0.0, "0.0"), ((), "()"), ([1], "[1]"), ("", "")])
def test_what_is_no_whole_number_means_one_and_is_the_message(code: object, text: str) -> None:
    assert of_exit_code(code) == Outcome(Status.FAILED, "exit code 1", text)


def test_a_code_that_cannot_be_printed_means_one() -> None:
    assert of_exit_code(Unprintable()).reason == "exit code 1"


def test_an_interrupt_is_no_failure() -> None:
    assert _of(KeyboardInterrupt()) is INTERRUPTED


def test_an_exception_gives_its_one_line_and_its_traceback() -> None:
    outcome = _of(ValueError("one\ntwo"))
    assert (outcome.status, outcome.reason) == (Status.FAILED, "ValueError: one")
    assert outcome.message.startswith("Traceback")
    assert outcome.message.endswith("ValueError: one\ntwo\n")


def test_a_syntax_error_is_named_without_its_place() -> None:
    with pytest.raises(SyntaxError) as raised:
        compile("a b", "x.py", "exec")
    assert _of(raised.value).reason == "SyntaxError: invalid syntax"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes are new in 3.11")
def test_notes_that_were_added_are_in_the_message_and_are_not_the_reason() -> None:
    error = OSError("broken")
    getattr(error, "add_note")("by the way")  # noqa: B009 - not in 3.10
    outcome = _of(error)
    assert outcome.reason == "OSError: broken"
    assert "by the way" in outcome.message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are new in 3.11")
def test_a_group_is_named_itself() -> None:
    group = getattr(builtins, "ExceptionGroup")("several", [ValueError("a"), OSError("b")])  # noqa: B009
    outcome = _of(group)
    assert outcome.reason == "ExceptionGroup: several (2 sub-exceptions)"
    assert "ValueError: a" in outcome.message


def test_what_is_very_long_keeps_its_end() -> None:
    outcome = _of(ValueError("x" * 100_000 + "end"))
    assert len(outcome.reason) == 500
    assert len(outcome.message) == 64 << 10
    assert outcome.message.endswith("end\n")


def test_all_hooks_are_undone(beacon: Path) -> None:
    def hooks() -> list[object]:
        quitter = type(vars(builtins)["exit"]) if "exit" in vars(builtins) else None
        return [
            sys.excepthook,
            sys.unraisablehook,
            threading.excepthook,
            sys.exit,
            os._exit,
            vars(quitter)["__call__"] if quitter else None,
        ]

    before = hooks()
    with Ending(lambda outcome: None).watched(beacon):
        assert not any(now is then for now, then in zip(hooks(), before, strict=True) if then is not None)
    assert hooks() == before


def test_all_that_is_replaced_pickles_and_is_the_original_in_another_process(beacon: Path) -> None:
    names = [
        *((sys, name) for name in ("exit", "excepthook", "unraisablehook")),
        *((os, name) for name in ("_exit", "execv", "execve", "execvp", "abort")),
        (threading, "excepthook"),
        (signal, "signal"),
    ]
    originals = [getattr(owner, name) for owner, name in names]
    with Ending(lambda outcome: None).watched(beacon):
        data = [pickle.dumps(getattr(owner, name)) for owner, name in names]
        quitter = pickle.dumps(vars(builtins).get("exit"))
        assert [pickle.loads(each) for each in data] == [getattr(owner, name) for owner, name in names]
    assert [pickle.loads(each) for each in data] == originals
    assert type(pickle.loads(quitter)) is type(vars(builtins).get("exit"))


def test_an_exit_is_noted_with_its_code_and_raised(beacon: Path) -> None:
    ending = Ending(lambda outcome: None)
    with ending.watched(beacon):
        with pytest.raises(SystemExit) as raised:
            sys.exit(3)
        assert raised.value.code == 3
        with pytest.raises(SystemExit) as raised:
            sys.exit()
        assert raised.value.code is None


def test_an_exit_of_a_thread_is_not_the_programs(beacon: Path) -> None:
    ending = Ending(lambda outcome: None)

    def leave() -> None:
        with pytest.raises(SystemExit):
            sys.exit(3)

    with ending.watched(beacon):
        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()
    assert ending.outcome() != Outcome(Status.FAILED, "exit code 3")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="seen by sys.monitoring, which is new in 3.12")
def test_the_watch_for_exits_gives_its_tool_back(beacon: Path) -> None:
    monitoring = getattr(sys, "monitoring")  # noqa: B009 - not in 3.10
    before = [monitoring.get_tool(number) for number in range(6)]
    with Ending(lambda outcome: None).watched(beacon):
        assert "taskstore" in [monitoring.get_tool(number) for number in range(6)]
    assert [monitoring.get_tool(number) for number in range(6)] == before
