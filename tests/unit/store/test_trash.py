from pathlib import Path

import pytest

from taskstore.core.errors import Ambiguous, Conflict, NotFound, Refused
from taskstore.core.ids import new_id
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.store import places, projects, published, tasks, trash
from taskstore.store.store import Store, init


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return tasks.create(store, "vision/cats", "first run")


def test_a_deleted_task_is_in_the_trash_with_where_it_came_from(store: Store, task: TaskPaths) -> None:
    put = trash.put(store, task.id)
    record = tasks.read(put)
    assert record.trashed is not None
    assert (record.trashed.project, record.trashed.time, record.trashed.who) == (
        *("vision/cats", store.clock.now()),
        tasks.who(),
    )
    assert not task.home.exists()
    assert [paths.id for paths in trash.listed(store)] == [task.id]
    assert list(places.walk(store)) == []


def test_it_comes_back_as_it_was_even_where_its_project_is_gone(store: Store, task: TaskPaths) -> None:
    before = tasks.read(task)
    trash.put(store, task.id)
    projects.delete(store, "vision/cats")
    back = trash.restore(store, task.id)
    record = tasks.read(back)
    record.rev = before.rev
    assert record == before
    assert places.project_of(store, places.locate(store, task.id).home) == "vision/cats"


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.PUBLISHED])
def test_a_running_or_published_task_is_deleted_only_when_told(store: Store, task: TaskPaths, status: Status) -> None:
    tasks.transition(store, task.id, status, force=True)
    before = task.record.read_bytes()
    with pytest.raises(Refused, match="--force"):
        trash.put(store, task.id)
    assert task.record.read_bytes() == before
    assert trash.put(store, task.id, force=True).record.exists()


def test_it_is_found_by_a_unique_prefix(store: Store, task: TaskPaths) -> None:
    other = tasks.create(store, "abc", "second run")
    for each in (task, other):
        trash.put(store, each.id)
    assert trash.find(store, task.id.upper()).id == task.id
    with pytest.raises(Ambiguous) as refused:
        trash.find(store, task.id[:4])
    assert set(refused.value.candidates) == {task.id, other.id}
    for reference in ("", "xyz", new_id()):
        with pytest.raises(NotFound, match="trash ls"):
            trash.find(store, reference)


def test_purging_removes_it_for_good(store: Store, task: TaskPaths) -> None:
    trash.put(store, task.id)
    trash.purge(store, task.id)
    assert [path.name for path in store.paths.trash.iterdir()] == [f"{task.id}.json"]
    assert trash.listed(store) == []
    for verb in (trash.purge, trash.restore):
        with pytest.raises(NotFound):
            verb(store, task.id)


def test_what_is_not_in_the_trash_is_neither_purged_nor_restored(store: Store, task: TaskPaths) -> None:
    for verb in (trash.purge, trash.restore):
        with pytest.raises(NotFound):
            verb(store, task.id)
    assert task.record.exists()


def test_of_two_restorers_the_second_finds_nothing(store: Store, task: TaskPaths, monkeypatch) -> None:
    trash.put(store, task.id)
    bring_back = trash._bring_back

    def another_was_first(store: Store, source: TaskPaths) -> TaskPaths:
        bring_back(store, source)
        return bring_back(store, source)

    monkeypatch.setattr(trash, "_bring_back", another_was_first)
    with pytest.raises(NotFound, match="somebody else"):
        trash.restore(store, task.id)
    assert places.locate(store, task.id).record.exists()


def test_a_task_of_the_same_id_is_not_written_over(store: Store, task: TaskPaths) -> None:
    trash.put(store, task.id)
    tasks.create(store, "vision/cats", "an impostor", task_id=task.id)
    with pytest.raises(Conflict, match=task.id):
        trash.restore(store, task.id)
    with pytest.raises(Conflict, match=task.id):
        trash.put(store, task.id)
    assert tasks.read(places.locate(store, task.id)).name == "an impostor"


@pytest.mark.parametrize("project", ["../../outside", "/etc", "a/../../b", "con/aux"])
def test_a_hostile_record_brings_a_task_back_within_the_store(store: Store, task: TaskPaths, project: str) -> None:
    put = trash.put(store, task.id)
    text = put.record.read_text().replace("vision/cats", project)
    put.record.write_text(text)
    try:
        back = trash.restore(store, task.id)
    except Refused:
        assert put.record.exists()
    else:
        assert back.home.is_relative_to(store.paths.projects)
        assert ".." not in back.home.parts


def test_a_published_task_goes_and_comes_back_read_only(plain_user: Path) -> None:
    store = init(plain_user / "s")
    made = tasks.create(store, "abc", "a task")
    made.files.mkdir()
    (made.files / "blob").write_text("x")
    tasks.transition(store, made.id, Status.STOPPED, force=True)
    published.publish(store, made.id)
    trash.put(store, made.id, force=True)
    back = trash.restore(store, made.id)
    assert not published.has_write_bits(back)
    assert published.verify(back) == []
    trash.put(store, made.id, force=True)
    trash.purge(store, made.id)
    assert [path.name for path in store.paths.trash.iterdir()] == [f"{made.id}.json"]
