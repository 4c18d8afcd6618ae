import os
from pathlib import Path

import msgspec
import pytest

from taskstore.core.errors import BadTransition, Damaged, Refused
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import USER_PROPERTIES, Parameter, Scalar, TaskRecord
from taskstore.store import events, places, projects, published, tasks
from taskstore.store.store import Store, init


def a_finished_task(store: Store) -> TaskPaths:
    task = tasks.create(store, "vision", "a run")
    tasks.edit_params(store, task.id, lambda params: params.hyperparams.update(Args={"lr": Parameter("0.1")}))
    for path in (task.files / "model.bin", task.source / "a" / "b.py", task.scalars("w")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content\n")
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    tasks.transition(store, task.id, Status.COMPLETED)
    return task


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return a_finished_task(store)


def tamper(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")


def test_a_published_task_is_read_only_on_disk_and_verifies(store: Store, task: TaskPaths) -> None:
    record = published.publish(store, task.id, message="for the paper")
    assert (record.status, record.status_message) == (Status.PUBLISHED, "for the paper")
    assert not published.has_write_bits(task)
    for folder, _, files in os.walk(task.home):
        assert not Path(folder).stat().st_mode & 0o222
        assert all(not (Path(folder) / name).stat().st_mode & 0o222 for name in files if name != ".lock")
    assert published.verify(task) == []


@pytest.mark.parametrize("status", [Status.CREATED, Status.QUEUED, Status.IN_PROGRESS])
def test_only_what_has_ended_is_published(store: Store, status: Status) -> None:
    task = tasks.create(store, "vision", "a run")
    tasks.transition(store, task.id, status, force=True)
    with pytest.raises(BadTransition):
        published.publish(store, task.id)
    assert published.has_write_bits(task)
    assert not task.manifest.exists()


def test_a_second_publishing_does_not_bless_what_was_changed_since(store: Store, task: TaskPaths) -> None:
    published.publish(store, task.id)
    tamper(task.files / "model.bin")
    for force in (False, True):
        with pytest.raises(BadTransition):
            published.publish(store, task.id, force=force)
    assert published.verify(task) == ["changed: files/model.bin"]


@pytest.mark.parametrize("name", ["files/model.bin", "source/a/b.py", "events/scalars.w.jsonl"])
def test_a_changed_file_is_named(store: Store, task: TaskPaths, name: str) -> None:
    published.publish(store, task.id)
    tamper(task.home / name)
    assert published.verify(task) == [f"changed: {name}"]


def test_a_missing_and_an_added_file_are_named(store: Store, task: TaskPaths) -> None:
    published.publish(store, task.id)
    task.files.chmod(0o700)
    (task.files / "model.bin").rename(task.files / "other.bin")
    assert published.verify(task) == ["missing: files/model.bin", "not in the manifest: files/other.bin"]


@pytest.mark.parametrize(("old", "new"), [('"vision"', '"x"'), ('"0.1"', '"0.2"'), ('"training"', '"testing"')])
def test_a_changed_record_is_named(store: Store, task: TaskPaths, old: str, new: str) -> None:
    published.publish(store, task.id)
    for path in (task.record, task.params):
        text = path.read_text()
        path.chmod(0o600)
        path.write_text(text.replace(old, new))
        expected = [] if old not in text else [f"changed: {path.name}"]
        assert published.verify(task) == expected
        path.write_text(text)


def test_what_stays_editable_is_no_difference(store: Store, task: TaskPaths) -> None:
    published.publish(store, task.id)

    def change(record: TaskRecord) -> None:
        record.name, record.comment, record.tags, record.system_tags = "renamed", "said", ["a"], ["archived"]

    tasks.edit(store, task.id, change)
    tasks.edit_params(
        store, task.id, lambda params: params.hyperparams.update({USER_PROPERTIES: {"a": Parameter("b")}})
    )
    moved = tasks.move(store, task.id, "elsewhere/deep")
    projects.rename(store, "elsewhere", "nowhere")
    moved = places.locate(store, task.id)
    assert published.verify(moved) == []
    assert not published.has_write_bits(moved)


def test_a_first_user_property_is_no_difference(store: Store) -> None:
    task = tasks.create(store, "vision", "without parameters")
    tasks.transition(store, task.id, Status.STOPPED, force=True)
    published.publish(store, task.id)
    tasks.edit_params(
        store, task.id, lambda params: params.hyperparams.update({USER_PROPERTIES: {"a": Parameter("b")}})
    )
    assert published.verify(task) == []
    assert not published.has_write_bits(task)


def test_a_link_is_verified_and_what_it_names_is_left_alone(store: Store, task: TaskPaths, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.txt", tmp_path / "folder"
    outside.write_text("the user's own")
    folder.mkdir()
    (task.source / "file").symlink_to(outside)
    (task.source / "folder").symlink_to(folder)
    (task.source / "dangling").symlink_to("nowhere")
    published.publish(store, task.id)
    assert outside.stat().st_mode & 0o200
    assert folder.stat().st_mode & 0o200
    assert published.verify(task) == []
    task.source.chmod(0o700)
    for name in ("file", "folder"):
        (task.source / name).unlink()
        (task.source / name).symlink_to("elsewhere")
    assert published.verify(task) == ["changed: source/file", "changed: source/folder"]


def logged(task: TaskPaths, *values: float) -> None:
    """Each value by a writer of its own, at one iteration and one time."""
    for writer, value in enumerate(values):
        line = msgspec.json.encode(Scalar(1, 7, "loss", "train", value))
        task.scalars(f"w{writer}").write_bytes(line + b"\n")


@pytest.mark.parametrize("values", [(0.5,), (0.25, 0.5)])
def test_a_forged_metric_is_no_longer_as_published(store: Store, task: TaskPaths, values: tuple[float, ...]) -> None:
    logged(task, *values)
    published.publish(store, task.id)
    assert published.verify(task) == []
    text = task.summary.read_bytes()
    task.summary.chmod(0o600)
    for forged in (text.replace(b"0.5", b"0.1", 1), text.replace(b"7", b"9"), b"{}", b"", b"["):
        task.summary.write_bytes(forged)
        assert published.verify(task) == ["changed: summary.json"]
    task.home.chmod(0o700)
    task.summary.unlink()
    assert published.verify(task) == ["missing: summary.json"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_publishing_sums_up_the_logs_alone(store: Store, task: TaskPaths, order: tuple[int, int]) -> None:
    logged(task, 0.25, 0.5)
    lines = [task.scalars(f"w{writer}").read_bytes() for writer in (0, 1)]
    for writer in (0, 1):
        task.scalars(f"w{writer}").unlink()
    for writer in order:  # as they come in, a listing sums them up
        task.scalars(f"w{writer}").write_bytes(lines[writer])
        events.refresh_summary(task)
    task.summary.write_bytes(task.summary.read_bytes().replace(b'"count": 2', b'"count": 3'))
    published.publish(store, task.id)
    assert events.read_summary(task) == events.rebuild_summary(task)
    assert published.verify(task) == []


def test_only_a_published_task_is_verified(task: TaskPaths) -> None:
    with pytest.raises(Refused, match="taskstore publish"):
        published.verify(task)


def test_a_manifest_that_is_gone_or_damaged_is_said(store: Store, task: TaskPaths) -> None:
    published.publish(store, task.id)
    task.home.chmod(0o700)
    task.manifest.chmod(0o600)
    task.manifest.write_text("{")
    with pytest.raises(Damaged):
        published.verify(task)
    task.manifest.unlink()
    assert published.verify(task) == ["missing: manifest.json"]


def test_a_publishing_that_fails_leaves_the_task_as_it_was(store: Store, task: TaskPaths, monkeypatch) -> None:
    replace = published.replace_record

    def fails(path: Path, data: bytes) -> None:
        if path == task.manifest:
            raise OSError("disk full")
        replace(path, data)

    with monkeypatch.context() as disk:
        disk.setattr(published, "replace_record", fails)
        with pytest.raises(OSError, match="disk full"):
            published.publish(store, task.id)
    assert tasks.read(task).status is Status.COMPLETED
    assert published.has_write_bits(task)
    published.publish(store, task.id)
    assert published.verify(task) == []


@pytest.mark.parametrize("locks", ["flock", "lease"])
def test_the_owner_of_a_published_task_edits_what_stays_editable_and_nothing_else(plain_user: Path, locks: str) -> None:
    store = init(plain_user / "s", locks=locks)
    task = a_finished_task(store)
    published.publish(store, task.id)
    with pytest.raises(PermissionError):
        (task.files / "model.bin").write_bytes(b"forged")
    with pytest.raises(PermissionError):
        (task.home / "new").touch()
    tasks.edit(store, task.id, lambda record: record.tags.append("a"))
    moved = tasks.move(store, task.id, "elsewhere")
    assert tasks.read(moved).tags == ["a"]
    assert published.verify(moved) == []
    assert not published.has_write_bits(moved)
