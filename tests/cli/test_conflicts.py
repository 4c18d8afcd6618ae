from __future__ import annotations

import pytest

from taskstore.core.clock import FixedClock
from taskstore.store import tasks
from taskstore.store.store import Store

from ..unit.share.merging.world import TASK, Person, merge_all
from .conftest import Cli


@pytest.fixture
def ben(store: Store, clock: FixedClock) -> Person:
    """Somebody who has edited a task otherwise than it was edited here, before both were merged."""
    own = Person(store.root.parent, clock, store.root.name)
    other = Person(store.root.parent, clock, "ben")
    own.make()
    own.do("set", "lr", "0.1")
    other.take_from(own)
    for person, text in ((own, "mine"), (other, "theirs")):
        person.do("rename", text)
        person.do("set", "lr", text)
        person.do("tag", text)
    merge_all(own, other)
    return other


def test_conflicts_are_listed_and_shown(cli: Cli, ben: Person) -> None:
    units = ["name", "params/Args/lr", "tags"]
    assert cli("conflicts", "ls").rows == [["id", "name", "conflicts"], [TASK, "theirs", ", ".join(units)]]
    assert cli("conflicts") == cli("conflicts", "ls")  # as pull says
    assert cli("conflicts", "ls", "--json").objects == [{"id": TASK, "name": "theirs", "units": units}]
    assert cli("conflicts", "show", TASK).lines[:3] == [
        "name",
        "  1  2026-01-01T00:00:05  theirs",
        "  2  2026-01-01T00:00:02  mine",
    ]
    found = cli("conflicts", "show", TASK, "--json").objects
    assert [each["unit"] for each in found] == units
    assert [(each["number"], each["value"]) for each in found[0]["versions"]] == [(1, "theirs"), (2, "mine")]
    shown = cli("show", TASK)
    assert f"name, params/Args/lr, tags; `taskstore conflicts show {TASK[:12]}` shows" in " ".join(shown.out.split())
    assert cli("show", TASK, "--json").objects[0]["conflicts"] == units
    assert cli("doctor").code == 6


def test_conflicts_are_resolved_by_number_or_by_value(cli: Cli, ben: Person, store: Store) -> None:
    assert cli("conflicts", "resolve", TASK, "name", "--take", "2").code == 0
    result = cli("conflicts", "resolve", TASK, "params/Args/lr", "--value", "0.5", "--json")
    assert result.objects[0]["value"]["value"] == "0.5"
    assert cli("conflicts", "resolve", TASK, "tags", "--value", "a,b").code == 0
    own = Person(store.root.parent, ben.clock, store.root.name)
    assert (own.record.name, own.record.tags) == ("mine", ["a", "b"])
    assert tasks.read_params(own.paths).hyperparams["Args"]["lr"].value == "0.5"
    result = cli("conflicts", "ls")
    assert (result.out.splitlines()[1:], result.err) == ([], "taskstore: no conflicts\n")
    assert cli("doctor").code == 0


def test_a_resolution_that_says_nothing_or_two_things_is_wrong_usage(cli: Cli, ben: Person) -> None:
    assert cli("conflicts", "resolve", TASK, "name").code == 2
    assert cli("conflicts", "resolve", TASK, "name", "--take", "1", "--value", "x").code == 2
    assert cli("conflicts", "resolve", TASK, "name", "--take", "7").code == 4
    assert cli("conflicts", "resolve", TASK, "comment", "--take", "1").code == 3


def test_a_task_without_conflicts_says_so(cli: Cli, ben: Person) -> None:
    own = tasks.create(ben.store, "vision", "another")
    assert cli("conflicts", "show", own.id).code == 3
    for unit in ("name", "params/Args/lr", "tags"):
        cli("conflicts", "resolve", TASK, unit, "--take", "1")
    assert cli("conflicts", "show", TASK).err == "taskstore: no conflicts\n"


def test_what_decides_is_said_with_what_is_to_be_decided(cli: Cli, ben: Person) -> None:
    said = cli("conflicts", "show", TASK).err
    assert (
        said == f"taskstore: `taskstore conflicts resolve {TASK[:12]} name --take N` decides, and so for the others\n"
    )
    assert cli("conflicts", "show", TASK, "--json").err == ""
    wrong = cli("conflicts", "resolve", TASK, "name", "--take", "two")
    assert wrong.code == 2
    assert "unable to parse" not in wrong.err
