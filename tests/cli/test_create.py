from __future__ import annotations

import platform
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.store import places, tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop
from .test_completion import complete


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import sys; print(sys.argv[1:])")
    return tmp_path


def test_the_new_id_stands_alone_on_stdout_and_nothing_was_run(cli: Cli, folder: Path, store: Store) -> None:
    (folder / "train.py").write_text("raise SystemExit(9)")
    result = cli("create", "-p", "vision", "--name", "first draft", "--tag", "a", "--tag", "b", "train.py", "--lr", "1")
    assert result.code == 0
    made = places.resolve(store, result.out.strip())
    record = tasks.read(made)
    assert (record.name, record.status, record.tags) == ("first draft", Status.CREATED, ["a", "b"])
    assert tasks.read_script(made).argv == ["train.py", "--lr", "1"]
    assert "a draft" in result.err


def test_a_draft_from_the_command_line_runs(cli: Cli, folder: Path) -> None:
    made = cli("create", "train.py", "--lr", "1").out.strip()
    assert cli("run", made).code == 0
    assert "['--lr', '1']" in cli("logs", made).out


def test_every_option_reaches_the_draft(cli: Cli, folder: Path, store: Store) -> None:
    (folder / "r.txt").write_text("tqdm==4.1\n")
    (folder / "setup.sh").write_text("echo hello")
    result = cli(
        *("create", "--json", "-m", "pkg.train", "--type", "testing", "--repo", "https://example.org/vision.git"),
        *("--branch", "main", "--commit", "abc", "--cwd", "src", "--args", "lr=0.1", "--requirements", "r.txt"),
        *("--binary", "python3.12", "--docker", "image", "--docker-args=--ipc=host", "--docker-setup", "setup.sh"),
    )
    (facts,) = result.objects
    assert facts.keys() == {"id", "name", "project", "status", "path"}
    assert (facts["name"], facts["project"], facts["status"]) == ("train", "vision", "created")
    assert result.err == ""
    made = places.locate(store, facts["id"])
    record, script = tasks.read(made), tasks.read_script(made)
    assert record.type == "testing"
    assert record.container is not None
    assert (record.container.image, record.container.arguments) == ("image", "--ipc=host")
    assert record.container.setup_shell_script == "echo hello"
    assert (script.kind, script.module, script.branch, script.version_num) == ("module", "pkg.train", "main", "abc")
    assert (script.working_dir, script.binary, script.requirements) == ("src", "python3.12", {"tqdm": "4.1"})
    assert tasks.read_params(made).hyperparams["Args"]["lr"].value == "0.1"


@pytest.mark.parametrize("options", [(), ("--repo", "https://example.org/vision.git")])
def test_the_python_that_is_named_is_the_one_that_an_agent_looks_for(
    cli: Cli, folder: Path, store: Store, options: tuple[str, ...]
) -> None:
    for binary, version in (("python3.99", "3.99"), ("/opt/bin/python3.98", "3.98")):
        made = cli("create", *options, "--binary", binary, "train.py").out.strip()
        assert tasks.read_script(places.locate(store, made)).python == version
    made = cli("create", *options, "--binary", "python3", "train.py").out.strip()
    assert tasks.read_script(places.locate(store, made)).python == ("" if options else platform.python_version())


def test_a_program_of_another_language_is_recorded_and_cannot_wait_in_a_queue(
    cli: Cli, folder: Path, store: Store
) -> None:
    made = cli("create", "--binary", "/bin/bash", "train.py").out.strip()
    for verb in ("enqueue", "run"):
        result = cli(verb, made)
        assert (result.code, result.out) == (4, "")
        assert "is run by /bin/bash, and taskstore runs Python programs" in result.err
    assert tasks.read(places.locate(store, made)).status is Status.CREATED


def test_packages_are_given_or_left_out(cli: Cli, folder: Path, store: Store) -> None:
    (folder / "train.py").write_text("import msgspec")
    for options, expected in (
        (("--package", "tqdm>=4", "--package", "numpy==1.0"), {"tqdm": ">=4", "numpy": "1.0"}),
        (("--no-requirements",), {}),
    ):
        made = places.resolve(store, cli("create", *options, "train.py").out.strip())
        assert tasks.read_script(made).requirements == expected


def test_a_base_task_is_named_as_tasks_are(cli: Cli, workshop: Workshop, store: Store) -> None:
    base = workshop.task(parameters={"Args/lr": "0.5"})
    made = places.resolve(store, cli("create", "--base-task", "@last", "--args", "epochs=3").out.strip())
    assert tasks.read(made).parent == base.id
    assert {name: item.value for name, item in tasks.read_params(made).hyperparams["Args"].items()} == {
        "lr": "0.5",
        "epochs": "3",
    }


@pytest.mark.parametrize(
    ("argv", "code", "why"),
    [
        ((), 4, "name a script"),
        (("none.py",), 3, "no script 'none.py'"),
        (("--bogus", "train.py"), 2, "--bogus"),
        (("--type", "cooking", "train.py"), 2, "cooking"),
        (("--args", "lr", "train.py"), 2, "--args lr=0.1"),
        (("--no-requirements", "--package", "x", "train.py"), 2, "--no-requirements"),
        (("--branch", "main", "train.py"), 4, "give repo"),
        (("--binary", "/bin/bash", "--queue", "default", "train.py"), 4, "is run by /bin/bash"),
        (("--repo", "https://example.org/x"), 4, "name a script"),
        (("--requirements", "none.txt", "train.py"), 3, "none.txt"),
        (("--docker-setup", "none.sh", "train.py"), 3, "none.sh"),
        (("--name", "ab", "train.py"), 4, "at least 3"),
        (("--base-task", "nope", "train.py"), 3, "no task"),
    ],
)
def test_a_mistake_makes_no_task(
    cli: Cli, folder: Path, store: Store, argv: tuple[str, ...], code: int, why: str
) -> None:
    result = cli("create", *argv)
    assert (result.code, result.out) == (code, "")
    assert why in result.err
    assert "Traceback" not in result.err
    assert list(places.walk(store)) == []


def test_types_and_base_tasks_are_completed(workshop: Workshop) -> None:
    paths = workshop.task("plain-name", "examples")
    assert complete("taskstore create --type te") == ["testing"]
    assert complete("taskstore create --base-task exa") == ["examples/plain-name"]
    assert paths.id in complete("taskstore create --base-task ")
