import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from taskstore.core.errors import Busy, ReadOnly
from taskstore.disk import beacon, lock
from taskstore.disk.beacon import LEASE_S, Beacon, hold_beacon, is_alive, oom_kills, read_beacon, why_gone
from taskstore.disk.lock import LockKind, edit_lock
from taskstore.disk.process import ProcessIdentity, identity
from taskstore.store.store import init

BOTH = pytest.mark.parametrize("kind", list(LockKind))
HOLD = """
import os, sys, time
from pathlib import Path
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.lock import LockKind, edit_lock
what, kind, path = sys.argv[1], LockKind(sys.argv[2]), Path(sys.argv[3])
if what == "edit":
    with edit_lock(path, kind):
        print("held", flush=True); sys.stdin.read()
elif what == "beacon":
    held = hold_beacon(path, kind); print("held", flush=True); sys.stdin.read()
elif what == "forks":
    held = hold_beacon(path, kind)
    if os.fork() == 0:
        print("held", flush=True); time.sleep(60)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".lock"


@pytest.fixture
def holder():
    """Start a process that holds a lock until its input is closed or it is killed."""
    started = []

    def start(what: str, kind: LockKind, path: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, what, kind.value, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            stream.close()


def write_beacon(path: Path, process: ProcessIdentity, *, age_s: float = 0, kills: int | None = None) -> None:
    import msgspec

    path.write_bytes(msgspec.json.encode(Beacon(process, kills)))
    os.utime(path, (time.time() - age_s,) * 2)


@BOTH
def test_of_two_holders_one_waits(path: Path, kind: LockKind, holder) -> None:
    process = holder("edit", kind, path)
    with pytest.raises(Busy) as busy, edit_lock(path, kind, timeout_s=0.05):
        pytest.fail("two hold it")
    assert busy.value.waited_s == 0.05
    process.stdin.close()
    process.wait()
    with edit_lock(path, kind, timeout_s=5):
        pass


@BOTH
def test_threads_of_one_process_exclude_one_another(path: Path, kind: LockKind) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(5):
            with edit_lock(path, kind):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 20


@BOTH
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_the_edit_lock_of_a_killed_process_is_free_at_once(path: Path, kind: LockKind, holder) -> None:
    process = holder("edit", kind, path)
    process.kill()
    process.wait()
    with edit_lock(path, kind, timeout_s=5):
        pass


@BOTH
def test_the_lock_is_free_after_an_error_under_it(path: Path, kind: LockKind) -> None:
    with pytest.raises(ValueError, match="mine"), edit_lock(path, kind):
        raise ValueError("mine")
    with edit_lock(path, kind, timeout_s=0.05):
        pass


@BOTH
def test_locking_does_not_bring_back_a_folder_that_has_moved(tmp_path: Path, kind: LockKind) -> None:
    with pytest.raises(FileNotFoundError), edit_lock(tmp_path / "projects" / "gone" / ".lock", kind):
        pytest.fail("it locked what is not there")
    assert list(tmp_path.iterdir()) == []


def _mark_as_from_elsewhere(path: Path) -> Path:
    marker = path.with_name(f"{path.name}.lease")
    marker.write_text("pid=1\nhost=another\n")
    return marker


def test_a_lease_of_another_host_is_void_when_it_stood_unchanged_for_as_long_as_no_change_takes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "EDIT_TIMEOUT_S", 0.05)
    marker = _mark_as_from_elsewhere(path)
    with pytest.raises(Busy), edit_lock(path, LockKind.LEASE, timeout_s=0.04):
        pytest.fail("it waited for less")
    with edit_lock(path, LockKind.LEASE, timeout_s=0.05):
        assert marker.read_text() != "pid=1\nhost=another\n"
    assert [each.name for each in path.parent.iterdir() if "lease" in each.name] == []


def test_a_lease_of_another_host_that_was_given_anew_meanwhile_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "EDIT_TIMEOUT_S", 0.3)
    marker = _mark_as_from_elsewhere(path)
    renewal = threading.Timer(0.05, os.utime, (marker, (1, 1)))
    renewal.start()
    with pytest.raises(Busy), edit_lock(path, LockKind.LEASE, timeout_s=0.3):
        pytest.fail("another holder's")
    renewal.join()
    assert marker.read_text() == "pid=1\nhost=another\n"


@BOTH
def test_a_folder_that_is_moved_while_it_is_locked_is_not_left_locked(tmp_path: Path, kind: LockKind) -> None:
    init(tmp_path, locks=kind.value)
    (tmp_path / "here").mkdir()
    with edit_lock(tmp_path / "here" / ".lock", kind):
        (tmp_path / "here").rename(tmp_path / "there")
    with edit_lock(tmp_path / "there" / ".lock", kind, timeout_s=0.05):
        pass


@BOTH
def test_a_folder_that_cannot_be_written_is_read_only(plain_user: Path, kind: LockKind) -> None:
    folder = plain_user / "task"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(ReadOnly, match="cannot be .*; make it writable"), edit_lock(folder / ".lock", kind):
        pytest.fail("it locked in a read-only folder")
    folder.chmod(0o700)


@BOTH
def test_a_run_is_alive_while_it_holds_its_beacon(path: Path, kind: LockKind, holder) -> None:
    assert not is_alive(path, kind)
    process = holder("beacon", kind, path)
    assert is_alive(path, kind)
    process.kill()
    process.wait()
    assert not is_alive(path, kind)
    assert why_gone(path)[0] in ("killed", "out of memory")
    assert str(process.pid) in why_gone(path)[1]


@BOTH
def test_of_two_runs_of_one_task_one_is_refused(path: Path, kind: LockKind, holder, monkeypatch) -> None:
    monkeypatch.setattr(beacon, "_ACQUIRE_S", 0.05)
    holder("beacon", kind, path)
    before = path.read_bytes()
    with pytest.raises(Busy):
        hold_beacon(path, kind)
    assert path.read_bytes() == before


@BOTH
def test_of_two_that_look_at_the_same_instant_one_gets_the_beacon(path: Path, kind: LockKind, monkeypatch) -> None:
    monkeypatch.setattr(beacon, "_ACQUIRE_S", 0.05)
    both_looked, look = threading.Barrier(2), beacon.is_alive

    def looked(*arguments: object) -> bool:
        found = look(*arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_looked.wait(0.3)  # who looks alone goes on
        return found

    monkeypatch.setattr(beacon, "is_alive", looked)
    got: list[object] = []

    def take() -> None:
        try:
            got.append(hold_beacon(path, kind))
        except Busy as error:
            got.append(error)

    takers = [threading.Thread(target=take) for _ in range(2)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(isinstance(one, Busy) for one in got) == [False, True]


@BOTH
def test_a_beacon_that_was_given_up_can_be_taken_again_by_the_same_process(path: Path, kind: LockKind) -> None:
    held = hold_beacon(path, kind)
    assert is_alive(path, kind)
    held.release()
    held.release()
    assert not is_alive(path, kind)
    again = hold_beacon(path, kind)
    assert is_alive(path, kind)
    again.release()


def test_a_lease_is_given_up_where_its_task_is_now(tmp_path: Path) -> None:
    held = hold_beacon(tmp_path / "a", LockKind.LEASE)
    moved = (tmp_path / "a").rename(tmp_path / "b")
    held.release()
    assert not is_alive(moved, LockKind.LEASE)
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_a_dead_run_alive(path: Path, holder) -> None:
    process = holder("forks", LockKind.FLOCK, path)
    assert is_alive(path, LockKind.FLOCK)
    process.kill()
    process.wait()
    assert not is_alive(path, LockKind.FLOCK)


@BOTH
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_give_up_its_parents_beacon(path: Path, kind: LockKind) -> None:
    held = hold_beacon(path, kind)
    pid = os.fork()
    if pid == 0:
        held.release()
        os._exit(0)
    os.waitpid(pid, 0)
    assert is_alive(path, kind)
    held.release()


def test_looking_whether_a_run_lives_does_not_disturb_it(path: Path) -> None:
    held = hold_beacon(path, LockKind.FLOCK)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    for _ in range(20):
        assert is_alive(path, LockKind.FLOCK)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    held.release()


ELSEWHERE = ProcessIdentity("other-host", "other-boot", 1, 1.0, "pid:[1]")


@BOTH
def test_a_run_on_another_host_lives_as_long_as_it_beats(path: Path, kind: LockKind) -> None:
    write_beacon(path, ELSEWHERE)
    now = path.stat().st_mtime
    assert is_alive(path, kind, now=now + LEASE_S - 1)
    assert not is_alive(path, kind, now=now + LEASE_S + 1)
    assert why_gone(path) == ("lost", f"no heartbeat from process 1 on other-host for more than {LEASE_S:g} s")


@BOTH
def test_a_run_of_this_host_before_its_restart_is_soon_known_to_be_gone(path: Path, kind: LockKind) -> None:
    write_beacon(path, ProcessIdentity(identity().host, "earlier-boot", 1, 1.0), age_s=60)
    assert not is_alive(path, kind)
    assert "restarted" in why_gone(path)[1]


def test_a_lease_of_a_pid_that_now_is_another_process_is_void(path: Path) -> None:
    here = identity()
    write_beacon(path, ProcessIdentity(here.host, here.boot_id, here.pid, -1.0, here.pid_space))
    assert not is_alive(path, LockKind.LEASE)


def test_a_lease_from_another_pid_namespace_is_judged_by_its_heartbeat(path: Path) -> None:
    here = identity()
    write_beacon(path, ProcessIdentity(here.host, here.boot_id, 999_999, 1.0, "pid:[another]"))
    now = path.stat().st_mtime
    assert is_alive(path, LockKind.LEASE, now=now + LEASE_S - 1)
    assert not is_alive(path, LockKind.LEASE, now=now + LEASE_S + 1)


def test_beating_renews_the_heartbeat(path: Path) -> None:
    held = hold_beacon(path, LockKind.LEASE)
    os.utime(path, (1, 1))
    held.beat(path)
    assert path.stat().st_mtime > 1000
    held.release()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"process": 3}', b"\xff" * 10, b"[" * 100_000])
def test_a_torn_beacon_is_nobodys(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert read_beacon(path) is None
    assert not is_alive(path, LockKind.FLOCK)
    assert not is_alive(path, LockKind.LEASE, now=path.stat().st_mtime + LEASE_S + 1)
    assert why_gone(path)[0] == "lost"


def test_a_kill_for_lack_of_memory_is_told_from_others(path: Path, monkeypatch) -> None:
    here = identity()
    write_beacon(path, ProcessIdentity(here.host, here.boot_id, here.pid, -1.0, here.pid_space), kills=3)
    monkeypatch.setattr(beacon, "oom_kills", lambda: 4)
    assert why_gone(path)[0] == "out of memory"
    monkeypatch.setattr(beacon, "oom_kills", lambda: 3)
    assert why_gone(path)[0] == "killed"
    monkeypatch.setattr(beacon, "oom_kills", lambda: None)
    assert why_gone(path)[0] == "killed"


def test_the_kernels_count_is_a_number_or_not_told() -> None:
    kills = oom_kills()
    assert kills is None or kills >= 0
