"""Secrets that were masked are given again by the environment, reach the program, and stay off the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.core.secrets import MASK
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run import remote
from taskstore.schema.record import ScriptRecord
from taskstore.store import tasks
from taskstore.store.store import open_at

from ..run.programs import run
from .agents import Ran, again, draft_of, work

pytestmark = pytest.mark.usefixtures("found_by_children")

TOKEN, PASSWORD, CHANGED = "first-tok3n", "pa55-of-ada", "an0ther-one"
URL = "https://ada:{}@example.org/data"
TEXT = """
    import argparse, json, os, subprocess, sys
    TASK
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", required=True)
    parser.add_argument("url")
    args = parser.parse_args()
    net = task.connect({"api_key": "in-the-code", "depth": 2})
    line = open("/proc/self/cmdline").read() if os.path.exists("/proc/self/cmdline") else ""
    print(json.dumps({
        "right": [args.token[::-1], args.url[::-1], net["api_key"][::-1]],
        "seen": [word[::-1] for word in line.split(chr(0))],
        "left": sorted(name for name in os.environ if "SECRET" in name),
    }))
    print("the token is", args.token)
    sys.exit(3 if "fail" in args.url else 0)
"""


def _reversed(*texts: str) -> list[str]:
    return [text[::-1] for text in texts]


def _files_with(root: Path, *texts: str) -> list[str]:
    found = []
    for path in root.rglob("*"):
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts):
            found.append(str(path))
    return found


@pytest.fixture
def agents_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(tmp_path / "agents"))
    return tmp_path / "agents"


def test_what_was_masked_is_given_by_variables_and_stays_off_the_disk(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, URL.format(PASSWORD))
    assert first.code == 0, first.stderr
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    monkeypatch.setenv("TASKSTORE_SECRET_URL", PASSWORD)
    monkeypatch.setenv("TASKSTORE_SECRET_GENERAL_API_KEY", "k3y-again")
    monkeypatch.setenv("TASKSTORE_SECRET_OF_OTHERS", "no matter")
    ran = again(first)
    assert ran.record.status is Status.COMPLETED, (ran.console, ran.said)
    assert ran.printed["right"] == _reversed(CHANGED, URL.format(PASSWORD), "k3y-again")
    assert ran.printed["left"] == []
    if sys.platform == "linux":
        assert MASK[::-1] in ran.printed["seen"]
        assert not {CHANGED[::-1], URL.format(PASSWORD)[::-1]} & set(ran.printed["seen"])
    assert f"the token is {MASK}" in ran.console
    assert tasks.read_script(ran.paths).argv[1:] == ["--token", MASK, URL.format(MASK)]
    assert (ran.stored()["Args/token"], ran.stored()["General/api_key"]) == (MASK, MASK)
    assert _files_with(ran.paths.home, CHANGED, PASSWORD, "k3y-again") == []
    assert agents_folder.is_dir()
    assert _files_with(agents_folder, CHANGED, PASSWORD, "k3y-again") == []
    assert [line for line in ran.said if CHANGED in line] == []


def test_the_last_words_of_a_run_that_failed_hold_no_secret_either(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, "https://ada:secret-fail@example.org/fail")
    assert first.code == 3
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    monkeypatch.setenv("TASKSTORE_SECRET_URL", PASSWORD)
    ran = again(first)
    assert (ran.record.status, ran.record.status_reason) == (Status.FAILED, "exit code 3"), ran.console
    assert _files_with(ran.paths.home, CHANGED, PASSWORD) == []
    assert _files_with(agents_folder, CHANGED, PASSWORD) == []


def test_an_agent_that_lacks_them_fails_the_task_and_names_every_one(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, URL.format(PASSWORD))
    ran = again(first)
    assert (ran.record.status, ran.record.status_reason) == (Status.FAILED, "it could not be started")
    for text in (ran.record.status_message, "\n".join(ran.console), "\n".join(ran.said)):
        assert "--token in TASKSTORE_SECRET_TOKEN" in text
        assert "Args/url in TASKSTORE_SECRET_URL" in text
        assert "API_KEY" not in text  # the program has that itself
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    again_ran = again(first)
    assert "TASKSTORE_SECRET_TOKEN" not in again_ran.record.status_message
    assert "TASKSTORE_SECRET_URL" in again_ran.record.status_message


def test_one_that_failed_for_want_of_a_secret_is_enqueued_again_and_runs(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, "https://example.org")
    ran = again(first)
    assert ran.record.status is Status.FAILED
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    store = open_at(first.root)
    remote.enqueue(store, ran.paths.id)
    assert Ran(ran.paths, work(store)).record.status is Status.COMPLETED


def _cli(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from taskstore_cli.main import main; main()", "--store", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_dry_run_names_what_is_to_be_given_and_whether_it_is(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, URL.format(PASSWORD))
    draft = draft_of(first)
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    shown = _cli(first.root, "run", "--dry-run", "--json", draft.id)
    assert shown.returncode == 0, shown.stderr
    plan = json.loads(shown.stdout)
    assert plan["secrets"] == [
        {"name": "--token", "variable": "TASKSTORE_SECRET_TOKEN", "needed": True, "given": True},
        {"name": "Args/url", "variable": "TASKSTORE_SECRET_URL", "needed": True, "given": False},
        {"name": "General/api_key", "variable": "TASKSTORE_SECRET_GENERAL_API_KEY", "needed": False, "given": False},
    ]
    told = _cli(first.root, "run", "--dry-run", draft.id)
    assert "Args/url is a secret, to be given in TASKSTORE_SECRET_URL" in told.stderr
    assert CHANGED not in told.stdout + told.stderr + shown.stdout
    refused = _cli(first.root, "run", draft.id)
    assert refused.returncode == 4
    assert "Args/url in TASKSTORE_SECRET_URL" in refused.stderr
    assert tasks.read(draft).status is Status.CREATED


def test_run_gives_them_too(tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, URL.format(PASSWORD))
    draft = draft_of(first)
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    monkeypatch.setenv("TASKSTORE_SECRET_URL", PASSWORD)
    ended = _cli(first.root, "run", draft.id)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[0])["right"][:2] == _reversed(CHANGED, URL.format(PASSWORD))
    assert _files_with(draft.home, CHANGED, PASSWORD) == []


def test_an_argument_that_is_only_among_the_parameters_is_needed_where_the_program_requires_it(
    tmp_path: Path, agents_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path / "work", TEXT, "--token", TOKEN, "https://example.org")

    def forget(script: ScriptRecord) -> None:
        script.argv = [script.argv[0], "https://example.org"]

    draft = draft_of(first)
    store = open_at(first.root)
    tasks.edit_script(store, draft.id, forget)
    remote.enqueue(store, draft.id)
    ran = Ran(draft, work(store))
    assert ran.record.status is Status.FAILED
    assert any("token" in line and "TASKSTORE_SECRET_TOKEN" in line for line in ran.console), ran.console
    monkeypatch.setenv("TASKSTORE_SECRET_TOKEN", CHANGED)
    remote.enqueue(store, draft.id)
    ran = Ran(draft, work(store))
    assert ran.record.status is Status.COMPLETED, ran.console
    assert ran.printed["right"][0] == CHANGED[::-1]
    assert _files_with(TaskPaths(draft.home).home, CHANGED) == []
