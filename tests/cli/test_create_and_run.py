"""Drafts of every kind that `create` makes, run by an agent that rebuilds their code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.store import places, tasks
from taskstore.store.store import Store
from tests.unit.capture.gitrepo import GitRepo, isolate

from .conftest import Cli

PROGRAM = """\
import argparse, json, os
from pathlib import Path
from taskstore import Task
import beside
task = Task.init("other", "other name")
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("rest", nargs="*")
args = parser.parse_args()
print("SAYS", json.dumps([beside.STATE, args.lr, args.rest, Path.cwd().name, str(Path.cwd())]))
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with two commits and a branch; each state of it is told by `beside.STATE`."""
    isolate(tmp_path, monkeypatch)
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(tmp_path / "agent"))
    repo = GitRepo.create(tmp_path / "elsewhere" / "project")
    for folder in (".", "tools"):
        repo.write(f"{folder}/train.py", PROGRAM)
        repo.write(f"{folder}/beside.py", "STATE = 'first'\n")
    repo.write("tools/__init__.py", "")
    repo.write("requirements.txt", "typer\n")
    repo.commit("first")
    repo.git("tag", "v1")
    repo.git("switch", "-q", "-c", "side")
    repo.write("beside.py", "STATE = 'side'\n")
    repo.commit("side")
    repo.git("switch", "-q", "main")
    repo.write("beside.py", "STATE = 'second'\n")
    repo.commit("second")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return repo


@pytest.fixture
def url(repo: GitRepo, tmp_path: Path) -> str:
    """The address of a remote with all of it."""
    repo.publish(tmp_path / "remote.git")
    repo.git("push", "-q", "--all", "origin")
    repo.git("push", "-q", "--tags", "origin")
    return f"file://{tmp_path / 'remote.git'}"


def run(cli: Cli, store: Store, *options: object) -> tuple[TaskPaths, list[object]]:
    """Make a draft in a queue, have an agent run it, and return what the program has said of where it runs."""
    made = cli("create", "--queue", "default", *options)
    assert made.code == 0, made.err
    ran = cli("agent", "start", "--once", "--env", "inherit", "--name", "here")
    paths = places.locate(store, made.out.strip())
    printed = cli("logs", paths.id).out
    assert tasks.read(paths).status is Status.COMPLETED, (ran.err, printed)
    (said,) = [line.removeprefix("SAYS ") for line in printed.splitlines() if line.startswith("SAYS ")]
    return paths, json.loads(said)


def test_a_folder_is_run_as_it_is_with_what_is_not_committed(
    cli: Cli, store: Store, repo: GitRepo, tmp_path: Path
) -> None:
    repo.write("beside.py", "STATE = 'changed'\n")
    paths, said = run(cli, store, "--folder", repo.root, "--project", "p123", "--name", "n123", "train.py", "a", "b")
    assert said[:4] == ["changed", 0.1, ["a", "b"], "project"]
    assert Path(str(said[4])).is_relative_to(tmp_path / "agent")
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home)) == ("n123", "p123")


@pytest.mark.parametrize(
    ("options", "state"),
    [
        (("--branch", "side"), "side"),
        (("--branch", "main"), "second"),
        (("--commit", "v1"), "first"),
        (("--commit", "SHORT"), "first"),
        (("--commit", "WHOLE"), "first"),
        (("--branch", "side", "--commit", "WHOLE"), "first"),
    ],
)
@pytest.mark.parametrize("is_remote", [False, True])
def test_a_branch_or_commit_of_a_repository_is_run(
    cli: Cli, store: Store, repo: GitRepo, url: str, options: tuple[str, ...], state: str, is_remote: bool
) -> None:
    whole = repo.git("rev-parse", "v1")
    options = tuple({"WHOLE": whole, "SHORT": whole[:9]}.get(word, word) for word in options)
    paths, said = run(cli, store, "--repo", url if is_remote else repo.root, *options, "train.py")
    assert said[0] == state
    # A branch or a tag may move; which commit has run is known for good.
    name = {"first": "v1", "side": "side", "second": "main"}[state]
    assert tasks.read_script(paths).version_num == repo.git("rev-parse", name)


def test_a_remote_repository_without_more_is_run_at_its_own_branch(cli: Cli, store: Store, url: str) -> None:
    assert run(cli, store, "--repo", url, "train.py")[1][0] == "second"


@pytest.mark.parametrize("is_remote", [False, True])
def test_a_program_below_is_run_where_it_is_asked_for(
    cli: Cli, store: Store, repo: GitRepo, url: str, is_remote: bool
) -> None:
    where = url if is_remote else repo.root
    assert run(cli, store, "--repo", where, "--cwd", "tools", "tools/train.py")[1][3] == "tools"
    assert run(cli, store, "--repo", where, "tools/train.py")[1][3] != "tools"
    assert run(cli, store, "--repo", where, "-m", "tools.train", "x")[1][2] == ["x"]
    assert run(cli, store, "--repo", where, "--cwd", "tools", "-m", "train")[1][3] == "tools"


def test_arguments_tags_and_types_arrive(cli: Cli, store: Store, repo: GitRepo) -> None:
    paths, said = run(
        cli,
        store,
        *("--folder", repo.root, "--args", "lr=0.5", "--tag", "one", "--tag", "two", "--type", "testing"),
        *("train.py", "--lr", "0.3"),
    )
    assert said[1] == 0.5
    record = tasks.read(paths)
    assert (record.tags, record.type) == (["one", "two"], "testing")


@pytest.mark.parametrize(
    "options",
    [("--requirements", "requirements.txt"), ("--package", "typer>=0.1"), ("--no-requirements",), ()],
    ids=lambda options: " ".join(options[:1]),
)
def test_packages_that_are_here_are_taken_as_they_are(
    cli: Cli, store: Store, repo: GitRepo, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root)
    assert run(cli, store, *options, "train.py")[1][0] == "second"


def test_a_script_alone_is_run_from_its_copy(cli: Cli, store: Store, repo: GitRepo, tmp_path: Path) -> None:
    script = tmp_path / "here" / "alone.py"
    script.write_text(PROGRAM.replace("import beside\n", "").replace("beside.STATE", "__name__"))
    made = cli("create", "--queue", "default", script).out.strip()
    script.unlink()
    assert cli("agent", "start", "--once", "--env", "inherit").code == 0
    assert "__main__" in cli("logs", made).out


def test_a_base_task_gives_its_code_and_parameters(cli: Cli, store: Store, repo: GitRepo) -> None:
    base, _ = run(cli, store, "--folder", repo.root, "--args", "lr=0.25", "train.py")
    repo.write("beside.py", "STATE = 'later'\n")
    paths, said = run(cli, store, "--base-task", base.id, "--name", "again", "--args", "more=1")
    assert said[:2] == ["second", 0.25]
    assert tasks.read(paths).parent == base.id
    # What is given replaces the code, and leaves the parameters.
    assert run(cli, store, "--base-task", base.id, "--folder", repo.root, "train.py")[1][:2] == ["later", 0.25]


def test_options_may_stand_behind_a_task_as_they_may_before_it(cli: Cli, store: Store, repo: GitRepo) -> None:
    made = cli("create", "--folder", repo.root, "train.py").out.strip()
    before, behind = cli("run", "--dry-run", "--in-place", made), cli("run", made, "--in-place", "--dry-run")
    assert (behind.code, behind.out) == (before.code, before.out) == (0, before.out)
    assert before.out


def test_what_is_no_option_behind_a_task_is_refused_and_the_task_left(cli: Cli, store: Store, repo: GitRepo) -> None:
    made = cli("create", "--folder", repo.root, "train.py").out.strip()
    refused = cli("run", made, "--lr", "0.1")
    assert refused.code == 2
    assert "clone TASK --set Args/lr=0.1" in " ".join(refused.err.split())
    assert tasks.read(places.locate(store, made)).status.value == "created"


def test_options_behind_a_script_are_its_own(cli: Cli, tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text("import sys\nprint(sys.argv[1:])\n")
    shown = cli("run", "--dry-run", script, "--in-place", "--name", "x")
    assert shown.code == 0
    assert shown.out.rstrip().endswith("--in-place --name x")
