"""Offline sessions as ClearML leaves them, written without it: a folder, and the zip of it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ID = "offline-0123456789abcdef0123456789abcdef"
BEGAN_MS = 1_700_000_000_000
ELSEWHERE = "/home/someone/.clearml/cache/offline/" + ID


@dataclass
class Made:
    """A session to be written. `home` is where the machine that made it says that it lies."""

    home: str = ELSEWHERE
    project: str = "vision/cats"
    name: str = "a run"
    id: str = ID
    document: dict[str, Any] = field(default_factory=dict)
    metrics: list[Any] = field(default_factory=list)
    console: list[Any] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = {
            "id": self.id,
            "name": self.name,
            "project_name": self.project,
            "type": "testing",
            "offline_folder": self.home,
            "tags": ["one", "two"],
            "comment": "why",
            **self.document,
        }

    @property
    def data(self) -> str:
        return f"data/{self.project}/{self.name}.{self.id}"

    def scalar(self, metric: str, variant: str, iteration: int, value: object, **more: object) -> None:
        self.event("training_stats_scalar", metric, variant, iteration, value=value, **more)

    def event(self, kind: str, metric: str, variant: str, iteration: int, **more: object) -> None:
        self.metrics.append(
            {
                "timestamp": BEGAN_MS + 1000 * len(self.metrics),
                "type": kind,
                "task": self.id,
                "iter": iteration,
                "metric": metric,
                "variant": variant,
                **more,
            }
        )

    def log(self, message: str, level: str = "info", **more: object) -> None:
        stamp = BEGAN_MS + 500 + 1000 * len(self.console)
        head = {"timestamp": stamp, "type": "log", "task": self.id, "level": level, "worker": "laptop"}
        self.console.append({**head, "msg": message, **more})

    def artifact(self, key: str, kind: str, name: str, data: bytes, content_type: str = "", **more: object) -> None:
        within = f"{self.data}/artifacts/{key}/{name}"
        self.files[within] = data
        item = {
            "key": key,
            "type": kind,
            "mode": "output",
            "uri": f"{self.home}/{within}",
            "content_size": len(data),
            "hash": hashlib.sha256(data).hexdigest(),
            "timestamp": BEGAN_MS // 1000,
            "type_data": {"preview": f"look at {key}", "content_type": content_type},
            "display_data": [["rows", "3"]],
            **more,
        }
        self.document.setdefault("execution", {}).setdefault("artifacts", []).append(item)

    def sample(self, metric: str, variant: str, iteration: int, name: str, data: bytes) -> None:
        key = f"{self.data.removeprefix('data/')}/metrics/{metric}/{variant}/{name}"
        self.files[f"data/{key}"] = data
        url = f"{self.home}/data/{key}"
        self.event("training_debug_image", metric, variant, iteration, key=key, url=url)

    def model(self, key: str, name: str, weights: str, data: bytes | None, **init: object) -> None:
        if data is not None:
            self.files[f"models/{weights.rpartition('/')[2]}"] = data
        said = {"weights_filename": weights, "iteration": 3, "update_comment": "epoch 3", "is_package": False}
        item = {"id": key, "output_uri": "", "init": {"name": name, **init}, "weights": said}
        self.document.setdefault("offline_output_models", []).append(item)

    def contents(self) -> dict[str, bytes]:
        """Return all files by their names."""
        found = {"task.json": json.dumps(self.document, sort_keys=True).encode(), **self.files}
        for name, events in (("metrics.jsonl", self.metrics), ("log.jsonl", self.console)):
            if events:
                batches = [events[at : at + 2] for at in range(0, len(events), 2)]
                found[name] = b"".join(json.dumps(batch).encode() + b"\n" for batch in batches)
        return found

    def folder(self, parent: Path) -> Path:
        """Write the folder."""
        home = parent / self.id
        write(home, self.contents())
        return home

    def zip(self, parent: Path) -> Path:
        """Write the zip."""
        return packed(parent / f"{self.id}.zip", self.contents())


def write(home: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def packed(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in contents.items():
            out.writestr(name, data)
    return path


def whole() -> Made:
    """A session with one of everything."""
    made = Made()
    made.document |= {
        "script": {
            "repository": "https://example.org/r.git",
            "branch": "main",
            "version_num": "abc123",
            "entry_point": "train.py",
            "working_dir": "src",
            "binary": "python3.11",
            "diff": "diff --git a/x b/x\n",
            "requirements": {"pip": "# Python 3.11\nnumpy == 2.1.0\ntqdm>=4\n"},
        },
        "hyperparams": {
            "Args": {
                "lr": {"section": "Args", "name": "lr", "value": "0.1", "type": "float", "description": "step"},
                "n": {"value": "3", "type": "int"},
                "token": {"value": "hunter2hunter2", "type": "str"},
            },
            "properties": {"owner": {"section": "properties", "name": "owner", "value": "me"}},
        },
        "configuration": {
            "net": {"name": "net", "type": "dictionary", "value": 'a = 1\nb { c = [1, "x"] }', "description": "sizes"},
            "file": {"name": "file", "type": "yaml", "value": "k: v\n"},
        },
        "execution": {
            "docker_cmd": "python:3.11 --ipc=host",
            "model_labels": {"cat": 1},
            "model_desc": {"design": "d"},
        },
        "runtime": {"progress": 50},
    }
    for step in range(3):
        made.scalar("loss", "train", step, 1 / (step + 1))
    made.scalar("Summary", "best", -(2**31), 0.25)
    made.event("plot", "roc", "s", 1, plot_str=json.dumps({"data": [{"y": [1, 2]}], "layout": {}}))
    picture = f"{made.data}/metrics/shown/s/shown_s_00000000.png"
    made.files[picture] = b"a picture"
    figure = {"data": [], "layout": {"images": [{"source": f"{made.home}/{picture}"}]}}
    made.event("plot", "shown", "s", 2, plot_str=json.dumps(figure))
    made.sample("cats", "first", 2, "cats_first_00000000.jpeg", b"a cat")
    made.event("training_debug_image", "cats", "far", 2, key="/x.png", url="https://example.org/x.png")
    made.log("hello\nworld")
    made.log("oh no", "error")
    made.artifact("table", "pandas", "table.csv.gz", b"csv", "text/csv")
    made.artifact("data", "dict", "data.json", b'{"x": 1}', "application/json")
    made.document["execution"]["artifacts"].append(
        {"key": "far", "type": "custom", "mode": "input", "uri": "https://example.org/far.csv"}
    )
    made.model("m1", "net", "/home/someone/w.pt", b"weights", framework="PyTorch", tags=["t"], comment="c")
    return made
