"""du: what each part holds, each file counted once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import store, tasks, trash, usage
from taskstore.store.store import Store


@pytest.fixture
def made(tmp_path: Path) -> Store:
    return store.init(tmp_path / "store")


def blob(task: TaskPaths, name: str, size: int) -> Path:
    task.files.mkdir(exist_ok=True)
    path = task.files / name
    path.write_bytes(b"x" * size)
    return path


def test_a_project_holds_its_tasks_and_its_subprojects(made):
    one = tasks.create(made, "vision", "task one")
    two = tasks.create(made, "vision/cats", "task two")
    blob(one, "a", 1000)
    blob(two, "b", 5000)
    found = usage.du(made)
    assert found.tasks[one.id].apparent_bytes == 1000 + one.record.stat().st_size
    assert found.projects["vision/cats"] == usage.du(made).projects["vision/cats"]
    both = found.tasks[one.id].apparent_bytes + found.tasks[two.id].apparent_bytes
    assert found.projects["vision"].apparent_bytes == both
    assert found.total.apparent_bytes >= both


def test_trash_cache_and_quarantine_are_counted_apart(made):
    task = tasks.create(made, "vision", "task one")
    blob(task, "a", 1000)
    trash.put(made, task.id)
    for folder, size in ((made.paths.cache, 10), (made.paths.quarantine, 20)):
        folder.mkdir()
        (folder / "x").write_bytes(b"x" * size)
    found = usage.du(made)
    assert found.tasks == {}
    assert found.trash == found.trashed[task.id] or found.trash.disk_bytes > found.trashed[task.id].disk_bytes
    assert found.trash.apparent_bytes == found.trashed[task.id].apparent_bytes > 1000
    assert (found.cache.apparent_bytes, found.quarantine.apparent_bytes) == (10, 20)


def test_a_file_with_two_names_counts_once_and_only_where_both_are(made):
    one = tasks.create(made, "vision", "task one")
    two = tasks.create(made, "vision", "task two")
    before = usage.du(made)
    os.link(blob(one, "a", 1000), one.files / "again")
    two.files.mkdir()
    os.link(blob(one, "b", 5000), two.files / "b")
    after = usage.du(made)
    grown = {key: after.tasks[key].apparent_bytes - before.tasks[key].apparent_bytes for key in before.tasks}
    assert grown == {one.id: 1000, two.id: 0}
    assert after.projects["vision"].apparent_bytes - before.projects["vision"].apparent_bytes == 6000


def test_a_link_counts_itself_and_not_what_it_names(made, tmp_path):
    task = tasks.create(made, "vision", "task one")
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    task.files.mkdir()
    (task.files / "link").symlink_to(tmp_path / "big")
    (task.files / "loop").symlink_to(task.home)
    assert usage.du(made).tasks[task.id].apparent_bytes < 10_000


@pytest.mark.skipif(os.name != "posix", reason="blocks are counted on POSIX")
def test_holes_are_not_on_the_disk(made):
    task = tasks.create(made, "vision", "task one")
    os.truncate(blob(task, "a", 1), 10_000_000)
    found = usage.du(made).tasks[task.id]
    assert found.apparent_bytes > 10_000_000 > found.disk_bytes


def test_what_cannot_be_found_is_not_there(tmp_path, made):
    made.paths.trash.rmdir()
    found = usage.du(made)
    assert (found.trash, found.cache) == (usage.Size(), usage.Size())
