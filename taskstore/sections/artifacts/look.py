"""A look at a file that a task has kept, for a person: nothing in it is run, unpickled or trusted, and all is bounded.

No library of data is imported: what an array or a table is, its file says in its first bytes.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

MAX_TEXT_BYTES = 256 << 10
MAX_JSON_BYTES = 2 << 20
MAX_ROWS = 200
MAX_COLUMNS = 60
MAX_MEMBERS = 500
_MAX_CELL = 500
_MAX_HEADER = 64 << 10
_NPY = b"\x93NUMPY"

TEXT, TABLE, IMAGE, AUDIO, VIDEO, PAGE, NOTHING = "text", "table", "image", "audio", "video", "page", ""
_SHOWN = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".avif", ".svg"), IMAGE),
    **dict.fromkeys((".mp3", ".wav", ".ogg", ".flac", ".m4a"), AUDIO),
    **dict.fromkeys((".mp4", ".webm"), VIDEO),
    **dict.fromkeys((".html", ".htm"), PAGE),
}
_OPAQUE = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".h5", ".onnx", ".joblib", ".parquet", ".feather", ".safetensors")


@dataclass(frozen=True)
class Look:
    """What is to be seen. IMAGE, AUDIO, VIDEO and PAGE are what a browser shows of the file itself, in a sandbox."""

    kind: str
    text: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""


def look(path: Path, name: str) -> Look:
    """Look at a file; its name says what it is likely to be. What cannot be read so is NOTHING, with the reason."""
    lower = name.lower()
    suffix = "." + lower.rpartition(".")[2]
    if suffix in _SHOWN:
        return Look(_SHOWN[suffix])
    try:
        for ending, read in _READERS.items():
            if lower.endswith(ending):
                return read(path)
        return Look(NOTHING) if suffix in _OPAQUE else _text(path)
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        return Look(NOTHING, note=f"It is not what its name says: {error}")


def _text(path: Path) -> Look:
    size = path.stat().st_size
    with path.open("rb") as stream:
        data = stream.read(MAX_TEXT_BYTES)
    text = _decoded(data, is_cut=size > len(data))
    if text is None:
        return Look(NOTHING)
    note = f"The first {len(data):,} of {size:,} bytes" if size > len(data) else ""
    return Look(TEXT, text=text, note=note)


def _decoded(data: bytes, *, is_cut: bool) -> str | None:
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(data) - 3:
            return data[: error.start].decode("utf-8")
        return None


def _json(path: Path) -> Look:
    if path.stat().st_size > MAX_JSON_BYTES:
        return _text(path)
    data = path.read_bytes()
    try:
        text = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _text(path)
    if len(text) <= MAX_TEXT_BYTES:
        return Look(TEXT, text=text)
    return Look(TEXT, text=text[:MAX_TEXT_BYTES], note=f"The first {MAX_TEXT_BYTES:,} of {len(text):,} characters")


def _csv(path: Path, separator: str = ",") -> Look:
    with path.open("rb") as stream:
        return _table(stream, separator)


def _tsv(path: Path) -> Look:
    return _csv(path, "\t")


def _packed_csv(path: Path) -> Look:
    with path.open("rb") as stream, gzip.GzipFile(fileobj=stream) as unpacked:
        return _table(unpacked, ",")  # type: ignore[arg-type]  # it reads as a stream does


def _table(stream: BinaryIO, separator: str) -> Look:
    data = stream.read(MAX_TEXT_BYTES + 1)
    is_cut = len(data) > MAX_TEXT_BYTES
    lines = io.StringIO(data[:MAX_TEXT_BYTES].decode("utf-8", "replace"), newline="")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            if len(rows) > MAX_ROWS:
                is_cut = True
                break
            rows.append([cell[:_MAX_CELL] for cell in row[:MAX_COLUMNS]])
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if is_cut and len(rows) > 1:
        rows.pop()  # it may have been cut
    header, *rest = rows or [[]]
    return Look(TABLE, columns=header, rows=rest, note=f"The first {len(rest):,} rows" if is_cut else "")


def _archive(path: Path) -> Look:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    rows = [[member.filename, f"{member.file_size:,}"] for member in members[:MAX_MEMBERS]]
    note = f"The first {MAX_MEMBERS:,} of {len(members):,} files" if len(members) > MAX_MEMBERS else ""
    return Look(TABLE, columns=["File", "Bytes"], rows=rows, note=note)


def _array(path: Path) -> Look:
    with path.open("rb") as stream:
        return Look(TABLE, columns=["Shape", "Type"], rows=[_array_header(stream)])


def _arrays(path: Path) -> Look:
    with zipfile.ZipFile(path) as archive:
        return Look(TABLE, columns=["Array", "Shape", "Type"], rows=list(_members(archive)))


def _members(archive: zipfile.ZipFile) -> Iterator[list[str]]:
    for member in archive.infolist()[:MAX_MEMBERS]:
        with archive.open(member) as stream:
            yield [member.filename.removesuffix(".npy"), *_array_header(stream)]  # type: ignore[arg-type]  # as above


def _array_header(stream: BinaryIO) -> list[str]:
    """Return shape and type as the head of an .npy says them: numpy.lib.format, version 1 to 3."""
    magic = stream.read(8)
    if len(magic) < 8 or not magic.startswith(_NPY):
        raise ValueError("no array of numpy")
    length = int.from_bytes(stream.read(2 if magic[6] == 1 else 4), "little")
    if length > _MAX_HEADER:
        raise ValueError("its head is too long")
    try:
        header = ast.literal_eval(stream.read(length).decode("utf-8" if magic[6] >= 3 else "latin-1").strip())
        shape, kind = header["shape"], header["descr"]
    except (SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise ValueError("its head cannot be read") from None
    return [str(shape)[:_MAX_CELL], str(kind)[:_MAX_CELL]]


_READERS: dict[str, Callable[[Path], Look]] = {
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".csv.gz": _packed_csv,
    ".zip": _archive,
    ".npy": _array,
    ".npz": _arrays,
}
