from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadTransition, BadValue, Refused
from taskstore.core.states import Status
from taskstore.disk.beacon import Beacon, hold_beacon, read_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.run.abort import abort
from taskstore.schema.record import Scalar, TaskRecord
from taskstore.store import stopping, tasks
from taskstore.store.store import Store

_HOLDER = """
import signal, sys
from pathlib import Path
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.lock import LockKind

if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = hold_beacon(Path(sys.argv[1]), LockKind.FLOCK)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def running(store: Store) -> TaskPaths:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    return paths


@pytest.fixture
def holders() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        with process:
            process.kill()


def _hold(holders: list[subprocess.Popen[bytes]], paths: TaskPaths, how: str = "") -> subprocess.Popen[bytes]:
    """Let another process be the run: it holds the beacon."""
    argv = [sys.executable, "-c", _HOLDER, str(paths.beacon), how]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holders.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def _rewrite(paths: TaskPaths, **changes: object) -> None:
    beacon = read_beacon(paths.beacon)
    assert beacon is not None
    process = msgspec.structs.replace(beacon.process, **changes)
    paths.beacon.write_bytes(msgspec.json.encode(Beacon(process)))


def test_a_run_that_is_asked_ends_and_is_stopped(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]]
) -> None:
    process = _hold(holders, running)
    done = abort(store, running.id)
    assert process.wait(60) != 0
    assert (done.record.status, done.is_killed) == (Status.STOPPED, False)
    assert tasks.read(running).status is Status.STOPPED


def test_one_that_does_not_end_in_its_time_of_grace_is_killed(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
) -> None:
    process = _hold(holders, running, "deaf")
    seen: list[int | None] = []

    def pause(seconds: float) -> None:
        if clock.monotonic() >= 30:
            process.wait(60)  # it is being killed: the kernel needs a moment, which the clock does not count
        seen.append(process.poll())
        clock.advance(15)

    done = abort(store, running.id, grace_s=30, clock=clock, pause=pause)
    assert process.wait(60) == -signal.SIGKILL
    assert seen[:2] == [None, None]  # alive for all of its time of grace
    assert (done.record.status, done.is_killed) == (Status.STOPPED, True)
    assert "30 s after SIGTERM" in done.record.status_message


def test_what_the_run_said_of_its_end_stands(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
) -> None:
    process = _hold(holders, running, "deaf")

    def pause(seconds: float) -> None:
        # It has finished by itself in the meantime.
        tasks.transition(store, running.id, Status.COMPLETED, reason="completed")
        process.kill()
        process.wait(60)

    done = abort(store, running.id, clock=clock, pause=pause)
    assert (done.record.status, done.is_killed) == (Status.COMPLETED, False)


def test_a_killed_run_that_another_reader_called_failed_is_stopped(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
) -> None:
    process = _hold(holders, running, "deaf")
    is_past_grace = False

    def pause(seconds: float) -> None:
        nonlocal is_past_grace
        if is_past_grace:
            process.wait(60)
            tasks.transition(store, running.id, Status.FAILED, reason="killed")
        is_past_grace = True
        clock.advance(seconds)

    done = abort(store, running.id, grace_s=0.01, clock=clock, pause=pause)
    assert done.record.status is Status.STOPPED


@pytest.mark.parametrize(
    "elsewhere", [{"host": "gpu-7", "boot_id": "another"}, {"pid_space": "pid:[1]"}], ids=["host", "container"]
)
def test_a_run_elsewhere_is_asked_to_end_itself_and_gets_no_signal_from_here(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], elsewhere: dict[str, str]
) -> None:
    process = _hold(holders, running)
    _rewrite(running, **elsewhere)
    clock = FixedClock()

    def pause(seconds: float) -> None:
        clock.advance(seconds)
        asked = stopping.read(running)
        assert asked is not None
        assert (asked.ends_itself, asked.grace_s) == (True, 7)
        if tasks.read(running).status is Status.IN_PROGRESS:
            tasks.transition(store, running.id, Status.STOPPED, reason="terminated (SIGTERM)")

    done = abort(store, running.id, grace_s=7, clock=clock, pause=pause)
    assert (done.record.status, done.record.status_reason) == (Status.STOPPED, "terminated (SIGTERM)")
    assert process.poll() is None


def test_a_run_elsewhere_that_does_not_end_in_time_is_said_to_run_on_and_where(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]]
) -> None:
    process = _hold(holders, running)
    _rewrite(running, host="gpu-7", boot_id="another")
    clock = FixedClock()
    with pytest.raises(Refused, match="on gpu-7 .* has not yet") as caught:
        abort(store, running.id, clock=clock, pause=clock.advance)
    assert "taskstore abort" in str(caught.value)
    assert process.poll() is None
    assert tasks.read(running).status is Status.IN_PROGRESS


def test_a_pid_that_is_another_process_by_now_gets_no_signal(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]]
) -> None:
    process = _hold(holders, running)
    _rewrite(running, start=1.0)
    abort(store, running.id)
    assert process.poll() is None


def test_a_run_that_is_dead_is_failed_and_not_aborted(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]]
) -> None:
    process = _hold(holders, running)
    process.kill()
    process.wait(60)
    with pytest.raises(BadTransition, match="gone already"):
        abort(store, running.id)
    assert tasks.read(running).status is Status.FAILED


def test_one_without_a_process_is_stopped(store: Store, running: TaskPaths) -> None:
    assert abort(store, running.id).record.status is Status.STOPPED


def test_one_that_waits_is_taken_out_of_the_queue(store: Store) -> None:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.QUEUED)
    assert abort(store, paths.id).record.status is Status.STOPPED


@pytest.mark.parametrize("status", [Status.CREATED, Status.COMPLETED, Status.FAILED, Status.STOPPED])
def test_one_that_does_not_run_is_refused_and_stays(store: Store, status: Status) -> None:
    paths = tasks.create(store, "examples", "a run")
    if status is not Status.CREATED:
        tasks.transition(store, paths.id, Status.IN_PROGRESS)
        tasks.transition(store, paths.id, status)
    before = paths.record.read_bytes()
    with pytest.raises(BadTransition):
        abort(store, paths.id)
    assert paths.record.read_bytes() == before


@pytest.mark.parametrize("grace_s", [-1.0, float("nan")])
def test_a_time_of_grace_is_not_negative(store: Store, running: TaskPaths, grace_s: float) -> None:
    with pytest.raises(BadValue):
        abort(store, running.id, grace_s=grace_s)


def test_a_run_that_was_moved_meanwhile_is_ended_where_it_is(
    store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    _hold(holders, running)
    tasks.move(store, running.id, "other/place")
    record: TaskRecord = abort(store, running.id).record
    assert record.status is Status.STOPPED


def test_our_own_beacon_tells_that_we_live(store: Store, running: TaskPaths) -> None:
    held = hold_beacon(running.beacon, store.locks)
    _rewrite(running, host="gpu-7", boot_id="another")
    clock = FixedClock()
    with pytest.raises(Refused):
        abort(store, running.id, clock=clock, pause=clock.advance)
    held.release()


class TestACallback:
    def test_a_run_is_asked_first_and_gets_sigterm_when_it_has_answered(
        self, store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
    ) -> None:
        process = _hold(holders, running)
        stopping.listen(store, running.id, 30)
        seen: list[int | None] = []

        def pause(seconds: float) -> None:
            record = stopping.read(running)
            assert record is not None
            assert record.requested is not None
            assert not record.ends_itself
            if record.answered is None:
                seen.append(process.poll())
                clock.advance(seconds)
                if len(seen) == 5:
                    stopping.answer(store, running.id)

        assert abort(store, running.id, clock=clock, pause=pause).record.status is Status.STOPPED
        assert seen == [None] * 5
        assert process.wait(60) != 0

    def test_one_that_does_not_answer_is_waited_for_as_long_as_it_wanted(
        self, store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
    ) -> None:
        process = _hold(holders, running)
        stopping.listen(store, running.id, 30)
        begun = clock.monotonic()
        waits: list[float] = []

        def pause(seconds: float) -> None:
            if clock.monotonic() < begun + 30:
                assert process.poll() is None
                waits.append(seconds)
            elif clock.monotonic() >= begun + 40:
                process.wait(60)  # it has got SIGTERM, and needs a moment that the clock does not count
            clock.advance(10)

        assert not abort(store, running.id, grace_s=60, clock=clock, pause=pause).is_killed
        assert len(waits) == 3
        assert process.wait(60) != 0

    def test_one_that_ends_by_itself_is_not_waited_for(
        self, store: Store, running: TaskPaths, holders: list[subprocess.Popen[bytes]], clock: FixedClock
    ) -> None:
        process = _hold(holders, running)
        stopping.listen(store, running.id, 3600)
        begun = clock.monotonic()

        def pause(seconds: float) -> None:
            process.kill()
            process.wait(60)

        assert abort(store, running.id, clock=clock, pause=pause).record.status is Status.STOPPED
        assert clock.monotonic() == begun


def test_an_aborted_run_is_summed_up_as_one_that_ended_is(store: Store, running: TaskPaths) -> None:
    running.events.mkdir()
    running.scalars("elsewhere-1-0123abcd").write_bytes(msgspec.json.encode(Scalar(1, 7, "loss", "train", 0.5)) + b"\n")
    assert abort(store, running.id).record.status is Status.STOPPED
    assert b'"last_iteration": 7' in running.summary.read_bytes()
