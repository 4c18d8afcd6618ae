from __future__ import annotations

import io
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.core.clock import FixedClock
from taskstore.core.errors import Damaged, NotSupported, ReadOnly
from taskstore.core.ids import new_id
from taskstore.core.states import Status
from taskstore.disk import mounts
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Parameter
from taskstore.sections.artifacts import Artifacts
from taskstore.sections.reports import Writer
from taskstore.share.source import FolderSource
from taskstore.store import doctor, events, places, published, query, tasks, zipped
from taskstore.store.store import Store, init, open_at

from ...zips import bundled, pack
from ...zips import zipped as packed


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    zipped.close_all()
    assert list(folder.iterdir()) == []


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def task(store: Store) -> TaskPaths:
    made = tasks.create(store, "vision/Cats: all", "a run")
    writer = Writer(lambda: made, _raise)
    for iteration in range(3):
        writer.scalar("loss", "train", 1 / (iteration + 1), iteration)
    writer.console("stdout", "hello", is_whole=True)
    writer.close()
    Artifacts(store, made.id).upload("scores", {"accuracy": 0.5})
    tasks.edit_params(
        store, made.id, lambda record: record.hyperparams.update({"General": {"lr": Parameter("0.1", "float", "")}})
    )
    return made


def folder_of(paths: TaskPaths, prefix: str) -> dict[str, bytes]:
    files = [path for path in paths.home.rglob("*") if path.is_file()]
    return {f"{prefix}{path.relative_to(paths.home).as_posix()}": path.read_bytes() for path in files}


def listed(path: Path) -> list[tuple[str, str, str]]:
    return [(row.id, row.project, row.task.name) for row in query.find(open_at(path)).rows]


class TestLayouts:
    @pytest.mark.parametrize("above", ["", "store/", "home/me/.taskstore/"])
    def test_a_zipped_store_opens_wherever_it_lies_in_the_zip(
        self, store: Store, task: TaskPaths, tmp_path: Path, above: str
    ) -> None:
        path = packed(store, tmp_path / "x.zip", above=above)
        assert listed(path) == [(task.id, "vision/Cats: all", "a run")]
        assert open_at(path).id == store.id

    def test_a_bundle_opens(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        assert listed(bundled(store, tmp_path / "x.zip")) == [(task.id, "vision/Cats: all", "a run")]

    def test_a_bundle_says_whose_it_is(self, tmp_path: Path) -> None:
        record = b'{"format": 1, "store": "0123abcd", "tasks": []}'
        assert open_at(pack(tmp_path / "x.zip", {"taskstore-bundle.json": record})).id == "0123abcd"

    def test_a_suffix_is_not_asked_for(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        assert listed(bundled(store, tmp_path / "bundle")) == [(task.id, "vision/Cats: all", "a run")]

    @pytest.mark.parametrize(
        ("prefix", "project"),
        [
            ("", "my runs"),
            ("{id}/", "my runs"),
            ("renamed by hand/", "my runs"),
            ("Cats%3A all%~1/{id}/", "Cats: all"),
            ("projects/vision/{id}/", "vision"),
            ("old/store/projects/vision/deep/{id}/", "vision/deep"),
        ],
    )
    def test_the_folder_of_a_task_opens(self, task: TaskPaths, tmp_path: Path, prefix: str, project: str) -> None:
        path = pack(tmp_path / "my runs.zip", folder_of(task, prefix.format(id=task.id)))
        assert listed(path) == [(task.id, project, "a run")]
        found = places.locate(open_at(path), task.id)
        assert [line.text for line in events.read_console(found)] == ["hello"]

    def test_the_folders_of_several_tasks_open(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        other = tasks.create(store, "audio", "another")
        files = folder_of(task, f"cats/{task.id}/") | folder_of(other, f"{other.id}/") | {"README.txt": b"hello"}
        found = listed(pack(tmp_path / "both.zip", files))
        assert sorted(found) == sorted([(task.id, "cats", "a run"), (other.id, "both", "another")])

    def test_what_a_task_keeps_is_no_task(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        other = tasks.create(store, "audio", "another")
        files = folder_of(task, f"{task.id}/") | folder_of(other, f"{task.id}/files/artifacts/copy/{other.id}/")
        assert [found[0] for found in listed(pack(tmp_path / "x.zip", files))] == [task.id]

    def test_one_task_twice_is_refused(self, task: TaskPaths, tmp_path: Path) -> None:
        path = pack(tmp_path / "x.zip", folder_of(task, f"a/{task.id}/") | folder_of(task, f"b/{task.id}/"))
        with pytest.raises(Damaged, match="holds one task twice"):
            open_at(path)

    def test_a_task_of_an_impossible_id_is_refused_by_its_place(self, tmp_path: Path) -> None:
        path = pack(tmp_path / "x.zip", {"a/task.json": b'{"id": "../../etc"}'})
        with pytest.raises(Damaged, match=r"x\.zip/a/task\.json: it says that its id is '\.\./\.\./etc'"):
            open_at(path)

    def test_an_id_that_disagrees_with_the_folder_is_named_and_not_listed(
        self, store: Store, task: TaskPaths, tmp_path: Path
    ) -> None:
        files = {
            f"projects/demo/{new_id()}/task.json": task.record.read_bytes(),
            "taskstore-bundle.json": b'{"format":1}',
        }
        listing = query.find(open_at(pack(tmp_path / "x.zip", files)))
        assert listing.rows == []
        assert [error.why for error in listing.damaged] == [f"it says that its id is {task.id!r}"]


class TestReading:
    @pytest.fixture
    def path(self, store: Store, task: TaskPaths, tmp_path: Path) -> Path:
        return packed(store, tmp_path / "runs.zip")

    def test_a_task_is_found_by_what_a_person_calls_it(self, path: Path, task: TaskPaths) -> None:
        opened = open_at(path)
        for reference in (task.id, task.id[:12], "@last", "vision/Cats: all/a run"):
            found = places.resolve(opened, reference)
            assert found.id == task.id
            assert found.params.read_bytes() == task.params.read_bytes()
            assert not found.files.exists()

    def test_the_api_reads_it(self, path: Path, task: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TASKSTORE_ROOT", str(path))
        found = Task.get_task(task.id)
        assert found.get_name() == "a run"
        assert found.get_project_name() == "vision/Cats: all"
        assert found.parameters.get() == {"General/lr": "0.1"}
        assert found.artifacts["scores"].get() == {"accuracy": 0.5}
        assert found.reports.console() == ["hello"]
        assert [one.id for one in Task.get_tasks(project_name="vision/Cats: all")] == [task.id]

    def test_the_api_refuses_to_change_it(self, path: Path, task: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TASKSTORE_ROOT", str(path))
        found = Task.get_task(task.id)
        for change in (
            lambda: found.details.add_tags(["x"]),
            lambda: found.parameters.set({"General/lr": 1}),
            lambda: found.artifacts.upload("more", {"a": 1}),
            lambda: Task.create(project_name="demo", task_name="another"),
        ):
            with pytest.raises(ReadOnly, match=r"runs\.zip is a zip, which is only read; `taskstore import"):
                change()

    def test_a_run_goes_on_unrecorded(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        said = io.StringIO()
        monkeypatch.setattr(sys, "__stderr__", said)
        monkeypatch.setenv("TASKSTORE_ROOT", str(path))
        Task.init(project_name="demo", task_name="a run").close()
        assert f"this run is not recorded: {path} is a zip, which is only read" in said.getvalue()

    def test_all_files_of_a_task_are_there_for_who_takes_it_elsewhere(self, path: Path, task: TaskPaths) -> None:
        found = FolderSource(places.locate(open_at(path), task.id).home).sizes()
        assert found == FolderSource(task.home).sizes()
        assert any(name.startswith("files/") for name in found)

    def test_what_was_opened_is_opened_once(self, path: Path, temporary: Path) -> None:
        assert open_at(path).root == open_at(path).root
        assert len(list(temporary.iterdir())) == 1

    def test_logs_that_no_summary_knows_are_read(self, store: Store, path: Path, task: TaskPaths) -> None:
        assert not task.summary.exists()
        [row] = query.find(open_at(path)).rows
        assert row.get("loss/train") == pytest.approx(1 / 3)
        assert not row.paths.home.exists()

    def test_long_logs_are_summed_up_as_in_a_folder(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        [log] = events.scalar_logs(task)
        line = b'{"timestamp":1767225600000,"iter":%d,"metric":"loss","variant":"train","value":%d.5}\n'
        log.write_bytes(b"".join(line % (number, number) for number in range(40_000)) + b'{"timestamp":17672')
        log.with_name("scalars.empty-1-00000000.jsonl").touch()
        assert log.stat().st_size > 3 << 20
        expected = events.rebuild_summary(task)
        assert expected.last_metrics["loss"]["train"].count == 40_000
        opened = open_at(packed(store, tmp_path / "long.zip"))
        home = TaskPaths(opened.root / task.home.relative_to(store.root))
        assert events.read_summary(home) == expected
        assert not home.home.exists()
        assert events.rebuild_summary(places.locate(opened, task.id)) == expected

    def test_what_was_summed_up_in_part_is_read_on(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        events.refresh_summary(task)
        [log] = events.scalar_logs(task)
        with log.open("ab") as stream:
            stream.write(b'{"timestamp":1767225600000,"iter":9,"metric":"loss","variant":"train","value":7}\n')
        [row] = query.find(open_at(packed(store, tmp_path / "more.zip"))).rows
        assert (row.get("loss/train"), row.last_iteration) == (7, 9)

    def test_a_published_task_verifies_without_its_summary(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        tasks.transition(store, task.id, Status.COMPLETED)
        published.publish(store, task.id)
        files = folder_of(task, f"projects/vision/{task.id}/")
        del files[f"projects/vision/{task.id}/summary.json"]
        opened = open_at(pack(tmp_path / "x.zip", {"taskstore-bundle.json": b'{"format": 1}', **files}))
        assert published.verify(places.locate(opened, task.id)) == []

    def test_logs_that_are_summed_up_stay_packed(self, store: Store, task: TaskPaths, tmp_path: Path) -> None:
        events.refresh_summary(task)
        opened = open_at(packed(store, tmp_path / "summed.zip"))
        [row] = query.find(opened).rows
        assert row.get("loss/train") == pytest.approx(1 / 3)
        assert not row.paths.home.exists()

    def test_a_run_that_was_zipped_alive_is_shown_as_a_copy(
        self, store: Store, task: TaskPaths, tmp_path: Path
    ) -> None:
        from taskstore.disk.beacon import hold_beacon

        tasks.transition(store, task.id, Status.IN_PROGRESS)
        held = hold_beacon(task.beacon, store.locks)
        path = packed(store, tmp_path / "alive.zip")
        [row] = query.find(open_at(path)).rows
        held.release()
        assert (row.task.status, row.task.status_reason) == (Status.FAILED, "copied")
        assert tasks.read(places.locate(open_at(path), task.id)).status is Status.IN_PROGRESS

    def test_a_listing_of_ten_thousand_unpacks_nothing(self, clock: FixedClock, tmp_path: Path) -> None:
        small = init(tmp_path / "small", clock=clock)
        model = tasks.create(small, "many", "a run").record.read_bytes()
        record = tasks.read(places.resolve(small, "@last"))
        ids = [new_id() for _ in range(10_000)]
        files = {f"projects/many/{one}/task.json": model.replace(record.id.encode(), one.encode()) for one in ids}
        opened = open_at(pack(tmp_path / "many.zip", {"taskstore-bundle.json": b'{"format": 1}', **files}))
        assert len(query.find(opened).rows) == 10_000
        assert list((opened.root / "projects" / "many").iterdir()) == []

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="it does not fork")
    def test_a_forked_child_reads_on_by_itself(self, path: Path, task: TaskPaths) -> None:
        opened = open_at(path)
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=_read_in_child, args=(opened, task.id)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join(30)
        assert [child.exitcode for child in children] == [0, 0, 0]
        assert opened.root.is_dir()
        assert places.locate(opened, task.id).record.is_file()

    def test_doctor_is_for_stores_in_folders(self, path: Path) -> None:
        with pytest.raises(NotSupported, match="is a zip"):
            doctor.check(open_at(path))

    def test_after_the_last_is_closed_nothing_is_mounted(self, path: Path) -> None:
        opened = open_at(path)
        zipped.close_all()
        assert mounts.entries(str(opened.paths.projects)) is None
        assert not opened.root.exists()


def _read_in_child(opened: Store, task_id: str) -> None:
    found = places.locate(opened, task_id)
    assert [line.text for line in events.read_console(found)] == ["hello"]
