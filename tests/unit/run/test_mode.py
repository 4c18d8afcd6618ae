from __future__ import annotations

import os

import pytest

from taskstore.run.mode import MASTER_VARIABLE, TASK_VARIABLE, Mode, Role, decide, master_text

ID = "0123456789abcdef0123456789abcdef"


def test_a_process_of_its_own_begins_a_task() -> None:
    assert decide({}) == Role(Mode.FRESH)


def test_who_was_launched_for_a_task_runs_that_one_whoever_its_parent_is() -> None:
    environ = {TASK_VARIABLE: ID, MASTER_VARIABLE: f"1:other:{os.sep}store"}
    assert decide(environ, pid=2) == Role(Mode.ATTACHED, ID)


def test_a_child_of_a_run_helps_it_and_the_run_itself_does_not() -> None:
    environ = {MASTER_VARIABLE: master_text(ID, "/a store: with a colon")}
    assert decide(environ, pid=os.getpid() + 1) == Role(Mode.HELPER, ID, "/a store: with a colon")
    assert decide(environ) == Role(Mode.FRESH)


@pytest.mark.parametrize("text", ["", ":", "::", "5", "5:", f"5:{ID}", f"5:{ID}:", f"5::{os.sep}store"])
def test_a_half_word_about_the_parent_is_none(text: str) -> None:
    assert decide({MASTER_VARIABLE: text}, pid=2) == Role(Mode.FRESH)


def test_an_empty_task_variable_is_none() -> None:
    assert decide({TASK_VARIABLE: ""}) == Role(Mode.FRESH)
