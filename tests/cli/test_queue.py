from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.store import places, tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def _status(store: Store, task_id: str) -> Status:
    return tasks.read(places.locate(store, task_id)).status


def test_tasks_are_enqueued_shown_in_order_and_dequeued(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = (workshop.task(name, status=Status.CREATED).id for name in ("one", "two"))
    assert cli("queue", "create", "gpu").code == 0
    result = cli("enqueue", first, "--queue", "gpu", "--json")
    (facts,) = result.objects
    assert (result.code, facts["status"], facts["queue"], facts["position"]) == (0, "queued", "gpu", 1)
    result = cli("enqueue", second, "--queue", "gpu", "--priority", "5")
    assert f"no agent yet: `taskstore run {second[:12]}` runs it here" in result.err
    shown = cli("queue", "show", "gpu", "--json").objects
    assert [(each["position"], each["id"], each["priority"]) for each in shown] == [(1, second, 5), (2, first, 0)]
    assert cli("queue", "ls").rows[1:] == [["default", "0", "0", "0"], ["gpu", "2", "0", "0"]]
    assert [row[0] for row in cli("ls", "--status", "queued").rows[1:]] == [second, first]
    assert any(line.split() == ["queue", "gpu,", "2", "of", "2"] for line in cli("show", first).lines)
    assert cli("dequeue", first).code == 0
    assert _status(store, first) is Status.CREATED


def test_a_queue_is_renamed_with_what_waits_in_it(cli: Cli, workshop: Workshop, store: Store) -> None:
    task_id = workshop.task(status=Status.CREATED).id
    cli("queue", "create", "gpu")
    cli("enqueue", task_id, "--queue", "gpu")
    done = cli("queue", "rename", "gpu", "a100", "--json")
    assert (done.code, done.objects) == (0, [{"name": "gpu", "renamed_to": "a100", "moved": 1}])
    assert [row[0] for row in cli("ls", "--where", "queue = a100").rows[1:]] == [task_id]
    assert (
        cli("queue", "rename", "a100", "gpu").err.strip().endswith("queue a100: renamed to gpu; 1 task moved with it")
    )
    assert cli("queue", "ls").rows[1:] == [["default", "0", "0", "0"], ["gpu", "1", "0", "0"]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("enqueue", "TASK", "--queue", "gpu"), 3, "taskstore queue create gpu"),
        (("enqueue", "TASK", "--priority", "1001"), 4, "from -1000 to 1000"),
        (("dequeue", "TASK"), 4, "waits in no queue"),
        (("queue", "show", "gpu"), 3, "taskstore queue create gpu"),
        (("queue", "create", "ab"), 4, "3 characters"),
        (("queue", "delete", "default"), 4, "always there"),
        (("queue", "rename", "default", "other"), 4, "always there"),
        (("queue", "rename", "gpu", "other"), 3, "taskstore queue create gpu"),
        (("queue", "move", "TASK", "--front"), 3, "taskstore enqueue"),
        (("queue", "move", "TASK", "--front", "--back"), 2, "give one of"),
        (("clone", "TASK", "--queue", "gpu"), 3, "taskstore queue create gpu"),
        (("clone", "TASK", "--queue", "default", "--run"), 2, "exclude each other"),
    ],
)
def test_what_is_refused_says_what_to_do_and_changes_nothing(
    cli: Cli, workshop: Workshop, store: Store, arguments: tuple[str, ...], code: int, said: str
) -> None:
    task_id = workshop.task(status=Status.CREATED).id
    result = cli(*(task_id if text == "TASK" else text for text in arguments))
    assert (result.code, result.out) == (code, "")
    assert said in " ".join(result.err.split())
    assert [found for _, found in places.walk(store)] == [task_id]
    assert _status(store, task_id) is Status.CREATED


def test_what_is_completed_is_enqueued_by_force_only(cli: Cli, workshop: Workshop, store: Store) -> None:
    task_id = workshop.task(scalars={"loss/train": [1.0]}).id
    assert cli("enqueue", task_id).code == 4
    assert places.locate(store, task_id).events.exists()
    assert cli("enqueue", task_id, "--force").code == 0
    assert _status(store, task_id) is Status.QUEUED
    assert not places.locate(store, task_id).events.exists()


def test_force_deletes_nothing_of_what_can_be_enqueued_without(cli: Cli, workshop: Workshop, store: Store) -> None:
    task_id = workshop.task(scalars={"loss/train": [1.0]}, status=Status.STOPPED).id
    assert cli("enqueue", task_id, "--force").code == 0
    assert places.locate(store, task_id).events.exists()


def test_a_clone_and_a_new_draft_are_enqueued_at_once(cli: Cli, workshop: Workshop, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("print('hi')\n")
    made = cli("create", "--name", "made", "--queue", "default", str(script)).lines
    cloned = cli("clone", workshop.task().id, "--queue", "default").lines
    assert [each["id"] for each in cli("queue", "show", "--json").objects] == made + cloned


def test_tickets_are_moved_and_a_queue_is_emptied_and_deleted(cli: Cli, workshop: Workshop, store: Store) -> None:
    first, second = (workshop.task(status=Status.CREATED).id for _ in range(2))
    cli("queue", "create", "gpu")
    cli("enqueue", first, second, "--queue", "gpu")
    (facts,) = cli("queue", "move", second, "--front", "--json").objects
    assert (facts["id"], facts["position"], facts["queue"]) == (second, 1, "gpu")
    assert cli("queue", "move", second, "--to", "2").code == 0
    assert cli("queue", "move", second, "--priority", "3", "--json").objects[0]["position"] == 1
    assert cli("queue", "delete", "gpu").code == 4
    assert cli("queue", "purge", "gpu", "--json").objects == [{"name": "gpu", "dequeued": 2}]
    assert cli("queue", "delete", "gpu").code == 0
    assert [_status(store, each) for each in (first, second)] == [Status.CREATED] * 2


def test_running_what_waits_takes_its_ticket_and_says_from_where(
    cli: Cli, program: list[str], tmp_path: Path, store: Store
) -> None:
    import subprocess

    script = tmp_path / "train.py"
    script.write_text("print('hi')\n")
    (task_id,) = cli("create", "--name", "made", "--queue", "default", str(script)).lines
    subprocess.run([*program, "run", task_id], check=True, capture_output=True, timeout=60)
    assert _status(store, task_id) is Status.COMPLETED
    assert queue.listed(store) == [queue.Counts("default", 0, 0, 0)]
    assert any(line.split() == ["queue", "taken", "from", "default"] for line in cli("show", task_id).lines)


def test_what_a_worker_has_taken_is_shown_so(cli: Cli, workshop: Workshop, store: Store) -> None:
    task_id = workshop.task(status=Status.CREATED).id
    queue.enqueue(store, task_id)
    claim.claim(store, ["default"], "worker 1", tell=lambda _: None)
    assert "taken by worker 1" in cli("queue", "show").out
    assert [each["state"] for each in cli("queue", "show", "--json").objects] == ["claimed"]
    assert "default, taken by a worker" in cli("show", task_id).out


def test_names_of_queues_are_completed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("queue", "create", "gpu")
    monkeypatch.setenv("_TASKSTORE_COMPLETE", "complete_bash")
    monkeypatch.setenv("_TASKSTORE_LINE", "taskstore queue show ")
    assert cli().lines == ["default", "gpu"]


def test_what_is_advised_for_a_queue_can_be_pasted_into_a_shell(cli: Cli) -> None:
    name = "it's $HOME `x`"
    advice = cli("queue", "purge", name).err.split("; `")[1].split(" makes it")[0].removesuffix("`")
    assert shlex.split(advice) == ["taskstore", "queue", "create", name]


@pytest.mark.parametrize("argv", [["enqueue", "@last", "--priority"], ["queue", "move", "@last", "--to"]])
def test_a_number_that_is_none_is_said_in_plain_words(argv: list[str], cli: Cli) -> None:
    done = cli(*argv, "x")
    assert done.code == 2
    assert "'x' is not a whole number" in done.err
