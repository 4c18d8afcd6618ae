"""MLflow's SQLite database, opened to be read only. What it says is not trusted."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ....core.errors import Damaged, Refused
from ..base import LeftOut, Notes
from .runs import MAX_STEP, Dataset, Experiment, LoggedModel, Point, Run, is_time, left_out_deleted, text_of, time_of

_MAGIC = b"SQLite format 3\0"
_NEEDED = ("experiments", "runs", "metrics", "params", "tags")
_MAX_VALUE_BYTES = 16 << 20
_MAX_ROWS = 100_000
_ROWS_AT_ONCE = 1000
_JOURNALS = ("-wal", "-journal")
_SPARE_BYTES = 16 << 20

Row = dict[str, Any]


def is_database(path: Path) -> bool:
    """Tell whether a file is a database with the tables of MLflow's. Raises Damaged, Refused."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
    except OSError as error:
        raise Damaged(path, f"it cannot be read: {error.strerror or error}") from None
    if head != _MAGIC:
        return False
    with contextlib.closing(Database(path)) as database:
        return database.is_tracking()


class Database:
    """Reads the runs of one database, for any number of threads. Close it."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises Damaged where it cannot be read, Refused where the copy that this takes has no room."""
        self._path = path
        self._stack = contextlib.ExitStack()
        self._lock = threading.RLock()
        self._by_run: dict[str, str] = {}
        self._models_of: dict[str, list[int]] | None = None
        try:
            self._connection = self._stack.enter_context(contextlib.closing(_opened(path, self._stack)))
            self._tables = self._plain_tables()
            self._joined = {name: self._rows_of(name) for name in ("experiment_tags",)}
        except sqlite3.Error as error:
            self._stack.close()
            raise Damaged(path, f"it cannot be read: {error}") from None

    def close(self) -> None:
        """Close it, and take away the copy where one was needed."""
        self._stack.close()

    def is_tracking(self) -> bool:
        """Tell whether it has the tables that hold runs."""
        return self._tables.issuperset(_NEEDED)

    def count(self) -> int:
        """Return how many runs there are."""
        return self._count("runs")

    def runs(self, *, with_deleted: bool) -> Iterator[Run | LeftOut]:
        """Yield the runs, in the order in which they were made. Raises Damaged where the database breaks off."""
        for table in ("metrics", "params", "tags"):
            self._index(table)
        experiments = {
            row.get("experiment_id"): self._experiment(row) for row in self._rows("SELECT * FROM experiments")
        }
        deleted = 0
        keys, broken = self._keys()
        for at in keys:
            row = next(self._rows("SELECT * FROM runs WHERE rowid = ?", at), {})
            key = row.get("experiment_id")
            experiment = experiments.get(key) or Experiment(id=text_of(key), name=text_of(key))
            run_id = text_of(row.get("run_uuid"))
            if not with_deleted and (row.get("lifecycle_stage") == "deleted" or experiment.is_deleted):
                deleted += 1
                continue
            if not run_id:
                yield LeftOut("a run without an id", Damaged(self._path, "its table of runs is broken"))
                continue
            try:
                run = self._run(row, run_id, experiment)
            except Damaged as error:
                yield LeftOut(f"run {run_id}", error)
                continue
            yield run
        if broken is not None:
            yield LeftOut("the runs behind a broken part of its table", broken)
        if deleted:
            yield left_out_deleted(deleted)

    def _keys(self) -> tuple[list[int], Damaged | None]:
        """Return the rows of all runs: a reader that is not done with them would keep MLflow from writing."""
        found: list[tuple[float, int]] = []
        broken = None
        try:
            for row in self._rows("SELECT rowid AS at, start_time FROM runs"):
                start = row["start_time"]
                found.append((float(start) if isinstance(start, (int, float)) else 0.0, row["at"]))
        except Damaged as error:
            broken = error
        return [at for _, at in sorted(found)], broken

    def begun(self, run_id: str, *, with_deleted: bool) -> Any:  # noqa: ANN401 - a moment or None
        """Return when a run was made."""
        row = next(self._rows("SELECT * FROM runs WHERE run_uuid = ?", run_id), None)
        if row is None or (row.get("lifecycle_stage") == "deleted" and not with_deleted):
            return None
        return self._began(row.get("start_time"))

    def lost(self) -> Iterable[str]:
        """Say what does not come along."""
        homeless = 0
        if "logged_models" in self._tables:
            condition = "source_run_id IS NULL OR source_run_id NOT IN (SELECT run_uuid FROM runs)"
            homeless = self._number(f"SELECT count(*) FROM logged_models WHERE {condition}")  # noqa: S608 - no input
        counts = {
            "models that no run here has logged": homeless,
            "registered models": self._count("registered_models"),
            "traces": self._count("trace_info"),
        }
        return [f"{count:,} {what} are not imported" for what, count in counts.items() if count]

    def _plain_tables(self) -> frozenset[str]:
        """Return the tables that hold rows: a view, or what an extension makes up, may compute for ever."""
        rows = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        return frozenset(str(name) for name, sql in rows if not str(sql).upper().startswith("CREATE VIRTUAL"))

    def _rows(self, query: str, *values: object) -> Iterator[Row]:
        """Yield rows by the names of their columns, which differ by MLflow's version."""
        try:
            with self._lock:
                cursor = self._connection.execute(query, values)
                names = [column[0] for column in cursor.description]
            while True:
                with self._lock:
                    rows = cursor.fetchmany(_ROWS_AT_ONCE)
                if not rows:
                    return
                for row in rows:
                    yield dict(zip(names, row, strict=True))
        except (sqlite3.Error, OverflowError) as error:
            raise Damaged(self._path, f"it cannot be read: {error}") from None

    def _rows_of(self, table: str, condition: str = "", *values: object) -> list[Row]:
        if table not in self._tables:
            return []
        where = f" WHERE {condition}" if condition else ""
        query = f"SELECT * FROM {self._by_run.get(table, table)}{where} ORDER BY rowid LIMIT {_MAX_ROWS}"  # noqa: S608 - our own names
        return list(self._rows(query, *values))

    def _number(self, query: str) -> int:
        return int(next(iter(next(self._rows(query), {"": 0}).values())))

    def _count(self, table: str) -> int:
        return self._number(f'SELECT count(*) FROM "{table}"') if table in self._tables else 0  # noqa: S608 - our own names

    def _index(self, table: str) -> None:
        """Make what early versions lack, an index of a table's rows by run; in a temporary file of SQLite's own."""
        first = "SELECT name FROM pragma_index_info(?) WHERE seqno = 0"
        indexes = list(self._rows("SELECT name FROM pragma_index_list(?)", table))
        if any(column.get("name") == "run_uuid" for row in indexes for column in self._rows(first, row["name"])):
            return
        with contextlib.suppress(sqlite3.Error):  # it is broken, or there is no room: each run is looked for
            self._connection.execute(f"CREATE TEMP TABLE by_run_{table} AS SELECT * FROM main.{table} ORDER BY rowid")  # noqa: S608 - our own names
            self._connection.execute(f"CREATE INDEX temp.index_{table} ON by_run_{table} (run_uuid)")
            self._by_run[table] = f"by_run_{table}"

    def _experiment(self, row: Row) -> Experiment:
        tags = {text_of(tag.get("key")): text_of(tag.get("value")) for tag in self._tags_of(row.get("experiment_id"))}
        return Experiment(
            id=text_of(row.get("experiment_id")),
            name=text_of(row.get("name")),
            is_deleted=row.get("lifecycle_stage") == "deleted",
            artifact_location=text_of(row.get("artifact_location")),
            description=tags.get("mlflow.note.content", ""),
        )

    def _tags_of(self, experiment_id: object) -> list[Row]:
        return [row for row in self._joined["experiment_tags"] if row.get("experiment_id") == experiment_id]

    def _began(self, start: object) -> Any:  # noqa: ANN401 - a moment
        return time_of(start) or time_of(self._path.stat().st_mtime * 1000)

    def _run(self, row: Row, run_id: str, experiment: Experiment) -> Run:
        return Run(
            id=run_id,
            experiment=experiment,
            points=lambda notes: self._points(run_id, notes),
            name=text_of(row.get("name")),
            status=text_of(row.get("status")),
            started=time_of(row.get("start_time")),
            ended=time_of(row.get("end_time")),
            user=text_of(row.get("user_id")),
            is_deleted=row.get("lifecycle_stage") == "deleted",
            artifact_uri=text_of(row.get("artifact_uri")),
            source_name=text_of(row.get("source_name")),
            entry_point=text_of(row.get("entry_point_name")),
            source_version=text_of(row.get("source_version")),
            tags=self._pairs("tags", "run_uuid", run_id),
            params=self._pairs("params", "run_uuid", run_id),
            datasets=tuple(self._datasets(run_id)),
            output_models=tuple(self._made(run_id)),
            input_models=tuple(self._input_models(run_id)),
            began=self._began(row.get("start_time")),
        )

    def _pairs(self, table: str, column: str, key: str, prefix: str = "") -> dict[str, str]:
        rows = self._rows_of(table, f"{column} = ?", key)
        return {text_of(row.get(f"{prefix}key")): text_of(row.get(f"{prefix}value")) for row in rows}

    def _points(self, run_id: str, notes: Notes) -> Iterator[Point]:
        """Yield the values in the order in which they were logged, which is that of the rows."""
        table = self._by_run.get("metrics", "metrics")
        for row in self._rows(f"SELECT * FROM {table} WHERE run_uuid = ? ORDER BY rowid", run_id):  # noqa: S608 - ours
            metric, time_ms, value, step = (row.get(key) for key in ("key", "timestamp", "value", "step"))
            is_sound = isinstance(time_ms, int) and isinstance(step, int) and isinstance(value, (int, float))
            name = text_of(metric)
            if not is_sound or not name or not is_time(time_ms) or abs(step) > MAX_STEP:  # type: ignore[arg-type]  # an int
                notes.add(f"a value of metric {name!r} cannot be read")
                continue
            yield Point(name, time_ms, _number(value, row.get("is_nan")), step)  # type: ignore[arg-type]  # checked above

    def _datasets(self, run_id: str) -> Iterator[Dataset]:
        for link in self._rows_of("inputs", "destination_type = 'RUN' AND destination_id = ?", run_id):
            tags = self._pairs_of_input(text_of(link.get("input_uuid")))
            for row in self._rows_of("datasets", "dataset_uuid = ?", link.get("source_id")):
                yield Dataset(
                    name=text_of(row.get("name")) or "dataset",
                    digest=text_of(row.get("digest")),
                    source_type=text_of(row.get("dataset_source_type")),
                    source=text_of(row.get("dataset_source")),
                    schema=text_of(row.get("dataset_schema")),
                    profile=text_of(row.get("dataset_profile")),
                    context=tags.get("mlflow.data.context", ""),
                )

    def _pairs_of_input(self, input_id: str) -> dict[str, str]:
        rows = self._rows_of("input_tags", "input_uuid = ?", input_id)
        return {text_of(row.get("name")): text_of(row.get("value")) for row in rows}

    def _models(self, condition: str, *values: object) -> Iterator[LoggedModel]:
        for row in self._rows_of("logged_models", condition, *values):
            model_id = text_of(row.get("model_id"))
            yield LoggedModel(
                id=model_id,
                name=text_of(row.get("name")) or model_id,
                run_id=text_of(row.get("source_run_id")),
                location=text_of(row.get("artifact_location")),
                type=text_of(row.get("model_type")),
                created=time_of(row.get("creation_timestamp_ms")),
                is_deleted=row.get("lifecycle_stage") == "deleted",
                params=self._pairs("logged_model_params", "model_id", model_id, "param_"),
                tags=self._pairs("logged_model_tags", "model_id", model_id, "tag_"),
            )

    def _made(self, run_id: str) -> Iterator[LoggedModel]:
        if self._models_of is None:
            self._models_of = {}
            pairs = "SELECT rowid AS at, source_run_id AS run FROM logged_models"
            for row in self._rows(pairs) if "logged_models" in self._tables else ():
                self._models_of.setdefault(text_of(row["run"]), []).append(row["at"])
        made = self._models_of.get(run_id, ())
        condition = "source_type = 'RUN_OUTPUT' AND source_id = ?"
        links = self._rows_of("inputs", condition, run_id) if made else ()
        steps = {text_of(link.get("destination_id")): link.get("step") for link in links}
        for at in made:
            for model in self._models("rowid = ?", at):
                step = steps.get(model.id)
                yield replace(model, step=step if type(step) is int and 0 < step <= MAX_STEP else None)

    def _input_models(self, run_id: str) -> Iterator[LoggedModel]:
        condition = "source_type = 'RUN_INPUT' AND source_id = ? AND destination_type = 'MODEL_INPUT'"
        for link in self._rows_of("inputs", condition, run_id):
            yield from self._models("model_id = ?", link.get("destination_id"))


def _number(value: float, is_nan: object) -> float:
    """Return the value that was logged: SQLite's column holds 0 for NaN, and the greatest float for infinity."""
    if is_nan:
        return math.nan
    found = float(value)
    return math.copysign(math.inf, found) if abs(found) >= sys.float_info.max else found


def _opened(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """Open a database, with what its last writers have left in a journal beside it.

    SQLite itself reads such a journal only where it may write. Elsewhere a database without one is read as it is, and
    one with a journal as a copy.
    """
    with contextlib.suppress(sqlite3.OperationalError):
        return _connection(path, "mode=ro")
    journals = [path.with_name(path.name + end) for end in _JOURNALS]
    if not any(journal.exists() and journal.stat().st_size for journal in journals):
        return _connection(path, "mode=ro&immutable=1")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskstore-")))
    sources = [path, *(journal for journal in journals if journal.exists())]
    size_bytes = sum(source.stat().st_size for source in sources)
    if size_bytes + _SPARE_BYTES > shutil.disk_usage(folder).free:
        raise Refused(
            f"{path} has a journal and cannot be written; a copy of {size_bytes:,} bytes has no room in {folder}"
        )
    for source in sources:
        shutil.copyfile(source, folder / source.name)
    return _connection(folder / path.name, "mode=rw")


_DAMAGED = "its schema is damaged, and holds what is no text"


class _Connection(sqlite3.Connection):
    """What SQLite says of a damaged schema quotes it, and where that is no UTF-8, Python fails to read the message."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3's own
        try:
            return super().execute(*arguments)
        except UnicodeDecodeError:
            raise sqlite3.DatabaseError(_DAMAGED) from None
        except sqlite3.DatabaseError as error:
            if str(error):
                raise
            raise sqlite3.DatabaseError(_DAMAGED) from None  # Python 3.10 says so by no message


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database and read a bit of it: SQLite looks at the file no sooner."""
    address = f"file:{quote(os.fspath(path.absolute()))}?{mode}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, factory=_Connection)
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
        if sys.version_info >= (3, 11):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
