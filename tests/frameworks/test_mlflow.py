"""What MLflow itself has written, in files and in SQLite, comes in as its own client reads it, after it was moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.states import Status
from taskstore.sections.artifacts import Artifacts
from taskstore.share import importers
from taskstore.share.importers.base import Imported, LeftOut, Options
from taskstore.share.importers.mlflow.content import model_id
from taskstore.share.importers.mlflow.scalars import series_of
from taskstore.store import artifacts, doctor, events, models, places, projects, tasks
from taskstore.store.store import Store

for name in ("mlflow", "sqlalchemy", "numpy", "pandas"):
    pytest.importorskip(name)

PROGRAM = """
import json, os, sys
from pathlib import Path

import mlflow, mlflow.data, mlflow.pyfunc
import numpy
from mlflow.entities import Metric, Param, RunTag

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiment = client.get_experiment(client.create_experiment("vision/cats"))
client.set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "all about cats")
mlflow.set_experiment("vision/cats")
Path("tree/sub").mkdir(parents=True)
Path("tree/x.txt").write_text("hello")
Path("tree/sub/y.bin").write_bytes(b"\\0\\1")
Path("model.py").write_text(
    "import mlflow.pyfunc\\n\\n\\nclass Model(mlflow.pyfunc.PythonModel):\\n"
    "    def predict(self, context, model_input, params=None):\\n        return model_input\\n\\n\\n"
    "mlflow.models.set_model(Model())\\n"
)

with mlflow.start_run(run_name="outer", description="why") as outer:
    mlflow.log_params({"lr": 0.1, "opt/name": "adam", "long": "x" * 5000, "text": "two\\nlines", "empty": ""})
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"train/acc": step / 50, "train/deep/f1": -step}, step=step)
    for number, value in enumerate((float("nan"), float("inf"), float("-inf"), 1e-300)):
        mlflow.log_metric("odd", value, step=number - 2)
    for value in (3.0, 2.0, 1.0):
        mlflow.log_metric("same step", value)
    mlflow.log_metric("system/cpu_utilization_percentage", 12.5, step=7)
    mlflow.set_tags({"team": "red", "best": ""})
    mlflow.log_artifact("tree/x.txt")
    mlflow.log_artifacts("tree", artifact_path="folder")
    mlflow.log_dict({"a": 1}, "config.json")
    mlflow.log_input(mlflow.data.from_numpy(numpy.zeros((3, 2)), source="https://x/y.csv", name="numbers"), "training")
    logged = mlflow.pyfunc.log_model(name="clf", python_model="model.py", params={"depth": 3}, pip_requirements=[])
    mlflow.log_metric("valid", 0.5, step=3, model_id=logged.model_id)
    mlflow.pyfunc.save_model("saved", python_model="model.py", pip_requirements=[])
    mlflow.log_artifacts("saved", artifact_path="old/style")
    with mlflow.start_run(run_name="inner", nested=True) as inner:
        client.log_batch(
            inner.info.run_id,
            [Metric("loss", value, 1_700_000_000_000 + value, value) for value in range(200)],
            [Param("p", "1")],
            [RunTag("t", "2")],
        )
try:
    with mlflow.start_run(run_name="failed"):
        raise ValueError
except ValueError:
    pass
mlflow.start_run(run_name="killed")
mlflow.end_run("KILLED")
with mlflow.start_run(run_name="deleted") as deleted:
    pass
client.delete_run(deleted.info.run_id)
client.delete_experiment(client.create_experiment("deleted one"))
mlflow.start_run(run_name="running", tags={"mlflow.source.git.commit": "a" * 40, "mlflow.source.git.branch": "main"})
mlflow.log_metric("loss", 1.0)

said = {}
for run in mlflow.search_runs([experiment.experiment_id], output_format="list"):
    said[run.info.run_name] = {
        "id": run.info.run_id,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": {
            key: [
                [point.timestamp, repr(point.value), point.step]
                for point in client.get_metric_history(run.info.run_id, key)
            ]
            for key in run.data.metrics
        },
    }
said["model"] = logged.model_id
Path("said.json").write_text(json.dumps(said))
sys.stdout.flush()
os._exit(0)  # the last run has no end
"""

MORE = """
import sys

import mlflow

mlflow.set_tracking_uri(sys.argv[1])
with mlflow.start_run(run_id=sys.argv[2]):
    mlflow.log_metric("loss", 0.5, step=1)
    mlflow.log_metric("late", 7.0)
    mlflow.log_param("late", "1")
    mlflow.set_tag("stage", "done")
"""
ADDRESSES = {"files": "mlruns", "sqlite": "sqlite:///mlflow.db"}


def run_program(path: Path, source: str, work: Path, *arguments: str) -> None:
    path.write_text(source)
    settings = {"HOME": str(path.parent), "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-W", "ignore", path, *arguments]
    done = subprocess.run(command, cwd=work, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=list(ADDRESSES))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where a program's runs are now, and what MLflow's client has said of them."""
    folder = tmp_path_factory.mktemp("mlflow")
    work = folder / "old place"
    work.mkdir()
    run_program(folder / "program.py", PROGRAM, work, ADDRESSES[request.param])
    said = json.loads((work / "said.json").read_text())
    for name in ("tree", "saved", "said.json", "model.py"):
        (work / name).rename(folder / f"{name} of the program")
    work.rename(folder / "moved")
    return folder / "moved", said


@pytest.fixture
def brought(written: tuple[Path, dict[str, Any]], store: Store) -> list[Imported | LeftOut]:
    return list(importers.of_path(written[0]).runs(store, written[0], Options()))


@pytest.fixture
def ids(brought: list[Imported | LeftOut], written: tuple[Path, dict[str, Any]]) -> dict[str, str]:
    by_run = {each.source: each.task_id for each in brought if isinstance(each, Imported)}
    return {name: by_run[f"run {run['id']}"] for name, run in written[1].items() if isinstance(run, dict)}


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)


def test_every_run_comes_whole_and_nothing_is_lost_unsaid(
    brought: list[Imported | LeftOut], ids: dict[str, str], store: Store
) -> None:
    assert ids.keys() == {"outer", "inner", "failed", "killed", "running"}
    assert [each.notes for each in brought if isinstance(each, Imported)] == [()] * 5
    assert [(each.what, each.error) for each in brought if isinstance(each, LeftOut)] == [
        ("1 deleted run was left out; --with-deleted takes it along", None)
    ]
    assert projects.read(projects.find(store, "vision/cats")).description == "all about cats"
    assert doctor.check(store) == []


def test_values_are_those_that_mlflows_client_reads(
    written: tuple[Path, dict[str, Any]], ids: dict[str, str], store: Store
) -> None:
    for name, task_id in ids.items():
        said, paths = written[1][name], places.locate(store, task_id)
        hyperparams = tasks.read_params(paths).hyperparams
        assert {key: item.value for key, item in hyperparams.get("General", {}).items()} == said["params"]
        series = {(item.metric, item.variant): item for item in events.read_scalars(paths)}
        assert series.keys() == {series_of(metric) for metric in said["metrics"]}
        for metric, points in said["metrics"].items():
            found = series[series_of(metric)]
            # SQLite has no infinity: MLflow writes the greatest float for it, and reads that back.
            theirs = [
                [at, str(float(value)).replace("1.7976931348623157e+308", "inf"), step] for at, value, step in points
            ]
            ours = zip(found.timestamps, map(str, found.values), found.iterations, strict=True)
            assert sorted(map(list, ours), key=repr) == sorted(theirs, key=repr), metric
    outer = places.locate(store, ids["outer"])
    (odd,) = events.read_scalars(outer, "odd")  # log_model has MLflow log those of its step again, into files
    found = list(zip(odd.iterations, map(str, odd.values), strict=True))
    assert found[:4] == [(-2, "nan"), (-1, "inf"), (0, "-inf"), (1, "1e-300")]
    assert events.read_scalars(outer, "same step", "same step")[0].values[:3] == [3.0, 2.0, 1.0]
    assert events.read_scalars(outer, ":monitor:machine")[0].iterations == [7]


def test_times_status_and_lineage_are_mlflows(
    written: tuple[Path, dict[str, Any]], ids: dict[str, str], store: Store
) -> None:
    records = {name: tasks.read(places.locate(store, task_id)) for name, task_id in ids.items()}
    for name, record in records.items():
        said = written[1][name]
        assert (record.name, record.started) == (name, moment(said["start"]))
        assert record.user == said["tags"]["mlflow.user"]
        assert record.completed == (moment(said["end"]) if said["end"] else None)
    assert {name: record.status for name, record in records.items()} == {
        "outer": Status.COMPLETED,
        "inner": Status.COMPLETED,
        "failed": Status.FAILED,
        "killed": Status.STOPPED,
        # The clock of these tests stands before that of MLflow's: it is heard of lately.
        "running": Status.IN_PROGRESS,
    }
    assert (records["inner"].parent, records["outer"].comment) == (ids["outer"], "why")
    assert records["outer"].tags == ["best"]
    properties = tasks.read_params(places.locate(store, ids["outer"])).hyperparams["properties"]
    assert {key: item.value for key, item in properties.items()} == {"team": "red"}
    script = tasks.read_script(places.locate(store, ids["running"]))
    assert (script.entry_point, script.version_num, script.branch) == ("program.py", "a" * 40, "main")


def test_files_models_and_data_are_there(
    written: tuple[Path, dict[str, Any]], ids: dict[str, str], store: Store
) -> None:
    kept = Artifacts(store, ids["outer"])
    paths = places.locate(store, ids["outer"])
    assert kept.keys() == {"x.txt", "folder/x.txt", "folder/sub/y.bin", "config.json", "numbers"}
    assert kept["folder/sub/y.bin"].get_local_copy().read_bytes() == b"\0\1"
    assert json.loads(kept["config.json"].get_local_copy().read_text()) == {"a": 1}
    data = artifacts.read(paths).artifacts["numbers"]
    assert (data.mode, data.uri) == ("input", "https://x/y.csv")
    assert ["context", "training"] in data.display_data
    output = models.read(paths).output
    clf = output.pop(model_id(written[1]["model"]))
    (style,) = output.values()
    assert (clf.name, style.name, style.slot) == ("clf", "style", "old/style")
    assert (clf.metadata["param/depth"].value, clf.is_package) == ("3", True)
    assert clf.metadata["mlflow_version"].value == style.metadata["mlflow_version"].value
    for model in (clf, style):
        assert model.file is not None
        assert (paths.home / model.file.path).stat().st_size == model.file.size > 0


def test_imported_again_nothing_is_new(written: tuple[Path, dict[str, Any]], ids: dict[str, str], store: Store) -> None:
    again = list(importers.of_path(written[0]).runs(store, written[0], Options()))
    found = [(each.is_new, each.has_grown) for each in again if isinstance(each, Imported)]
    assert found == [(False, False)] * len(ids)


def test_what_mlflow_has_added_to_a_run_since_is_added(
    written: tuple[Path, dict[str, Any]], ids: dict[str, str], store: Store, tmp_path: Path
) -> None:
    work = tmp_path / "copied"
    shutil.copytree(written[0], work)
    address = ADDRESSES["sqlite" if (work / "mlflow.db").exists() else "files"]
    run_program(tmp_path / "more.py", MORE, work, address, written[1]["running"]["id"])
    again = [each for each in importers.of_path(work).runs(store, work, Options()) if isinstance(each, Imported)]
    assert [each.task_id for each in again if each.has_grown] == [ids["running"]]
    paths = places.locate(store, ids["running"])
    assert events.read_scalars(paths, "loss")[0].values == [1.0, 0.5]
    assert events.read_scalars(paths, "late")[0].values == [7.0]
    hyperparams = tasks.read_params(paths).hyperparams
    assert hyperparams["General"]["late"].value == "1"
    assert hyperparams["properties"]["stage"].value == "done"
    assert tasks.read(paths).status is Status.COMPLETED
    assert doctor.check(store) == []
