from __future__ import annotations

from taskstore.store import tasks

from .conftest import Cli, Workshop


def test_a_comment_is_set_shown_and_removed(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    assert cli("comment", paths.id).out == ""
    assert cli("comment", paths.id, "two\nlines").out == ""
    assert cli("comment", paths.id).out == "two\nlines\n"
    assert cli("comment", paths.id, "--json").objects[0]["comment"] == "two\nlines"
    assert cli("comment", paths.id, "").code == 0
    assert tasks.read(paths).comment == ""


def test_showing_one_writes_nothing(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    before = paths.record.read_bytes()
    cli("comment", paths.id)
    assert paths.record.read_bytes() == before


def test_a_comment_cannot_control_the_terminal(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    cli("comment", paths.id, "a\x1b]0;title\x07b")
    assert "\x1b" not in cli("comment", paths.id).out


def test_an_unknown_task_is_not_found(cli: Cli) -> None:
    assert cli("comment", "no/such", "text").code == 3
