from __future__ import annotations

from collections.abc import Callable

import pytest

from taskstore.core.errors import BadName, BadValue, NotFound, ReadOnly
from taskstore.core.states import Status
from taskstore.details import Details
from taskstore.store import published, tasks
from taskstore.store.store import Store
from taskstore.task import Task


@pytest.fixture
def task(store: Store) -> Task:
    return Task(store, tasks.create(store, "examples", "a run").id)


@pytest.fixture
def published_task(store: Store, task: Task) -> Task:
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    published.publish(store, task.id)
    return task


def test_what_is_said_of_a_task_can_be_changed_even_when_it_is_published(published_task: Task) -> None:
    details = published_task.details
    details.rename("the run")
    details.move_to_project("papers/one")
    details.set_comment("for table 2")
    details.add_tags("a")
    details.add_tags(["b", "a", "c"])
    details.remove_tags(["b", "no such"])
    assert published_task.get_name() == "the run"
    assert published_task.get_project_name() == "papers/one"
    assert details.get_comment() == "for table 2"
    assert published_task.get_tags() == ["a", "c"]
    details.set_tags(["d", "d"])
    assert published_task.get_tags() == ["d"]


def test_the_type_is_changed_of_a_draft_only(task: Task, store: Store) -> None:
    task.details.set_type("testing")
    assert task.details.get_type() == "testing"
    with pytest.raises(BadValue, match="'cooking'"):
        task.details.set_type("cooking")
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    with pytest.raises(ReadOnly, match="type"):
        task.details.set_type("training")


def test_a_task_is_put_away_and_brought_back(task: Task) -> None:
    task.details.set_archived(True)
    task.details.set_archived(True)
    assert task.details.get_archived()
    task.details.set_archived(False)
    assert not task.details.get_archived()


@pytest.mark.parametrize("bad", ["", "  ", "__$and", 3])
def test_what_cannot_be_a_tag_changes_nothing(task: Task, bad: str) -> None:
    with pytest.raises(BadName, match="tag"):
        task.details.add_tags(["good", bad])
    assert task.get_tags() == []


def test_a_name_that_is_none_is_refused(task: Task) -> None:
    with pytest.raises(BadName):
        task.details.rename("x")
    with pytest.raises(BadName):
        task.details.move_to_project("x")
    with pytest.raises(BadValue, match="comment"):
        task.details.set_comment(None)  # type: ignore[arg-type]


def test_progress_is_kept_rounded(task: Task) -> None:
    assert task.details.get_progress() is None
    for given, kept in ((0, 0), (41.6, 42), (100, 100)):
        task.details.set_progress(given)
        assert task.details.get_progress() == kept


@pytest.mark.parametrize("bad", [-1, 101, float("nan"), "50", None, True])
def test_progress_that_is_none_is_warned_of_and_changes_nothing(
    task: Task, bad: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    task.details.set_progress(40)
    task.details.set_progress(bad)
    assert task.details.get_progress() == 40
    assert repr(bad) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda details: details.rename(5), BadName, "bad task name '5': it is no text but int"),
        (lambda details: details.move_to_project(5), BadName, "bad project name '5': it is no text but int"),
        (lambda details: details.set_archived("no"), BadValue, "archived must be True or False, not str 'no'"),
        (lambda details: details.set_parent(5), BadValue, "task_id must be a text, not int 5"),
    ],
)
def test_what_is_of_another_type_is_refused_and_changes_nothing(
    change: Callable[[Details], None], error: type[Exception], message: str, task: Task
) -> None:
    with pytest.raises(error, match=message):
        change(task.details)
    assert (task.get_name(), task.get_project_name()) == ("a run", "examples")
    assert (task.details.get_archived(), task.details.get_parent()) == (False, None)


def test_no_task_was_made_from_itself(task: Task) -> None:
    with pytest.raises(BadValue, match="is the task itself"):
        task.details.set_parent(task.id)
    assert task.details.get_parent() is None


def test_a_parent_is_found_by_the_beginning_of_its_id_and_one_of_another_store_by_all_of_it(
    task: Task, store: Store
) -> None:
    other = tasks.create(store, "examples", "another run").id
    elsewhere = "0" * 32
    task.details.set_parent(other[:-1])
    assert task.details.get_parent() == other
    assert Task.clone(task, parent=other[:-1]).details.get_parent() == other
    task.details.set_parent(elsewhere)
    assert task.details.get_parent() == elsewhere
    assert Task.clone(task, parent=elsewhere).details.get_parent() == elsewhere
    for refused in (lambda: task.details.set_parent("no such"), lambda: Task.clone(task, parent="no such")):
        with pytest.raises(NotFound, match="no task 'no such'"):
            refused()
    task.details.set_parent(None)
    assert task.details.get_parent() is None
