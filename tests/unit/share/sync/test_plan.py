from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskstore.share.sync.manifest import Entry
from taskstore.share.sync.plan import Plan, Way, plan

IDS = [f"{number:032x}" for number in range(6)]
entries = st.builds(
    Entry, st.just("some project"), st.just("a run"), st.sampled_from(["a" * 64, "b" * 64]), st.booleans()
)
manifests = st.dictionaries(st.sampled_from(IDS), entries)
ONE, OTHER, GONE = (
    Entry("p q", "x", "a" * 64),
    Entry("p q", "x", "b" * 64),
    Entry("p q", "x", "c" * 64, is_trashed=True),
)


def test_what_only_one_side_has_goes_to_the_other_and_what_differs_is_merged() -> None:
    mine = {IDS[0]: ONE, IDS[1]: ONE, IDS[2]: ONE}
    theirs = {IDS[1]: ONE, IDS[2]: OTHER, IDS[3]: OTHER}
    assert plan(mine, theirs, Way.SYNC) == Plan((IDS[3],), (IDS[0],), (IDS[2],), 1)
    assert plan(mine, theirs, Way.PULL) == Plan((IDS[3],), (), (IDS[2],), 1)
    assert plan(mine, theirs, Way.PUSH) == Plan((), (IDS[0],), (IDS[2],), 1)


def test_only_some_tasks_may_be_meant() -> None:
    mine, theirs = {IDS[0]: ONE, IDS[1]: ONE}, {IDS[2]: ONE, IDS[3]: ONE}
    assert plan(mine, theirs, Way.SYNC, only={IDS[1], IDS[2], IDS[5]}) == Plan((IDS[2],), (IDS[1],))


def test_a_deletion_goes_where_the_task_is_and_nowhere_else() -> None:
    assert plan({IDS[0]: GONE}, {}, Way.SYNC).is_empty
    assert plan({}, {IDS[0]: GONE}, Way.SYNC).is_empty
    assert plan({IDS[0]: GONE}, {IDS[0]: ONE}, Way.SYNC).to_merge == (IDS[0],)


@given(manifests, manifests)
def test_both_sides_plan_the_same_with_pull_and_push_exchanged(
    mine: dict[str, Entry], theirs: dict[str, Entry]
) -> None:
    here, there = plan(mine, theirs, Way.SYNC), plan(theirs, mine, Way.SYNC)
    assert (here.to_pull, here.to_push, here.to_merge) == (there.to_push, there.to_pull, there.to_merge)
    assert plan(mine, theirs, Way.PULL).to_pull == here.to_pull
    assert plan(mine, theirs, Way.PUSH).to_push == here.to_push


@given(manifests)
def test_between_equal_manifests_there_is_nothing_to_do(mine: dict[str, Entry]) -> None:
    assert plan(mine, dict(mine), Way.SYNC) == Plan(same=len(mine))
