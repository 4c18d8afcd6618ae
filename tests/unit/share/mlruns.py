"""Stores of MLflow's as it leaves them, written without it: folders of files, and databases of SQLite."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

BEGAN_MS = 1_700_000_000_000
EXPERIMENT = "123456789012345678"
ELSEWHERE = "file:///old/place/mlruns"
STATUSES = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
SCHEMA = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256), artifact_location VARCHAR(256),
    lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
    source_name VARCHAR(500), entry_point_name VARCHAR(50), user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT,
    end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
    experiment_id INTEGER);
CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT,
    is_nan BOOLEAN, PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan));
CREATE TABLE params ("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY ("key", run_uuid));
CREATE TABLE tags ("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY ("key", run_uuid));
"""


def run_id(number: int) -> str:
    return f"{number:032x}"


@dataclass
class Made:
    """A run to be written. A metric's points are (value, step), logged a second after one another."""

    id: str = run_id(1)
    name: str = "a run"
    status: str = "FINISHED"
    began_ms: int | None = BEGAN_MS
    ended_ms: int | None = BEGAN_MS + 60_000
    stage: str = "active"
    artifact_uri: str = ""
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)

    def lines(self, metric: str) -> str:
        at = enumerate(self.metrics[metric])
        return "".join(f"{BEGAN_MS + 1000 * number} {value} {step}\n" for number, (value, step) in at)


def whole(**more: object) -> Made:
    return Made(
        params={"lr": "0.1", "opt/name": "adam"},
        metrics={"loss": [(1.0, 0), (0.5, 1)], "train/deep/acc": [(0.25, 0), (0.75, 10)]},
        tags={"mlflow.user": "ada", "mlflow.note.content": "why", "team": "red"},
        artifacts={"notes.txt": b"hello", "plots/a.svg": b"<svg/>"},
        **more,  # type: ignore[arg-type]  # as the test says
    )


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def folders(root: Path, *runs: Made, name: str = "vision/cats", experiment: str = EXPERIMENT) -> Path:
    """Write a store of files with one experiment, or add one to it; return the store's folder."""
    home = root / experiment
    said = f"artifact_location: {ELSEWHERE}/{experiment}\ncreation_time: {BEGAN_MS}\nexperiment_id: '{experiment}'\n"
    write(home / "meta.yaml", f"{said}lifecycle_stage: active\nname: {name}\n")
    for run in runs:
        add(home, run)
    return root


def add(experiment: Path, run: Made) -> Path:
    """Write one run into the folder of an experiment; return its own."""
    home = experiment / run.id
    for part in ("params", "metrics", "tags", "artifacts"):
        (home / part).mkdir(parents=True, exist_ok=True)
    said = {
        "artifact_uri": run.artifact_uri or f"{ELSEWHERE}/{experiment.name}/{run.id}/artifacts",
        "end_time": "null" if run.ended_ms is None else run.ended_ms,
        "experiment_id": f"'{experiment.name}'",
        "lifecycle_stage": run.stage,
        "run_id": f"'{run.id}'",
        "run_name": run.name,
        "start_time": "null" if run.began_ms is None else run.began_ms,
        "status": STATUSES.get(run.status, run.status),
        "user_id": "bob",
    }
    write(home / "meta.yaml", "".join(f"{key}: {value}\n" for key, value in said.items()))
    for key, text in run.params.items():
        write(home / "params" / key, text)
    for key, text in run.tags.items():
        write(home / "tags" / key, text)
    for key in run.metrics:
        write(home / "metrics" / key, run.lines(key))
    for key, data in run.artifacts.items():
        write(home / "artifacts" / key, data)
    return home


def database(path: Path, *runs: Made, name: str = "vision/cats", more: str = "") -> Path:
    """Write a database with one experiment, whose artifacts lie below `mlartifacts` beside it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO experiments VALUES (1, ?, ?, 'active')", (name, "/old/place/mlartifacts/1"))
        for run in runs:
            insert(connection, path, run)
        connection.executescript(more)
    return path


def insert(connection: sqlite3.Connection, path: Path, run: Made) -> None:
    uri = run.artifact_uri or f"/old/place/mlartifacts/1/{run.id}/artifacts"
    times = (run.began_ms, run.ended_ms)
    row = (run.id, run.name, "LOCAL", "", "", "bob", run.status, *times, "", run.stage, uri, 1)
    connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    for table, values in (("params", run.params), ("tags", run.tags)):
        rows = [(key, text, run.id) for key, text in values.items()]
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608 - one of two names
    for key, points in run.metrics.items():
        for number, (value, step) in enumerate(points):
            stored = 0.0 if math.isnan(value) else max(min(value, 1.7976931348623157e308), -1.7976931348623157e308)
            row = (key, stored, BEGAN_MS + 1000 * number, run.id, step, math.isnan(value))
            connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    for key, data in run.artifacts.items():
        write(path.parent / "mlartifacts" / "1" / run.id / "artifacts" / key, data)
