import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.atomic import temporary_beside
from taskstore.disk.beacon import BY_EXIT_CODE, EXIT_CODE_AT, Beacon, hold_beacon, read_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.disk.lock import LockKind
from taskstore.disk.process import ProcessIdentity, identity
from taskstore.schema.record import Scalar
from taskstore.store import liveness, tasks
from taskstore.store.store import Store, init


def dead_beacon(task: TaskPaths) -> None:
    here = identity()
    gone = ProcessIdentity(here.host, here.boot_id, here.pid, -1.0, here.pid_space)
    task.beacon.write_bytes(msgspec.json.encode(Beacon(gone)))


def running(store: Store) -> TaskPaths:
    task = tasks.create(store, "vision", "a run")
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    return task


def settled(store: Store, task: TaskPaths):
    return liveness.settle(store, task, tasks.read(task))


@pytest.fixture(params=list(LockKind))
def any_store(request, tmp_path: Path, clock: FixedClock) -> Store:
    return init(tmp_path / "s", locks=request.param.value, clock=clock)


def test_a_dead_run_becomes_failed_with_the_reason_and_its_data_is_summed_up(any_store: Store) -> None:
    task = running(any_store)
    task.events.mkdir()
    task.scalars("w").write_bytes(msgspec.json.encode(Scalar(1, 7, "loss", "train", 0.5)) + b"\n")
    dead_beacon(task)
    record = settled(any_store, task)
    assert record.status is Status.FAILED
    assert record.status_reason in ("killed", "out of memory")
    assert tasks.read(task) == record
    assert b'"last_iteration": 7' in task.summary.read_bytes()


def test_a_live_run_is_left_alone(any_store: Store) -> None:
    task = running(any_store)
    held = hold_beacon(task.beacon, any_store.locks)
    before = task.record.read_bytes()
    assert settled(any_store, task).status is Status.IN_PROGRESS
    assert liveness.is_running(any_store, task, tasks.read(task))
    assert task.record.read_bytes() == before
    held.release()
    assert settled(any_store, task).status is Status.FAILED


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_PROGRESS])
def test_what_does_not_say_that_it_runs_is_believed(store: Store, status: Status) -> None:
    task = running(store)
    tasks.transition(store, task.id, status, force=True)
    dead_beacon(task)
    before = task.record.read_bytes()
    assert settled(store, task).status is status
    assert task.record.read_bytes() == before


def test_a_run_without_a_beacon_is_believed_for_two_hours(store: Store, clock: FixedClock) -> None:
    task = running(store)
    clock.advance(7199)
    assert settled(store, task).status is Status.IN_PROGRESS
    clock.advance(2)
    record = settled(store, task)
    assert (record.status, record.status_reason) == (Status.FAILED, "lost")


def test_of_two_who_notice_one_writes_and_both_say_the_same(store: Store) -> None:
    task = running(store)
    dead_beacon(task)
    seen_by_both = tasks.read(task)
    first = liveness.settle(store, task, seen_by_both)
    second = liveness.settle(store, task, seen_by_both)
    assert first == second == tasks.read(task)
    assert [change.status for change in first.history].count(Status.FAILED) == 1


def test_what_the_run_itself_wrote_last_wins(store: Store) -> None:
    task = running(store)
    dead_beacon(task)
    seen = tasks.read(task)
    tasks.transition(store, task.id, Status.COMPLETED)
    assert liveness.settle(store, task, seen).status is Status.COMPLETED


def test_a_task_that_was_started_again_meanwhile_is_not_failed(store: Store) -> None:
    task = running(store)
    dead_beacon(task)
    seen = tasks.read(task)
    is_alive, looked = liveness.is_alive, []

    def started_after_the_first_look(path: Path, kind: LockKind) -> bool:
        looked.append(path)
        return len(looked) > 1 or is_alive(path, kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(liveness, "is_alive", started_after_the_first_look)
        assert liveness.settle(store, task, seen).status is Status.IN_PROGRESS
    assert tasks.read(task).status is Status.IN_PROGRESS


def test_a_dead_run_in_a_store_that_cannot_be_written_is_shown_as_failed(plain_user: Path) -> None:
    store = init(plain_user / "s")
    task = running(store)
    dead_beacon(task)
    for path in (task.lock, task.record):
        path.chmod(0o400)
    task.home.chmod(0o500)
    record = settled(store, task)
    assert record.status is Status.FAILED
    assert record.status_reason
    assert record.history[-1].status is Status.FAILED
    assert tasks.read(task).status is Status.IN_PROGRESS
    task.home.chmod(0o700)


def test_a_task_that_went_meanwhile_is_shown_as_it_was_read(store: Store) -> None:
    task = running(store)
    dead_beacon(task)
    seen = tasks.read(task)
    import shutil

    shutil.rmtree(task.home)
    assert liveness.settle(store, task, seen) == seen


def test_a_run_that_could_not_write_its_record_is_believed_by_its_beacon(any_store: Store) -> None:
    task = running(any_store)
    held = hold_beacon(task.beacon, any_store.locks)
    held.say_end("completed", "completed")
    held.release()
    assert settled(any_store, task).status is Status.COMPLETED


@pytest.mark.parametrize(("code", "status"), [(0, Status.COMPLETED), (3, Status.FAILED)])
def test_an_exit_code_left_at_the_very_end_decides(any_store: Store, code: int, status: Status) -> None:
    task = running(any_store)
    held = hold_beacon(task.beacon, any_store.locks)
    held.say_end(BY_EXIT_CODE, "")
    held.release()
    with task.beacon.open("r+b") as beacon:
        beacon.seek(EXIT_CODE_AT)
        beacon.write(bytes([code]))
    record = settled(any_store, task)
    assert (record.status, record.status_reason) == (status, "exit code 3" if code else "completed")


def test_a_dead_run_ended_when_it_was_last_seen_alive_not_when_somebody_looked(store: Store, clock: FixedClock) -> None:
    task = running(store)
    started = tasks.read(task).started
    dead_beacon(task)
    os.utime(task.beacon, (started.timestamp() + 60, started.timestamp() + 60))
    clock.advance(3 * 24 * 3600)
    record = settled(store, task)
    assert record.active_duration == 60
    assert record.completed == started + timedelta(seconds=60)
    assert record.status_changed == clock.now()


def test_a_copy_made_while_a_run_goes_on_says_so(store: Store) -> None:
    task = running(store)
    task.beacon.write_bytes(msgspec.json.encode(Beacon(identity())))  # of a process that lives, and locked by nobody
    assert settled(store, task).status_reason == "copied"


def test_the_end_is_written_where_a_disk_is_full(tmp_path: Path) -> None:
    held = hold_beacon(tmp_path / ".alive", LockKind.FLOCK)
    before = (tmp_path / ".alive").stat()
    held.say_end("failed", "caf\udce9" + "x" * 5000)
    after = (tmp_path / ".alive").stat()
    held.release()
    assert (before.st_size, before.st_blocks, before.st_ino) == (after.st_size, after.st_blocks, after.st_ino)
    assert read_beacon(tmp_path / ".alive").ended == "failed"


def test_what_a_dead_run_was_writing_goes_with_the_look_that_settles_it(store: Store) -> None:
    task = running(store)
    task.source.mkdir()
    mine = temporary_beside(task.bundle)
    gone = mine.with_name(mine.name.replace(f"-{os.getpid()}-", "-4194305-"))
    elsewhere = task.home / ".script.json.00000000-1-abcdef.tmp"
    for path in (mine, gone, elsewhere, task.diff):
        path.write_bytes(b"half")
    dead_beacon(task)
    assert settled(store, task).status is Status.FAILED
    assert [path.exists() for path in (gone, mine, elsewhere, task.diff)] == [False, True, True, True]
