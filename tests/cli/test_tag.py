from __future__ import annotations

import pytest

from taskstore.core.states import Status
from taskstore.store import tasks

from .conftest import Cli, Workshop


def test_tags_are_added_once_and_taken_off(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    assert cli("tag", paths.id, "b", "a", "b").lines == ["b", "a"]
    assert cli("tag", paths.id, "c", "--remove", "b").lines == ["a", "c"]
    assert tasks.read(paths).tags == ["a", "c"]


def test_without_tags_those_it_has_are_printed_and_nothing_is_written(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task()
    cli("tag", paths.id, "old", "new")
    before = paths.record.read_bytes()
    assert cli("tag", paths.id).lines == ["old", "new"]
    assert cli("tag", paths.id, "--json").objects[0]["tags"] == ["old", "new"]
    assert paths.record.read_bytes() == before


def test_taking_off_a_tag_that_is_not_there_is_said_and_no_error(cli: Cli, workshop: Workshop) -> None:
    result = cli("tag", workshop.task().id, "--remove", "nope")
    assert result.code == 0
    assert "has no tag 'nope'" in result.err


def test_a_published_task_takes_tags(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task(status=Status.COMPLETED)
    cli("publish", paths.id)
    assert cli("tag", paths.id, "paper").lines == ["paper"]
    assert cli("verify", paths.id).code == 0


@pytest.mark.parametrize("bad", ["", "  ", "__$all"])
def test_a_tag_that_cannot_be_one_is_refused(cli: Cli, workshop: Workshop, bad: str) -> None:
    paths = workshop.task()
    assert cli("tag", paths.id, "good", bad).code == 4
    assert tasks.read(paths).tags == []
