import errno
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, Conflict, Damaged, NotFound, Refused
from taskstore.store import places, projects, tasks, trash
from taskstore.store.store import Store

LONG = "x" * 400


def names(store: Store) -> list[str]:
    return [project.name for project in projects.list_all(store)]


def test_a_project_is_made_with_its_parents_and_what_is_said_of_it(store: Store) -> None:
    folder = projects.create(store, "vision/Cats", description="meow", tags=("a", "b"))
    assert names(store) == ["vision", "vision/Cats"]
    record = projects.read(folder)
    assert (record.name, record.description, record.tags) == ("Cats", "meow", ["a", "b"])
    assert record.created == store.clock.now()


def test_of_two_of_one_name_the_second_is_refused(store: Store) -> None:
    projects.create(store, "vision")
    with pytest.raises(Conflict):
        projects.create(store, "vision")
    with pytest.raises(Conflict):
        projects.create(store, " vision ")


def test_names_that_differ_in_case_only_are_two_projects(store: Store) -> None:
    assert projects.create(store, "mnist").name.lower() != projects.create(store, "MNIST").name.lower()


@pytest.mark.parametrize("name", ["", "ab", "a//b", "/abc", "abc/"])
def test_a_bad_name_is_refused_by_every_verb(store: Store, name: str) -> None:
    projects.create(store, "good")
    for verb in (
        lambda: projects.create(store, name),
        lambda: projects.rename(store, "good", name),
    ):
        with pytest.raises(BadName):
            verb()
    # One that is there can be named however short it is: to look for one is no mistake.
    for verb in (lambda: projects.find(store, name), lambda: projects.delete(store, name)):
        with pytest.raises(NotFound if name == "ab" else BadName):
            verb()


def test_a_list_counts_the_tasks_of_each_and_sorts_by_parts(store: Store) -> None:
    for project in ("a/b", "a b", "a/b", "a-b", "a/b/c"):
        tasks.create(store, project, "a task")
    assert [(each.name, each.task_count) for each in projects.list_all(store)] == [
        ("a", 0),
        ("a/b", 2),
        ("a/b/c", 1),
        ("a b", 1),
        ("a-b", 1),
    ]


def test_an_edit_keeps_what_is_not_known_and_never_the_name(store: Store) -> None:
    folder = projects.create(store, "vision", description="old")
    path = folder / "project.yaml"
    path.write_text(path.read_text() + "owner: me\nsince: 2026-01-01\n")

    def change(record) -> None:
        record.description, record.name = "new", "other"

    projects.edit(store, "vision", change)
    record = projects.read(folder)
    assert (record.description, record.name) == ("new", "vision")
    assert "owner: me" in path.read_text()
    assert "since: 2026-01-01" in path.read_text()


def test_a_project_without_a_record_can_be_read_and_edited(store: Store) -> None:
    folder = projects.ensure_folder(store, ("plain",))
    assert projects.read(folder).name == "plain"
    projects.edit(store, "plain", lambda record: record.tags.append("x"))
    assert projects.read(folder).tags == ["x"]


def test_a_damaged_record_is_not_written_over(store: Store) -> None:
    path = projects.create(store, "vision") / "project.yaml"
    path.write_text("tags: 5")
    with pytest.raises(Damaged, match="tags"):
        projects.edit(store, "vision", lambda record: None)
    assert path.read_text() == "tags: 5"


class TestRename:
    def test_takes_all_that_is_in_it_along(self, store: Store) -> None:
        made = tasks.create(store, "a/b/c", "a task")
        target = projects.rename(store, "a/b", "x/y")
        assert names(store) == ["a", "x", "x/y", "x/y/c"]
        assert places.locate(store, made.id).home == target / "c" / made.id

    @pytest.mark.parametrize(("name", "to"), [("plain", LONG), (LONG, "plain"), (LONG, LONG + "y"), ("plain", "PLAIN")])
    def test_the_new_name_is_whole_whatever_its_length(self, store: Store, name: str, to: str) -> None:
        projects.create(store, name, description="kept")
        folder = projects.rename(store, name, to)
        assert names(store) == [to]
        assert projects.read(folder).name == to
        assert projects.read(folder).description == "kept"

    def test_to_its_own_name_changes_nothing(self, store: Store) -> None:
        folder = projects.create(store, "vision")
        before = (folder / "project.yaml").read_bytes()
        assert projects.rename(store, "vision", "vision") == folder
        assert (folder / "project.yaml").read_bytes() == before

    def test_onto_another_project_is_refused(self, store: Store) -> None:
        made = tasks.create(store, "one", "a task")
        projects.create(store, "two")
        with pytest.raises(Conflict):
            projects.rename(store, "one", "two")
        assert places.project_of(store, places.locate(store, made.id).home) == "one"

    def test_into_itself_is_refused(self, store: Store) -> None:
        projects.create(store, "one")
        with pytest.raises(Refused, match="into itself"):
            projects.rename(store, "one", "one/two")
        assert names(store) == ["one"]

    def test_of_none_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound, match="project ls"):
            projects.rename(store, "none", "some")
        assert names(store) == []

    def test_onto_one_that_is_filled_at_that_moment_is_refused(self, store: Store, monkeypatch) -> None:
        projects.create(store, "one")
        rename = Path.rename

        def filled_first(source: Path, target: Path) -> Path:
            if source.name == "one":
                (target / "task").mkdir(parents=True)
            return rename(source, target)

        monkeypatch.setattr(Path, "rename", filled_first)
        with pytest.raises(Conflict):
            projects.rename(store, "one", "two")
        assert "one" in names(store)


class TestDelete:
    def test_an_empty_project_goes_with_its_record(self, store: Store) -> None:
        projects.create(store, "a/b")
        projects.delete(store, "a/b")
        assert names(store) == ["a"]

    def test_one_with_tasks_or_subprojects_is_refused_and_says_how_many(self, store: Store) -> None:
        tasks.create(store, "top/sub", "a task")
        for name, holds in (("top", "tasks: 1, subprojects: 1"), ("top/sub", "tasks: 1, subprojects: 0")):
            with pytest.raises(Refused, match=holds):
                projects.delete(store, name)
        assert names(store) == ["top", "top/sub"]

    def test_told_to_it_moves_the_tasks_to_the_trash_first(self, store: Store) -> None:
        ids = {tasks.create(store, project, "a task").id for project in ("top", "top/one", "top/one/two", "top/three")}
        projects.delete(store, "top", trash_task=lambda task_id: trash.put(store, task_id))
        assert names(store) == []
        assert {paths.id for paths in trash.listed(store)} == ids

    def test_what_is_no_project_record_is_never_deleted(self, store: Store) -> None:
        folder = projects.create(store, "top/sub", description="kept")
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(Refused, match=r"notes\.txt"):
            projects.delete(store, "top", trash_task=lambda task_id: None)
        assert projects.read(folder).description == "kept"
        assert (folder / "notes.txt").read_text() == "mine"

    def test_a_task_that_comes_in_meanwhile_stays(self, store: Store) -> None:
        tasks.create(store, "top", "first")
        late = []

        def trash_and_be_late(task_id: str) -> None:
            trash.put(store, task_id)
            late.append(tasks.create(store, "top", "late one").id)

        with pytest.raises(Refused, match=r"still holds"):
            projects.delete(store, "top", trash_task=trash_and_be_late)
        assert places.locate(store, late[0]).record.exists()

    def test_of_none_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound):
            projects.delete(store, "none")

    def test_of_two_deleters_the_second_does_not_find_it(self, store: Store) -> None:
        tasks.create(store, "top", "first")

        def deleted_by_another(task_id: str) -> None:
            trash.put(store, task_id)
            projects.delete(store, "top")

        with pytest.raises(NotFound):
            projects.delete(store, "top", trash_task=deleted_by_another)


def test_a_project_deleted_while_a_task_comes_in_is_made_again(store: Store, monkeypatch) -> None:
    rename, deleted = Path.rename, []

    def deleted_first(source: Path, target: Path) -> Path:
        if target.parent.name == "abc" and not deleted:
            deleted.append(True)
            target.parent.rmdir()
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", deleted_first)
    made = tasks.create(store, "abc", "a task")
    assert made.record.exists()
    assert deleted


def test_no_other_error_of_the_system_is_swallowed(store: Store, monkeypatch) -> None:
    projects.create(store, "one")

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="injected"):
        projects.rename(store, "one", "two")
