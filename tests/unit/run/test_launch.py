from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.core.errors import BadTransition, NotFound, Refused
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.disk.layout import TaskPaths
from taskstore.disk.lock import give_flock
from taskstore.run import launch
from taskstore.schema import codec
from taskstore.schema.record import FileRef, Missing, ScriptRecord, Untracked
from taskstore.store import tasks
from taskstore.store.store import Store, init

Draft = Callable[..., TaskPaths]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


@pytest.fixture
def draft(store: Store, code: Path) -> Draft:
    def make(files: dict[str, bytes] | None = None, **fields: object) -> TaskPaths:
        values: dict[str, object] = {"entry_point": str(code / "train.py"), "cwd": str(code), "argv": ["train.py"]}
        script = ScriptRecord(**(values | fields))  # type: ignore[arg-type]  # the fields of a record

        def fill(paths: TaskPaths, record: object) -> None:
            paths.script.write_bytes(codec.encode(script))
            for name, data in (files or {}).items():
                (paths.home / name).parent.mkdir(parents=True, exist_ok=True)
                (paths.home / name).write_bytes(data)

        return tasks.create(store, "examples", "a draft", fill=fill)

    return make


def _ref(path: str, data: bytes) -> FileRef:
    return FileRef(path=path, size=len(data), hash=hashlib.sha256(data).hexdigest())


def test_a_plan_is_the_recorded_command_in_the_recorded_folder(store: Store, draft: Draft, code: Path) -> None:
    planned = launch.plan(store, draft(argv=["train.py", "--lr", "a b"]))
    assert (planned.arguments, planned.cwd) == ((str(code / "train.py"), "--lr", "a b"), code)
    assert planned.shown() == f"python {code}/train.py --lr 'a b'"
    assert planned.notes == ()


def test_an_entry_point_in_a_repository_is_below_its_root_and_working_directory(
    store: Store, draft: Draft, code: Path
) -> None:
    (code / "sub").mkdir()
    planned = launch.plan(store, draft(root=str(code), working_dir="sub", entry_point="../train.py"))
    assert Path(planned.arguments[0]).resolve() == code / "train.py"


@pytest.mark.parametrize("name", ["pkg/train.py", "pkg/train/__main__.py"])
def test_a_module_is_run_as_a_module(store: Store, draft: Draft, code: Path, name: str) -> None:
    (code / name).parent.mkdir(parents=True)
    (code / "pkg" / "__init__.py").write_text("raise RuntimeError('nothing is imported to plan a run')")
    (code / name).write_text("")
    planned = launch.plan(store, draft(kind="module", module="pkg.train", argv=["/x/pkg/train.py", "1"]))
    assert planned.arguments == ("-m", "pkg.train", "1")


def test_a_module_that_is_gone_is_run_from_the_tasks_own_copy_where_that_can_be(
    store: Store, draft: Draft, code: Path
) -> None:
    (code / "pkg").mkdir()

    def plan(text: bytes, module: str = "pkg.train") -> launch.Plan:
        copy = _ref("source/script/train.py", text)
        return launch.plan(store, draft({copy.path: text}, kind="module", module=module, standalone=copy))

    planned = plan(b"from pkg import other")
    assert planned.arguments[0].endswith("/source/script/train.py")
    assert planned.notes == ("pkg.train is gone; the task's own copy of it is run",)
    assert plan(b"1", "pkg").arguments[0].endswith("/source/script/train.py")  # a package without __main__
    assert plan(b"1", "no_such_package_at_all.train").arguments[0].endswith("/source/script/train.py")
    with pytest.raises(Refused, match="cannot run without the package that it imports from; bring that back"):
        plan(b"def f():\n    from . import other\n")
    with pytest.raises(Refused, match="pkg.train, is not to be found from .*; bring it back"):
        launch.plan(store, draft(kind="module", module="pkg.train"))


def test_a_script_that_is_gone_is_run_from_the_tasks_own_copy_and_that_is_said(
    store: Store, draft: Draft, code: Path
) -> None:
    paths = draft(
        {"source/script/train.py": b"1"},
        entry_point=str(code / "gone.py"),
        standalone=_ref("source/script/train.py", b"1"),
    )
    planned = launch.plan(store, paths)
    assert planned.arguments == (str(paths.home / "source/script/train.py"),)
    assert "own copy" in planned.notes[0]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"cwd": "/no/such/folder"}, "not on this machine"),
        ({"entry_point": "gone.py"}, "gone.py, is not in"),
        ({"entry_point": ""}, "records no script"),
        ({"argv": ["train.py", "--token", MASK]}, "--token in TASKSTORE_SECRET_TOKEN"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_with_what_to_do(
    store: Store, draft: Draft, fields: dict[str, object], why: str
) -> None:
    with pytest.raises(Refused, match=why) as caught:
        launch.plan(store, draft(**fields))
    assert "taskstore run SCRIPT" in str(caught.value)


def test_only_a_draft_is_planned(store: Store, draft: Draft) -> None:
    paths = draft()
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    tasks.transition(store, paths.id, Status.COMPLETED)
    with pytest.raises(BadTransition, match="taskstore clone"):
        launch.plan(store, paths)


def test_of_a_running_task_its_end_is_advised_and_not_a_reset(store: Store, draft: Draft) -> None:
    paths = draft()
    planned = launch.plan(store, paths)
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    for act in (lambda: launch.plan(store, paths), lambda: launch.run_task(store, paths.id, planned)):
        with pytest.raises(BadTransition, match=f"taskstore abort {paths.id[:12]}") as caught:
            act()
        assert "taskstore reset" not in str(caught.value)


def test_a_script_that_is_not_there_is_not_found(code: Path) -> None:
    with pytest.raises(NotFound):
        launch.script_plan(str(code / "no.py"), [])
    assert launch.script_plan("pkg", ["--", "-m"], is_module=True).arguments == ("-m", "pkg", "--", "-m")


def test_the_exit_code_is_the_programs_and_a_signal_is_128_more(store: Store, draft: Draft, code: Path) -> None:
    for text, expected in (("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137), ("", 0)):
        (code / "train.py").write_text(text)
        paths = draft()
        assert launch.run_task(store, paths.id, launch.plan(store, paths)) == expected
        assert tasks.read(paths).status is (Status.FAILED if expected else Status.COMPLETED)


def test_arguments_of_the_program_are_handed_on_as_they_are(store: Store, draft: Draft, code: Path) -> None:
    (code / "train.py").write_text("import sys; sys.exit(sys.argv[1:] != ['--', '--name=x', ''])")
    paths = draft(argv=["train.py", "--", "--name=x", ""])
    assert launch.run_task(store, paths.id, launch.plan(store, paths)) == 0
    assert tasks.read(paths).name == "a draft"


def test_a_second_run_of_a_draft_is_refused_and_starts_nothing(store: Store, draft: Draft, code: Path) -> None:
    (code / "train.py").write_text("open('ran', 'a').write('x')")
    paths = draft()
    planned = launch.plan(store, paths)
    launch.run_task(store, paths.id, planned)
    with pytest.raises(BadTransition, match="taskstore clone"):
        launch.run_task(store, paths.id, planned)
    assert (code / "ran").read_text() == "x"


def test_a_program_that_cannot_be_started_leaves_a_failed_task(
    store: Store, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = draft()
    planned = launch.plan(store, paths)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(Refused, match="could not be started"):
        launch.run_task(store, paths.id, planned)
    assert tasks.read(paths).status is Status.FAILED


def test_an_earlier_runs_beacon_does_not_make_the_new_run_look_dead(store: Store, draft: Draft, code: Path) -> None:
    # While the child starts, whoever looks must not find a beacon that nobody holds.
    paths = draft()
    hold_beacon(paths.beacon, store.locks).release()
    (code / "train.py").write_text("")
    launch.claim(store, paths.id)
    assert not paths.beacon.exists()


def test_signals_are_given_back(store: Store, draft: Draft) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    paths = draft()
    launch.run_task(store, paths.id, launch.plan(store, paths))
    assert [signal.getsignal(number) for number in numbers] == before


# -- where the code differs --------------------------------------------------------------------------------------------


def _git(folder: Path, *argv: str) -> str:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *settings, *argv], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def checkout(code: Path) -> Path:
    _git(code, "init", "--quiet")
    _git(code, "add", ".")
    _git(code, "commit", "--quiet", "--message", "one")
    return code


def _recorded(checkout: Path, **fields: object) -> dict[str, object]:
    head = _git(checkout, "rev-parse", "HEAD").strip()
    place = {"root": str(checkout), "working_dir": ".", "entry_point": "train.py", "version_num": head}
    return {**place, **fields}


def test_the_recorded_state_has_no_notes(store: Store, draft: Draft, checkout: Path) -> None:
    assert launch.plan(store, draft(**_recorded(checkout))).notes == ()


def test_another_commit_is_said_with_the_files_that_differ(store: Store, draft: Draft, checkout: Path) -> None:
    paths = draft(**_recorded(checkout))
    (checkout / "train.py").write_text("print(2)\n")
    _git(checkout, "commit", "--quiet", "--all", "--message", "two")
    (note,) = launch.plan(store, paths).notes
    assert note.startswith("commit ")
    assert note.endswith("train.py differ")


def test_a_recorded_commit_that_this_clone_lacks_is_said(store: Store, draft: Draft, checkout: Path) -> None:
    (note,) = launch.plan(store, draft(**_recorded(checkout, version_num="f" * 40))).notes
    assert "not in this clone" in note


def test_changes_that_were_not_there_and_those_that_are_gone_are_said(
    store: Store, draft: Draft, checkout: Path
) -> None:
    clean = draft(**_recorded(checkout))
    (checkout / "train.py").write_text("print(3)\n")
    (note,) = launch.plan(store, clean).notes
    assert note == "the uncommitted changes are not the recorded ones (train.py)"
    from taskstore.capture import git

    snapshot = git.snapshot(None, checkout)
    assert snapshot is not None
    dirty = draft(
        {"source/uncommitted.diff": snapshot.diff},
        **_recorded(checkout, diff=_ref("source/uncommitted.diff", snapshot.diff)),
    )
    assert launch.plan(store, dirty).notes == ()
    _git(checkout, "checkout", "--quiet", "train.py")
    assert len(launch.plan(store, dirty).notes) == 1


def test_what_was_left_out_and_what_lies_in_a_store_is_no_difference(
    store: Store, draft: Draft, checkout: Path
) -> None:
    (checkout / "train.py").write_text("print(3)\n")
    changed = draft(**_recorded(checkout, missing=Missing(changed=1, reason="too large")))
    assert launch.plan(store, changed).notes == ()
    inside = init(checkout / ".taskstore")
    log = Untracked(path=".taskstore/projects/a/log", file=_ref("source/untracked/log", b"as it was"))
    recorded = _recorded(checkout, missing=Missing(changed=1), untracked=[log])
    assert launch.plan(store, draft({"source/untracked/log": b"as it was"}, **recorded)).notes == ()
    inside.paths.record.unlink()
    assert len(launch.plan(store, draft({"source/untracked/log": b"as it was"}, **recorded)).notes) == 1


def test_an_untracked_file_that_has_changed_is_said(store: Store, draft: Draft, checkout: Path) -> None:
    (checkout / "helper.py").write_bytes(b"x = 1")
    paths = draft(**_recorded(checkout, untracked=[Untracked(path="helper.py", file=_ref("source/x", b"x = 1"))]))
    assert launch.plan(store, paths).notes == ()
    (checkout / "helper.py").write_bytes(b"x = 2")
    assert "helper.py" in launch.plan(store, paths).notes[0]


def test_a_broken_or_missing_repository_never_keeps_a_task_from_running(
    store: Store, draft: Draft, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = draft(**_recorded(checkout))
    (checkout / ".git" / "HEAD").write_text("nonsense")
    assert launch.plan(store, paths).arguments == (str(checkout / "train.py"),)
    monkeypatch.setenv("PATH", os.devnull)
    assert launch.plan(store, paths).arguments == (str(checkout / "train.py"),)


def test_planning_changes_nothing_in_the_repository(store: Store, draft: Draft, checkout: Path) -> None:
    paths = draft(**_recorded(checkout, version_num="f" * 40))
    before = {path: path.stat().st_mtime_ns for path in (checkout / ".git").rglob("*")}
    launch.plan(store, paths)
    assert {path: path.stat().st_mtime_ns for path in (checkout / ".git").rglob("*")} == before


def test_what_a_run_has_said_of_its_end_where_it_could_not_write_its_record_is_what_counts(store: Store) -> None:
    paths = tasks.create(store, "examples", "a task")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    beacon = hold_beacon(paths.beacon, store.locks)
    beacon.say_end("completed", "completed")
    beacon.release()
    launch.settle(store, paths.id, 0)
    record = tasks.read(paths)
    assert (record.status, record.status_reason) == (Status.COMPLETED, "completed")


@pytest.mark.parametrize(("has_begun", "end"), [(True, Status.COMPLETED), (False, Status.FAILED)])
def test_a_run_that_ended_well_while_the_store_was_away_is_completed_by_its_exit_code(
    store: Store, *, has_begun: bool, end: Status
) -> None:
    paths = tasks.create(store, "examples", "a task")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    if has_begun:
        give_flock(hold_beacon(paths.beacon, store.locks)._descriptor)  # gone without a word
    launch.settle(store, paths.id, 0)
    record = tasks.read(paths)
    assert record.status is end
    assert ("exit code" if has_begun else "did not start") in record.status_message
