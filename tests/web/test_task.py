from __future__ import annotations

import asyncio
import os

import pytest
from nicegui import ui
from nicegui.testing.user_interaction import UserInteraction

from taskstore.core.states import Status
from taskstore.schema.record import Imported, ScriptRecord, TaskRecord
from taskstore.store import places, tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from . import by_id
from .conftest import Opening

pytestmark = pytest.mark.anyio


async def test_the_head_says_what_a_task_is(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision/cats", "train")
    tasks.edit(store, made.id, lambda record: setattr(record, "tags", ["baseline"]))
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        for text in ("train", "Draft", made.id, "baseline", "vision", "cats"):
            await user.should_see(text)
        assert by_id.all_of(user, "do-enqueue")
        assert not by_id.all_of(user, "do-abort")


async def test_a_name_is_changed_in_its_place(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        await by_id.click(user, "edit-name")
        by_id.one(user, "field-name").type(" longer").trigger("keydown.enter")
        await by_id.until(lambda: by_id.text(user, "name") == "train longer")
        assert by_id.all_of(user, "edit-name")
    assert tasks.read(made).name == "train longer"


async def test_an_impossible_name_is_refused_in_words_and_stays_in_the_field(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        await by_id.click(user, "edit-name")
        by_id.one(user, "field-name").clear().type("x" * 5000)
        await by_id.click(user, "save-name")
        await by_id.until(lambda: "bad task name" in by_id.text(user, "feedback"))
        assert by_id.value(user, "field-name") == "x" * 5000
    assert tasks.read(made).name == "train"


async def test_what_another_process_does_is_seen(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=history")
        tasks.transition(store, made.id, Status.IN_PROGRESS, reason="started by hand")
        await by_id.until(lambda: by_id.text(user, "status") == "Running")
        await by_id.until(lambda: by_id.all_of(user, "do-abort"))
        tasks.edit(store, made.id, lambda record: record.runtime.update(progress="42"), allowed=frozenset(Status))
        await by_id.until(lambda: by_id.text(user, "progress") == "42 %")
        tasks.transition(store, made.id, Status.FAILED, reason="exit code 3")
        await by_id.until(lambda: by_id.text(user, "status") == "Failed")
        assert by_id.text(user, "reason") == "exit code 3"


async def test_a_deleted_task_says_so_and_undo_brings_it_back(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        await by_id.click(user, "do-delete")
        await user.should_see("It goes to the trash")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: by_id.all_of(user, "gone"))
        assert store.paths.trashed(made.id).record.is_file()
        user.find("Undo").click()
        await by_id.until(lambda: by_id.text(user, "name") == "train")
        assert not by_id.all_of(user, "gone")


async def test_a_program_from_elsewhere_is_named_and_asked_about(store: Store, opening: Opening) -> None:
    def elsewhere(paths: object, record: TaskRecord) -> None:
        record.imported = [Imported(kind="mlflow", id="7", path="runs/7", time=store.clock.now())]

    made = tasks.create(store, "vision", "train", fill=elsewhere)
    tasks.edit_script(store, made.id, lambda script: setattr(script, "argv", ["evil.py", "\u202egnp.exe"]))
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        assert "Nobody has said yet" in by_id.text(user, "notice")
        assert "\\u202e" in by_id.text(user, "notice")
        await by_id.click(user, "do-enqueue")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: "say first that its program may run here" in by_id.text(user, "feedback"))
        assert tasks.read(made).status is Status.CREATED
        await by_id.click(user, "trust")
        await by_id.click(user, "dialog-do")
        await by_id.until(lambda: tasks.read(made).status is Status.QUEUED)
        await by_id.until(lambda: "has said that its program may run here" in by_id.text(user, "notice"))
    assert tasks.read(made).execution.trusted  # type: ignore[union-attr]  # it was enqueued


async def test_a_page_that_is_read_only_shows_why_and_no_buttons(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store, is_read_only=True)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        assert "--read-only" in by_id.text(user, "why-read-only")
        for name in ("do-enqueue", "do-more", "edit-name", "edit-tags"):
            assert not by_id.all_of(user, name)


async def test_the_diff_is_shown_by_what_its_lines_are(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    diff = b"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n same\n-<b>old</b>\n+new\n"
    _captured(store, made.id, diff)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        lines = {
            each.text: next(name for name in each.classes if name.startswith("tk-") and name != "tk-run")
            for each in by_id.all_of(user, "diff")[0].descendants()
            if "tk-run" in each.classes
        }
    assert lines["-<b>old</b>"] == "tk-removed"
    assert lines["+new"] == "tk-added"
    assert lines[" same"] == "tk-kept"


def _captured(store: Store, task_id: str, diff: bytes) -> None:
    from taskstore.schema.record import FileRef

    paths = places.locate(store, task_id)
    paths.diff.parent.mkdir(parents=True, exist_ok=True)
    paths.diff.write_bytes(diff)

    def change(script: ScriptRecord) -> None:
        script.diff = FileRef(path="source/uncommitted.diff", size=len(diff), hash="")

    tasks.edit_script(store, task_id, change)


async def test_the_history_has_each_change_with_who_and_why(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    tasks.transition(store, made.id, Status.IN_PROGRESS, reason="by hand")
    tasks.transition(store, made.id, Status.FAILED, reason="exit code 3", message="out of memory")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=history")
        lines = by_id.text(user, "history").split("\n")
    assert [line for line in lines if line in ("Failed", "Running", "Draft")] == ["Failed", "Running", "Draft"]
    assert {"exit code 3", "out of memory", "by hand", tasks.who()} <= set(lines)


async def test_info_leads_to_parent_and_children(store: Store, opening: Opening) -> None:
    parent = tasks.create(store, "vision", "the parent")
    made = tasks.create(store, "vision", "train", fill=lambda _, record: setattr(record, "parent", parent.id))
    tasks.create(store, "vision", "the child", fill=lambda _, record: setattr(record, "parent", made.id))
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=info")
        assert "the child" in by_id.text(user, "family")
        user.find("the parent").click()
        await by_id.until(lambda: by_id.text(user, "name") == "the parent")


async def test_a_store_that_only_reads_shows_all_and_says_why(
    store: Store, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tasks.create(store, "vision", "train")
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: mode != os.W_OK and real(path, mode, **more)
    )  # as on a mount
    async with opening(Desk(store)) as user:
        for tab in ("execution", "configuration", "artifacts", "info", "history"):
            await by_id.open_task(user, f"/task/{made.id}?tab={tab}")
            assert "can only be read here" in by_id.text(user, "why-read-only")
            assert not by_id.all_of(user, "add-parameter")


async def test_a_tab_that_is_none_is_the_first(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}?tab=%3Cscript%3E")
        await user.should_see("Nothing is known of its program.")


async def test_what_is_not_allowed_says_so_by_key(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    tasks.transition(store, made.id, Status.COMPLETED)
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        (keyboard,) = user.find(ui.keyboard).elements
        arguments = {"action": "keydown", "key": "e", "code": "KeyE", "location": 0, "repeat": False}
        modifiers = dict.fromkeys(("altKey", "ctrlKey", "metaKey", "shiftKey"), False)
        UserInteraction(user, {keyboard}, None).trigger("key", {**arguments, **modifiers})
        await by_id.until(lambda: "does not allow it" in by_id.text(user, "feedback"))


async def test_of_two_tabs_chosen_at_once_the_last_is_shown_and_no_other(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "vision", "train")
    async with opening(Desk(store)) as user:
        await by_id.open_task(user, f"/task/{made.id}")
        by_id.one(user, "tab-info").click()
        by_id.one(user, "tab-artifacts").click()
        by_id.one(user, "tab-history").click()
        await by_id.until(lambda: by_id.all_of(user, "history"))
        await asyncio.sleep(0.2)
        assert len(by_id.all_of(user, "history")) == 1
        assert not by_id.all_of(user, "info-status")
