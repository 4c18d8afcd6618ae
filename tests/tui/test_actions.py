"""What is done by keys is done to the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from textual.widgets import TextArea

from taskstore.board import actions
from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.record import Imported, TaskRecord
from taskstore.store import places, tasks
from taskstore.store.store import Store, init, open_at
from taskstore.tui.acting import KEYS
from tests.cli.conftest import Workshop
from tests.zips import zipped

from .conftest import Driven, Screen


def record(store: Store, task_id: str) -> TaskRecord:
    return tasks.read(places.locate(store, task_id))


def test_every_action_has_a_key_of_its_own() -> None:
    assert set(KEYS) == set(actions.ACTIONS)
    assert len(set(KEYS.values())) == len(KEYS)


def test_a_draft_is_renamed_tagged_commented_and_moved(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = workshop.task("a draft", status=Status.CREATED)

    async def scenario(screen: Screen) -> None:
        await screen.press("N", *["backspace"] * 7, *"better", "enter")
        await screen.press("T", *"new", "comma", *"old", "enter")
        await screen.press("T", "minus", *"old", "enter")
        await screen.press("M", *"why", "enter")
        await screen.press("O", *["backspace"] * 8, *"other", "enter")
        assert screen.said[0] == "renamed"
        assert "better" in screen.text

    drive(scenario)
    found = record(store, made.id)
    assert (found.name, found.tags, found.comment) == ("better", ["new"], "why")
    assert places.project_of(store, places.locate(store, made.id).home) == "other"


def test_a_task_is_deleted_after_a_yes_and_comes_back_by_undo(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = workshop.task("to go")

    async def scenario(screen: Screen) -> None:
        await screen.press("X")
        assert "Delete 1 task?" in screen.text
        assert "It goes to the trash" in screen.text
        await screen.press("n")
        assert not store.paths.trashed(made.id).home.exists()
        await screen.press("X", "y")
        assert store.paths.trashed(made.id).record.is_file()
        assert "no tasks yet" in screen.text
        await screen.press("U")
        assert not store.paths.trashed(made.id).home.exists()
        assert "to go" in screen.text
        await screen.press("U")
        assert screen.said[-1] == "nothing to undo"

    drive(scenario)


def test_several_marked_tasks_are_archived_and_brought_back(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = [workshop.task(name) for name in ("one", "two", "three")]

    async def scenario(screen: Screen) -> None:
        await screen.press("space", "space", "V")
        assert [record(store, paths.id).system_tags for paths in made] == [[], ["archived"], ["archived"]]
        assert "1 task " in screen.text
        await screen.press("v")
        assert "3 tasks" in screen.text
        await screen.press("U")
        assert [record(store, paths.id).system_tags for paths in made] == [[], [], []]

    drive(scenario)


def test_a_draft_is_enqueued_and_taken_out_again(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = workshop.task("a draft", status=Status.CREATED)
    queue.create(store, "gpu")

    async def scenario(screen: Screen) -> None:
        await screen.press("E", *["backspace"] * 7, *"cpu", "enter")
        assert "no queue 'cpu'" in screen.text
        await screen.press(*["backspace"] * 3, *"gpu", "enter")
        assert queue.position(store, made.id) == ("gpu", 1, 1)
        await screen.press("D")
        assert queue.position(store, made.id) is None

    drive(scenario)
    assert record(store, made.id).status is Status.CREATED


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("A", Status.QUEUED, Status.CREATED),
        ("R", Status.FAILED, Status.CREATED),
        ("P", Status.COMPLETED, Status.PUBLISHED),
    ],
)
def test_what_cannot_be_taken_back_is_asked_first(
    drive: Driven, workshop: Workshop, store: Store, key: str, before: Status, after: Status
) -> None:
    made = workshop.task("a task", status=Status.CREATED if before is Status.QUEUED else before)
    if before is Status.QUEUED:
        queue.enqueue(store, made.id)

    async def scenario(screen: Screen) -> None:
        await screen.press(key, "escape")
        assert record(store, made.id).status is before
        await screen.press("a", key, "y")

    drive(scenario)
    assert record(store, made.id).status in (after, Status.STOPPED)
    assert record(store, made.id).status is not before


def test_an_action_that_the_status_forbids_is_refused_with_what_there_is(drive: Driven, workshop: Workshop) -> None:
    workshop.task("a draft", status=Status.CREATED)

    async def scenario(screen: Screen) -> None:
        await screen.press("R")
        assert screen.said[0].startswith("Reset is not for a task that is draft; there are: Clone (C), Enqueue (E)")

    drive(scenario)


def test_a_task_is_cloned_with_another_parameter_and_enqueued(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = workshop.task("first", parameters={"Args/lr": "0.1", "Args/seed": "1"})

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "C")
        assert "Args/lr=0.1" in screen.text
        screen.board.screen.query_one(TextArea).text = "Args/lr=0.5\nArgs/new=two words\n"
        await screen.press("tab", "tab", *"nowhere", "ctrl+s")
        assert "no queue 'nowhere'" in screen.text
        await screen.press(*["backspace"] * 7, *"default", "ctrl+s")
        assert screen.said[-1].startswith(f"cloned from {made.id[:12]}, waits in queue default")

    drive(scenario)
    (clone_id,) = {task_id for _, task_id in places.walk(store, [])} - {made.id}
    params = tasks.read_params(places.locate(store, clone_id)).hyperparams["Args"]
    assert {name: item.value for name, item in params.items()} == {"lr": "0.5", "new": "two words"}
    assert record(store, clone_id).status is Status.QUEUED
    assert record(store, clone_id).name == "Clone Of first"


def test_a_program_from_elsewhere_waits_only_after_a_yes(drive: Driven, workshop: Workshop, store: Store) -> None:
    def foreign(record: TaskRecord) -> None:
        record.imported = [Imported(kind="bundle", id="x", path="from/there.zip", time=record.created)]

    made = workshop.task("foreign", status=Status.CREATED, edit=foreign)

    async def scenario(screen: Screen) -> None:
        await screen.press("E", "enter")
        assert "It came from elsewhere" in screen.text
        assert "from/there.zip" in screen.text
        await screen.press("n")
        assert record(store, made.id).status is Status.CREATED
        await screen.press("E", "enter", "y")

    drive(scenario)
    assert record(store, made.id).status is Status.QUEUED


def test_a_zip_is_browsed_and_an_action_says_why_it_is_refused(
    drive: Driven, workshop: Workshop, store: Store, tmp_path: Path
) -> None:
    workshop.task("in a zip", console=[("stdout", "printed once")])
    packed = zipped(store, tmp_path / "s.zip")

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "4")
        assert "printed once" in screen.text
        await screen.press("X")
        assert "is a zip, which is only read" in screen.said[-1]
        assert "taskstore import" in screen.said[-1]

    drive(scenario, of=open_at(packed))


def test_a_run_is_ended(drive: Driven, store: Store, tmp_path: Path) -> None:
    program = tmp_path / "live.py"
    program.write_text(
        "import time, taskstore\ntaskstore.Task.init('examples', 'live')\nprint('up', flush=True)\ntime.sleep(600)\n"
    )
    environment = {**os.environ, "TASKSTORE_ROOT": str(store.root)}
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, env=environment, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip().endswith(b"up")
            (task_id,) = [task_id for _, task_id in places.walk(store, [])]

            async def scenario(screen: Screen) -> None:
                assert "Running" in screen.text
                await screen.press("A")
                assert "Its process is ended." in screen.text
                await screen.press("y")
                assert screen.said[-1] == "aborted"
                assert "Aborted" in screen.text

            drive(scenario, of=open_at(store.root))
            assert process.wait(30) != 0
            assert record(store, task_id).status is Status.STOPPED
        finally:
            process.kill()


@pytest.fixture
def imported(drive: Driven, workshop: Workshop) -> None:
    """What a screen imports late may lie where only root reads: it is imported before root's powers are given up."""
    workshop.task("a task")

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "N", "escape", "escape")

    drive(scenario)


@pytest.mark.skipif(os.name != "posix", reason="permissions of a folder")
def test_a_folder_that_can_only_be_read_is_browsed(drive: Driven, imported: None, plain_user: Path) -> None:
    store = init(plain_user / "s")
    tasks.create(store, "examples", "kept")
    for folder, _, _ in os.walk(store.root):
        Path(folder).chmod(0o555)

    async def scenario(screen: Screen) -> None:
        await screen.press("enter")
        assert "kept" in screen.text
        await screen.press("N")
        assert "can only be read here" in screen.said[-1]

    try:
        drive(scenario, of=open_at(store.root))
    finally:
        for folder, _, _ in os.walk(store.root):
            Path(folder).chmod(0o755)
