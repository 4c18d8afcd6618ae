"""Importing runs that the real wandb has written offline, one of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("wandb")
pytest.importorskip("numpy")

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.share.importers.wandb_offline import datastore
from taskstore.store import artifacts, doctor, events, places, plots, tasks
from taskstore.store.store import Store

PATIENCE_S = 60.0
BLOCKS_BYTES = 100_000
"""From this size on there are whole blocks in a file: wandb writes 64 KiB at a time."""

EVERYTHING = """
import sys
import numpy
import wandb
with wandb.init(
    project="vision", entity="team", name="first", group="group a", job_type="eval", notes="why", tags=["one", "two"],
    config={"lr": 0.1, "model": {"layers": [1, 2]}, "api_key": "hunter2hunter2"},
) as run:
    run.define_metric("val/*", step_metric="epoch")
    for step in range(5):
        run.log({"loss": 1 / (step + 1), "train/acc": step * 0.25})
    run.log({"epoch": 2, "val/loss": 0.5, "odd": float("nan")})
    run.log({"hist": wandb.Histogram([1, 2, 3, 3]), "table": wandb.Table(columns=["a"], data=[[1], [2]])})
    picture = wandb.Image(numpy.zeros((4, 4, 3), dtype="uint8"))
    run.log({"picture": picture, "two": [picture, picture], "page": wandb.Html("<b>page</b>")})
    run.summary["best"] = 0.75
    run.config.update({"late": 5})
    print("to out")
    print("to err", file=sys.stderr)
    with open("weights.bin", "w") as stream:
        stream.write("weights")
    made = wandb.Artifact("net", type="model", metadata={"k": 1})
    made.add_file("weights.bin")
    run.log_artifact(made)
"""
FAILING = """
import sys
import wandb
run = wandb.init(project="vision", name="failing")
run.log({"x": 1})
sys.exit(3)
"""
ENDLESS = """
import time
import wandb
run = wandb.init(project="vision", name="endless", config={"lr": 0.5})
step = 0
while True:
    run.log({"x": step, "note": "n" * 2000})
    step += 1
    time.sleep(0.002)
"""


def environ(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return {**kept, "HOME": str(home), "WANDB_MODE": "offline", "WANDB_SILENT": "true"}


def program(code: str, folder: Path) -> int:
    """Run a program with an own home in a folder, where wandb makes `wandb/`; return its exit code."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environ(folder), check=False, timeout=300).returncode


def one(store: Store, path: Path) -> tuple[Imported, TaskPaths]:
    found: list[Imported | LeftOut] = list(importers.of_path(path).runs(store, path, Options()))
    (each,) = found
    assert isinstance(each, Imported), each
    return each, places.locate(store, each.task_id)


def points(paths: TaskPaths) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{item.metric}|{item.variant}": list(zip(item.iterations, item.values, strict=True))
        for item in events.read_scalars(paths)
    }


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("everything")
    assert program(EVERYTHING, folder) == 0
    return folder


def test_a_run_is_a_task_with_all_that_it_logged(store: Store, everything: Path) -> None:
    found, paths = one(store, everything / "wandb")
    record = tasks.read(paths)
    assert (record.name, places.project_of(store, paths.home)) == ("first", "team/vision")
    assert (record.status, record.type, record.comment, record.tags) == (
        *(Status.COMPLETED, "testing", "why"),
        ["one", "two"],
    )
    params = tasks.read_params(paths).hyperparams
    assert {name: item.value for name, item in params["General"].items()} == {
        **{"lr": "0.1", "model/layers": "[1, 2]", "late": "5", "api_key": "********"},
    }
    assert {name: item.value for name, item in params["properties"].items()} == {
        **{"entity": "team", "group": "group a", "job_type": "eval"},
    }
    seen = points(paths)
    assert seen["loss|loss"] == [(step, 1 / (step + 1)) for step in range(5)]
    assert seen["train|acc"] == [(step, step * 0.25) for step in range(5)]
    assert seen["val|loss"] == [(2, 0.5)]
    assert repr(seen["odd|odd"]) == "[(5, nan)]"
    assert seen["Summary|best"] == [(-(2**31), 0.75)]
    assert any(name.startswith(":monitor:machine|") for name in seen)
    assert {(each.title, each.series) for each in plots.read_plots(paths)} == {("hist", "hist"), ("table", "table")}
    assert {(each.title, each.series) for each in plots.read_samples(paths)} == {
        *{("picture", "picture"), ("two", "two_0"), ("two", "two_1"), ("page", "page")},
    }
    assert {("stdout", "to out"), ("stderr", "to err")} <= {
        (line.stream, line.text) for line in events.read_console(paths)
    }
    net = artifacts.read(paths).artifacts["net"].file
    assert net is not None
    assert (paths.home / net.path).read_text() == "weights"
    script = tasks.read_script(paths)
    assert script.requirements["wandb"] == __import__("wandb").__version__
    assert script.python == ".".join(map(str, sys.version_info[:3]))
    assert doctor.check(store) == []
    again, _ = one(store, everything)
    assert (again.task_id, again.is_new, again.has_grown) == (found.task_id, False, False)


def test_an_exit_code_is_why_it_failed(store: Store, tmp_path: Path) -> None:
    assert program(FAILING, tmp_path / "run") == 3
    _, paths = one(store, tmp_path / "run")
    record = tasks.read(paths)
    assert (record.status, record.status_reason, points(paths)["x|x"]) == (Status.FAILED, "exit code 3", [(0, 1.0)])


def _wait_for(path: Path, size_bytes: int, running: subprocess.Popen[Any]) -> Path:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert running.poll() is None
        for file in path.glob("wandb/offline-run-*/run-*.wandb"):
            if file.stat().st_size > size_bytes:
                return file
        time.sleep(0.05)
    pytest.fail(f"wandb has not written {size_bytes:,} bytes in {PATIENCE_S:g} s")


def test_a_run_that_was_killed_has_failed_with_what_was_written(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDLESS]
    running = subprocess.Popen(command, cwd=tmp_path, env=environ(tmp_path), start_new_session=True)
    try:
        file = _wait_for(tmp_path, BLOCKS_BYTES, running)
        early, paths = one(store, tmp_path)
        before = points(paths)["x|x"]
        _wait_for(tmp_path, file.stat().st_size + BLOCKS_BYTES, running)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert before == [(step, float(step)) for step in range(len(before))]
    assert len(before) > 10
    late, paths = one(store, tmp_path)
    after = points(paths)["x|x"]
    assert (late.task_id, late.is_new, late.has_grown) == (early.task_id, False, True)
    assert after == [(step, float(step)) for step in range(len(after))]
    assert len(after) > len(before)
    record = tasks.read(paths)
    assert (record.status, record.status_reason) == (Status.FAILED, "no end was recorded")
    assert tasks.read_params(paths).hyperparams["General"]["lr"].value == "0.5"
    assert any("ends within a record" in note for note in late.notes)
    assert doctor.check(store) == []


def test_the_table_of_fields_is_that_of_the_library() -> None:
    from wandb.proto import wandb_internal_pb2 as real

    names = {
        **{"History": "HistoryRecord", "Summary": "SummaryRecord", "Config": "ConfigRecord", "Output": "OutputRecord"},
        **{"Stats": "StatsRecord", "Artifact": "ArtifactRecord", "Manifest": "ArtifactManifest"},
        **{"Entry": "ArtifactManifestEntry", "UseArtifact": "UseArtifactRecord", "TensorBoard": "TBRecord"},
        **{"Alert": "AlertRecord", "Metric": "MetricRecord", "Run": "RunRecord", "Git": "GitRepoRecord"},
        **{"Exit": "RunExitRecord", "Environment": "EnvironmentRecord", "Cpu": "CpuInfo", "Memory": "MemoryInfo"},
        **{"Item": "HistoryItem", "Line": "OutputLoggerRecord", "Step": "HistoryStep"},
    }
    checked = 0
    for name, fields in datastore.TABLE.items():
        theirs = getattr(real, names.get(name, name), None)
        for field, spelled in fields.items() if theirs is not None else ():
            number, is_repeated = int(spelled.split()[0]), " repeated " in spelled
            known = theirs.DESCRIPTOR.fields_by_name[field]
            assert (known.number, known.is_repeated) == (number, is_repeated), f"{name}.{field}"
            checked += 1
    assert checked > 80
    assert {(item.number, item.name) for item in real.ConfigItem.DESCRIPTOR.fields} == {
        *{(1, "key"), (2, "nested_key"), (16, "value_json")},
    }
    assert (real.OutputRawRecord.STDOUT, real.OutputRawRecord.STDERR) == (1, 0)
