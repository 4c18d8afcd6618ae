"""A session within this process; whole processes and their ends are in tests/run."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, NotFound
from taskstore.core.states import Status
from taskstore.disk.beacon import is_alive
from taskstore.disk.layout import TaskPaths
from taskstore.run import session as sessions
from taskstore.run.ending import Outcome
from taskstore.run.mode import MASTER_VARIABLE, TASK_VARIABLE
from taskstore.run.session import Session, Wanted
from taskstore.schema.record import TaskRecord
from taskstore.store import events, places, tasks
from taskstore.store.store import Store, init

WANTED = Wanted(project="examples", name="a run")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a person would read of the store's own talk."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    return stream


@pytest.fixture
def outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def begun(store: Store, terminal: io.StringIO, outside_git: None) -> Iterator[Session]:
    session = sessions.begin(WANTED, find_store=lambda: store)
    yield session
    session.close()


def _record(session: Session) -> TaskRecord:
    return tasks.read(places.locate(session.store, session.task_id))


def test_a_session_is_in_progress_and_alive_until_it_is_closed(begun: Session) -> None:
    beacon = begun.paths().beacon
    assert _record(begun).status is Status.IN_PROGRESS
    assert is_alive(beacon, begun.store.locks)
    assert sessions.opened() is sessions.current() is begun
    assert os.environ[MASTER_VARIABLE] == f"{os.getpid()}:{begun.task_id}:{begun.store.root}"
    begun.close()
    begun.close(Outcome(Status.FAILED, "too late"))
    assert (_record(begun).status, _record(begun).status_reason) == (Status.COMPLETED, "completed")
    assert not is_alive(beacon, begun.store.locks)
    assert sessions.opened() is None
    assert MASTER_VARIABLE not in os.environ
    assert "taskstore-heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_what_is_hooked_is_unhooked(store: Store, terminal: io.StringIO, outside_git: None) -> None:
    import argparse

    names = [(sys, "excepthook"), (sys, "exit"), (os, "_exit"), (argparse.ArgumentParser, "parse_args")]
    before = [getattr(owner, name) for owner, name in names]
    session = sessions.begin(WANTED, find_store=lambda: store)
    assert sys.exit is not before[1]
    session.close()
    assert [getattr(owner, name) for owner, name in names] == before
    assert "write" not in vars(sys.stdout)


def test_secrets_in_how_it_ended_are_masked(begun: Session) -> None:
    text = "cannot reach https://user:hunter2@example.com/x"
    begun.close(Outcome(Status.FAILED, f"OSError: {text}", f"Traceback…\nOSError: {text}\n"))
    record = _record(begun)
    assert "hunter2" not in record.status_reason + record.status_message
    assert "example.com" in record.status_reason
    assert "hunter2" not in begun.paths().record.read_text()


def test_what_somebody_has_said_of_a_running_task_stands(begun: Session, terminal: io.StringIO) -> None:
    tasks.transition(begun.store, begun.task_id, Status.STOPPED, reason="by hand")
    terminal.truncate(0)
    begun.close()
    assert (_record(begun).status, _record(begun).status_reason) == (Status.STOPPED, "by hand")


def test_a_beat_renews_the_beacon_and_the_summary(begun: Session) -> None:
    paths = begun.paths()
    os.utime(paths.beacon, (1, 1))
    begun.sink.writer.scalar("loss", "train", 0.5, 3)
    begun._beat()
    assert paths.beacon.stat().st_mtime > 1
    assert events.read_summary(paths).last_iteration == 3
    assert paths.summary.exists()


def _resources(session: Session) -> dict[str, set[int]]:
    found = events.read_scalars(session.paths(), ":monitor:machine")
    return {one.variant: set(one.iterations) for one in found}


def test_beats_report_what_the_machine_does_at_the_programs_iteration(begun: Session) -> None:
    monitor, threads = begun._captures.monitor, threading.active_count()
    assert monitor is not None
    begun.sink.writer.scalar("loss", "train", 0.5, 3)
    begun._beat()
    assert _resources(begun) == {}  # a short run says nothing
    found: dict[str, set[int]] = {}
    while "cpu_usage" not in found:  # the system counts in hundredths of a second: within one there is no share
        monitor._report_at = monitor._read_at = 0.0
        begun._beat()
        found = _resources(begun)
    assert {"cpu_usage", "process_cpu_usage", "memory_used_gb", "memory_free_gb", "disk_free_percent"} <= set(found)
    assert set.union(*found.values()) == {3}
    begun._beat()
    assert events.read_summary(begun.paths()).last_iteration == 3
    assert threading.active_count() <= threads  # that of the heartbeat does it


def test_resources_are_watched_only_where_they_are_wanted(
    store: Store, terminal: io.StringIO, outside_git: None
) -> None:
    session = sessions.begin(Wanted(project="examples", name="a run", with_resources=False), find_store=lambda: store)
    assert session._captures.monitor is None
    session._beat()
    session.close()


def test_a_beat_of_a_task_that_is_gone_warns_once_and_goes_on(
    begun: Session, terminal: io.StringIO, tmp_path: Path
) -> None:
    begun._code.wait(20)  # type: ignore[union-attr]  # it is there while the session goes on
    begun.paths().home.rename(tmp_path / "elsewhere")
    terminal.truncate(0)
    begun._beat()
    begun._beat()
    begun.close()
    assert terminal.getvalue().count("taskstore: ") == 1
    assert "is no longer in the store" in terminal.getvalue()


def test_a_capture_that_cannot_begin_is_noted_and_the_others_do(
    store: Store, terminal: io.StringIO, outside_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stubborn(io.StringIO):
        def __getattribute__(self, name: str) -> object:
            if name == "write":
                raise RuntimeError("not for you")
            return super().__getattribute__(name)

    monkeypatch.setattr(sys, "stdout", Stubborn())
    session = sessions.begin(WANTED, find_store=lambda: store)
    session.close()
    assert _record(session).status is Status.COMPLETED
    script = tasks.read_script(session.paths())
    assert any("not for you" in note for note in script.notes)
    assert session.paths().requirements.exists()


def test_a_bad_name_is_the_programs_mistake(store: Store, outside_git: None) -> None:
    with pytest.raises(BadName):
        sessions.begin(Wanted(project="examples", name="ab"), find_store=lambda: store)
    assert sessions.opened() is None


def test_a_session_without_a_store_records_nothing_and_says_so_once(
    tmp_path: Path, terminal: io.StringIO, outside_git: None
) -> None:
    root = tmp_path / "file"
    root.write_text("no store")
    session = sessions.begin(WANTED, find_store=lambda: init(root))
    assert not session.is_recording
    with pytest.raises(NotFound, match="not recorded"):
        session.paths()
    session.sink.writer.scalar("loss", "train", 0.5, 3)
    session.close()
    assert sessions.opened() is None
    assert terminal.getvalue().count("taskstore: ") == 1


def test_a_stored_task_keeps_its_name_and_loses_what_an_earlier_run_recorded(
    store: Store, terminal: io.StringIO, outside_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tasks.create(store, "vision", "stored", fill=_earlier)
    monkeypatch.setenv(TASK_VARIABLE, paths.id)
    session = sessions.begin(WANTED, find_store=lambda: store)
    assert TASK_VARIABLE not in os.environ
    session.close()
    assert (session.task_id, _record(session).name) == (paths.id, "stored")
    script = tasks.read_script(paths)
    assert script.branch == ""
    assert not (paths.source / "script" / "earlier.py").exists()


def _earlier(paths: TaskPaths, record: TaskRecord) -> None:
    (paths.source / "script").mkdir(parents=True)
    (paths.source / "script" / "earlier.py").write_text("old")
    paths.script.write_text('{"rev": 1, "branch": "old", "argv": ["earlier.py"]}')


def test_a_program_names_the_task_that_a_launcher_began_for_it(
    store: Store, terminal: io.StringIO, outside_git: None
) -> None:
    begun = sessions.begin(Wanted(), find_store=lambda: store)
    begun.is_adoptable = True
    begun.adopt(Wanted(project="vision", name="its own", type="testing", tags=["one"]))
    record = _record(begun)
    assert (record.name, record.type, record.tags) == ("its own", "testing", ["one"])
    assert places.project_of(begun.store, begun.paths().home) == "vision"
    with pytest.raises(BadName):
        begun.adopt(Wanted(name="ab"))
    begun.close()


def test_names_that_a_launcher_was_given_stay(begun: Session) -> None:
    begun.adopt(Wanted(project="vision", name="its own", tags=["one"]))
    record = _record(begun)
    assert (record.name, record.tags) == ("a run", ["one"])
    assert places.project_of(begun.store, begun.paths().home) == "examples"


def test_a_launched_task_that_cannot_be_named_warns_and_goes_on(
    begun: Session, terminal: io.StringIO, tmp_path: Path
) -> None:
    begun._code.wait(20)  # type: ignore[union-attr]  # it is there while the session goes on
    begun.paths().home.rename(tmp_path / "elsewhere")
    begun.adopt(Wanted(name="its own"))
    assert "is no longer in the store" in terminal.getvalue()
