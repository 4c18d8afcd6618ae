"""A store that cannot be written: one clear warning, and the program goes on to its own end."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore.store import places, trash
from taskstore.store.store import init, open_at

from .programs import Ended, only_task, run

BUSY = """
    import os, sys, argparse, subprocess
    TASK
    logger = task.get_logger()
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    args = parser.parse_args()
    live = task.connect({"n": 1})
    live["n"] = 2
    for i in range(100):
        logger.report_scalar("loss", "train", 1.0, i)
    logger.report_single_value("best", 1.0)
    logger.report_text("text")
    pid = os.fork() if hasattr(os, "fork") else 0
    if pid:
        os.waitpid(pid, 0)
    else:
        logger.report_scalar("loss", "child", 1.0, 0)
        os._exit(0)
    again = Task.init("examples", "a run")
    assert again is task and Task.current_task() is task and again.get_logger() is logger
    print("trained")
"""


def _assert_unharmed(ended: Ended) -> None:
    assert ended.code == 0, ended.stderr
    assert ended.stdout.splitlines() == ["text", "trained"]
    assert ended.own_stderr == ""
    assert len(ended.told) == 1, ended.told


@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: root.write_text("a file"),
        lambda root: (root.mkdir(), (root / "else.txt").write_text("not a store")),
        lambda root: (init(root), (root / "taskstore.json").write_text('{"format": 99}')),
        lambda root: (init(root), (root / "taskstore.json").write_text("{torn")),
        lambda root: (init(root), (root / "taskstore.json").write_text("")),
        lambda root: (init(root), (root / "projects").rmdir(), (root / "projects").write_text("a file")),
    ],
    ids=["file", "strange folder", "too new", "torn", "empty", "no projects"],
)
def test_a_store_that_cannot_be_used_is_told_once_and_the_program_goes_on(
    spoil: Callable[[Path], object], tmp_path: Path
) -> None:
    spoil(tmp_path / "store")
    ended = run(tmp_path / "work", BUSY)
    _assert_unharmed(ended)
    assert "taskstore: this run is not recorded: " in ended.told[0]


@pytest.mark.parametrize("text", ["capture: [no", "capture: {diff_mib: many}", "[]", "secrets: {extra: 5}"])
def test_a_slip_in_the_settings_is_told_once_and_costs_no_run(text: str, tmp_path: Path) -> None:
    init(tmp_path / "store").paths.config.write_text(text)
    ended = run(tmp_path / "work", BUSY)
    _assert_unharmed(ended)
    assert "config.yaml" in ended.told[0]
    assert only_task(ended).points[("loss", "train")] == [1.0] * 100


def test_names_and_values_that_cannot_be_used_are_the_programs_own_mistakes(tmp_path: Path) -> None:
    text = """
        from taskstore import Task, errors
        for arguments, kind in [
            ((("ab", "a run"), {}), errors.BadName),
            ((("examples", "ab"), {}), errors.BadName),
            ((("examples", ""), {}), errors.BadName),
            ((("", "a run"), {}), errors.BadName),
            ((("a//b", "a run"), {}), errors.BadName),
            ((("examples", "\\ud800\\ud800\\ud800"), {}), errors.BadName),
            ((("examples", 5), {}), errors.BadValue),
            (((5, "a run"), {}), errors.BadValue),
            ((("examples", "a run"), {"task_type": "trainin"}), errors.BadValue),
            ((("examples", "a run"), {"task_type": ["training"]}), errors.BadValue),
            ((("examples", "a run"), {"tags": "one"}), errors.BadValue),
            ((("examples", "a run"), {"tags": [1]}), errors.BadValue),
            ((("examples", "a run"), {"tags": 5}), errors.BadValue),
        ]:
            try:
                Task.init(*arguments[0], **arguments[1])
            except kind as error:
                assert str(error)
            else:
                raise AssertionError(arguments)
        assert Task.current_task() is None
        task = Task.init(" examples ", " a run ", tags=["\\ud800"])
        assert Task.init("examples", "a run") is task
        assert (task.get_name(), task.get_project_name()) == ("a run", "examples")
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.told, ended.own_stderr) == (0, [], "")
    only_task(ended)


needs_mount = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can mount a filesystem to fill or to lock"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@needs_mount
def test_a_read_only_store_is_told_once(small_disk: Path, tmp_path: Path) -> None:
    init(small_disk / "store")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    _assert_unharmed(run(tmp_path / "work", BUSY, root=small_disk / "store"))


@needs_mount
def test_a_disk_that_is_full_from_the_start_is_told_once(small_disk: Path, tmp_path: Path) -> None:
    init(small_disk / "store")
    _fill(small_disk)
    _assert_unharmed(run(tmp_path / "work", BUSY, root=small_disk / "store"))


@needs_mount
@pytest.mark.parametrize("place", ["at once", "in the midst of a line"])
def test_what_is_reported_after_a_full_disk_has_space_again_is_there(
    small_disk: Path, tmp_path: Path, place: str
) -> None:
    text = """
        import os, sys, time
        TASK
        logger = task.get_logger()
        time.sleep(0.5)  # the code is captured
        for i in range(100):
            logger.report_scalar("loss", "before", 1.0, i)
        print("before")
        def fill():
            with open(sys.argv[1], "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
        fill()
        if sys.argv[2] == "at once":  # what is left of the log's last page is gone too
            logger.report_text("y" * 8192, print_console=False)
        live = task.connect({"n": 1})
        for i in range(2000):
            logger.report_scalar("loss", "during", 1.0, i)
            if i % 100 == 0:
                print("during", i)
        os.remove(sys.argv[1])
        for i in range(100):
            logger.report_scalar("loss", "after", 1.0, i)
            print("after", i)
        live["n"] = 3
        fill()
        for i in range(2000):
            logger.report_scalar("loss", "again", 1.0, i)
        os.remove(sys.argv[1])
        logger.report_scalar("loss", "last", 1.0, 0)
    """
    ended = run(tmp_path / "work", text, str(small_disk / "ballast"), place, root=small_disk / "store")
    assert (ended.code, ended.own_stderr) == (0, "")
    assert len(ended.told) == 1, ended.told
    assert "cannot be written" in ended.told[0]
    assert "No space left" in ended.told[0]
    found = only_task(ended)
    counts = {series: len(values) for (_, series), values in found.points.items()}
    assert counts["before"] == counts["after"] == 100
    assert counts["last"] == 1
    assert counts.get("during", 0) < 2000
    assert {"before", *(f"after {i}" for i in range(100))} <= set(found.console)
    said = r"completed; No space left on device at \d\d:\d\d UTC, and what was reported from then on may be missing"
    assert re.fullmatch(said, found.record.status_reason)


def _fill(place: Path) -> None:
    with (place / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def test_a_task_that_is_deleted_while_it_runs_does_not_stop_the_program(tmp_path: Path) -> None:
    text = """
        import os, shutil, sys
        TASK
        logger = task.get_logger()
        os.rename(task.path(), "elsewhere")
        for i in range(100):
            logger.report_scalar("loss", "train", 1.0, i)
        task.connect({"n": 1})["n"] = 2
        pid = os.fork() if hasattr(os, "fork") else 0
        if not pid:
            logger.report_scalar("loss", "child", 1.0, 1)
            os._exit(0)
        os.waitpid(pid, 0)
        assert Task.init("examples", "a run") is task
        print("trained")
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "trained\n", "")


def test_a_working_directory_that_is_gone_does_not_stop_the_program(tmp_path: Path) -> None:
    text = """
        import os, tempfile
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
        TASK
        task.get_logger().report_scalar("loss", "train", 1.0, 1)
        print("trained")
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout, ended.own_stderr) == (0, "trained\n", "")


@pytest.mark.skipif(os.name != "posix", reason="users of POSIX")
def test_no_home_and_no_name_of_the_user_do_not_stop_the_program(tmp_path: Path) -> None:
    # A container that runs as a user whom no password file knows.
    text = """
        import os, sys
        for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "USERPROFILE", "XDG_CONFIG_HOME"):
            os.environ.pop(name, None)
        import pwd
        def unknown(*anybody):
            raise KeyError(anybody)
        pwd.getpwuid = pwd.getpwnam = unknown
        TASK
        task.get_logger().report_scalar("loss", "train", 1.0, 1)
        print("trained")
    """
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout, ended.own_stderr, ended.told) == (0, "trained\n", "", [])
    only_task(ended)


@pytest.mark.skipif(os.name != "posix", reason="file names of bytes")
def test_names_that_are_no_utf8_do_not_stop_the_program(tmp_path: Path) -> None:
    text = """
        import argparse, os, sys
        folder = os.fsencode("caf") + b"\\xe9"
        os.makedirs(folder, exist_ok=True)
        os.chdir(folder)
        TASK
        parser = argparse.ArgumentParser()
        parser.add_argument("name")
        parser.parse_args()
        task.connect({"k\\udce9y": "v\\udce9"})
        task.get_logger().report_scalar("t\\udce9", "s\\ud800", 1.0, 1)
        task.get_logger().report_text("t\\udce9", print_console=False)
        print("trained")
    """
    name = os.fsdecode(b"caf\xe9")
    ended = run(tmp_path / "work", text, name, env={"LISTED": name})
    assert (ended.code, ended.stdout, ended.own_stderr, ended.told) == (0, "trained\n", "", [])
    found = only_task(ended)
    assert list(found.points) == [("t\\udce9", "s\\ud800")]


@pytest.mark.skipif(os.name != "posix", reason="an open folder cannot be moved on Windows")
@pytest.mark.parametrize("what", ["deleted", "moved"])
def test_of_a_task_that_is_gone_the_truth_is_said_once_and_its_logs_are_written_on(what: str, tmp_path: Path) -> None:
    root = tmp_path / "store"
    init(root)
    text = """
        import os, sys
        TASK
        logger = task.get_logger()
        print("before", file=sys.stderr)
        logger.report_scalar("loss", "train", 1.0, 0)
        os.write(1, b"ready\\n")
        sys.stdin.readline()
        print("after")
        logger.report_scalar("loss", "train", 2.0, 1)
        task.connect({"n": 1})
    """

    def act(process: subprocess.Popen[str]) -> None:
        if what == "moved":
            root.rename(tmp_path / "moved")
        else:
            store = open_at(root)
            ((_, task_id),) = places.walk(store)
            trash.put(store, task_id, force=True)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    ended = run(tmp_path / "work", text, stdin="", meanwhile=act)
    assert (ended.code, ended.own_stderr) == (0, "before\n")
    assert len(ended.told) == 1, ended.told
    assert "it was deleted, or the store moved" in ended.told[0]
    assert "cannot be written" not in ended.stderr
    logs = "".join(path.read_text() for path in tmp_path.rglob("events/*"))
    assert "stdout F after" in logs
    assert '"value":2.0' in logs
