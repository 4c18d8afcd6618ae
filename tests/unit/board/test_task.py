from __future__ import annotations

import pytest

from taskstore.board import program, settings, task
from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.record import FileRef, Imported, Missing, Parameter, ScriptRecord, TaskRecord
from taskstore.store import places, query, tasks
from taskstore.store.store import Store


@pytest.mark.parametrize(
    ("said", "shown"),
    [("42", 42.0), ("140", 100.0), ("-1", 0.0), ("nan", None), ("inf", None), ("<b>", None), ("", None)],
)
def test_progress_is_a_share_or_nothing(store: Store, said: str, shown: float | None) -> None:
    made = tasks.create(store, "vision", "train", fill=lambda _, record: record.runtime.update(progress=said))
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    assert task.read(store, made.id).progress == shown
    tasks.transition(store, made.id, Status.COMPLETED)
    assert task.read(store, made.id).progress is None


def test_a_running_task_has_run_until_now_and_one_that_ended_until_then(store: Store, clock: FixedClock) -> None:
    made = tasks.create(store, "vision", "train")
    assert task.how_long(task.read(store, made.id), store) == ""
    tasks.transition(store, made.id, Status.IN_PROGRESS)
    clock.advance(65)
    assert task.how_long(task.read(store, made.id), store) == "1 min 05 s so far"
    tasks.transition(store, made.id, Status.FAILED)
    clock.advance(65)
    assert task.how_long(task.read(store, made.id), store) == "1 min 05 s"


def test_what_waits_tells_its_place(store: Store) -> None:
    made = [tasks.create(store, "vision", f"task {number}").id for number in range(2)]
    for each in made:
        tasks.edit_script(store, each, lambda script: setattr(script, "entry_point", "train.py"))
        queue.enqueue(store, each)
    assert task.where_it_stands(task.read(store, made[1]).standing) == "default, 2 of 2"


def test_a_program_from_elsewhere_is_named_with_nothing_hidden_in_it(store: Store) -> None:
    def elsewhere(paths: object, record: TaskRecord) -> None:
        record.imported = [Imported(kind="mlflow", id="7", path="a\u202eb", time=store.clock.now())]

    made = tasks.create(store, "vision", "train", fill=elsewhere)
    tasks.edit_script(store, made.id, lambda script: setattr(script, "argv", ["a\u2066b.py"]))
    seen = task.read(store, made.id)
    assert seen.asks_trust
    assert "\\u202e" in seen.came_from
    assert "\\u2066" in seen.command


def test_relatives_are_the_parent_and_the_children(store: Store) -> None:
    parent = tasks.create(store, "vision", "parent")
    made = [
        tasks.create(store, "vision", name, fill=lambda _, record: setattr(record, "parent", parent.id)).id
        for name in ("one", "two")
    ]
    rows = query.find(store).rows
    by_id = {row.id: row for row in rows}
    assert [row.id for row in task.relatives(rows, by_id[parent.id]).children] == made[::-1]
    found = task.relatives(rows, by_id[made[0]]).parent
    assert found is not None
    assert found.id == parent.id
    assert task.relatives([], by_id[made[0]]).missing_parent == parent.id


def test_marks_differ_when_a_file_has_changed(store: Store) -> None:
    made = tasks.create(store, "vision", "train")
    names = ("record", "params", "config")
    before = task.marks(made, names)
    assert task.marks(made, names) == before
    tasks.edit_params(store, made.id, lambda params: params.hyperparams.update(Args={"lr": Parameter("1")}))
    after = task.marks(made, names)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ("text", "kind", "is_wrong"),
    [("0.1", "float", False), ("much", "float", True), ("", "int", False), ("None", "int", False), ("x", None, False)],
)
def test_a_text_that_is_none_of_its_type_is_told(text: str, kind: str | None, is_wrong: bool) -> None:
    assert bool(settings.problem_of(text, kind)) is is_wrong


def test_a_program_is_read_with_what_was_not_committed(store: Store) -> None:
    made = tasks.create(store, "vision", "train")
    diff = b"diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n"
    made.diff.parent.mkdir(parents=True)
    made.diff.write_bytes(diff)

    def change(script: ScriptRecord) -> None:
        script.argv, script.binary = ["train.py", "a b"], "python3"
        script.diff = FileRef(path="source/uncommitted.diff", size=len(diff), hash="")
        script.standalone = FileRef(path="../../../taskstore.json", size=1, hash="")
        script.missing = Missing(changed=2, reason="too large")

    tasks.edit_script(store, made.id, change)
    found = program.read(store, made.id)
    assert program.command(found.script) == "python3 train.py 'a b'"
    assert found.diffs[0].patch is not None
    assert found.diffs[0].patch.files[0].added == 1
    assert program.missing(found.script) == "files that are not recorded: 2 changed; too large"
    assert program.text_of(store, made.id, "../../../taskstore.json").text is None
    assert program.text_of(store, made.id, "task.json").why == "it is there no more"
    assert places.locate(store, made.id) == made
