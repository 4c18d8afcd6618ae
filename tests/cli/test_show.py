import os
import re

import msgspec
import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.logger import Logger
from taskstore.schema.record import Container, Missing, ScriptRecord, Submodule, TaskRecord, Untracked
from taskstore.sections.reports import Writer
from taskstore.store import follow, published, sampling, tasks
from taskstore.store.store import Store

from ..unit.share.merging.world import TASK, Person
from .conftest import Cli, Workshop, file_ref

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DIFF = (
    b"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n"
    b"@@ -1,2 +1,3 @@\n keep\n--- gone\n+one\n++++ two\n"
)
NOTES = b"remember\tthis\n\x1b[2J"


def script() -> ScriptRecord:
    return ScriptRecord(
        repository="https://example.org/lab/iris.git",
        branch="main",
        version_num="c" * 40,
        working_dir=".",
        entry_point="train.py",
        cwd="/home/ada/iris",
        binary="python3.12",
        executable="/usr/bin/python3.12",
        python="3.12.1",
        argv=["train.py", "--name", "two words"],
        diff=file_ref("source/uncommitted.diff", DIFF),
        untracked=[Untracked(path="notes.txt", file=file_ref("source/untracked/notes.txt", NOTES))],
        requirements={"numpy": "2.1.0", "taskstore": "0.1.0"},
        notes=["git: a big file was left out"],
    )


@pytest.fixture
def rich_task(workshop: Workshop) -> TaskPaths:
    def edit(record: TaskRecord) -> None:
        record.tags = ["demo"]
        record.comment = "the first try"
        record.runtime = {"os": "Debian", "cpu_cores_logical": "2", "memory_bytes": str(4 << 30)}

    return workshop.task(
        "first run",
        "examples/iris",
        parameters={"Args/lr": "0.1", "General/batch": "32"},
        scalars={"loss/train": [8.0, 4.0, 2.0, 1.0], "loss/val": [1.0, 9.0]},
        values={"accuracy": 0.97},
        script=script(),
        files={"source/uncommitted.diff": DIFF, "source/untracked/notes.txt": NOTES},
        edit=edit,
    )


def test_the_page_says_all_that_a_person_asks_first(rich_task: TaskPaths, cli: Cli) -> None:
    page = cli("show", rich_task.id).out
    for words in (
        "first run",
        rich_task.id,
        "examples/iris",
        "tags        demo",
        "comment     the first try",
        "status      Completed",
        "started     2026-01-01T00:00:00Z",
        "ran         1 min 30 s",
        "machine     Debian, 2 cores, 4.0 GiB memory",
        f"path        {rich_task.home}",
        "command     python3.12 train.py --name 'two words'",
        "repository  https://example.org/lab/iris.git",
        f"commit      {'c' * 40} (branch main)",
        "changes     +2 -1 lines in 1 file, 1 untracked file",
        "packages    2 imported",
        "git: a big file was left out",
    ):
        assert words in page
    assert re.search(r"Args/lr +0.1 +about lr", page)
    assert re.search(r"General/batch +32", page)
    assert re.search(r"loss/train +1 +1 +8 +█▄▂▁", page)
    assert re.search(r"accuracy +0.97", page)
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        (Status.CREATED, ["set", "run"]),
        (Status.QUEUED, ["run", "dequeue"]),
        (Status.COMPLETED, ["logs", "clone", "publish"]),
        (Status.FAILED, ["logs", "reset", "clone"]),
        (Status.STOPPED, ["logs", "reset", "clone"]),
    ],
)
def test_what_to_do_next_depends_on_the_status(
    status: Status, commands: list[str], workshop: Workshop, cli: Cli
) -> None:
    paths = workshop.task(status=status)
    following = cli("show", paths.id).out.partition("Next\n")[2].splitlines()
    assert [line.split()[1] for line in following] == commands
    for line in following:
        assert any(paths.id.startswith(word) and len(word) >= 8 for word in line.split())


def test_a_published_task_is_offered_to_be_verified(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task()
    published.publish(workshop.store, paths.id)
    assert "taskstore verify" in cli("show", paths.id).out


def test_a_running_task_is_followed_or_aborted(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.CREATED)
    beacon = hold_beacon(paths.beacon, workshop.store.locks)
    try:
        tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
        page = cli("show", paths.id).out
    finally:
        beacon.release()
    assert "status      Running" in page
    assert "so far" in page
    assert "taskstore logs -f" in page


def test_the_container_that_a_task_asks_for_is_shown(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.CREATED)

    def change(record: TaskRecord) -> None:
        record.container = Container(image="python:3.12", arguments="--ipc=host", setup_shell_script="set -x\ntrue\n")

    tasks.edit(workshop.store, paths.id, change)
    page = cli("show", paths.id).out
    assert "image       python:3.12\nwith        --ipc=host\nset up by   set -x\n            true\n" in page
    (facts,) = cli("show", paths.id, "--json").objects
    assert facts["container"] == {
        "image": "python:3.12",
        "arguments": "--ipc=host",
        "setup_shell_script": "set -x\ntrue\n",
    }


def test_a_dead_run_is_shown_as_failed_with_its_reason(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.CREATED)
    hold_beacon(paths.beacon, workshop.store.locks).release()
    tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
    page = cli("show", paths.id).out
    assert "status      Failed: " in page
    assert tasks.read(paths).status is Status.FAILED


def test_a_traceback_is_shown_on_lines_of_its_own(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.CREATED)
    tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
    tasks.transition(workshop.store, paths.id, Status.FAILED, reason="Exception", message="Traceback:\n  x = 1\nOops")
    assert "message     Traceback:\n              x = 1\n            Oops\n" in cli("show", paths.id).out


def test_json_is_one_object_with_everything(rich_task: TaskPaths, cli: Cli) -> None:
    done = cli("show", "--json", rich_task.id)
    (shown,) = done.objects
    assert shown["id"] == rich_task.id
    assert shown["script"]["argv"] == ["train.py", "--name", "two words"]
    assert shown["hyperparams"]["Args"]["lr"] == {"value": "0.1", "type": "float", "description": "about lr"}
    assert shown["last_metrics"]["loss"]["train"]["max_value"] == 8.0
    assert shown["runtime"]["os"] == "Debian"
    assert [change["status"] for change in shown["history"]] == ["created", "in_progress", "completed"]


def test_source_shows_the_captured_code_and_obeys_nothing_in_it(rich_task: TaskPaths, cli: Cli) -> None:
    text = cli("show", "--source", rich_task.id).out
    assert "# uncommitted changes (source/uncommitted.diff," in text
    assert "+one\n" in text
    assert "remember    this\n\\x1b[2J\n" in text
    objects = cli("show", "--source", "--json", rich_task.id).objects
    assert [item["name"] for item in objects] == ["uncommitted changes", "untracked notes.txt"]
    assert objects[0]["text"] == DIFF.decode()


def test_source_shows_what_was_changed_in_submodules(workshop: Workshop, cli: Cli) -> None:
    names = {"diff": "source/submodules/lib/uncommitted.diff", "new": "source/submodules/lib/untracked/new.py"}
    module = Submodule(
        path="lib",
        version_num="d" * 40,
        dirty=True,
        captured=True,
        diff=file_ref(names["diff"], DIFF),
        untracked=[Untracked(path="new.py", file=file_ref(names["new"], NOTES))],
    )
    record = ScriptRecord(version_num="c" * 40, submodules=[module])
    paths = workshop.task(script=record, files={names["diff"]: DIFF, names["new"]: NOTES})
    objects = cli("show", "--source", "--json", paths.id).objects
    assert [item["name"] for item in objects] == ["uncommitted changes in lib", "untracked lib/new.py"]
    assert objects[0]["text"] == DIFF.decode()


def test_source_that_leads_out_of_the_task_is_not_read(workshop: Workshop, cli: Cli) -> None:
    secret = workshop.store.root.parent / "secret"
    secret.write_text("the secret")
    hostile = [f"../../../../../{secret.name}", str(secret), "source/../../../../secret", "source/link"]
    untracked = [Untracked(path=f"u{n}", file=file_ref(path, b"")) for n, path in enumerate(hostile)]
    paths = workshop.task(script=ScriptRecord(untracked=untracked), files={"source/x": b""})
    (paths.source / "link").symlink_to(secret)
    done = cli("show", "--source", paths.id)
    assert done.code == 0
    assert "the secret" not in done.out


def test_packages_and_history_are_tables(rich_task: TaskPaths, cli: Cli) -> None:
    assert cli("show", "--packages", rich_task.id).rows == [
        ["name", "version"],
        ["numpy", "2.1.0"],
        ["taskstore", "0.1.0"],
    ]
    assert [row[1] for row in cli("show", "--history", rich_task.id).rows] == [
        "status",
        "Draft",
        "Running",
        "Completed",
    ]
    assert cli("show", "--history", "--json", rich_task.id).objects[1]["reason"] == "started"
    assert cli("show", "--packages", "--json", rich_task.id).objects[0] == {"name": "numpy", "version": "2.1.0"}


def test_two_parts_at_once_are_wrong_usage(rich_task: TaskPaths, cli: Cli) -> None:
    assert cli("show", "--source", "--history", rich_task.id).code == 2


def test_in_a_terminal_the_tables_fit_and_the_status_is_coloured(rich_task: TaskPaths, terminal: Cli) -> None:
    shown = terminal("show", rich_task.id).out
    assert "\x1b[32mCompleted" in shown
    tables = COLOUR.sub("", shown).partition("Parameters")[2]
    assert max(map(len, tables.splitlines())) <= 80
    assert "█▄▂▁" in tables


def test_the_page_says_which_plots_and_samples_there_are(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(scalars={"loss/train": [1.0]})
    logger = Logger(Writer(lambda: paths, _raise))
    for step in range(3):
        logger.report_histogram("weights", "first layer", [1, 2], step)
        logger.report_image("seen", "left", step * 10, matrix=[[0]], max_image_history=2)
    logger.report_image("seen", "right", 7, url="https://example.org/a.png")
    page = cli("show", paths.id).out
    plots, _, rest = page.partition("\nPlots\n")[2].partition("\nDebug samples\n")
    samples = rest.partition("\n\n")[0]
    assert [line.split() for line in plots.split("\n") if line] == [
        ["name", "count", "last", "iteration"],
        ["weights/first", "layer", "3", "2"],
    ]
    left, right = (line.split() for line in samples.split("\n")[1:3])
    assert left[:3] == ["seen/left", "2", "20"]
    assert left[3].startswith("files/media/seen/left/00000020")
    assert right == ["seen/right", "1", "7", "https://example.org/a.png"]


def _raise(error: BaseException) -> None:
    raise error


def test_a_bare_draft_is_a_page_too(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(status=Status.CREATED)
    page = cli("show", paths.id).out
    assert "status      Draft" in page
    for heading in ("Parameters", "Plots", "Debug samples", "Metrics", "Values", "Notes", "commit"):
        assert heading not in page


def test_resources_stand_apart_from_the_programs_metrics(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(scalars={"loss/train": [1.0, 0.5], ":monitor:machine/cpu_usage": [5.0] * 9})
    page = cli("show", paths.id).out
    metrics, _, resources = page.partition("\nResources\n")
    assert "up to iteration 1\n" in metrics
    assert "loss/train" in metrics
    assert "machine/cpu_usage" in resources
    assert "cpu_usage" not in metrics
    assert ":monitor:" not in page


def test_a_page_is_bounded_and_json_is_not(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(
        parameters={f"Args/p{n}": "1" for n in range(250)},
        scalars={f"loss/s{n}": [1.0] for n in range(240)},
        values={f"v{n}": 1.0 for n in range(230)},
    )
    page = cli("show", paths.id)
    assert len(page.lines) < 700
    for rest in ("and 50 more", "and 40 more", "and 30 more"):
        assert rest in page.out
    (shown,) = cli("show", "--json", paths.id).objects
    assert len(shown["hyperparams"]["Args"]) == 250


def test_the_course_of_a_long_log_is_read_at_a_bounded_cost(workshop: Workshop) -> None:
    paths = workshop.task(scalars={"loss/train": [float(value) for value in range(5000)]})
    size = sum(path.stat().st_size for path in paths.events.iterdir())
    found = sampling.courses(paths, budget_bytes=size // 3)["loss", "train"]
    assert 500 < len(found) <= 5000 // 3
    assert found[0] == (0, 0.0)
    assert found[-1] == (4999, 4999.0)
    assert [value for _, value in found] == sorted(value for _, value in found)
    assert len(sampling.courses(paths, budget_bytes=size)["loss", "train"]) == 5000


def test_a_log_that_cannot_be_read_costs_its_course_only(workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task(scalars={"loss/train": [1.0, 2.0]})
    (log,) = paths.events.glob("scalars.*")
    log.write_bytes(os.urandom(300))
    done = cli("show", paths.id)
    assert done.code == 0
    assert "Traceback" not in done.err


def test_artifacts_are_listed_with_type_size_and_place(cli: Cli, workshop: Workshop, store) -> None:
    from taskstore.sections.artifacts import Artifacts

    paths = workshop.task("a run", status=Status.CREATED)
    kept = Artifacts(store, paths.id)
    kept.upload("scores", {"a": 1})
    kept.upload("given", "https://example.org/data.bin", is_input=True)
    rows = cli("show", paths.id).lines
    at = rows.index("Artifacts")
    assert [row.split() for row in rows[at + 1 : at + 4]] == [
        ["name", "type", "size", "where"],
        ["scores", "dict", "15", "B", "files/artifacts/scores/scores.json"],
        ["given", "custom", "(input)", "https://example.org/data.bin"],
    ]
    (found,) = cli("show", paths.id, "--json").objects
    assert found["artifacts"]["scores"]["file"]["size"] == 15


@pytest.mark.parametrize(
    ("missing", "has_diff", "has_untracked", "said"),
    [
        (None, False, False, "none"),
        (Missing(reason="bad object HEAD"), False, False, "not recorded (bad object HEAD)"),
        (Missing(changed=2, reason="too large"), False, False, "not recorded (2 changed files: too large)"),
        (Missing(changed=1, reason="too large"), True, False, "+2 -1 lines in 1 of 2 files, 1 left out"),
        (Missing(untracked=1, reason="too large"), False, True, "2 untracked files, 1 left out"),
        (Missing(untracked=3, reason="too large"), False, False, "3 untracked files, 3 left out"),
        (
            Missing(changed=1, reason="too large"),
            False,
            True,
            "1 untracked file, the rest not recorded (1 changed file: too large)",
        ),
        (
            Missing(changed=1, untracked=1, reason="too large"),
            True,
            False,
            "+2 -1 lines in 1 of 2 files, 1 left out, 1 untracked file, 1 left out",
        ),
        (
            Missing(reason="untracked files: late"),
            True,
            False,
            "+2 -1 lines in 1 file, the rest not recorded (untracked files: late)",
        ),
    ],
)
def test_changes_that_are_not_recorded_are_never_none(
    missing: Missing | None, has_diff: bool, has_untracked: bool, said: str, workshop: Workshop, cli: Cli
) -> None:
    made = msgspec.structs.replace(script(), missing=missing)
    made.diff = made.diff if has_diff else None
    made.untracked = made.untracked if has_untracked else []
    files = {"source/uncommitted.diff": DIFF, "source/untracked/notes.txt": NOTES}
    paths = workshop.task(script=made, files=files)
    (line,) = [line for line in cli("show", paths.id).lines if line.startswith("changes")]
    assert line == f"changes     {said}"
    told = cli("show", "--source", paths.id).err
    if has_diff or has_untracked:
        assert ("that is not all" in told) is (missing is not None)
    else:
        assert ("nothing was changed in the repository" in told) is (missing is None)
        assert "left out" in told or "not recorded" in told or missing is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version_num": "c" * 40}, "beside the commit: nothing was changed in the repository"),
        ({"version_num": "c" * 40, "submodules": [Submodule(path="a", dirty=True)]}, "but within submodules"),
        ({}, "no code was captured, and no commit is known\n"),
        (
            {"notes": ["arguments: masked token", "source: not known, because it was typed"]},
            "no code was captured, and no commit is known; source: not known, because it was typed\n",
        ),
    ],
)
def test_without_code_it_is_said_whether_there_is_a_commit_and_why_not(
    fields: dict[str, object], said: str, workshop: Workshop, cli: Cli
) -> None:
    paths = workshop.task(script=ScriptRecord(**fields))  # type: ignore[arg-type]  # the fields of a record
    done = cli("show", "--source", paths.id)
    assert (done.code, done.out) == (0, "")
    assert said in done.err
    assert ("the commit" in done.err) is ("version_num" in fields)


def test_of_a_copy_of_a_running_task_nothing_is_said_that_nobody_here_knows(
    store: Store, clock: FixedClock, cli: Cli
) -> None:
    own, ben = (Person(store.root.parent, clock, name) for name in (store.root.name, "ben"))
    ben.make()
    ben.do("begin")
    own.take_from(ben, is_trusted=False)
    own.do("comment", "it looks good")
    page = cli("show", TASK).out
    assert "status      Running" in page
    assert "as it was when it was copied" in page
    assert "so far" not in page
    assert "abort" not in page
    imported = f"taskstore {ben.store.id}, from {ben.store.root}, on 2026-01-01"
    assert imported.replace(" ", "") in "".join(page.split())


def test_who_follows_a_task_that_runs_elsewhere_is_told_what_brings_more(
    store: Store, clock: FixedClock, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, ben = (Person(store.root.parent, clock, name) for name in (store.root.name, "ben"))
    ben.make()
    ben.do("begin")
    own.take_from(ben)

    def wait(_: float) -> None:
        ben.do("end")
        own.take_from(ben)

    assert follow.console.__kwdefaults__ is not None
    monkeypatch.setitem(follow.console.__kwdefaults__, "sleep", wait)
    result = cli("logs", "-f", TASK)
    assert result.code == 0
    assert result.err == (
        f"taskstore: task {TASK[:12]} is Running in the store that it was copied from: "
        "more comes when it is brought in again; Ctrl-C stops\n"
    )
