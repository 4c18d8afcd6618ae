"""The join of two states of a task: laws that hold for any states, and for all that histories can lead to."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskstore.schema.ancestry import Unit, Version, ancestor_id, shown, unit_from, version_id
from taskstore.share.merging import File, TaskState, conflicts, digest, is_trashed, join
from taskstore.share.merging.state import is_of_run, is_output

ID = f"{1:012x}70008000{1:012x}"
NAMES = ("name", "tags", "params/Args/lr", "artifacts/a", "runtime", "status", "trashed")
MANY = settings(max_examples=settings.default.max_examples * 4)
TIMES = st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-02~"])
VERSIONS = st.builds(
    Version, id=st.sampled_from(["a", "b", "b:1", "b:2", "c"]), value=st.sampled_from([None, 1, [2]]), time=TIMES
)
PASTS = st.sets(st.sampled_from(["a", "b", "c", "d"]))


def _unit(name: str, versions: list[Version], past: set[str]) -> Unit:
    unit = unit_from(versions, past)
    return Unit(heads=[shown(unit)]) if is_of_run(name) and unit.heads else unit


@st.composite
def states(draw: Callable[..., object]) -> TaskState:
    """Any state, be there a history that leads to it or not."""
    units = {}
    for name in NAMES:
        unit = _unit(name, draw(st.lists(VERSIONS, max_size=3)), draw(PASTS))  # type: ignore[arg-type]  # as drawn
        if unit.heads:
            units[name] = unit
    logs = st.dictionaries(st.sampled_from("xyz"), st.builds(File, size=st.integers(0, 3), hash=st.sampled_from("pq")))
    return TaskState(
        id=ID,
        generation=draw(st.integers(0, 2)),  # type: ignore[arg-type]  # as drawn
        units=units,
        logs=draw(logs),  # type: ignore[arg-type]  # as drawn
        last_update=draw(TIMES),  # type: ignore[arg-type]  # as drawn
    )


@MANY
@given(states(), states(), states())
def test_join_is_a_semilattice_on_any_states(one: TaskState, other: TaskState, third: TaskState) -> None:
    assert join(one, one) == one
    assert join(one, other) == join(other, one)
    assert join(join(one, other), third) == join(one, join(other, third))
    assert join(join(one, other), one) == join(one, other)


class Copy:
    """A copy of a task that somebody goes on with, as a state alone."""

    def __init__(self) -> None:
        self.state = TaskState(id=ID, units={"name": Unit(heads=[Version(id=version_id("first"), value="first")])})

    def edit(self, name: str, value: object, moment: int) -> None:
        unit = self.state.units.get(name, Unit())
        time = f"{moment:04}"
        if is_of_run(name):
            edited = Unit(heads=[Version(id=version_id(value), value=value, time=time)])
        else:
            head = shown(unit) if unit.heads else None
            past = {*unit.past, *([ancestor_id(head)] if head is not None else [])}
            rest = [version for version in unit.heads if version is not head]
            edited = unit_from([*rest, Version(id=version_id(value, past), value=value, time=time)], past)
        self._replace(units={**self.state.units, name: edited})

    def decide(self, name: str, value: object, moment: int) -> None:
        unit = self.state.units.get(name)
        if unit is None or len(unit.heads) < 2:
            return
        past = {*unit.past, *(ancestor_id(version) for version in unit.heads)}
        made = Unit(heads=[Version(id=version_id(value, past), value=value, time=f"{moment:04}")], past=sorted(past))
        self._replace(units={**self.state.units, name: made})

    def report(self, writer: str, moment: int) -> None:
        size = self.state.logs[writer].size + 1 if writer in self.state.logs else 1
        self._replace(logs={**self.state.logs, writer: File(size=size, hash=f"{writer}{size}")})

    def reset(self, moment: int) -> None:
        kept = {name: unit for name, unit in self.state.units.items() if not is_output(name)}
        self._replace(units=kept, logs={}, generation=self.state.generation + 1)

    def learn(self, other: Copy) -> None:
        self.state = join(self.state, other.state)

    def _replace(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)


WHO = st.integers(0, 2)
VALUES = st.sampled_from(["one", "two", None])
UNITS = st.sampled_from(["name", "tags", "params/Args/lr", "artifacts/a", "runtime"])
STEPS = st.lists(
    st.tuples(
        WHO,
        st.one_of(
            st.tuples(st.just("edit"), UNITS, VALUES),
            st.tuples(st.just("decide"), UNITS, VALUES),
            st.tuples(st.just("report"), st.sampled_from("xy")),
            st.tuples(st.just("reset")),
            st.tuples(st.just("learn"), WHO),
        ),
    ),
    max_size=40,
)


def _live(steps: list[tuple[int, tuple[str, ...]]]) -> list[Copy]:
    copies = [Copy(), Copy(), Copy()]
    for moment, (who, (action, *arguments)) in enumerate(steps):
        if action == "learn":
            copies[who].learn(copies[int(arguments[0])])
        else:
            getattr(copies[who], action)(*arguments, moment)
    return copies


@MANY
@given(STEPS)
def test_after_any_histories_the_order_of_joining_does_not_matter(steps: list[tuple[int, tuple[str, ...]]]) -> None:
    found = [copy.state for copy in _live(steps)]
    ends = [join(join(one, other), third) for one, other, third in itertools.permutations(found)]
    assert all(end == ends[0] for end in ends)
    assert len({digest(end) for end in ends}) == 1
    for state in found:
        assert join(ends[0], state) == ends[0]


@MANY
@given(STEPS)
def test_nothing_that_was_known_is_without_a_version(steps: list[tuple[int, tuple[str, ...]]]) -> None:
    copies = _live(steps)
    end = join(join(copies[0].state, copies[1].state), copies[2].state)
    for copy in copies:
        for name, unit in copy.state.units.items():
            if is_output(name) and copy.state.generation < end.generation:
                continue
            assert end.units[name].heads
            if not is_of_run(name):
                # Each head is one still, or somebody has gone on from it.
                left = {ancestor_id(version) for version in end.units[name].heads} | set(end.units[name].past)
                assert {ancestor_id(version) for version in unit.heads} <= left


@MANY
@given(states())
def test_a_digest_tells_states_apart_by_what_merges(state: TaskState) -> None:
    later = msgspec.structs.replace(state, last_update="2027", samples={"files/media/x": 1})
    assert digest(later) == digest(state)
    longer = msgspec.structs.replace(state, logs={**state.logs, "x": File(size=9, hash="p")})
    assert (digest(longer) == digest(state)) == is_trashed(state)


def test_two_tasks_have_no_join() -> None:
    with pytest.raises(ValueError, match="two tasks"):
        join(TaskState(id=ID), TaskState(id="f" * 32))


def test_equal_values_of_two_origins_are_no_conflict() -> None:
    heads = [Version(id="a", value={"x": 1, "y": 2}), Version(id="b", value={"y": 2, "x": 1})]
    assert conflicts(TaskState(id=ID, units={"params/Args/lr": Unit(heads=heads)})) == {}
