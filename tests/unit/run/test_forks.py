from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path

import pytest

from taskstore.run import forks
from taskstore.run.heartbeat import Heartbeat, LogSync

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

_MESSAGE = "This process (pid=123) is multi-threaded, use of fork() may lead to deadlocks in the child."


def _warned(message: str) -> bool:
    try:
        warnings.warn(message, DeprecationWarning, stacklevel=1)
    except DeprecationWarning:
        return True
    return False


def test_the_warning_of_a_fork_is_hidden_until_undone_and_no_other_is() -> None:
    before = list(warnings.filters)
    undo = forks.warning_hidden()
    assert not _warned(_MESSAGE)
    assert _warned("something else")
    undo()
    assert _warned(_MESSAGE)
    assert list(warnings.filters) == before
    undo()
    assert list(warnings.filters) == before


def test_hiding_leaves_nothing_behind_though_the_program_changes_its_filters_meanwhile() -> None:
    before = list(warnings.filters)
    undo = forks.warning_hidden()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        undo()
        assert _warned(_MESSAGE)
    assert list(warnings.filters) == before
    with warnings.catch_warnings():
        undo = forks.warning_hidden()
    undo()
    assert list(warnings.filters) == before


class Threads:
    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self, *soon: object) -> None:
        self.told.append("resume")


def test_who_follows_is_paused_before_each_fork_and_resumed_in_the_parent_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = Threads()
    monkeypatch.setattr(forks, "_following", forks._following)
    forks.follow(lambda: threads)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writing, " ".join(threads.told).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "pause"
    assert threads.told == ["pause", "resume"]


def _beats() -> int:
    return [thread.name for thread in threading.enumerate()].count("taskstore-heartbeat")


def test_a_heartbeat_goes_on_when_it_has_been_resumed_as_often_as_paused() -> None:
    heartbeat = Heartbeat(lambda: None)
    heartbeat.start()
    assert _beats() == 1
    heartbeat.pause(5)
    heartbeat.pause(5)
    assert _beats() == 0
    heartbeat.resume()
    assert _beats() == 0
    heartbeat.resume()
    assert _beats() == 1
    heartbeat.stop(5)
    heartbeat.resume()
    assert _beats() == 0


def test_what_is_to_be_done_soon_is_done_before_the_next_pause_is_over() -> None:
    heartbeat, done = Heartbeat(lambda: None), []
    heartbeat.start()
    heartbeat.pause(5)
    heartbeat.resume(lambda: done.append(1))
    assert done == []
    heartbeat.pause(5)
    assert done == [1]
    heartbeat.stop(5)
    heartbeat.resume(lambda: done.append(2))
    assert done == [1, 2]


def test_the_logs_of_all_writers_are_taken_to_the_disk_and_only_those_that_have_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "events"
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("there is no /proc here to name an open file")
    monkeypatch.setattr(os, "fsync", fsync)
    sync = LogSync()
    sync(folder)  # nothing is logged yet
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "b").write_text("1")
    sync(folder)
    assert sorted(synced) == ["a", "b"]
    sync(folder)
    (folder / "b").write_text("12")
    sync(folder)
    assert sorted(synced) == ["a", "b", "b"]
