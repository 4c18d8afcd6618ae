from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import Ambiguous, BadValue, Damaged, NotFound
from taskstore.core.ids import new_id
from taskstore.store import places, projects, tasks, trash
from taskstore.store.store import Store, open_at


@pytest.fixture
def trio(store: Store, clock: FixedClock) -> list[str]:
    ids = []
    for project, name in (("vision", "first run"), ("vision/cats", "first run"), ("Text", "other run")):
        ids.append(tasks.create(store, project, name).id)
        clock.advance(60)
    return ids


def test_every_task_is_walked_once(store: Store, trio: list[str]) -> None:
    assert sorted(task_id for _, task_id in places.walk(store)) == sorted(trio)


def test_projects_are_walked_parents_first(store: Store, trio: list[str]) -> None:
    names = [places.project_name(store, folder) for folder in places.walk_projects(store)]
    assert sorted(names) == ["Text", "vision", "vision/cats"]
    assert names.index("vision") < names.index("vision/cats")


def test_what_is_unfinished_hidden_or_a_link_is_not_walked(store: Store, trio: list[str], tmp_path: Path) -> None:
    (store.paths.projects / ".new-x").mkdir()
    (store.paths.projects / "vision" / new_id()).write_text("a file that is called like a task")
    (tmp_path / "outside" / "p" / new_id()).mkdir(parents=True)
    (store.paths.projects / "link").symlink_to(tmp_path / "outside")
    assert sorted(task_id for _, task_id in places.walk(store)) == sorted(trio)
    assert len(list(places.walk_projects(store))) == 3


def test_a_task_in_a_folder_that_is_not_named_by_its_id_is_no_project(store: Store, trio: list[str]) -> None:
    home = places.locate(store, trio[0]).home
    (home / "events").mkdir()
    home.rename(home.with_name(f"{trio[0]}-bak"))
    names = [places.project_name(store, folder) for folder in places.walk_projects(store)]
    assert sorted(names) == ["Text", "vision", "vision/cats"]
    assert sorted(task_id for _, task_id in places.walk(store)) == sorted(trio[1:])


def test_a_record_put_among_the_tasks_of_a_project_hides_none_of_them(store: Store, trio: list[str]) -> None:
    record = places.locate(store, trio[0]).record.read_bytes()
    (store.paths.projects / "vision" / "task.json").write_bytes(record)
    empty = projects.create(store, "empty")
    (empty / "task.json").write_bytes(record)
    assert sorted(task_id for _, task_id in places.walk(store)) == sorted(trio)
    assert empty in places.walk_projects(store)


def test_a_file_in_the_place_of_a_task_breaks_nobody(store: Store, trio: list[str]) -> None:
    (store.paths.projects / "vision" / new_id()).write_text("")
    assert places.resolve(store, "vision/first run").id == trio[0]
    assert places.resolve(store, trio[0][:30]).id == trio[0]


def test_an_empty_store_has_nothing_to_walk(store: Store) -> None:
    assert list(places.walk(store)) == []
    store.paths.projects.rmdir()
    assert list(places.walk(store)) == []


def test_a_task_is_found_wherever_it_was_moved_by_another_process(store: Store, trio: list[str]) -> None:
    other = open_at(store.root)
    assert places.locate(store, trio[0]).home.parent.name == "vision"
    projects.rename(other, "vision", "sight")
    assert places.locate(store, trio[0]).home.parent.name == "sight"
    tasks.move(other, trio[0], "elsewhere")
    assert places.locate(store, trio[0]).home.parent.name == "elsewhere"


def test_a_project_renamed_behind_the_walk_hides_no_task(store: Store, trio: list[str], monkeypatch) -> None:
    fresh = open_at(store.root)
    entries, done = places.entries, []

    def rename_after_the_root_was_read(folder: str):
        result = entries(folder)
        if not done:
            done.append(projects.rename(store, "vision", "another"))
        return result

    monkeypatch.setattr(places, "entries", rename_after_the_root_was_read)
    assert places.locate(fresh, trio[1]).home.parent.parent.name == "another"


def test_a_task_in_the_trash_is_said_to_be_there(store: Store, trio: list[str]) -> None:
    trash.put(store, trio[0])
    with pytest.raises(NotFound, match="trash restore"):
        places.locate(store, trio[0])
    with pytest.raises(NotFound, match="taskstore ls"):
        places.locate(store, new_id())


class TestResolving:
    def test_by_id_in_any_case(self, store: Store, trio: list[str]) -> None:
        assert places.resolve(store, f" {trio[1].upper()} ").id == trio[1]

    def test_by_a_unique_prefix(self, store: Store, trio: list[str]) -> None:
        length = next(n for n in range(4, 33) if len({each[:n] for each in trio}) == 3)
        assert places.resolve(store, trio[2][:length].upper()).id == trio[2]

    def test_an_ambiguous_prefix_lists_the_candidates(self, store: Store, trio: list[str]) -> None:
        with pytest.raises(Ambiguous) as refused:
            places.resolve(store, trio[0][:5])
        assert [each.split()[0] for each in sorted(refused.value.candidates)] == sorted(trio)
        assert any("vision/cats/first run" in each for each in refused.value.candidates)

    def test_a_prefix_of_less_than_four_digits_finds_nothing(self, store: Store, trio: list[str]) -> None:
        with pytest.raises(NotFound):
            places.resolve(store, trio[0][:3])

    def test_by_project_and_name(self, store: Store, trio: list[str]) -> None:
        assert places.resolve(store, "vision/first run").id == trio[0]
        assert places.resolve(store, " vision / cats / first run ").id == trio[1]
        assert places.resolve(store, "Text/other run").id == trio[2]

    def test_of_several_of_one_name_the_last_modified(self, store: Store, clock: FixedClock) -> None:
        first, second = (tasks.create(store, "p/q", "same name").id for _ in range(2))
        assert places.resolve(store, "p/q/same name").id == second
        clock.advance(1)
        tasks.edit(store, first, lambda record: record.tags.append("new"))
        assert places.resolve(store, "p/q/same name").id == first

    def test_a_name_may_hold_a_slash(self, store: Store) -> None:
        made = tasks.create(store, "abc", "lr/0.1")
        assert places.resolve(store, "abc/lr/0.1").id == made.id

    def test_last_is_the_one_made_last(self, store: Store, trio: list[str]) -> None:
        tasks.edit(store, trio[0], lambda record: record.tags.append("later"))
        assert places.resolve(store, "@last").id == trio[2]

    def test_last_of_none_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound, match="no task yet"):
            places.resolve(store, "@last")

    @pytest.mark.parametrize("reference", ["", "   "])
    def test_nothing_is_a_bad_value(self, store: Store, reference: str) -> None:
        with pytest.raises(BadValue, match="no task given"):
            places.resolve(store, reference)

    @pytest.mark.parametrize(
        "reference", ["nothing", "/", "a//b", "../../etc/passwd", "vision/", "abcd", "\x00/\x00", "@x"]
    )
    def test_what_fits_nothing_is_not_found(self, store: Store, trio: list[str], reference: str) -> None:
        with pytest.raises(NotFound):
            places.resolve(store, reference)

    def test_a_damaged_task_hides_no_other(self, store: Store, trio: list[str]) -> None:
        twin = tasks.create(store, "vision", "first run")
        twin.record.write_bytes(b"{")
        assert places.resolve(store, "vision/first run").id == trio[0]
        with pytest.raises(Ambiguous, match="Damaged"):
            places.resolve(store, trio[0][:4])


class TestNamesOfProjects:
    @pytest.mark.parametrize("name", ["vision", "Vision/CATS", "a:b/c?d", "con/nul", "日本/語"])
    def test_a_name_comes_back_from_its_folder(self, store: Store, name: str) -> None:
        folder = projects.ensure_folder(store, tuple(name.split("/")))
        assert places.project_name(store, folder) == name

    def test_a_very_long_name_comes_back_too(self, store: Store) -> None:
        name = "Größe " * 80 + "end"
        made = tasks.create(store, f"p/{name}", "a task")
        assert places.project_of(store, made.home) == f"p/{name}"
        assert places.resolve(store, f"p/{name}/a task").id == made.id

    def test_the_record_of_a_folder_cannot_claim_another_name(self, store: Store) -> None:
        folder = projects.ensure_folder(store, ("x" * 300,))
        (folder / "project.yaml").write_text("name: secret/other\n")
        assert places.project_name(store, folder) == folder.name
        (folder / "project.yaml").write_text("name: [")
        assert places.project_name(store, folder) == folder.name

    def test_a_folder_made_by_hand_is_shown_as_it_is(self, store: Store) -> None:
        (store.paths.projects / "MyProject").mkdir()
        assert places.project_name(store, store.paths.projects / "MyProject") == "MyProject"


def test_a_folder_that_cannot_be_read_is_damaged_or_noted(plain_user: Path) -> None:
    from taskstore.store.store import init

    store = init(plain_user / "s")
    made = tasks.create(store, "open", "a task")
    closed = projects.create(store, "closed")
    closed.chmod(0)
    with pytest.raises(Damaged):
        list(places.walk(store))
    noted: list[Damaged] = []
    assert [task_id for _, task_id in places.walk(store, noted)] == [made.id]
    assert [error.path for error in noted] == [closed]
    closed.chmod(0o700)
