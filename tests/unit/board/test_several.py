from __future__ import annotations

from taskstore.board import several
from taskstore.store import query, tasks, trash
from taskstore.store.store import Store


def test_what_fails_for_one_is_done_to_the_others(store: Store) -> None:
    made = [tasks.create(store, "examples", name).id for name in ("one", "two")]
    gone = "0" * 32
    outcome = several.do(store, [made[0], gone, made[1], made[0]], "tag", {"add": ["new"]})
    assert [done.task_id for done in outcome.done] == made
    assert [(failure.task_id, "no task" in failure.text) for failure in outcome.failed] == [(gone, True)]
    assert outcome.text == "2 tasks: tags changed"
    assert all(row.task.tags == ["new"] for row in query.find(store).rows)


def test_what_is_deleted_comes_back_by_one_undo(store: Store) -> None:
    made = [tasks.create(store, "examples", name).id for name in ("one", "two")]
    outcome = several.do(store, made, "delete")
    assert {paths.id for paths in trash.listed(store)} == set(made)
    back = several.undo(store, outcome)
    assert back.failed == []
    assert back.text == "2 tasks: restored from the trash"
    assert {row.id for row in query.find(store).rows} == set(made)
