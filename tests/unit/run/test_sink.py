from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from taskstore.capture import console
from taskstore.capture.base import Found, contained
from taskstore.core.errors import NotFound
from taskstore.core.secrets import Masker
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run.sink import MOST_NOTES, StoreSink, warn
from taskstore.schema.record import Parameter
from taskstore.store import events, places, tasks
from taskstore.store.store import Store


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "a run")
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    return made


def _sink(store: Store, paths: TaskPaths, *, is_rerun: bool = False) -> StoreSink:
    return StoreSink(store, paths.id, lambda: places.locate(store, paths.id), Masker(), is_rerun=is_rerun)


def _stored(paths: TaskPaths, section: str = "Args") -> dict[str, str]:
    return {name: item.value for name, item in tasks.read_params(paths).hyperparams.get(section, {}).items()}


def test_parameters_are_recorded_masked_and_with_type_and_description(store: Store, paths: TaskPaths) -> None:
    found = {"lr": Found(0.1, description="the rate"), "token": Found("abc"), "n": Found(1, type="float")}
    assert _sink(store, paths).parameters("Args", found) == {}
    stored = tasks.read_params(paths).hyperparams["Args"]
    assert (stored["lr"].value, stored["lr"].type, stored["lr"].description) == ("0.1", "float", "the rate")
    assert stored["token"].value == "********"
    assert stored["n"].type == "float"


def test_the_words_and_arguments_of_libraries_are_recorded_where_they_are_wanted(
    store: Store, paths: TaskPaths
) -> None:
    found = {
        "lr": Found(0.1, "float", told="FLOAT"),
        "n": Found(1, "int"),
        "trace": Found(False, told="bool", is_of_library=True),
    }
    _sink(store, paths).parameters("Lean", found)
    locate = lambda: places.locate(store, paths.id)  # noqa: E731 - a line less
    wanting = StoreSink(store, paths.id, locate, Masker(), is_rerun=False, library_arguments=True)
    wanting.parameters("Full", found)
    stored = tasks.read_params(paths).hyperparams
    assert {name: item.type for name, item in stored["Lean"].items()} == {"lr": "float", "n": "int"}
    assert {name: item.type for name, item in stored["Full"].items()} == {"lr": "FLOAT", "n": "int", "trace": "bool"}


def test_a_run_of_a_stored_task_gets_its_values_and_keeps_them(store: Store, paths: TaskPaths) -> None:
    _sink(store, paths).parameters("Args", {"lr": Found(0.1), "token": Found("abc")})
    again = _sink(store, paths, is_rerun=True)
    assert again.parameters("Args", {}) == {"lr": "0.1"}  # a mask is no value
    assert again.parameters("Args", {"lr": Found(0.5), "new": Found(1)}) == {"lr": "0.1"}
    assert _stored(paths) == {"lr": "0.1", "token": "********", "new": "1"}


def test_a_fresh_run_asks_for_nothing(store: Store, paths: TaskPaths) -> None:
    assert _sink(store, paths).parameters("Args", {}) == {}
    assert not paths.params.exists()


def test_a_note_is_told_and_recorded_once_and_masked(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)
    sink = _sink(store, paths)
    for _ in range(2):
        sink.note("git", "cannot reach https://user:hunter2@example.com/x.git")
    notes = tasks.read_script(paths).notes
    assert len(notes) == 1
    assert "example.com" in notes[0]
    assert "hunter2" not in notes[0] + terminal.getvalue()
    assert terminal.getvalue().count("taskstore: git: ") == 1


def test_a_capture_that_fails_at_every_step_is_noted_once(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "__stderr__", terminal := io.StringIO())
    sink = _sink(store, paths)
    for step in range(50):
        with contained(sink, "tensorboard"):
            raise ValueError(f"no image at step {step}: <Tensor at {hex(id(sink) + step)}>")
    with contained(sink, "tensorboard"):
        raise TypeError("something else")
    notes = tasks.read_script(paths).notes
    assert [note.partition(" at ")[0].partition("\n")[0] for note in notes] == [
        "tensorboard: ValueError: no image",
        "tensorboard: TypeError: something else",
    ]
    assert terminal.getvalue().count("taskstore: ") == 2


def test_what_one_capture_notes_has_an_end(store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stderr__", terminal := io.StringIO())
    sink = _sink(store, paths)
    for number in range(MOST_NOTES + 50):
        sink.note("models", f"left out {number}")
    sink.note("code", "another")
    notes = tasks.read_script(paths).notes
    assert len(notes) == MOST_NOTES + 2
    assert notes[-2:] == ["models: there is more of that, which is not noted", "code: another"]
    assert terminal.getvalue().count("taskstore: ") == MOST_NOTES + 2


def test_what_cannot_be_written_is_told_once_and_never_raised(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)

    def gone() -> TaskPaths:
        raise NotFound("task", paths.id)

    sink = StoreSink(store, "f" * 32, gone, Masker(), is_rerun=True)
    sink.console("stdout", "text", is_whole=True)
    sink.parameters("Args", {})
    sink.parameters("Args", {"lr": Found(0.1)})
    sink.replace_parameters("Args", {})
    sink.note("git", "slow")
    sink.writer.scalar("loss", "train", 1.0, 1)
    said = [line for line in terminal.getvalue().splitlines() if "git" not in line]
    assert len(said) == 1
    assert f"is no longer in the store at {store.root}" in said[0]
    assert sink.gap == ""


def test_a_warning_is_not_captured_with_what_the_program_prints(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "__stderr__", terminal)
    sink = _sink(store, paths)
    with console.capture(sink, streams=["stderr"]):
        terminal.write("before\n")
        warn("careful")
        terminal.write("after\n")
    sink.writer.close()
    assert terminal.getvalue() == "before\ntaskstore: careful\nafter\n"
    assert [line.text for line in events.read_console(paths)] == ["before", "after"]


@pytest.mark.parametrize("error", [ValueError("closed"), OSError("broken pipe"), RuntimeError("reentrant call")])
def test_a_terminal_that_does_not_listen_stops_nobody(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    monkeypatch.setattr(sys, "__stderr__", Deaf())
    warn("careful")
    monkeypatch.setattr(sys, "__stderr__", None)
    warn("careful")


def test_what_is_asked_for_at_the_end_is_done_once_and_a_failure_is_noted(store: Store, paths: TaskPaths) -> None:
    sink = _sink(store, paths)
    done: list[int] = []

    def fail() -> None:
        raise ValueError("broken")

    sink.at_end(lambda: done.append(1))
    sink.at_end(fail)
    sink.at_end(lambda: done.append(2))
    sink.finish()
    sink.finish()
    assert done == [2, 1]
    assert [note.partition("\n")[0] for note in tasks.read_script(paths).notes] == ["connect: ValueError: broken"]


def test_writes_that_do_not_wait_for_the_disk_are_synced_soon(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = _sink(store, paths)
    synced: list[str] = []
    original = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").rpartition("/")[2])  # noqa: PTH115 - the kernel's
        original(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to say what is synced")
    sink.replace_parameters("Args", {"lr": Parameter("1")})
    monkeypatch.setattr(os, "fsync", fsync)
    for number in range(3):
        sink.replace_parameters("Args", {"lr": Parameter(str(number))}, is_durable=False)
    assert synced == []
    assert _stored(paths) == {"lr": "2"}
    sink.sync()
    sink.sync()
    assert synced == ["params.json", paths.id]
    sink.replace_parameters("Args", {"lr": Parameter("3")}, is_durable=False)
    sink.finish()
    assert synced == ["params.json", paths.id] * 2


def test_a_configuration_that_cannot_be_stored_is_warned_of_once_and_not_called_masked(
    store: Store, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", terminal)
    sink = _sink(store, paths)
    shutil.rmtree(paths.home)
    assert sink.configuration("a", "token: x") is None
    assert sink.configuration("a", "token: x") is None
    (line,) = terminal.getvalue().splitlines()
    assert "is no longer in the store" in line
