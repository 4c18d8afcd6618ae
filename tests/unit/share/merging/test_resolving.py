"""Deciding what counts, and that the decision travels."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadName, BadValue, NotFound
from taskstore.core.states import Status
from taskstore.share import merging
from taskstore.share.merging import resolving
from taskstore.store import doctor, tasks

from .world import TASK, Person, merge_all


@pytest.fixture
def people(tmp_path: Path, clock: FixedClock) -> tuple[Person, Person]:
    anna, ben = Person(tmp_path, clock, "anna"), Person(tmp_path, clock, "ben")
    anna.make()
    anna.do("set", "lr", "0.1")
    anna.do("tag", "old")
    anna.do("configure", "model", "deep: 3")
    ben.take_from(anna)
    return anna, ben


def units_of(person: Person) -> list[str]:
    state = person.state()
    assert state is not None
    return [rivals.unit for rivals in resolving.rivals(state)]


@pytest.mark.parametrize(("number", "expected"), [(1, "ben's"), (2, "anna's")])
def test_a_decision_for_either_version_holds_everywhere(
    people: tuple[Person, Person], number: int, expected: str
) -> None:
    anna, ben = people
    anna.do("rename", "anna's")
    ben.do("rename", "ben's")
    merge_all(anna, ben)
    assert resolving.with_conflicts(anna.store) == [(TASK, ["name"])]
    assert anna.do("resolve", number)
    assert anna.record.name == expected
    merge_all(anna, ben)
    for person in (anna, ben):
        assert person.record.name == expected
        assert units_of(person) == []
        assert resolving.with_conflicts(person.store) == []
        assert list(doctor.check(person.store)) == []


def test_a_decision_for_another_value_holds_everywhere(people: tuple[Person, Person]) -> None:
    anna, ben = people
    for person, value in ((anna, "0.2"), (ben, "0.3")):
        person.do("set", "lr", value)
        person.do("tag", value)
        person.do("rename", value)
    merge_all(anna, ben)
    resolving.give(anna.store, TASK, "params/Args/lr", "0.25")
    resolving.give(anna.store, TASK, "tags", "a, b")
    resolving.give(anna.store, TASK, "name", "both")
    merge_all(anna, ben)
    assert tasks.read_params(ben.paths).hyperparams["Args"]["lr"].value == "0.25"
    assert (ben.record.tags, ben.record.name) == (["a", "b"], "both")


def test_a_file_that_was_kept_aside_comes_back_by_the_decision_for_it(people: tuple[Person, Person]) -> None:
    anna, ben = people
    anna.do("configure", "model", "deep: 4")
    ben.do("configure", "model", "deep: 5")
    merge_all(anna, ben)
    resolving.take(ben.store, TASK, "file/config/model.txt", 2)
    merge_all(anna, ben)
    for person in (anna, ben):
        assert (person.paths.config / "model.txt").read_text() == "deep: 4"
        assert not person.paths.conflicts.exists()


def test_of_two_histories_one_goes_on(people: tuple[Person, Person]) -> None:
    anna, ben = people
    for person, end in ((anna, "completed"), (ben, "failed")):
        person.do("begin")
        person.do("report", 1)
        person.do("end", end)
    merge_all(anna, ben)
    assert units_of(anna) == ["status"]
    anna.clock.advance(1)
    resolving.take(anna.store, TASK, "status", 2)
    merge_all(anna, ben)
    for person in (anna, ben):
        assert person.record.status is Status.COMPLETED
        assert units_of(person) == []
        assert len(list(person.paths.events.iterdir())) == 2
    assert anna.record.history[-1].reason == "decided between two histories"


def test_two_decisions_that_differ_are_a_conflict_again_and_nothing_is_lost(people: tuple[Person, Person]) -> None:
    anna, ben = people
    anna.do("rename", "anna's")
    ben.do("rename", "ben's")
    merge_all(anna, ben)
    anna.do("resolve", 1)
    ben.do("resolve", 2)
    merge_all(anna, ben)
    state = anna.state()
    assert state is not None
    assert {version.value for version in merging.conflicts(state)["name"].heads} == {"anna's", "ben's"}


def test_an_edit_of_what_is_shown_leaves_the_conflict_open(people: tuple[Person, Person]) -> None:
    anna, ben = people
    anna.do("rename", "anna's")
    ben.do("rename", "ben's")
    merge_all(anna, ben)
    anna.do("rename", "anna's second")
    merge_all(anna, ben)
    assert units_of(anna) == units_of(ben) == ["name"]


def test_what_is_no_conflict_or_no_version_is_refused(people: tuple[Person, Person]) -> None:
    anna, ben = people
    anna.do("rename", "anna's")
    ben.do("rename", "ben's")
    merge_all(anna, ben)
    with pytest.raises(NotFound, match="conflicts show"):
        resolving.take(anna.store, TASK, "tags", 1)
    with pytest.raises(BadValue, match="there is no version 3 of name"):
        resolving.take(anna.store, TASK, "name", 3)


@pytest.mark.parametrize(
    ("unit", "text"), [("name", ""), ("name", " x "), ("tags", "fine,__$not"), ("project", "a//b")]
)
def test_a_decision_for_a_name_that_nothing_may_have_is_refused(
    people: tuple[Person, Person], unit: str, text: str
) -> None:
    anna, ben = people
    for person in people:
        person.do("rename", person.name + " says")
        person.do("tag", person.name)
        person.do("move", person.name + "/x")
    merge_all(anna, ben)
    with pytest.raises(BadName):
        resolving.give(anna.store, TASK, unit, text)
    assert units_of(anna) == ["name", "project", "tags"]
