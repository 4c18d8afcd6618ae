from pathlib import Path, PurePosixPath

import pytest

from taskstore.core.ids import new_id
from taskstore.disk.layout import StorePaths, TaskPaths

STORE = StorePaths(Path("/s"))
TASK = TaskPaths(Path("/s/projects/p") / new_id())


def properties(paths: StorePaths | TaskPaths) -> dict[str, Path]:
    names = [name for name, kind in vars(type(paths)).items() if isinstance(kind, property) and name != "id"]
    return {name: getattr(paths, name) for name in names}


@pytest.mark.parametrize(("paths", "home"), [(STORE, STORE.root), (TASK, TASK.home)], ids=["store", "task"])
def test_every_file_is_below_its_owner_and_no_two_are_the_same(paths, home) -> None:
    files = properties(paths)
    assert len(set(files.values())) == len(files)
    assert all(path.is_relative_to(home) and path != home for path in files.values())


def test_a_tasks_id_is_the_name_of_its_folder() -> None:
    assert TaskPaths(Path("/s/projects/p/abc")).id == "abc"


def test_the_files_are_where_the_format_says() -> None:
    names = {name: path.relative_to(TASK.home).as_posix() for name, path in properties(TASK).items()}
    assert names["record"] == "task.json"
    assert names["lock"] == ".lock"
    assert names["beacon"] == ".alive"
    assert names["diff"] == "source/uncommitted.diff"
    assert TASK.scalars("w").relative_to(TASK.home) == PurePosixPath("events/scalars.w.jsonl")
    assert TASK.console("w").relative_to(TASK.home) == PurePosixPath("events/console.w.log")
    assert STORE.record.name == "taskstore.json"
    assert STORE.trashed("abc").home == STORE.root / "trash" / "abc"


def test_a_projects_folder_spells_each_part_of_its_name() -> None:
    assert STORE.project(("Vision", "a:b")) == STORE.projects / "Vision%~1" / "a%3Ab"


@pytest.mark.parametrize("path", ["../../etc/passwd", "a/../../../b", ".git/config", "C:\\x", "con", "a\x00b"])
def test_a_hostile_path_stays_in_the_folder_of_untracked_files(path: str) -> None:
    copy = TASK.untracked(path)
    assert copy.is_relative_to(TASK.source / "untracked")
    assert ".." not in copy.parts
    assert "\x00" not in str(copy)


def test_a_script_outside_git_stays_in_its_folder() -> None:
    assert TASK.standalone("../x.py").parent == TASK.source / "script"
