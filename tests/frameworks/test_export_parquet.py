"""Tables that were exported, read by what they are for: pandas, pyarrow and DuckDB."""

from __future__ import annotations

import datetime
import math
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.share.exporters.tables.columns import TABLES
from taskstore.store import tasks
from taskstore.store.store import Store

from ..unit.share.tabled import HARD, export, fill

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

MAX_MIB = 150
POINTS = 1_000_000
PROGRAM = """
import sys
from pathlib import Path
from taskstore.share import exporters
from taskstore.share.exporters.base import Options
from taskstore.store import places
from taskstore.store.store import open_at
store = open_at(sys.argv[1])
done = exporters.of_kind(sys.argv[2]).run(store, [places.resolve(store, "@last")], Options(output=Path(sys.argv[3])))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(done.counts["metrics"], int(peak.split()[1]) // 1024)
"""
"""The peak is that of this program alone: what getrusage says begins with that of the process that has forked it."""


def test_parquet_has_the_types_of_the_page(store: Store, tmp_path: Path) -> None:
    export(store, "parquet", fill(store), tmp_path)
    types = {"text": "string", "integer": "int64", "real": "double", "time": "timestamp[us, tz=UTC]"}
    for name, table in TABLES.items():
        schema = parquet.read_schema(tmp_path / f"{name}.parquet")
        assert schema.names == list(table.columns)
        for field, kind in zip(schema, table.columns.values(), strict=True):
            if kind == "texts":
                assert pyarrow.types.is_list(field.type)
                assert field.type.value_type == pyarrow.string()
            else:
                assert str(field.type) == types[kind]


def test_pandas_reads_parquet_as_it_was_stored(store: Store, tmp_path: Path) -> None:
    first, second = fill(store)
    export(store, "parquet", [first, second], tmp_path)
    listed = pandas.read_parquet(tmp_path / "tasks.parquet")
    assert list(listed["id"]) == [first.id, second.id]
    assert listed["comment"][0] == HARD
    assert list(listed["tags"][0]) == ["one", "zwei, ü"]
    assert listed["created"][0] == datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    assert pandas.isna(listed["started"][1])
    points = pandas.read_parquet(tmp_path / "metrics.parquet")
    assert repr(list(points["value"])) == repr([0.1, math.nan, math.inf, -math.inf, 3.0])
    assert points["timestamp"][0] == pandas.Timestamp("2023-11-14T22:13:20.000500Z")
    assert pandas.isna(points["iteration"][4])
    last = pandas.read_parquet(tmp_path / "last_metrics.parquet").iloc[0]
    assert (last["count"], last["min"], last["max"], last["max_iteration"]) == (4, -math.inf, math.inf, 2)


def test_parquet_keeps_apart_nan_and_nothing(store: Store, tmp_path: Path) -> None:
    export(store, "parquet", fill(store), tmp_path)
    points = parquet.read_table(tmp_path / "metrics.parquet")
    assert points["value"].null_count == 0
    assert points["iteration"].null_count == 1


def test_pandas_reads_csv_as_the_how_to_says(store: Store, tmp_path: Path) -> None:
    export(store, "csv", fill(store), tmp_path)
    points = pandas.read_csv(tmp_path / "metrics.csv", parse_dates=["timestamp"], dtype={"iteration": "Int64"})
    assert repr([float(value) for value in points["value"]]) == repr([0.1, math.nan, math.inf, -math.inf, 3.0])
    assert points["timestamp"][0] == pandas.Timestamp("2023-11-14T22:13:20.000500Z")
    params = pandas.read_csv(tmp_path / "params.csv", dtype=str, keep_default_na=False)
    assert list(params["value"]) == ["0.1", "", "NA"]
    assert pandas.read_csv(tmp_path / "tasks.csv")["comment"][0] == HARD


def test_pandas_reads_json_lines(store: Store, tmp_path: Path) -> None:
    export(store, "jsonl", fill(store), tmp_path)
    points = pandas.read_json(tmp_path / "metrics.jsonl", lines=True, dtype=False)
    assert repr([float(value) for value in points["value"]]) == repr([0.1, math.nan, math.inf, -math.inf, 3.0])


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_duckdb_reads_points_and_joins_them(store: Store, tmp_path: Path, kind: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    first, second = fill(store)
    export(store, kind, [first, second], tmp_path)
    query = (
        f"select t.project, m.title, count(*), max(m.iteration), max(m.value) from '{tmp_path}/metrics.{kind}' m "  # noqa: S608 - a test's own path
        f"join '{tmp_path}/tasks.{kind}' t on t.id = m.task group by all order by m.title"
    )
    best, loss = duckdb.sql(query).fetchall()
    assert best == ("vision/cats", "Summary", 1, None, 3.0)
    assert loss[:4] == ("vision/cats", "loss", 4, 3)
    assert math.isnan(loss[4])  # DuckDB's order has NaN above infinity


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read as Linux says it")
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_a_million_points_take_bounded_memory(store: Store, tmp_path: Path, kind: str) -> None:
    task = tasks.create(store, "examples", "a long run")
    task.events.mkdir()
    with task.scalars("a-1-1").open("w") as stream:
        for step in range(POINTS):
            head = f'{{"timestamp":{1.7e12 + step:.0f},"iter":{step},"metric":"loss","variant":"train"'
            stream.write(f'{head},"value":{step / 7}}}\n')
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(store.root), kind, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    count, peak_mib = map(int, done.stdout.split())
    assert count == POINTS
    assert peak_mib <= MAX_MIB
    if kind == "parquet":
        values = parquet.read_table(tmp_path / "out" / "metrics.parquet")["value"]
        assert values[POINTS - 1].as_py() == (POINTS - 1) / 7
        assert parquet.read_metadata(tmp_path / "out" / "metrics.parquet").num_row_groups == 62
