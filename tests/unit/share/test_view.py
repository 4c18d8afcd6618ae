from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskstore.core.errors import NotSupported, ReadOnly, Refused
from taskstore.disk.layout import VIEW, TaskPaths
from taskstore.share import view
from taskstore.share.view import Outcome
from taskstore.store import projects, query, tasks, trash, zipped
from taskstore.store.store import Store, init, open_at

from ...zips import bundled

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links need a privilege there")


def refresh(store: Store, folder: Path, project: str | None = None) -> Outcome:
    return view.refresh(store, folder, query.find(store, query.Query(project=project)).rows)


def seen(folder: Path) -> dict[str, Path]:
    """What is in a view, without its own files: links with what they lead to."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    return {name: path.resolve() for name, path in found.items() if not name.startswith(".")}


def folders(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()
    }


def link(task: TaskPaths, name: str) -> str:
    return f"{name}-{task.id[:8]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "view"


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return tasks.create(store, "vision/cats", "a run")


def test_each_task_is_found_by_project_and_name(store: Store, task: TaskPaths, folder: Path) -> None:
    other = tasks.create(store, "audio", "lr=0.1/bs=32 🚀")
    outcome = refresh(store, folder)
    assert seen(folder) == {
        link(task, "vision/cats/a run"): task.home,
        link(other, "audio/lr=0.1_bs=32 🚀"): other.home,
    }
    assert (outcome.count("made"), outcome.in_the_way) == (2, [])
    assert (folder / link(task, "vision/cats/a run") / "task.json").read_bytes() == task.record.read_bytes()


def test_links_are_relative_so_that_both_can_be_moved_together(store: Store, task: TaskPaths, tmp_path: Path) -> None:
    refresh(store, tmp_path / "view")
    assert str((tmp_path / "view" / link(task, "vision/cats/a run")).readlink()).startswith("../../../store/")
    (tmp_path / "elsewhere").mkdir()
    for name in ("store", "view"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    assert (tmp_path / "elsewhere" / "view" / link(task, "vision/cats/a run") / "task.json").is_file()


def test_a_view_reached_by_a_link_leads_to_the_tasks(store: Store, task: TaskPaths, tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "short").symlink_to(tmp_path / "deep" / "er")
    refresh(store, tmp_path / "short" / "view")
    assert (tmp_path / "deep" / "er" / "view" / link(task, "vision/cats/a run")).resolve() == task.home


def test_it_follows_what_is_new_renamed_moved_and_deleted(store: Store, task: TaskPaths, folder: Path) -> None:
    gone = tasks.create(store, "audio", "it goes")
    refresh(store, folder)
    new = tasks.create(store, "new/one", "it is new")
    trash.put(store, gone.id)
    tasks.edit(store, task.id, lambda record: setattr(record, "name", "another name"))
    projects.rename(store, "vision", "sight")
    moved = tasks.move(store, task.id, "sight/dogs")
    outcome = refresh(store, folder)
    assert seen(folder) == {
        link(task, "sight/dogs/another name"): moved.home,
        link(new, "new/one/it is new"): new.home,
    }
    assert folders(folder) == {"sight", "sight/dogs", "new", "new/one"}
    assert (outcome.count("made"), outcome.count("removed"), outcome.count("kept")) == (2, 2, 0)


def test_once_more_changes_nothing(store: Store, task: TaskPaths, folder: Path) -> None:
    refresh(store, folder)
    before = {path: path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    assert refresh(store, folder).count("kept") == 1
    assert {path: path.lstat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


def test_it_shows_what_fits_now(store: Store, task: TaskPaths, folder: Path) -> None:
    other = tasks.create(store, "audio", "a run")
    refresh(store, folder)
    refresh(store, folder, "audio")
    assert seen(folder) == {link(other, "audio/a run"): other.home}
    refresh(store, folder, "nothing there")
    assert seen(folder) == {}
    assert folders(folder) == set()


def test_of_several_at_once_none_undoes_what_another_does(store: Store, folder: Path) -> None:
    rows = [query.row_of(store, tasks.create(store, "many", f"run {number}")) for number in range(20)]
    parts = [rows[:10], rows[5:15], rows[10:], rows]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: view.refresh(store, folder, part), parts * 5))
    assert [outcome.in_the_way for outcome in found] == [[]] * 20
    refresh(store, folder)
    assert len(seen(folder)) == 20


def test_a_store_that_has_moved_is_linked_anew(store: Store, task: TaskPaths, folder: Path, tmp_path: Path) -> None:
    refresh(store, folder)
    moved = open_at(store.root.rename(tmp_path / "deeper-store"))
    assert refresh(moved, folder).count("made") == 1
    assert seen(folder) == {link(task, "vision/cats/a run"): moved.paths.projects / "vision" / "cats" / task.id}


class TestWhatIsTheUsers:
    def test_files_in_it_stay(self, store: Store, task: TaskPaths, folder: Path) -> None:
        refresh(store, folder)
        (folder / "vision" / "notes.txt").write_text("mine")
        (folder / "vision" / "link").symlink_to("/etc")
        trash.put(store, task.id)
        refresh(store, folder)
        assert (folder / "vision" / "notes.txt").read_text() == "mine"
        assert (folder / "vision" / "link").is_symlink()
        assert folders(folder) == {"vision"}

    def test_a_folder_goes_once_it_is_empty(self, store: Store, task: TaskPaths, folder: Path) -> None:
        refresh(store, folder)
        (folder / "vision" / "notes.txt").write_text("mine")
        trash.put(store, task.id)
        refresh(store, folder)
        (folder / "vision" / "notes.txt").unlink()
        refresh(store, folder)
        assert folders(folder) == set()

    def test_a_folder_of_theirs_stays(self, store: Store, task: TaskPaths, folder: Path) -> None:
        refresh(store, folder, "nothing there")
        (folder / "vision").mkdir()
        refresh(store, folder)
        trash.put(store, task.id)
        refresh(store, folder)
        assert folders(folder) == {"vision"}

    def test_what_has_taken_a_links_place_stays_and_is_named(self, store: Store, task: TaskPaths, folder: Path) -> None:
        refresh(store, folder)
        place = folder / link(task, "vision/cats/a run")
        place.unlink()
        place.write_text("mine")
        outcome = refresh(store, folder)
        assert outcome.in_the_way == [
            f"{place} is not of this view, and stays; {link(task, 'vision/cats/a run')} has no link"
        ]
        trash.put(store, task.id)
        refresh(store, folder)
        assert place.read_text() == "mine"

    def test_a_link_that_they_have_turned_elsewhere_stays(self, store: Store, task: TaskPaths, folder: Path) -> None:
        refresh(store, folder)
        place = folder / link(task, "vision/cats/a run")
        place.unlink()
        place.symlink_to("/etc")
        trash.put(store, task.id)
        refresh(store, folder)
        assert place.readlink() == Path("/etc")

    def test_a_folder_that_was_replaced_by_a_link_leads_nothing_out(
        self, store: Store, task: TaskPaths, folder: Path, tmp_path: Path
    ) -> None:
        deep = tasks.create(store, "vision/cats/empty", "it goes")
        refresh(store, folder)
        trash.put(store, deep.id)
        (tmp_path / "outside").mkdir()
        (folder / "vision").rename(tmp_path / "outside" / "vision")
        (folder / "vision").symlink_to(tmp_path / "outside" / "vision")
        (tmp_path / "outside" / "vision" / "cats" / "empty" / link(deep, "it goes")).unlink()
        tasks.create(store, "vision/cats/empty", "another")
        outcome = refresh(store, folder)
        assert len(outcome.in_the_way) == 2
        trash.put(store, task.id)
        refresh(store, folder)
        inside = sorted(path.name for path in (tmp_path / "outside" / "vision" / "cats").iterdir())
        assert inside == sorted([link(task, "a run"), "empty"])


class TestPlaces:
    def test_a_folder_that_holds_other_things_is_refused(self, store: Store, task: TaskPaths, folder: Path) -> None:
        folder.mkdir()
        (folder / "thesis.tex").touch()
        with pytest.raises(Refused, match=r"is no view, and holds 'thesis\.tex'; name an empty or a new folder"):
            refresh(store, folder)
        assert [path.name for path in folder.iterdir()] == ["thesis.tex"]

    @pytest.mark.parametrize("place", ["", "projects", "projects/vision/view", "views", "trash/x"])
    def test_the_store_itself_is_refused(self, store: Store, task: TaskPaths, place: str, tmp_path: Path) -> None:
        (tmp_path / "alias").symlink_to(store.root)
        for root in (store.root, tmp_path / "alias"):
            with pytest.raises(Refused, match="is in the store itself"):
                refresh(store, root / place)

    def test_a_folder_around_the_store_is_refused(self, store: Store, task: TaskPaths) -> None:
        with pytest.raises(Refused, match="that the store lies in"):
            refresh(store, store.root.parent)

    def test_a_view_of_another_store_is_refused(
        self, store: Store, task: TaskPaths, folder: Path, tmp_path: Path
    ) -> None:
        refresh(store, folder)
        with pytest.raises(Refused, match="is a view of another store"):
            refresh(init(tmp_path / "other"), folder)

    def test_a_file_is_refused(self, store: Store, folder: Path) -> None:
        folder.touch()
        with pytest.raises(Refused, match="is a file; name an empty or a new folder"):
            refresh(store, folder)

    def test_a_folder_that_cannot_be_written_is_refused(self, store: Store, plain_user: Path) -> None:
        plain_user.chmod(0o500)
        with pytest.raises(ReadOnly, match="cannot be written"):
            refresh(store, plain_user / "view")
        plain_user.chmod(0o700)

    def test_where_no_links_can_be_made_it_is_said(
        self, store: Store, task: TaskPaths, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(self: Path, target: object, **_: object) -> None:
            raise PermissionError(1, "Operation not permitted", str(target), None, str(self))

        monkeypatch.setattr(Path, "symlink_to", refused)
        with pytest.raises(NotSupported, match="no links can be made in"):
            refresh(store, folder)

    def test_where_windows_lets_the_user_make_none_it_is_said(
        self, store: Store, task: TaskPaths, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(self: Path, target: object, **_: object) -> None:
            error = OSError(22, "A required privilege is not held by the client")
            error.winerror = 1314
            raise error

        monkeypatch.setattr(Path, "symlink_to", refused)
        with pytest.raises(NotSupported, match="developer mode"):
            refresh(store, folder)

    def test_a_zip_has_no_folders_to_link_to(self, store: Store, task: TaskPaths, folder: Path, tmp_path: Path) -> None:
        opened = open_at(bundled(store, tmp_path / "x.zip"))
        try:
            with pytest.raises(NotSupported, match="is a zip"):
                refresh(opened, folder)
        finally:
            zipped.close_all()
        assert not folder.exists()


@pytest.mark.parametrize(
    "record",
    [
        "{",
        '{"links": {"../out": ["x"]}}',
        '{"folders": ["//etc"]}',
        '{"links": {"..\\\\out": ["x"]}}',
        '{"format": 99}',
        '{"links": {"a\\u0000": []}}',
    ],
)
def test_a_record_that_cannot_be_ours_is_refused_and_nothing_removed(
    store: Store, task: TaskPaths, folder: Path, tmp_path: Path, record: str
) -> None:
    refresh(store, folder)
    (tmp_path / "out").symlink_to("x")
    (folder / VIEW).write_text(record)
    with pytest.raises(Refused, match="make the view in a new folder"):
        refresh(store, folder)
    assert len(seen(folder)) == 1
    assert (tmp_path / "out").is_symlink()


def test_a_name_of_three_hundred_bytes_is_cut_and_told_apart_by_the_id(store: Store, folder: Path) -> None:
    long = [tasks.create(store, "long", "é" * 150 + ending) for ending in "ab"]
    refresh(store, folder)
    assert sorted(path.name for path in seen(folder).values()) == sorted(task.id for task in long)
    assert all(len(name.split("/")[1].encode()) <= 190 for name in seen(folder))


def test_a_path_that_is_too_long_has_no_link_and_the_others_have(store: Store, task: TaskPaths, folder: Path) -> None:
    folder = folder.joinpath(*["x" * 200] * 18)
    os.makedirs(folder)  # noqa: PTH103 - as long as a path may be
    deep = tasks.create(store, "/".join(["y" * 120] * 4), "a run")
    outcome = refresh(store, folder)
    assert list(seen(folder)) == [link(task, "vision/cats/a run")]
    assert [why.endswith("has no link: its path is too long for this system") for why in outcome.in_the_way] == [True]
    assert deep.home.is_dir()


def test_of_names_that_only_case_tells_apart_each_has_a_link(store: Store, folder: Path) -> None:
    found = [tasks.create(store, "case", name) for name in ("run", "Run", "RUN")]
    refresh(store, folder)
    names = [name.casefold() for name in seen(folder)]
    assert len(set(names)) == 3
    assert sorted(path.name for path in seen(folder).values()) == sorted(task.id for task in found)


def test_a_name_that_changes_its_case_only_is_followed(store: Store, task: TaskPaths, folder: Path) -> None:
    refresh(store, folder)
    tasks.edit(store, task.id, lambda record: setattr(record, "name", "A RUN"))
    refresh(store, folder)
    assert [*seen(folder)] == [link(task, "vision/cats/A RUN")]
