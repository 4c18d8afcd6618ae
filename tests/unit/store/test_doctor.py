"""doctor: each broken law is found, repaired where that is possible, and what is alive is left alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.ids import new_id
from taskstore.core.states import Status
from taskstore.disk.atomic import staging_beside, temporary_beside
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.layout import PURGE_PREFIX, TaskPaths
from taskstore.disk.log import writer_name
from taskstore.schema.artifact import Artifact
from taskstore.schema.record import FileRef
from taskstore.store import artifacts, blobs, doctor, places, projects, published, query, store, tasks, trash
from taskstore.store.doctor import Finding, Kind
from taskstore.store.store import Store

GONE = "scalars.elsewhere-4194305-00000000.jsonl"


@pytest.fixture
def made(tmp_path: Path) -> Store:
    return store.init(tmp_path / "store", clock=FixedClock(datetime.now(timezone.utc)))


@pytest.fixture
def task(made: Store) -> TaskPaths:
    return tasks.create(made, "some project", "some task")


def later(made: Store, hours: float) -> Store:
    """The same store, looked at later."""
    return store.open_at(made.root, clock=FixedClock(made.clock.now() + timedelta(hours=hours)))


def only(made: Store) -> Finding:
    (finding,) = doctor.check(made)
    return finding


def mend(made: Store, kind: Kind) -> None:
    """One finding of this kind, which one repair mends for good."""
    assert [finding.kind for finding in doctor.check(made)] == [kind]
    assert all(finding.is_repaired for finding in doctor.repair(made))
    assert doctor.repair(made) == []


def kept(made: Store) -> dict[str, bytes]:
    """What is in quarantine: where it was, and what."""
    out = {}
    for note in made.root.glob("quarantine/*/note.json"):
        for path in note.parent.rglob("*"):
            if path.is_file() and path != note:
                out[json.loads(note.read_bytes())["origin"]] = path.read_bytes()
    return out


def ended(made: Store, task: TaskPaths) -> None:
    tasks.transition(made, task.id, Status.IN_PROGRESS)
    tasks.transition(made, task.id, Status.COMPLETED)


def test_a_store_in_order_has_no_findings(made, task):
    projects.create(made, "empty/one", description="x")
    assert doctor.check(made) == []
    assert doctor.repair(made) == []


def test_an_empty_task_record_is_rebuilt_and_says_so(made, task):
    task.record.write_bytes(b"")
    mend(made, Kind.RECORD)
    record = tasks.read(task)
    assert (record.id, record.status) == (task.id, Status.FAILED)
    assert record.status_reason == "recovered by doctor"


def test_of_a_record_with_one_bad_field_the_rest_and_what_is_unknown_stay(made, task):
    value = json.loads(task.record.read_bytes()) | {"tags": "not a list", "comment": "said", "from_later": {"x": 1}}
    task.record.write_text(json.dumps(value))
    mend(made, Kind.RECORD)
    record = tasks.read(task)
    assert (record.name, record.comment, record.tags, record.status) == ("some task", "said", [], Status.CREATED)
    assert json.loads(task.record.read_bytes())["from_later"] == {"x": 1}
    assert b"not a list" in next(iter(kept(made).values()))


def test_a_missing_task_record_is_rebuilt_where_the_folder_holds_other_things(made, task):
    task.record.unlink()
    task.params.write_text('{"rev": 1}')
    mend(made, Kind.RECORD)
    assert tasks.read(task).id == task.id


def test_a_folder_with_nothing_but_a_lock_goes_to_quarantine(made, task):
    ghost = task.home.with_name(new_id())
    ghost.mkdir()
    (ghost / ".lock").touch()
    mend(made, Kind.GHOST)
    assert not ghost.exists()
    assert [row.id for row in query.find(made).rows] == [task.id]


def test_a_folder_copied_by_hand_becomes_a_task_of_its_own(made, task):
    copied = TaskPaths(task.home.with_name(new_id()))
    shutil.copytree(task.home, copied.home)
    mend(made, Kind.ID)
    assert tasks.read(copied).id == copied.id
    assert tasks.read(task).id == task.id


def test_of_one_task_in_two_places_the_later_one_stays(made, task):
    old = made.paths.project(("other project",)) / task.id
    shutil.copytree(task.home, old)
    tasks.edit(made, task.id, lambda record: record.tags.append("x"))
    newer = max((old, task.home), key=lambda home: tasks.read(TaskPaths(home)).rev)
    mend(made, Kind.DUPLICATE)
    assert newer.exists()
    assert len(query.find(made).rows) == 1


def test_a_task_in_the_tree_and_in_the_trash_stays_in_one(made, task):
    trash.put(made, task.id)
    shutil.copytree(made.paths.trashed(task.id).home, task.home)
    doctor.repair(made)
    assert doctor.check(made) == []
    assert task.home.exists() != made.paths.trashed(task.id).home.exists()


def test_a_mark_of_deletion_on_a_task_in_the_tree_is_taken_off(made, task):
    trash.put(made, task.id)
    made.paths.trashed(task.id).home.rename(task.home)
    mend(made, Kind.TRASHED)
    assert tasks.read(task).trashed is None


def test_a_run_that_said_its_end_on_a_full_disk_is_marked_as_it_said_and_that_is_told_before(made, task):
    tasks.transition(made, task.id, Status.IN_PROGRESS)
    held = hold_beacon(task.beacon, made.locks)
    held.say_end("completed", "completed; the disk was full")
    held.release()
    (finding,) = doctor.check(made)
    assert finding.repair == "mark it completed: completed; the disk was full"
    mend(made, Kind.DEAD_RUN)
    assert tasks.read(task).status is Status.COMPLETED


def test_a_dead_run_is_marked_failed(made, task):
    tasks.transition(made, task.id, Status.IN_PROGRESS)
    assert doctor.check(made) == []
    mend(later(made, 3), Kind.DEAD_RUN)
    assert tasks.read(task).status is Status.FAILED


@pytest.mark.parametrize("damage", ["changed", "missing", "shorter", "outside"])
def test_a_blob_that_is_not_what_its_record_says_is_reported_and_never_touched(damage, made, task):
    task.files.mkdir()
    blob = task.files / "model.bin"
    blob.write_bytes(b"other" if damage == "changed" else b"oth")
    outside = made.root / "outside"
    outside.write_bytes(b"right")
    if damage == "missing":
        blob.unlink()
    path = "../../../outside" if damage == "outside" else "files/model.bin"
    digest = "b7f6a1ab1e5c1ed2bc9eb1bcf0ba7f1b4dd0ffcfa2e0d9b3a8ac4f0d9e1e4b5a"
    task.home.joinpath("from_later.json").write_text(
        json.dumps({"artifacts": [{"deep": {"path": path, "size": 5, "hash": digest}}]})
    )
    finding = only(made)
    assert (finding.kind, finding.repair) == (Kind.BLOB, None)
    before = sorted(made.root.rglob("*"))
    assert doctor.repair(made) == [finding]
    assert sorted(made.root.rglob("*")) == before


def test_a_blob_that_is_what_its_record_says_is_no_finding(made, task):
    task.source.mkdir()
    task.diff.write_bytes(b"x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    ref = FileRef(path="source/uncommitted.diff", size=1, hash=digest)
    tasks.edit_script(made, task.id, lambda record: setattr(record, "diff", ref))
    assert doctor.check(made) == []


def _logged(task: TaskPaths, name: str, data: bytes) -> Path:
    task.events.mkdir(exist_ok=True)
    log = task.events / name
    log.write_bytes(data)
    return log


LINE = b'{"timestamp":1,"iter":1,"metric":"a","variant":"b","value":1}\n'


def test_a_torn_log_loses_its_torn_line_to_quarantine_and_nothing_else(made, task):
    ended(made, task)
    log = _logged(task, GONE, LINE + LINE + b'{"torn')
    later_store = later(made, 2)
    assert all(finding.is_repaired for finding in doctor.repair(later_store))
    assert log.read_bytes() == LINE + LINE
    assert b'{"torn' in kept(made).values()
    assert doctor.check(later_store) == []


def test_a_log_whose_writer_lives_is_not_touched(made, task):
    ended(made, task)
    log = _logged(task, f"scalars.{writer_name()}.jsonl", LINE + b'{"torn')
    assert doctor.repair(later(made, 2)) == []
    assert log.read_bytes() == LINE + b'{"torn'


def test_a_bad_line_within_a_log_is_reported_and_kept(made, task):
    ended(made, task)
    log = _logged(task, GONE, LINE + b"bad\n" + LINE)
    later_store = later(made, 2)
    (left,) = [finding for finding in doctor.repair(later_store) if not finding.is_repaired]
    assert (left.kind, left.path, left.repair) == (Kind.LOG, log, None)
    assert log.read_bytes() == LINE + b"bad\n" + LINE


@pytest.mark.parametrize("data", [b"", b'{"covered": {"gone": 5}}', b"[1]"])
def test_a_summary_that_is_not_what_the_logs_say_is_made_again(data, made, task):
    ended(made, task)
    _logged(task, GONE, LINE)
    task.summary.write_bytes(data)
    mend(later(made, 2), Kind.SUMMARY)
    (row,) = query.find(made).rows
    assert row.get("a/b") == 1


def test_write_bits_of_a_published_task_are_taken_off_again(made, task):
    ended(made, task)
    published.publish(made, task.id)
    task.record.chmod(0o644)
    mend(made, Kind.WRITE_BITS)
    assert not published.has_write_bits(task)


def test_a_difference_from_what_was_published_is_reported_and_never_mended(made, task):
    ended(made, task)
    task.params.write_text('{"rev": 1}')
    published.publish(made, task.id)
    task.params.chmod(0o600)
    task.params.write_text('{"rev": 1, "hyperparams": {"Args": {"lr": {"value": "forged"}}}}')
    task.params.chmod(0o400)
    finding = only(made)
    assert (finding.kind, finding.repair) == (Kind.PUBLISHED, None)
    assert "params.json" in finding.message
    assert doctor.repair(made) == [finding]


def test_a_manifest_of_a_task_that_is_not_published_goes_to_quarantine(made, task):
    task.manifest.write_text("{}")
    mend(made, Kind.MANIFEST)
    assert b"{}" in kept(made).values()


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_folder_that_its_owner_cannot_use_gets_its_permissions_back(mode, made, task):
    task.source.mkdir()
    task.source.chmod(mode)
    mend(made, Kind.PERMISSIONS)
    assert task.source.stat().st_mode & 0o700 == 0o700


def test_leftovers_of_a_process_that_is_gone_go_to_quarantine(made, task):
    for path in (temporary_beside(task.record), staging_beside(task.home.with_name(new_id()))):
        owner = f"-{os.getpid()}-"
        assert owner in path.name
        gone = path.with_name(path.name.replace(owner, "-4194305-"))
        gone.mkdir()
        path.mkdir()
        mend(made, Kind.LEFTOVER)
        assert path.exists()
        assert not gone.exists()
        path.rmdir()


def test_leftovers_of_another_machine_are_left_alone_for_an_hour(made, task):
    path = task.home / ".task.json.00000000-1-abcdef.tmp"
    path.write_bytes(b"half")
    assert doctor.check(made) == []
    mend(later(made, 1.1), Kind.LEFTOVER)
    assert kept(made) == {path.relative_to(made.root).as_posix(): b"half"}


def test_an_interrupted_purge_is_finished(made, task):
    trash.put(made, task.id)
    home = made.paths.trashed(task.id).home
    home.rename(home.with_name(f"{PURGE_PREFIX}00000000-1-{task.id}"))
    mend(later(made, 2), Kind.UNPURGED)
    assert list(made.paths.trash.iterdir()) == []


def test_an_interrupted_removal_of_a_project_never_takes_a_task_with_it(made, task):
    folder = task.home.parent
    folder.rename(folder.with_name(f"{PURGE_PREFIX}00000000-1-abcdef"))
    mend(later(made, 2), Kind.LEFTOVER)
    assert any(origin.startswith("projects/") for origin in kept(made))
    assert list(made.root.glob(f"quarantine/*/*/{task.id}/task.json"))


def test_a_lease_whose_holder_is_gone_is_taken_out(made, task):
    import socket

    marker = made.paths.lease(task.id)
    marker.parent.mkdir()
    marker.write_text(f"filelock/2\npid=4194305\nhost={socket.gethostname()}\n")
    mend(made, Kind.LEASE)
    marker.write_text(f"filelock/2\npid={os.getpid()}\nhost={socket.gethostname()}\n")
    assert doctor.check(made) == []


def test_a_torn_beacon_is_taken_out(made, task):
    task.beacon.write_bytes(b"{")
    mend(made, Kind.BEACON)


def test_a_folder_made_by_hand_becomes_a_project_that_can_be_found(made, task):
    (made.paths.projects / "MNIST").mkdir()
    mend(made, Kind.PROJECT_FOLDER)
    assert projects.find(made, "MNIST").is_dir()


def test_a_damaged_project_record_keeps_what_can_be_read(made):
    folder = projects.create(made, "cats and dogs", description="furry")
    path = folder / "project.yaml"
    path.write_bytes(path.read_bytes() + b"tags: [\n")
    mend(made, Kind.PROJECT)
    assert projects.read(folder).description == "furry"
    assert next(iter(kept(made).values())).endswith(b"tags: [\n")


def test_the_lost_name_of_an_abbreviated_project_is_reported(made):
    folder = projects.create(made, "long " * 60)
    (folder / "project.yaml").unlink()
    finding = only(made)
    assert (finding.kind, finding.repair) == (Kind.PROJECT_FOLDER, None)


def test_a_folder_renamed_by_hand_has_the_name_that_it_shows(made):
    folder = projects.create(made, "before", description="d")
    folder.rename(folder.with_name("after"))
    mend(made, Kind.PROJECT)
    record = projects.read(projects.find(made, "after"))
    assert (record.name, record.description) == ("after", "d")


def test_settings_that_cannot_be_read_are_reported_and_left_to_their_writer(made):
    made.paths.config.write_text("capture: 5\n")
    finding = only(made)
    assert (finding.kind, finding.repair) == (Kind.CONFIG, None)


def test_an_unreadable_index_is_thrown_away(made, task):
    made.paths.cache.mkdir()
    made.paths.index.write_bytes(b"\x00")
    mend(made, Kind.CACHE)


@pytest.mark.parametrize("locks", ["flock", "lease"])
@pytest.mark.parametrize("data", [None, b"", b"{", b'{"format": 1, "id": "abc", "lo'])
def test_a_store_without_its_record_opens_again_and_locks_as_before(data, locks, tmp_path):
    made = store.init(tmp_path / "store", locks=locks)
    paths = tasks.create(made, "some project", "some task")
    made.paths.record.unlink()
    if data is not None:
        made.paths.record.write_bytes(data)
    assert [finding.kind for finding in doctor.check_record(made.root)] == [Kind.STORE]
    assert all(finding.is_repaired for finding in doctor.repair_record(made.root))
    opened = store.open_at(made.root)
    assert opened.locks is made.locks
    assert places.locate(opened, paths.id) == paths
    assert doctor.check(opened) == []


def test_what_is_no_store_is_not_made_one(tmp_path):
    assert doctor.repair_record(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_files_of_strangers_are_no_findings(made, task):
    (task.home / "notes.md").write_text("mine")
    (task.home.parent / "README").write_text("mine")
    (made.root / "mine").mkdir()
    assert doctor.check(made) == []


def test_a_repair_that_fails_says_why_and_the_others_are_made(made, task, monkeypatch):
    task.beacon.write_bytes(b"{")
    task.params.write_bytes(b"{")
    made.paths.quarantine.write_bytes(b"in the way")
    left = [finding for finding in doctor.repair(made) if not finding.is_repaired]
    assert {finding.kind for finding in left} == {Kind.BEACON, Kind.PART}
    assert all("could not be repaired" in finding.message for finding in left)
    assert task.params.read_bytes() == b"{"


def test_only_the_findings_given_are_repaired(made, task):
    task.beacon.write_bytes(b"{")
    task.params.write_bytes(b"{")
    chosen = [finding for finding in doctor.check(made) if finding.kind is Kind.BEACON]
    assert [finding.is_repaired for finding in doctor.repair(made, chosen)] == [True]
    assert [finding.kind for finding in doctor.check(made)] == [Kind.PART]


@pytest.mark.parametrize("locked", [False, True], ids=["full", "read-only"])
def test_a_dead_run_that_cannot_be_written_is_reported_once_with_the_reason(locked, made, task, monkeypatch):
    tasks.transition(made, task.id, Status.IN_PROGRESS)
    dead = later(made, 3)
    code = errno.EROFS if locked else errno.ENOSPC
    opens = os.open

    def fails(path: str | Path, flags: int, *arguments: object, **named: object) -> int:
        if flags & (os.O_RDWR if locked else os.O_WRONLY):
            raise OSError(code, os.strerror(code))
        return opens(path, flags, *arguments, **named)

    with monkeypatch.context() as disk:
        disk.setattr(os, "open", fails)
        (left,) = doctor.repair(dead)
        (chosen,) = doctor.repair(dead, doctor.check(dead))
    assert left == chosen
    assert (left.kind, left.is_repaired) == (Kind.DEAD_RUN, False)
    assert left.message.count(os.strerror(code)) == 1
    assert tasks.read(task).status is Status.IN_PROGRESS
    mend(dead, Kind.DEAD_RUN)


def test_a_repair_after_which_the_same_is_found_again_is_none(made, task, monkeypatch):
    task.params.write_bytes(b"{")
    monkeypatch.setattr(os, "replace", lambda source, _: Path(source).unlink())  # a file system that forgets
    (left,) = doctor.repair(made)
    assert (left.kind, left.is_repaired) == (Kind.PART, False)
    assert "found again" in left.message


def test_a_forged_summary_of_a_published_task_is_made_again_and_read_only(made, task):
    ended(made, task)
    for writer, value in (("a", 1), ("b", 2)):
        _logged(task, f"scalars.{writer}.jsonl", LINE.replace(b'"value":1', b'"value":%d' % value))
    published.publish(made, task.id)
    task.summary.chmod(0o600)
    task.summary.write_bytes(task.summary.read_bytes().replace(b'"value": 2', b'"value": 3'))
    task.summary.chmod(0o400)
    assert published.verify(task) == ["changed: summary.json"]
    mend(made, Kind.SUMMARY)
    assert published.verify(task) == []
    assert not task.summary.stat().st_mode & 0o222


@pytest.mark.parametrize("name", ["{}-bak", "a run", ".hidden", "%"])
@pytest.mark.parametrize("in_trash", [False, True])
def test_a_task_whose_folder_was_renamed_gets_its_name_back(in_trash, name, made, task):
    if in_trash:
        trash.put(made, task.id)
        task = made.paths.trashed(task.id)
    task.events.mkdir()
    task.home.rename(task.home.with_name(name.format(task.id)))
    mend(made, Kind.TASK_FOLDER)
    assert tasks.read(task).id == task.id
    assert task.events.is_dir()
    assert places.locate(made, task.id) == task if not in_trash else trash.listed(made) == [task]


def test_a_published_task_gets_its_name_back_and_stays_read_only(made, task):
    ended(made, task)
    published.publish(made, task.id)
    task.home.rename(task.home.with_name("renamed"))
    mend(made, Kind.TASK_FOLDER)
    assert published.verify(task) == []
    assert not published.has_write_bits(task)


@pytest.mark.parametrize("in_trash", [False, True])
def test_a_copy_of_a_task_under_another_name_goes_to_quarantine(in_trash, made, task):
    copied = task.home.with_name(f"{task.id}-bak")
    shutil.copytree(task.home, copied)
    if in_trash:
        trash.put(made, task.id)
    mend(made, Kind.DUPLICATE)
    assert not copied.exists()
    assert (made.paths.trashed(task.id) if in_trash else task).record.is_file()
    assert [origin for origin in kept(made) if origin.endswith("-bak")]


def test_of_two_renamed_copies_the_later_one_becomes_the_task(made, task):
    shutil.copytree(task.home, task.home.with_name("z older"))
    tasks.edit(made, task.id, lambda record: record.tags.append("later"))
    task.home.rename(task.home.with_name("a newer"))
    assert {finding.kind for finding in doctor.repair(made)} == {Kind.TASK_FOLDER, Kind.DUPLICATE}
    assert doctor.check(made) == []
    assert tasks.read(task).tags == ["later"]


def test_a_renamed_folder_whose_record_does_not_say_its_id_is_only_reported(made, task):
    task.record.write_bytes(b"")
    task.home.rename(task.home.with_name("renamed"))
    finding = only(made)
    assert (finding.kind, finding.repair) == (Kind.TASK_FOLDER, None)


def test_a_renamed_folder_is_not_renamed_over_a_task_that_came_meanwhile(made, task):
    renamed = task.home.rename(task.home.with_name("renamed"))
    found = doctor.check(made)
    shutil.copytree(renamed, made.paths.project(("elsewhere",)) / task.id)
    (left,) = doctor.repair(made, found)
    assert not left.is_repaired
    assert renamed.is_dir()


@pytest.mark.parametrize("left", ["events/scalars.w.jsonl", "source/a.py", "summary.json", "files/x/model.bin"])
def test_what_an_interrupted_removal_has_left_of_a_task_is_a_task_again(left, made, task):
    for path in task.home.iterdir():
        path.unlink()
    (task.home / left).parent.mkdir(parents=True, exist_ok=True)
    (task.home / left).write_bytes(LINE)
    assert only(made).kind is Kind.RECORD
    doctor.repair(made)
    assert doctor.repair(made) == doctor.check(made)
    record = tasks.read(task)
    assert (record.status, record.status_reason) == (Status.FAILED, "recovered by doctor")
    assert [row.id for row in query.find(made).rows] == [task.id]


def artifact(made: Store, task: TaskPaths, data: bytes = b"data") -> Path:
    item = Artifact(key="key", type="custom")
    with blobs.staged(made, task.id, lambda at: at.artifact_folder("key"), lambda out: out.write(data)) as blob:
        artifacts.put(made, task.id, item, blob, "name.bin")
    return task.artifact_folder("key") / "name.bin"


def test_an_artifact_that_its_record_names_is_in_order(made, task):
    artifact(made, task)
    assert doctor.check(made) == []


def test_a_blob_that_no_record_names_goes_to_quarantine(made, task):
    orphan = artifact(made, task).with_name("of a crash.bin")
    orphan.write_bytes(b"half done")
    mend(made, Kind.ORPHAN)
    assert kept(made) == {orphan.relative_to(made.root).as_posix(): b"half done"}
    assert (task.artifact_folder("key") / "name.bin").read_bytes() == b"data"


def test_an_orphan_that_is_named_before_its_repair_stays(made, task):
    path = artifact(made, task)
    whole = task.artifacts.read_bytes()
    task.artifacts.write_text("{}")
    found = doctor.check(made)
    assert [finding.kind for finding in found] == [Kind.ORPHAN]
    task.artifacts.write_bytes(whole)
    doctor.repair(made, found)
    assert path.read_bytes() == b"data"


def test_no_blob_is_an_orphan_while_the_record_that_may_name_it_cannot_be_read(made, task):
    path = artifact(made, task)
    task.artifacts.write_text("{ torn")
    assert [finding.kind for finding in doctor.check(made)] == [Kind.PART]
    assert path.exists()


def test_a_damaged_artifact_is_named(made, task):
    path = artifact(made, task)
    path.chmod(0o644)
    path.write_bytes(b"atad")
    assert (only(made).kind, only(made).path) == (Kind.BLOB, path)


@pytest.mark.parametrize(
    "place", ["projects/junk.txt", f"projects/some project/{'0' * 32}", "trash/junk", "queues/junk.txt"]
)
def test_a_file_where_none_belongs_goes_to_quarantine(made, task, place):
    path = made.root / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("by mistake")
    mend(made, Kind.STRAY)
    assert not path.exists()
    assert kept(made) == {place: b"by mistake"}
    assert [row.id for row in query.find(made).rows] == [task.id]


def test_a_folder_in_the_trash_that_is_no_task_goes_to_quarantine(made, task):
    (made.paths.trash / "zzz").mkdir(parents=True)
    mend(made, Kind.STRAY)
    assert list(made.paths.trash.iterdir()) == []
    (made.paths.trash / "zzz" / "deep").mkdir(parents=True)
    (made.paths.trash / "zzz" / "deep" / "file").write_text("kept")
    mend(made, Kind.STRAY)
    assert len(list(made.root.glob("quarantine/*/zzz/deep/file"))) == 1


@pytest.mark.parametrize(
    ("place", "target"),
    [
        *[(f"{folder}/link", target) for folder in ("projects", "trash", "queues") for target in ("file", "nothing")],
        *[(f"projects/{'0' * 32}", target) for target in ("file", "nothing")],
        *[(f"{folder}/link", "folder") for folder in ("projects", "projects/some project", "trash")],
    ],
)
def test_a_link_is_moved_as_a_link_and_never_followed(made, task, tmp_path, place, target):
    behind = tmp_path / "folder"
    behind.mkdir()
    (tmp_path / "file").write_text("whole")
    (behind / "file").write_text("whole")
    path = made.root / place
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(tmp_path / target)
    mend(made, Kind.STRAY)
    (folder,) = made.paths.quarantine.iterdir()
    moved = folder / path.name
    assert moved.readlink() == tmp_path / target
    assert (behind / "file").read_text() == (tmp_path / "file").read_text() == "whole"


def test_a_task_behind_a_link_stays_and_is_told_of(made, task, tmp_path):
    elsewhere = tmp_path / task.id
    task.home.rename(elsewhere)
    task.home.symlink_to(elsewhere)
    assert [(one.kind, one.repair) for one in doctor.check(made)] == [(Kind.STRAY, None)]
    assert [one.is_repaired for one in doctor.repair(made)] == [False]
    assert [row.id for row in query.find(made).rows] == [task.id]


def test_what_is_hidden_is_left_alone(made, task):
    for folder in (made.paths.projects, task.home.parent, made.paths.trash, made.paths.queues):
        folder.mkdir(exist_ok=True)
        (folder / ".DS_Store").touch()
    assert doctor.check(made) == []
