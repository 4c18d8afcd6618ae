"""What a run records without being asked: code, packages, command line, host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Missing
from taskstore.store import tasks

from .programs import INIT, Ended, all_tasks, only_task, run, write

_IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", *words]
    found = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=os.environ | _IDENTITY)
    return found.stdout.strip()


def _repository(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        write(folder, text, name)
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "first")


def test_the_state_of_the_repository_is_all_there(tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "work"
    _repository(library, module="x = 1\n")
    _repository(folder, settings="lr: 1\n", staged="a\n")
    _git(folder, "submodule", "add", "-q", str(library), "vendored")
    _git(folder, "commit", "-q", "-m", "second")
    write(folder, ".gitignore\nignored\n", ".gitignore")
    write(folder, "lr: 2\n", "settings")
    write(folder, "b\n", "staged")
    _git(folder, "add", "staged")
    write(folder, "new\n", "untracked é.txt")
    write(folder, "secret\n", "ignored")
    ended = run(folder, "import msgspec, json\nTASK\nimport tqdm\n", "--epochs", "3", env=_IDENTITY)
    assert (ended.code, ended.told) == (0, [])
    paths = TaskPaths(only_task(ended).home)
    script = tasks.read_script(paths)
    assert (script.kind, script.entry_point, script.working_dir) == ("script", "program.py", ".")
    assert (script.branch, script.version_num) == ("main", _git(folder, "rev-parse", "HEAD"))
    assert script.argv[1:] == ["--epochs", "3"]
    assert script.executable == sys.executable
    diff = paths.diff.read_text()
    assert "+lr: 2" in diff
    assert "+b" in diff
    assert {item.path for item in script.untracked} == {"program.py", "untracked é.txt"}
    assert paths.untracked("untracked é.txt").read_text() == "new\n"
    assert script.bundle is not None
    _git(tmp_path, "clone", "-q", str(paths.bundle), "again")
    assert _git(tmp_path / "again", "rev-parse", "HEAD") == script.version_num
    assert [(item.path, item.version_num) for item in script.submodules] == [
        ("vendored", _git(library, "rev-parse", "HEAD"))
    ]
    assert {"msgspec", "tqdm"} <= set(script.requirements)
    assert "taskstore" in paths.environment.read_text()
    assert "json" not in paths.requirements.read_text()


def test_a_script_outside_git_is_kept_itself(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", "TASK\nprint('mine')\n")
    paths = TaskPaths(only_task(ended).home)
    script = tasks.read_script(paths)
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == f"{INIT}\nprint('mine')\n"
    assert script.repository == script.version_num == ""
    runtime = only_task(ended).record.runtime
    assert {"hostname", "os", "cpu_model", "python_version", "user"} <= set(runtime)


def test_what_is_too_large_is_noted_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    _repository(folder, big="a\n")
    write(folder, "b\n" * 10_000, "big")
    write(folder, "c\n" * 10_000, "untracked")
    root = tmp_path / "store"
    write(root, "capture: {diff_mib: 0.001, untracked_file_mib: 0.001, bundle_mib: 0.000001}\n", "config.yaml")
    ended = run(folder, "TASK\n", env=_IDENTITY, root=root)
    assert ended.code == 0
    paths = TaskPaths(only_task(ended).home)
    script = tasks.read_script(paths)
    assert script.diff is None
    assert script.bundle is None
    assert script.missing == Missing(
        changed=1, untracked=1, reason="larger than 1,048 bytes; beyond 1,048 bytes in all"
    )
    assert [item.path for item in script.untracked] == ["program.py"]
    notes = "\n".join(script.notes)
    for what in ("untracked files left out", "uncommitted changes left out", "unpushed commits left out"):
        assert what in notes


def test_neither_the_begin_nor_the_program_waits_for_git(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    _repository(folder, some="a\n")
    gate = tmp_path / "gate"
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    text = f'#!/bin/sh\nuntil [ -e "{gate}" ]; do sleep 0.02; done\nexec "{real}" "$@"\n'
    slow = write(tmp_path / "bin", text, "git")
    slow.chmod(0o755)
    # git answers only when the program has come to its end: it would wait for ever, if it waited.
    text = """
        import sys
        TASK
        task.get_logger().report_scalar("loss", "train", 1.0, 1)
        task.connect({"lr": 0.1})
        open(sys.argv[1], "w").close()
    """
    path = f"{slow.parent}{os.pathsep}{os.environ['PATH']}"
    ended: Ended = run(folder, text, str(gate), env={**_IDENTITY, "PATH": path})
    assert (ended.code, ended.told) == (0, [])
    script = tasks.read_script(TaskPaths(only_task(ended).home))
    assert script.version_num == _git(folder, "rev-parse", "HEAD")


def test_a_run_that_is_terminated_does_not_wait_for_git_and_its_notes_say_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    _repository(folder, some="a\n")
    hanging = write(tmp_path / "bin", "#!/bin/sh\nexec sleep 60\n", "git")
    hanging.chmod(0o755)
    path = f"{hanging.parent}{os.pathsep}{os.environ['PATH']}"
    began = time.monotonic()
    text = "import time\nTASK\nprint('ready', flush=True)\ntime.sleep(60)\n"
    ended = run(folder, text, env={"PATH": path}, meanwhile=lambda process: process.terminate())
    assert time.monotonic() - began < 30  # git would take 60
    found = only_task(ended)
    assert found.record.status_reason == "terminated (SIGTERM)"
    assert any("has not come to an end" in note for note in tasks.read_script(TaskPaths(found.home)).notes)


def test_the_script_is_kept_itself_where_its_change_is_too_large_for_the_diff(tmp_path: Path) -> None:
    folder, root = tmp_path / "work", tmp_path / "store"
    _repository(folder, **{"program.py": "1\n", "other.py": "1\n"})
    write(folder, "2\n", "other.py")
    write(root, "capture: {diff_mib: 0.001}\n", "config.yaml")
    text = "TASK\n" + "# long\n" * 1000
    ended = run(folder, text, env=_IDENTITY, root=root)
    paths = TaskPaths(only_task(ended).home)
    script = tasks.read_script(paths)
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == f"{INIT}\n" + "# long\n" * 1000
    assert "other.py" in paths.diff.read_text()
    assert "program.py" not in paths.diff.read_text()


def test_a_store_in_the_repository_does_not_capture_itself(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    _repository(folder, some="a\n")
    for _ in range(2):
        ended = run(folder, "TASK\n", env=_IDENTITY, root=folder / "mine")
        assert ended.code == 0
    for found in all_tasks(ended):
        assert [item.path for item in tasks.read_script(TaskPaths(found.home)).untracked] == ["program.py"]
    assert "mine" not in _git(folder, "status", "--porcelain")


@pytest.mark.parametrize("by", ["python", "taskstore"])
@pytest.mark.parametrize("is_package", [False, True], ids=["module", "package"])
def test_a_module_outside_git_is_kept_itself(by: str, is_package: bool, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    text = f"{INIT if by == 'python' else 'import os'}\nprint('mine')\n"
    name = "pkg/mod/__main__.py" if is_package else "pkg/mod.py"
    write((folder / name).parent, text, Path(name).name)
    words = ["-m", "pkg.mod"] if by == "python" else ["-m", "taskstore_cli.main", "run", "-m", "pkg.mod"]
    ended = run(folder, words)
    assert (ended.code, ended.stdout) == (0, "mine\n")
    paths = TaskPaths(only_task(ended).home)
    script = tasks.read_script(paths)
    assert (script.kind, script.module, script.notes) == ("module", "pkg.mod", [])
    assert script.standalone is not None
    assert script.standalone.path == f"source/script/{Path(name).name}"
    assert (paths.home / script.standalone.path).read_text() == text


def test_of_an_installed_module_it_is_said_that_its_source_is_not_kept(tmp_path: Path) -> None:
    words = ["-m", "taskstore_cli.main", "run", "-m", "timeit", "-n", "1", "1"]
    script = tasks.read_script(TaskPaths(only_task(run(tmp_path / "work", words)).home))
    assert script.standalone is None
    assert script.notes == ["source: timeit is an installed module, whose package and version are recorded instead"]


def test_the_repository_is_left_alone_where_the_program_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    text = """
        from taskstore import Task
        task = Task.init("examples", "a run", auto_connect_frameworks={"detect_repository": False})
    """
    _repository(folder, **{"program.py": text})
    found = only_task(run(folder, ["program.py"]))
    script = tasks.read_script(TaskPaths(found.home))
    assert (script.repository, script.version_num, script.diff) == ("", "", None)
    assert script.standalone is not None
