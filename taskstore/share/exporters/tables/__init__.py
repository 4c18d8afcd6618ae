"""Tables of tasks, parameters and metrics, for pandas, DuckDB, Spark or a spreadsheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from ....core.errors import BadValue, Damaged
from ....disk.layout import TaskPaths
from ....store.store import Store
from ...notes import Notes
from .. import base
from . import columns, parquet
from .columns import TABLES, Row, Table
from .text import Csv, JsonLines


class Writer(Protocol):
    """Writes one table."""

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class Tables:
    """Writes tables in one format, which is also the suffix of their files."""

    takes_many = True

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def check(self, count: int, options: base.Options) -> None:
        """Raise BadValue where it is not said where the tables go, or one file is to take several."""
        if options.output is None:
            raise BadValue(f"say where the tables go: -o FOLDER, or -o FILE.{self._kind} with one --table")
        for name in options.tables:
            if name not in TABLES:
                raise BadValue(f"no table {name!r}; there are {', '.join(TABLES)}")
        if options.is_unpacked or options.output_uri:
            raise BadValue(f"--unpacked and --output-uri are of --to clearml, and not of --to {self._kind}")
        if _is_file(options.output):
            suffix = options.output.suffix[1:].lower()
            if suffix != self._kind:
                raise BadValue(f"-o {options.output} is no .{self._kind}; name it so, or use --to {suffix}")
            if len(set(options.tables)) != 1:
                raise BadValue(f"-o {options.output} takes one table: say which by --table, or name a folder for all")
        if self._kind == "parquet":
            parquet.load()

    def check_free(self, tasks: Sequence[TaskPaths], options: base.Options) -> None:
        """Raise Conflict where one of the wanted tables is there."""
        for table in _wanted(options):
            base.check_free(self._target(table, options), is_forced=options.is_forced)

    def takes_file(self, name: str, options: base.Options) -> bool:
        """Tell whether a file is a record that the wanted tables are made of; of the logs they hold numbers only."""
        return any(name in table.records for table in _wanted(options))

    def run(self, store: Store, tasks: Sequence[TaskPaths], options: base.Options) -> base.Exported:
        """Write the tables of these tasks. Raises Conflict, Refused, BadValue."""
        self.check(len(tasks), options)
        targets = {table.name: self._target(table, options) for table in _wanted(options)}
        counts, notes = Counter(dict.fromkeys(targets, 0)), Notes()
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(self._opened(target, TABLES[name], options.is_forced))
                for name, target in targets.items()
            }
            for facts in _read(store, tasks, notes):
                for name, writer in writers.items():
                    writer.write(_counted(TABLES[name].rows(facts), counts, name))
        return base.Exported(tuple(targets.values()), dict(counts), tuple(notes.texts()))

    def _target(self, table: Table, options: base.Options) -> Path:
        output = (options.output or Path()).expanduser()
        return output if _is_file(output) else output / f"{table.name}.{self._kind}"

    @contextmanager
    def _opened(self, target: Path, table: Table, is_forced: bool) -> Iterator[Writer]:
        with base.aside(target, is_forced=is_forced) as path, ExitStack() as stack:
            writer: Writer
            if self._kind == "parquet":
                writer = parquet.Parquet(path, table.columns)
            else:
                stream = stack.enter_context(path.open("x", encoding="utf-8", newline=""))
                writer = (Csv if self._kind == "csv" else JsonLines)(stream, table.columns)
            try:
                yield writer
            finally:
                writer.close()


def _wanted(options: base.Options) -> list[Table]:
    return [table for name, table in TABLES.items() if not options.tables or name in options.tables]


def _is_file(output: Path) -> bool:
    return output.suffix[1:].lower() in ("csv", "jsonl", "parquet") and not output.is_dir()


def _read(store: Store, tasks: Sequence[TaskPaths], notes: Notes) -> Iterator[columns.Facts]:
    for paths in tasks:
        try:
            yield columns.read(store, paths)
        except Damaged as error:
            notes.add(f"task {paths.id[:12]} is left out: {error}")
        except FileNotFoundError:
            notes.add(f"task {paths.id[:12]} is left out: it was moved or deleted meanwhile")


def _counted(rows: Iterable[Row], counts: Counter[str], name: str) -> Iterator[Row]:
    for row in rows:
        counts[name] += 1
        yield row


def exporter(kind: str) -> base.Exporter:
    """Return the exporter of a format: parquet, csv or jsonl."""
    return Tables(kind)
