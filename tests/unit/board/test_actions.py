from __future__ import annotations

import dataclasses

import msgspec
import pytest

from taskstore.board import actions
from taskstore.core import states
from taskstore.core.errors import BadName, BadValue, NotFound, ReadOnly, Refused, TaskstoreError
from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.record import Imported, TaskRecord
from taskstore.store import places, query, tasks
from taskstore.store.store import Store


@pytest.fixture
def task_id(store: Store) -> str:
    made = tasks.create(store, "examples", "one").id
    actions.do(store, made, "set", assignments=["Args/lr=0.1", "Args/epochs=3"])
    return made


def row(store: Store, task_id: str) -> query.Row:
    return query.row_of(store, places.locate(store, task_id))


def keys(store: Store, task_id: str) -> set[str]:
    return {action.key for action in actions.allowed(row(store, task_id))}


def run(store: Store, task_id: str, end: Status) -> None:
    tasks.transition(store, task_id, Status.IN_PROGRESS, reason="by hand")
    tasks.transition(store, task_id, end, reason="by hand")


ALWAYS = {"clone", "rename", "tag", "comment", "move"}


def test_a_draft_can_be_enqueued_and_then_dequeued(store: Store, task_id: str) -> None:
    assert keys(store, task_id) == ALWAYS | {"enqueue", "archive", "delete"}
    tasks.edit_script(store, task_id, lambda script: setattr(script, "entry_point", "train.py"))
    done = actions.do(store, task_id, "enqueue")
    assert (row(store, task_id).task.status, done.undo) == (Status.QUEUED, "dequeue")
    assert "dequeue" in keys(store, task_id)
    assert "abort" in keys(store, task_id)
    actions.do(store, task_id, done.undo)
    assert row(store, task_id).task.status is Status.CREATED


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.FAILED, Status.STOPPED])
def test_what_has_ended_can_be_reset_or_published(store: Store, task_id: str, end: Status) -> None:
    run(store, task_id, end)
    assert {"reset", "publish", "delete"} <= keys(store, task_id)
    actions.do(store, task_id, "publish", message="table 2")
    assert row(store, task_id).task.status is Status.PUBLISHED
    assert not {"reset", "publish", "enqueue", "abort"} & keys(store, task_id)


@pytest.mark.parametrize("status", list(Status))
def test_no_action_is_offered_that_the_table_of_statuses_refuses(store: Store, task_id: str, status: Status) -> None:
    now = row(store, task_id)
    leads = {"enqueue": Status.QUEUED, "reset": Status.CREATED, "publish": Status.PUBLISHED, "abort": Status.STOPPED}
    shown = dataclasses.replace(now, task=msgspec.structs.replace(now.task, status=status))
    offered = {action.key for action in actions.allowed(shown)}
    assert all(states.is_allowed(status, to) for key, to in leads.items() if key in offered)
    assert offered >= ALWAYS


def test_cloning_edits_and_enqueues_in_one_go_or_makes_nothing(store: Store, task_id: str) -> None:
    tasks.edit_script(store, task_id, lambda script: setattr(script, "entry_point", "train.py"))
    queue.create(store, "gpu")
    done = actions.do(
        store, task_id, "clone", name="two", assignments=["Args/lr=0.2"], unset=["Args/epochs"], queue="gpu"
    )
    made = row(store, done.task_id)
    assert (made.task.name, made.task.parent, made.task.status) == ("two", task_id, Status.QUEUED)
    assert {name: each.value for name, each in made.hyperparams["Args"].items()} == {"lr": "0.2"}
    for values in ({"queue": "nowhere"}, {"assignments": ["no equals sign"]}, {"unset": ["Args/nothing"]}):
        with pytest.raises(TaskstoreError):
            actions.do(store, task_id, "clone", **values)
    assert len(query.find(store).rows) == 2


def test_what_came_from_elsewhere_is_not_enqueued_without_trust(store: Store, task_id: str) -> None:
    def mark(record: TaskRecord) -> None:
        record.imported = [Imported(kind="zip", id=task_id, path="mail.zip", time=store.clock.now())]

    tasks.edit_script(store, task_id, lambda script: setattr(script, "entry_point", "train.py"))
    tasks.edit(store, task_id, mark)
    with pytest.raises(Refused, match="trust"):
        actions.do(store, task_id, "enqueue")
    with pytest.raises(Refused, match="trust"):
        actions.do(store, task_id, "clone", queue="default")
    assert len(query.find(store).rows) == 1
    actions.do(store, task_id, "enqueue", is_trusted=True)
    assert row(store, task_id).task.status is Status.QUEUED


def test_deleting_and_archiving_can_be_undone(store: Store, task_id: str) -> None:
    for key in ("delete", "archive"):
        done = actions.do(store, task_id, key)
        assert task_id not in {each.id for each in query.find(store).rows}
        actions.do(store, task_id, done.undo)
        assert task_id in {each.id for each in query.find(store).rows}


def test_name_tags_comment_and_project_are_changed(store: Store, task_id: str) -> None:
    actions.do(store, task_id, "rename", name="new")
    actions.do(store, task_id, "tag", add=["a", "b"])
    actions.do(store, task_id, "tag", remove=["a"])
    actions.do(store, task_id, "comment", text="why")
    actions.do(store, task_id, "move", project="else/where")
    now = row(store, task_id)
    assert (now.task.name, now.task.tags, now.task.comment, now.project) == ("new", ["b"], "why", "else/where")
    with pytest.raises((BadName, BadValue)):
        actions.do(store, task_id, "rename", name="")


def test_what_is_no_action_or_no_task_is_named(store: Store, task_id: str) -> None:
    with pytest.raises(BadValue, match="'explode'"):
        actions.do(store, task_id, "explode")
    with pytest.raises(NotFound):
        actions.do(store, "0" * 32, "archive")


def test_a_page_that_is_read_only_says_so(store: Store) -> None:
    actions.check(store)
    with pytest.raises(ReadOnly, match="--read-only"):
        actions.check(store, is_read_only=True)


def test_values_may_have_names_with_an_equals_sign(store: Store, task_id: str) -> None:
    actions.do(store, task_id, "set", values={"Args/a=b": "1=2", "lr": "0.5"})
    found = tasks.read_params(places.locate(store, task_id)).hyperparams
    assert found["Args"]["a=b"].value == "1=2"
    assert found["General"]["lr"].value == "0.5"
    made = actions.do(store, task_id, "clone", values={"Args/a=b": "3"}, assignments=["Args/lr=0.9"]).task_id
    cloned = tasks.read_params(places.locate(store, made)).hyperparams["Args"]
    assert (cloned["a=b"].value, cloned["lr"].value) == ("3", "0.9")
