"""Tables of tasks, parameters and metrics as CSV and JSON Lines: names, types, and values that come back exactly."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import BadValue, Conflict, Refused
from taskstore.disk.layout import TaskPaths
from taskstore.share import exporters
from taskstore.share.exporters.base import Options
from taskstore.share.exporters.tables.columns import TABLES
from taskstore.store.store import Store

from .tabled import HARD, export, fill

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "export-tables.md"


@pytest.fixture
def found(store: Store) -> list[TaskPaths]:
    return fill(store)


def rows_of_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def rows_of_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


READ: dict[str, Callable[[Path], list[dict[str, Any]]]] = {"csv": rows_of_csv, "jsonl": rows_of_jsonl}


@pytest.mark.parametrize("kind", READ)
def test_a_folder_gets_every_table_with_its_columns(
    store: Store, found: list[TaskPaths], tmp_path: Path, kind: str
) -> None:
    done = export(store, kind, found, tmp_path / "out")
    assert [path.name for path in done.paths] == [f"{name}.{kind}" for name in TABLES]
    assert done.counts == {"tasks": 2, "params": 3, "metrics": 5, "last_metrics": 2}
    assert done.notes == ()
    for path, table in zip(done.paths, TABLES.values(), strict=True):
        for row in READ[kind](path):
            assert list(row) == list(table.columns)


def test_tasks_are_as_their_records_say(store: Store, found: list[TaskPaths], tmp_path: Path) -> None:
    export(store, "jsonl", found, tmp_path)
    run, draft = rows_of_jsonl(tmp_path / "tasks.jsonl")
    assert run["id"] == found[0].id
    assert (run["project"], run["name"], run["status"], run["comment"]) == ("vision/cats", "a run", "completed", HARD)
    assert (run["tags"], run["last_iteration"], run["active_duration"]) == (["one", "zwei, ü"], 3, 0.1)
    assert (run["created"], run["branch"], run["version_num"]) == ("2026-01-01T00:00:00.000000Z", "main", "abc")
    assert (draft["status"], draft["started"], draft["last_iteration"], draft["tags"]) == ("created", None, None, [])


def test_csv_brings_texts_back_exactly_and_nothing_is_an_empty_cell(
    store: Store, found: list[TaskPaths], tmp_path: Path
) -> None:
    export(store, "csv", found, tmp_path)
    run, draft = rows_of_csv(tmp_path / "tasks.csv")
    assert (run["comment"], json.loads(run["tags"])) == (HARD, ["one", "zwei, ü"])
    assert (draft["started"], draft["tags"]) == ("", "[]")
    assert [
        (row["section"], row["name"], row["value"], row["type"]) for row in rows_of_csv(tmp_path / "params.csv")
    ] == [
        ("Args", "lr", "0.1", "float"),
        ("Args", "none", "", ""),
        ("", "=x", "NA", ""),
    ]


def test_numbers_that_json_has_not_are_spelled_by_each_format(
    store: Store, found: list[TaskPaths], tmp_path: Path
) -> None:
    export(store, "csv", found, tmp_path)
    export(store, "jsonl", found, tmp_path)
    in_csv, in_jsonl = rows_of_csv(tmp_path / "metrics.csv"), rows_of_jsonl(tmp_path / "metrics.jsonl")
    assert [row["value"] for row in in_csv] == ["0.1", "NaN", "inf", "-inf", "3.0"]
    assert [row["value"] for row in in_jsonl] == [0.1, "NaN", "Infinity", "-Infinity", 3.0]
    assert repr([float(row["value"]) for row in in_csv]) == repr([0.1, math.nan, math.inf, -math.inf, 3.0])
    assert [row["iteration"] for row in in_jsonl] == [0, 1, 2, 3, None]
    assert in_csv[0]["timestamp"] == in_jsonl[0]["timestamp"] == "2023-11-14T22:13:20.000500Z"
    assert (in_csv[4]["title"], in_csv[4]["series"], in_csv[4]["iteration"]) == ("Summary", "日本", "")


def test_the_last_metrics_are_those_of_the_summary(store: Store, found: list[TaskPaths], tmp_path: Path) -> None:
    export(store, "jsonl", found, tmp_path)
    loss, best = rows_of_jsonl(tmp_path / "last_metrics.jsonl")
    assert loss == {
        "task": found[0].id, "title": "loss", "series": "train", "count": 4, "last": "-Infinity", "last_iteration": 3,
        "min": "-Infinity", "min_iteration": 3, "max": "Infinity", "max_iteration": 2,
    }  # fmt: skip
    assert (best["last"], best["last_iteration"], best["min_iteration"]) == (3.0, None, None)


def test_one_table_goes_into_one_file(store: Store, found: list[TaskPaths], tmp_path: Path) -> None:
    done = export(store, "csv", found, tmp_path / "points.csv", tables=("metrics",))
    assert (done.paths, done.counts) == ((tmp_path / "points.csv",), {"metrics": 5})
    assert [path.name for path in tmp_path.glob("*.csv")] == ["points.csv"]


def test_the_same_store_gives_the_same_bytes(store: Store, found: list[TaskPaths], tmp_path: Path) -> None:
    for kind in READ:
        first, second = (export(store, kind, found, tmp_path / name).paths for name in ("1", "2"))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_nothing_is_overwritten_and_then_no_table_is_written(
    store: Store, found: list[TaskPaths], tmp_path: Path
) -> None:
    (tmp_path / "params.csv").write_text("mine")
    with pytest.raises(Conflict, match=r"params\.csv already; --force replaces it"):
        export(store, "csv", found, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["params.csv"]
    export(store, "csv", found, tmp_path, is_forced=True)
    assert len(rows_of_csv(tmp_path / "params.csv")) == 3


def test_a_damaged_task_is_left_out_and_told(store: Store, found: list[TaskPaths], tmp_path: Path) -> None:
    found[0].params.write_text("{")
    done = export(store, "csv", found, tmp_path)
    assert done.counts == {"tasks": 1, "params": 0, "metrics": 0, "last_metrics": 0}
    assert done.notes[0].startswith(f"task {found[0].id[:12]} is left out: damaged file")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "say where the tables go: -o FOLDER, or -o FILE.csv with one --table"),
        (
            {"output": Path("x"), "tables": ("points",)},
            "no table 'points'; there are tasks, params, metrics, last_metri",
        ),
        ({"output": Path("x.csv")}, "-o x.csv takes one table: say which by --table, or name a folder for all"),
        ({"output": Path("x.jsonl"), "tables": ("tasks",)}, "-o x.jsonl is no .csv; name it so, or use --to jsonl"),
        ({"output": Path("x"), "is_unpacked": True}, "--unpacked and --output-uri are of --to clearml"),
    ],
)
def test_each_wrong_option_is_told_with_what_to_do(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValue, match=re.escape(said)):
        exporters.of_kind("csv").check(1, Options(**options))


def test_parquet_names_the_extra_that_it_needs(
    store: Store, found: list[TaskPaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Refused, match=r"pip install 'taskstore\[parquet\]'"):
        export(store, "parquet", found, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_page_says_every_column_with_its_type() -> None:
    page = PAGE.read_text("utf-8")
    for table in TABLES.values():
        _, _, rest = page.partition(f"\n## {table.name}\n")
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", rest.partition("\n## ")[0], re.M)
        assert dict(rows) == table.columns
        assert [name for name, _ in rows] == list(table.columns)
