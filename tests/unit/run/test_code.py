from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from taskstore.capture.source import Entry
from taskstore.core.errors import NotFound
from taskstore.core.secrets import Masker
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run.code import CodeCapture, first_look
from taskstore.run.sink import StoreSink
from taskstore.store import places, tasks
from taskstore.store.settings import Capture
from taskstore.store.store import Store


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "a run")
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    return made


def _entry(folder: Path, *argv: str) -> Entry:
    script = folder / "train.py"
    folder.mkdir(exist_ok=True)
    script.write_text("import msgspec\n")
    return Entry("script", script, None, [str(script), *argv], [], "/usr/bin/python3", "python3", folder)


def _capture(
    store: Store,
    paths: TaskPaths,
    entry: Entry,
    settings: Capture | None = None,
    at: Callable[[], TaskPaths] | None = None,
) -> StoreSink:
    where = at or (lambda: places.locate(store, paths.id))
    sink = StoreSink(store, paths.id, where, Masker(), is_rerun=False)
    capture = CodeCapture(store, paths.id, where, entry, settings or Capture(), sink)
    capture.start()
    capture.finish(set(), wait_s=60)
    return sink


def test_the_first_look_masks_the_command_line_and_notes_what(tmp_path: Path) -> None:
    record = first_look(_entry(tmp_path / "work", "--token", "abc", "--lr", "0.1"), Masker())
    assert record.argv[1:] == ["--token", "********", "--lr", "0.1"]
    assert record.notes == ["arguments: masked token", "code: its capture has not come to an end"]
    assert (record.binary, record.cwd) == ("python3", str(tmp_path / "work"))


def test_a_script_its_packages_and_its_host_are_recorded(store: Store, paths: TaskPaths, tmp_path: Path) -> None:
    _capture(store, paths, _entry(tmp_path / "work"))
    script = tasks.read_script(paths)
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == "import msgspec\n"
    assert "msgspec" in script.requirements
    assert paths.requirements.exists()
    assert "hostname" in tasks.read(paths).runtime
    assert script.notes == []


def test_only_listed_variables_are_recorded_and_masked(
    store: Store, paths: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LISTED_ONE", "LISTED_TOKEN", "OTHER"):
        monkeypatch.setenv(name, "abc")
    _capture(store, paths, _entry(tmp_path / "work"), Capture(environment_variables=["LISTED_*"]))
    runtime = tasks.read(paths).runtime
    found = {name: value for name, value in runtime.items() if name.startswith("env/")}
    assert found == {"env/LISTED_ONE": "abc", "env/LISTED_TOKEN": "********"}


def test_a_task_that_moves_meanwhile_is_followed(store: Store, paths: TaskPaths, tmp_path: Path) -> None:
    stale = [paths, paths]

    def at() -> TaskPaths:
        return stale.pop() if stale else places.locate(store, paths.id)

    tasks.move(store, paths.id, "vision")
    sink = _capture(store, paths, _entry(tmp_path / "work"), at=at)
    moved = places.locate(store, paths.id)
    assert tasks.read_script(moved).standalone is not None
    assert "hostname" in tasks.read(moved).runtime
    assert not sink._has_warned
    assert not paths.home.exists()


def test_a_task_that_is_gone_stops_nobody(
    store: Store, paths: TaskPaths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> TaskPaths:
        raise NotFound("task", paths.id)

    assert _capture(store, paths, _entry(tmp_path / "work"), at=gone)._has_said_gone
    assert tasks.read_script(paths).standalone is None


def test_a_failing_capture_is_noted_and_the_others_go_on(
    store: Store, paths: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1 / 0)
    _capture(store, paths, _entry(tmp_path / "work"))
    script = tasks.read_script(paths)
    assert any(note.startswith("host: ZeroDivisionError") for note in script.notes)
    assert script.standalone is not None
    assert "msgspec" in script.requirements


@pytest.mark.parametrize("is_killed", [False, True], ids=["at the end", "meanwhile"])
def test_the_cells_that_were_run_after_the_start_are_kept(
    store: Store, paths: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    shell = SimpleNamespace(user_ns={"In": ["", "Task.init()"]}, kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    entry = Entry("notebook", None, None, ["kernel"], [], "/usr/bin/python3", "python3", tmp_path)
    sink = StoreSink(store, paths.id, lambda: paths, Masker(), is_rerun=False)
    capture = CodeCapture(store, paths.id, lambda: paths, entry, Capture(), sink)
    capture.start()
    capture.wait(60)
    shell.user_ns["In"].append("train()")
    if is_killed:
        capture.refresh(set())
    else:
        capture.finish(set(), wait_s=60)
    script = tasks.read_script(paths)
    assert script.standalone is not None
    text = (paths.home / script.standalone.path).read_bytes()
    assert text == b"# %%\nTask.init()\n\n# %%\ntrain()\n"
    assert (script.standalone.size, script.standalone.hash) == (len(text), hashlib.sha256(text).hexdigest())


def test_packages_are_written_at_the_start_and_again_only_where_the_end_knows_more(
    store: Store, paths: TaskPaths, tmp_path: Path
) -> None:
    entry = _entry(tmp_path / "work")
    sink = StoreSink(store, paths.id, lambda: paths, Masker(), is_rerun=False)
    capture = CodeCapture(store, paths.id, lambda: paths, entry, Capture(), sink)
    capture.start()
    capture.wait(60)
    first, before = tasks.read_script(paths), paths.requirements.stat()
    assert set(first.requirements) == {"msgspec"}
    capture.finish(set(), wait_s=60)
    assert tasks.read_script(paths).rev == first.rev
    assert paths.requirements.stat().st_ino == before.st_ino
    entry.path.write_text("import filelock\n")  # edited while it ran
    capture.finish(set(), wait_s=60)
    assert set(tasks.read_script(paths).requirements) == {"filelock", "msgspec"}
    assert "filelock==" in paths.requirements.read_text()


def test_a_failing_capture_is_told_in_a_line_and_its_traceback_is_in_the_notes(
    store: Store, paths: TaskPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)
    monkeypatch.setattr(os, "cpu_count", lambda: 1 / 0)
    _capture(store, paths, _entry(tmp_path / "work"))
    assert terminal.getvalue() == "taskstore: host: ZeroDivisionError: division by zero\n"
    assert "Traceback" in tasks.read_script(paths).notes[0]
