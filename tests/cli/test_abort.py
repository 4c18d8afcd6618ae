from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.store import places, tasks
from taskstore.store.store import Store

from .conftest import Cli, Workshop


def _running(program: list[str], folder: Path, text: str) -> subprocess.Popen[bytes]:
    script = folder / "train.py"
    script.write_text(f"{text}\nprint('ready', flush=True)\ninput()")
    process = subprocess.Popen(
        [*program, "run", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_running_task_is_ended_and_stopped(cli: Cli, program: list[str], tmp_path: Path, store: Store) -> None:
    process = _running(program, tmp_path, "")
    result = cli("abort", "@last", "--json")
    process.communicate(timeout=60)
    (facts,) = result.objects
    assert (result.code, facts["status"], facts["is_killed"], process.returncode) == (0, "stopped", False, 143)


def test_one_that_does_not_end_in_time_is_killed_and_that_is_said(
    cli: Cli, program: list[str], tmp_path: Path, store: Store
) -> None:
    process = _running(program, tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    result = cli("abort", "@last", "--grace", "0.1")
    process.communicate(timeout=60)
    assert (result.code, process.returncode) == (0, 137)
    assert "SIGTERM" in result.err
    (found,) = places.walk(store)
    record = tasks.read(places.locate(store, found[1]))
    assert (record.status, record.status_reason) == (Status.STOPPED, "aborted (SIGKILL)")


def test_each_of_several_is_handled(cli: Cli, workshop: Workshop) -> None:
    queued, done = workshop.task(status=Status.QUEUED), workshop.task()
    result = cli("abort", "no/such", done.id, queued.id, "--json")
    assert result.code == 3
    assert [(item["id"], item["status"]) for item in result.objects] == [(queued.id, "stopped")]
    assert "ended already" in result.err


@pytest.mark.parametrize("grace", ["-1", "soon", "nan"])
def test_a_time_of_grace_is_a_number_of_seconds(cli: Cli, workshop: Workshop, grace: str) -> None:
    paths = workshop.task(status=Status.IN_PROGRESS)
    assert cli("abort", paths.id, "--grace", grace).code in (2, 4)
    assert tasks.read(paths).status is Status.IN_PROGRESS
