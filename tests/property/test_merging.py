"""Merging is commutative, associative and idempotent, whatever the histories were: in the state, and on disk."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock
from taskstore.share.merging import digest, is_trashed, join
from taskstore.store.trash import remove_tree

from ..unit.share.merging.world import Person, merge_all

PEOPLE = ("anna", "ben", "cleo")
TEXTS = st.sampled_from(["one", "two", "three"])
KEYS = st.sampled_from(["a", "b"])
ACTIONS = st.one_of(
    st.tuples(st.just("rename"), TEXTS),
    st.tuples(st.just("tag"), TEXTS),
    st.tuples(st.just("comment"), TEXTS),
    st.tuples(st.just("set"), KEYS, TEXTS),
    st.tuples(st.just("unset"), KEYS),
    st.tuples(st.just("configure"), KEYS, TEXTS),
    st.tuples(st.just("begin")),
    st.tuples(st.just("end"), st.sampled_from(["completed", "failed", "stopped"])),
    st.tuples(st.just("report"), st.integers(1, 3)),
    st.tuples(st.just("keep"), KEYS, TEXTS),
    st.tuples(st.just("drop"), KEYS),
    st.tuples(st.just("reset")),
    st.tuples(st.just("move"), st.sampled_from(["vision/cats", "vision/dogs", "audio"])),
    st.tuples(st.just("throw_away")),
    st.tuples(st.just("restore")),
    st.tuples(st.just("purge")),
    st.tuples(st.just("rename_by_hand"), TEXTS),
    st.tuples(st.just("edit_file_by_hand"), st.sampled_from(["config/a.txt", "config/c.txt", "notes.txt"]), TEXTS),
    st.tuples(st.just("stamp")),
    st.tuples(st.just("resolve"), st.integers(1, 3)),
)
DOERS = st.sampled_from(PEOPLE)
STEPS = st.lists(
    st.one_of(st.tuples(DOERS, ACTIONS), st.tuples(DOERS, st.tuples(st.just("take_from"), DOERS))), max_size=20
)


def _live(root: Path, steps: list[tuple[str, tuple[str, ...]]]) -> dict[str, Person]:
    clock = FixedClock()
    people = {name: Person(root, clock, name) for name in PEOPLE}
    people["anna"].make()
    for at, (name, (action, *arguments)) in enumerate(steps):
        if at == 3:  # what happens to a task that only one has is no matter of merging
            people["ben"].take_from(people["anna"])
            people["cleo"].take_from(people["anna"])
        person = people[name]
        if action != "take_from":
            person.do(action, *arguments)
        elif arguments[0] != name:
            person.do(action, people[arguments[0]])
    return people


@settings(max_examples=settings.default.max_examples // 2)
@given(STEPS)
def test_in_whatever_order_three_stores_merge_they_end_equal(steps: list[tuple[str, tuple[str, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        people = _live(root / "first", steps)
        ends = []
        for at, order in enumerate([("anna", "ben", "cleo"), ("cleo", "ben", "anna"), ("ben", "anna", "cleo")]):
            copies = [people[name].copied(root / str(at)) for name in order]
            merge_all(*copies)
            ends += copies
        remains = {person.digest() for person in ends}
        assert len(remains) == 1
        state = ends[0].state()
        if state is not None and not is_trashed(state):
            first = ends[0].shared()
            for person in ends[1:]:
                assert person.shared() == first
        remove_tree(root)
        root.mkdir()


@given(STEPS)
def test_join_is_commutative_associative_and_idempotent(steps: list[tuple[str, tuple[str, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        people = _live(Path(folder) / "first", steps)
        states = [state for person in people.values() if (state := person.state()) is not None]
        for one, other in itertools.permutations(states, 2):
            assert join(one, other) == join(other, one)
            assert join(one, one) == one
            assert join(join(one, other), other) == join(one, other)
        for one, other, third in itertools.permutations(states, 3):
            assert join(join(one, other), third) == join(one, join(other, third))
        assert len({digest(state) for state in states}) <= len(states)
