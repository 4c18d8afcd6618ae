"""A folder `mlruns` as MLflow's file store lays it out, made without MLflow."""

from __future__ import annotations

import math
from pathlib import Path

EXPERIMENT = "1" * 18
PARAMETERS, METRICS, POINTS, ARTIFACTS = 10, 5, 20, 2
_BEGAN_MS = 1_700_000_000_000
_RUN = """\
artifact_uri: file:///somewhere/else/mlruns/{experiment}/{run}/artifacts
end_time: {end}
entry_point_name: ''
experiment_id: '{experiment}'
lifecycle_stage: active
run_id: {run}
run_name: run {number}
source_name: ''
source_type: 4
source_version: ''
start_time: {start}
status: 3
tags: []
user_id: ada
"""


def fill(root: Path, runs: int) -> None:
    """Make runs, each with parameters, metrics of several steps, tags and small artifacts."""
    experiment = root / EXPERIMENT
    (root / ".trash").mkdir(parents=True)
    experiment.mkdir()
    said = f"artifact_location: file:///somewhere/else/mlruns/{EXPERIMENT}\ncreation_time: {_BEGAN_MS}\n"
    said += f"experiment_id: '{EXPERIMENT}'\nlifecycle_stage: active\nname: benchmarks/mlflow\n"
    (experiment / "meta.yaml").write_text(said)
    for number in range(runs):
        _run(experiment, number)


def _run(experiment: Path, number: int) -> None:
    run = f"{number + (1 << 124):032x}"
    home = experiment / run
    for name in ("params", "metrics", "tags", "artifacts"):
        (home / name).mkdir(parents=True)
    start = _BEGAN_MS + number * 1000
    facts = {"experiment": EXPERIMENT, "run": run, "number": number, "start": start, "end": start + 900}
    (home / "meta.yaml").write_text(_RUN.format(**facts))
    for key in range(PARAMETERS):
        (home / "params" / f"param{key}").write_text(str((number + key) / 1000))
    for key in range(METRICS):
        values = (math.exp(-(step + key) / 10) + number / 1000 for step in range(POINTS))
        lines = (f"{start + step} {value} {step}\n" for step, value in enumerate(values))
        (home / "metrics" / f"metric{key}").write_text("".join(lines))
    tags = {"mlflow.runName": f"run {number}", "mlflow.source.name": "train.py", "mlflow.user": "ada"}
    for name, text in (tags | {"mlflow.source.type": "LOCAL", "team": f"team {number % 7}"}).items():
        (home / "tags" / name).write_text(text)
    for key in range(ARTIFACTS):
        (home / "artifacts" / f"notes{key}.txt").write_text(f"run {number}, file {key}\n" * 20)
