"""Tables: DataFrames of pandas and polars. Written the same each time, so that equal tables are one blob."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO

from . import columns
from .prepared import Serializer, is_a, library

_PREVIEW_ROWS = 20


def _is_pandas(value: object) -> bool:
    return is_a(value, "pandas", "DataFrame")


def _is_plain_pandas(value: Any) -> bool:  # noqa: ANN401 - any object may be asked about
    """CSV has one row of names and one column of labels."""
    return _is_pandas(value) and value.index.nlevels == 1 and value.columns.nlevels == 1


def _is_polars(value: object) -> bool:
    return is_a(value, "polars", "DataFrame")


def _write_csv_gz(value: Any, stream: BinaryIO) -> None:  # noqa: ANN401 - a DataFrame, of a library not imported here
    with gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=6, mtime=0) as packed:
        text = io.TextIOWrapper(packed, encoding="utf-8", newline="")
        value.to_csv(text, lineterminator="\n")
        text.flush()
        text.detach()


def _read_csv_gz(path: Path) -> Any:  # noqa: ANN401 - a DataFrame
    return library("pandas").read_csv(path, index_col=[0], compression="gzip")


def _read_pandas(reader: str, path: Path) -> Any:  # noqa: ANN401 - a DataFrame
    return getattr(library("pandas"), reader)(path)


def _read_polars(reader: str, path: Path) -> Any:  # noqa: ANN401 - a DataFrame
    return getattr(library("polars"), reader)(path)


def _preview_pandas(value: Any) -> str:  # noqa: ANN401 - a DataFrame
    head = value.to_string(max_rows=_PREVIEW_ROWS, max_cols=_PREVIEW_ROWS)
    return f"{head}\n\n{len(value):,} rows x {len(value.columns):,} columns"


def _preview_polars(value: Any) -> str:  # noqa: ANN401 - a DataFrame
    return str(value.head(_PREVIEW_ROWS)) + f"\n\n{value.height:,} rows x {value.width:,} columns"


SERIALIZERS = (
    Serializer(
        "pandas",
        ".csv.gz",
        "text/csv+gzip",
        _is_plain_pandas,
        _write_csv_gz,
        _read_csv_gz,
        preview=_preview_pandas,
        facts=columns.facts,
        read_as=columns.read,
    ),
    Serializer(
        "pandas",
        ".parquet",
        "application/vnd.apache.parquet",
        _is_pandas,
        write=lambda value, stream: value.to_parquet(stream),
        read=lambda path: _read_pandas("read_parquet", path),
        preview=_preview_pandas,
    ),
    Serializer(
        "pandas",
        ".feather",
        "application/vnd.apache.arrow.file",
        _is_plain_pandas,
        write=lambda value, stream: value.to_feather(stream),
        read=lambda path: _read_pandas("read_feather", path),
        preview=_preview_pandas,
    ),
    Serializer(  # a registered frame; an object that is uploaded is none
        "data-audit-table",
        ".csv.gz",
        "text/csv+gzip",
        accepts=lambda value: False,
        write=_write_csv_gz,
        read=_read_csv_gz,
        preview=_preview_pandas,
        facts=columns.facts,
        read_as=columns.read,
    ),
    Serializer(
        "polars",
        ".parquet",
        "application/vnd.apache.parquet",
        _is_polars,
        write=lambda value, stream: value.write_parquet(stream),
        read=lambda path: _read_polars("read_parquet", path),
        preview=_preview_polars,
    ),
    Serializer(
        "polars",
        ".csv",
        "text/csv",
        _is_polars,
        write=lambda value, stream: value.write_csv(stream),
        read=lambda path: _read_polars("read_csv", path),
        preview=_preview_polars,
    ),
    Serializer(
        "polars",
        ".feather",
        "application/vnd.apache.arrow.file",
        _is_polars,
        write=lambda value, stream: value.write_ipc(stream),
        read=lambda path: _read_polars("read_ipc", path),
        preview=_preview_polars,
    ),
)
