from __future__ import annotations

import dataclasses
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, BadTransition, BadValue, NotFound, Refused
from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run import launch
from taskstore.run.create import Wanted, create
from taskstore.schema.record import Container, ScriptRecord
from taskstore.store import places, tasks
from taskstore.store.store import Store
from taskstore.task import Task

from ..capture.gitrepo import GitRepo, isolate

_SCRIPT = """\
import argparse
import msgspec
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.5)
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()
print(args.lr * 2, args.epochs)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a script, in no repository."""
    isolate(tmp_path, monkeypatch)
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text(_SCRIPT)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def repository(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with a commit, a change that is not committed, and a file that git does not know."""
    repo = GitRepo.create(tmp_path / "vision")
    (repo.root / "src").mkdir()
    (repo.root / "src" / "train.py").write_text(_SCRIPT)
    repo.git("add", ".")
    repo.git("commit", "-qm", "first")
    (repo.root / "src" / "train.py").write_text(_SCRIPT + "print('changed')\n")
    (repo.root / "notes.txt").write_text("not tracked")
    monkeypatch.chdir(repo.root)
    return repo


def _run(store: Store, paths: TaskPaths) -> str:
    """Run a draft as `taskstore run` does, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "taskstore_cli.main", "run", paths.id],
        env={**os.environ, "TASKSTORE_ROOT": str(store.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_outside_git_is_a_draft_with_a_copy_of_it_that_runs(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(script="train.py", arguments=["--lr", "0.25"]))
    record, script = tasks.read(paths), tasks.read_script(paths)
    assert (places.project_of(store, paths.home), record.name, record.status) == ("Untitled", "train", Status.CREATED)
    assert (script.kind, script.repository, script.cwd) == ("script", "", str(folder))
    assert script.argv == ["train.py", "--lr", "0.25"]
    assert script.standalone is not None
    assert (paths.home / script.standalone.path).read_text() == _SCRIPT
    assert "msgspec" in script.requirements
    assert f"msgspec=={script.requirements['msgspec']}\n" in paths.requirements.read_text()
    assert _run(store, paths) == "0.5 1\n"
    assert tasks.read(paths).status is Status.COMPLETED


def test_the_copy_runs_when_the_script_is_gone(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(script="train.py"))
    (folder / "train.py").unlink()
    assert _run(store, paths) == "1.0 1\n"


def test_of_a_script_in_git_the_state_of_the_repository_is_recorded(store: Store, repository: GitRepo) -> None:
    paths = create(store, Wanted(script="src/train.py"))
    script = tasks.read_script(paths)
    assert places.project_of(store, paths.home) == "vision"
    assert (script.branch, script.version_num) == ("main", repository.git("rev-parse", "HEAD"))
    assert (script.working_dir, script.entry_point) == (".", "src/train.py")
    assert (script.root, script.cwd) == (str(repository.root), str(repository.root))
    assert script.diff is not None
    assert b"+print('changed')" in (paths.home / script.diff.path).read_bytes()
    assert [item.path for item in script.untracked] == ["notes.txt"]
    assert script.standalone is None
    assert _run(store, paths) == "1.0 1\nchanged\n"


def test_the_working_directory_is_relative_to_the_root(store: Store, repository: GitRepo) -> None:
    script = tasks.read_script(create(store, Wanted(script="src/train.py", working_directory="src")))
    assert (script.working_dir, script.entry_point) == ("src", "train.py")
    assert (script.cwd, script.argv) == (str(repository.root / "src"), ["train.py"])


@pytest.mark.parametrize("choice", [{"force_single_script_file": True}, {"detect_repository": False}])
def test_a_script_alone_is_kept_as_a_copy_though_it_is_in_git(
    choice: dict[str, bool], store: Store, repository: GitRepo
) -> None:
    script = tasks.read_script(create(store, Wanted(script="src/train.py", **choice)))
    assert (script.repository, script.version_num, script.diff) == ("", "", None)
    assert script.standalone is not None


def test_a_local_repository_is_found_by_its_folder(
    store: Store, repository: GitRepo, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    script = tasks.read_script(create(store, Wanted(repo=str(repository.root), script="src/train.py")))
    assert script.version_num == repository.git("rev-parse", "HEAD")
    assert script.diff is not None


def test_of_a_commit_that_was_asked_for_no_uncommitted_change_is_kept(store: Store, repository: GitRepo) -> None:
    wanted = Wanted(repo=".", branch="other", commit="0" * 40, script="src/train.py")
    script = tasks.read_script(create(store, wanted))
    assert (script.branch, script.version_num) == ("other", "0" * 40)
    assert (script.diff, script.untracked) == (None, [])
    assert any("left out" in note for note in script.notes)


def test_a_repository_elsewhere_is_recorded_as_said_and_not_fetched(store: Store, folder: Path) -> None:
    wanted = Wanted(
        repo="https://me:secret@example.org/team/vision.git",
        branch="main",
        commit="abc",
        script="./src/train.py",
        working_directory="src",
        arguments=["--token", "hunter2hunter2"],
    )
    paths = create(store, wanted)
    script = tasks.read_script(paths)
    assert places.project_of(store, paths.home) == "vision"
    assert (script.repository, script.branch, script.version_num) == (
        "https://example.org/team/vision.git",
        "main",
        "abc",
    )
    assert (script.working_dir, script.entry_point) == ("src", "train.py")
    assert script.argv[1:] == ["--token", MASK]
    with pytest.raises(Refused, match=r"example\.org/team/vision.*taskstore run SCRIPT"):
        launch.plan(store, paths)


def test_a_module_runs_as_one(store: Store, repository: GitRepo) -> None:
    (repository.root / "pkg").mkdir()
    (repository.root / "pkg" / "work.py").write_text("import sys; print(__spec__.name, sys.argv[1:])")
    paths = create(store, Wanted(module="pkg.work", arguments=["-v"]))
    script = tasks.read_script(paths)
    assert (tasks.read(paths).name, script.kind, script.module) == ("work", "module", "pkg.work")
    assert script.version_num == repository.git("rev-parse", "HEAD")
    assert [item.path for item in script.untracked] == ["notes.txt", "pkg/work.py"]
    assert _run(store, paths) == "pkg.work ['-v']\n"


def test_argparse_arguments_replace_those_of_the_program(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(script="train.py", argparse_args=[("--lr", "0.1"), ("epochs", "7")]))
    assert {name: item.value for name, item in tasks.read_params(paths).hyperparams["Args"].items()} == {
        "lr": "0.1",
        "epochs": "7",
    }
    assert _run(store, paths) == "0.2 7\n"


def test_packages_are_written_as_given(store: Store, folder: Path) -> None:
    listed = ["tqdm>=4.60", "numpy==1.26.4", "torch[extra] == 2.0", "x @ https://u:p4ssw0rd@example.org/x.whl"]
    paths = create(store, Wanted(script="train.py", packages=listed))
    text = paths.requirements.read_text()
    assert text.splitlines()[:3] == listed[:3]
    assert "p4ssw0rd" not in text
    requirements = tasks.read_script(paths).requirements
    assert (requirements["tqdm"], requirements["numpy"], requirements["torch"]) == (">=4.60", "1.26.4", "2.0")


def test_a_requirements_file_is_kept_line_by_line(store: Store, folder: Path) -> None:
    lines = ["# ours", "--index-url https://example.org/simple", "", "numpy==1.26.4  # pinned", "tqdm"]
    (folder / "requirements.txt").write_text("\n".join(lines))
    paths = create(store, Wanted(script="train.py", requirements_file="requirements.txt"))
    assert paths.requirements.read_text().splitlines() == lines
    assert tasks.read_script(paths).requirements == {"numpy": "1.26.4", "tqdm": ""}


def test_no_packages_are_none(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(script="train.py", packages=False))
    assert not paths.requirements.exists()
    assert tasks.read_script(paths).requirements == {}


def test_the_container_is_recorded_and_cloned_and_its_secrets_are_masked(store: Store, folder: Path) -> None:
    wanted = Wanted(
        script="train.py",
        docker="python:3.12",
        docker_args="--ipc=host -e API_TOKEN=hunter2hunter2",
        docker_bash_setup_script="apt-get update\napt-get install -y git",
    )
    paths = create(store, wanted)
    assert tasks.read(paths).container == Container(
        image="python:3.12",
        arguments=f"--ipc=host -e 'API_TOKEN={MASK}'",
        setup_shell_script="apt-get update\napt-get install -y git",
    )
    copy = Task.clone(Task(store, paths.id))
    assert tasks.read(copy._paths()).container == tasks.read(paths).container


def test_a_base_task_gives_what_is_not_said(store: Store, folder: Path) -> None:
    base = create(
        store,
        Wanted(project_name="vision", task_name="the base", script="train.py", tags=["a"], argparse_args=[("lr", "1")]),
    )
    (folder / "other.py").write_text("print('other')")
    kept = create(store, Wanted(base_task_id=base.id, argparse_args=[("epochs", "3")], packages=["tqdm"]))
    record, script = tasks.read(kept), tasks.read_script(kept)
    assert (places.project_of(store, kept.home), record.name) == ("vision", "Clone Of the base")
    assert (record.parent, record.tags) == (base.id, ["a"])
    assert (script.entry_point, script.requirements) == (str(folder / "train.py"), {"tqdm": ""})
    assert {name: item.value for name, item in tasks.read_params(kept).hyperparams["Args"].items()} == {
        "lr": "1",
        "epochs": "3",
    }
    assert _run(store, kept) == "2.0 3\n"
    replaced = create(store, Wanted(base_task_id=base.id, task_name="another", script="other.py"))
    assert tasks.read(replaced).name == "another"
    assert [path.name for path in (replaced.source / "script").iterdir()] == ["other.py"]
    assert _run(store, replaced) == "other\n"


def test_a_draft_may_be_empty_where_it_has_a_name(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(project_name="vision", task_name="task template"))
    assert tasks.read(paths).name == "task template"
    assert tasks.read_script(paths) == ScriptRecord()
    with pytest.raises(Refused, match="records no script"):
        launch.plan(store, paths)


def test_a_program_of_another_language_is_recorded_and_not_run_here(store: Store, folder: Path) -> None:
    (folder / "train.sh").write_text("echo hello")
    paths = create(store, Wanted(script="train.sh", binary="/bin/bash"))
    assert tasks.read_script(paths).binary == "/bin/bash"
    with pytest.raises(Refused, match="/bin/bash"):
        launch.plan(store, paths)


_MISTAKES: dict[str, tuple[dict[str, object], type[Exception], str]] = {
    "no such script": ({"script": "none.py"}, NotFound, r"none\.py"),
    "no such folder": ({"script": "train.py", "working_directory": "none"}, NotFound, "working_directory"),
    "no such repository": ({"repo": "./none", "script": "train.py"}, NotFound, "repo"),
    "a folder without git": ({"repo": ".", "script": "train.py"}, Refused, "no git repository"),
    "a repository without a program": ({"repo": "https://example.org/x"}, BadValue, "script or module"),
    "a way out": ({"repo": "https://example.org/x", "script": "../x.py"}, BadValue, "out of the repository"),
    "a branch of nothing": ({"script": "train.py", "branch": "main"}, BadValue, "give repo"),
    "two programs": ({"script": "train.py", "module": "train"}, BadValue, "exclude"),
    "two lists": ({"script": "train.py", "packages": ["x"], "requirements_file": "r.txt"}, BadValue, "exclude"),
    "no such list": ({"script": "train.py", "requirements_file": "r.txt"}, NotFound, "r.txt"),
    "no requirement": ({"script": "train.py", "packages": ["=="]}, BadValue, "packages"),
    "packages as a text": ({"script": "train.py", "packages": "tqdm"}, BadValue, "packages"),
    "no module": ({"module": "a-b.c"}, BadValue, "a-b"),
    "no type": ({"script": "train.py", "task_type": "cooking"}, BadValue, "cooking"),
    "no pair": ({"script": "train.py", "argparse_args": [("lr",)]}, BadValue, "argparse_args"),
    "an open quotation mark": ({"script": "train.py", "docker_args": "-e 'x"}, BadValue, "docker_args"),
    "arguments of nothing": ({"task_name": "a name", "arguments": ["x"]}, BadValue, "arguments"),
    "no name": ({}, BadValue, "task_name"),
    "a short name": ({"script": "train.py", "task_name": "ab"}, BadName, "ab"),
    "a bad project": ({"script": "train.py", "project_name": "a//b"}, BadName, "a//b"),
    "no such base": ({"base_task_id": "0" * 32}, NotFound, "0000"),
    "tags as a text": ({"script": "train.py", "tags": "x"}, BadValue, "tags"),
}


@pytest.mark.parametrize("name", _MISTAKES)
def test_a_mistake_is_named_and_leaves_nothing(name: str, store: Store, folder: Path) -> None:
    fields, kind, what = _MISTAKES[name]
    with pytest.raises(kind, match=what):
        create(store, Wanted(**fields))  # type: ignore[arg-type]  # wrong ones are the point
    assert list(places.walk(store)) == []
    assert list(store.paths.projects.iterdir()) == []


def test_the_method_takes_every_field(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    assert [field.name for field in dataclasses.fields(Wanted)] == list(inspect.signature(Task.create).parameters)
    made = Task.create("vision", "a name", script="train.py", tags=["x"], task_type="testing")
    assert (made.get_project_name(), made.get_name(), made.get_status()) == ("vision", "a name", "created")
    assert (made.get_tags(), made.details.get_type()) == (["x"], "testing")


def test_a_draft_runs_once(store: Store, folder: Path) -> None:
    paths = create(store, Wanted(script="train.py"))
    _run(store, paths)
    with pytest.raises(BadTransition):
        launch.plan(store, paths)
