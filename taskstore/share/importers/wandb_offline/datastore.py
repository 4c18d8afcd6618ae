"""Records of a `.wandb` file: LevelDB's log format behind a header of W&B's, and protocol buffer messages in it.

The header is `:W&B`, the number 0xBEE1 and a version, in 7 bytes. Then come blocks of 32 KiB (the first one counts from
the start of the file), each of pieces `uint32 CRC-32 of type and data, uint16 length, uint8 type, data`: a piece is a
whole record (1) or its first (2), a middle (3) or its last (4); what is left of a block after the last head is padding.
A file may end within a record: it is still being written, or its writer was killed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from ....core.errors import Damaged
from ...foreign.messages import classes
from ...foreign.tfrecords import open_plain

_HEADER = struct.Struct("<4sHB")
_IDENT, _MAGIC, _VERSION = b":W&B", 0xBEE1, 0
_PIECE = struct.Struct("<IHB")
_BLOCK_BYTES = 32 << 10
MAX_RECORD_BYTES = 16 << 20
"""What is larger is passed over: it would have to be in memory, in several forms."""
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4

TABLE = {
    "Record": {
        **{"history": "2 History of kind", "summary": "3 Summary of kind", "output": "4 Output of kind"},
        **{"config": "5 Config of kind", "stats": "7 Stats of kind", "artifact": "8 Artifact of kind"},
        **{"tbrecord": "9 TensorBoard of kind", "alert": "10 Alert of kind", "metric": "12 Metric of kind"},
        **{"output_raw": "13 Output of kind", "run": "17 Run of kind", "exit": "18 Exit of kind"},
        **{"preempting": "23 Empty of kind", "use_artifact": "25 UseArtifact of kind"},
        **{"environment": "26 Environment of kind", "output_logger": "27 Line of kind"},
    },
    "Empty": {},
    "Item": {"key": "1 string", "nested_key": "2 repeated string", "value_json": "16 string"},
    "StatsItem": {"key": "1 string", "value_json": "16 string"},
    "History": {"item": "1 repeated Item", "step": "2 Step"},
    "Step": {"num": "1 int64"},
    "Summary": {"update": "1 repeated Item", "remove": "2 repeated Item"},
    "Config": {"update": "1 repeated Item", "remove": "2 repeated Item"},
    "Timestamp": {"seconds": "1 int64", "nanos": "2 int32"},
    "Output": {"output_type": "1 enum", "timestamp": "2 Timestamp", "line": "3 string"},
    "Line": {"line": "1 string"},
    "Stats": {"timestamp": "2 Timestamp", "item": "3 repeated StatsItem"},
    "Artifact": {
        **{"type": "4 string", "name": "5 string", "description": "7 string", "metadata": "8 string"},
        **{"aliases": "11 repeated string", "manifest": "12 Manifest"},
    },
    "Manifest": {"contents": "4 repeated Entry", "manifest_file_path": "5 string"},
    "Entry": {
        **{"path": "1 string", "digest": "2 string", "ref": "3 string", "size": "4 int64"},
        "local_path": "6 string",
    },
    "UseArtifact": {"type": "2 string", "name": "3 string"},
    "TensorBoard": {"log_dir": "1 string"},
    "Alert": {"title": "1 string", "text": "2 string"},
    "Metric": {"name": "1 string", "glob_name": "2 string", "step_metric": "4 string", "step_metric_index": "5 int32"},
    "Run": {
        **{"run_id": "1 string", "entity": "2 string", "project": "3 string", "config": "4 Config"},
        **{"summary": "5 Summary", "run_group": "6 string", "job_type": "7 string", "display_name": "8 string"},
        **{"notes": "9 string", "tags": "10 repeated string", "sweep_id": "12 string", "host": "13 string"},
        **{"start_time": "17 Timestamp", "resumed": "18 bool", "git": "21 Git"},
    },
    "Git": {"remote_url": "1 string", "commit": "2 string"},
    "Exit": {"exit_code": "1 int32"},
    "Environment": {
        **{"os": "1 string", "python": "2 string", "docker": "4 string", "args": "5 repeated string"},
        **{"program": "6 string", "code_path": "7 string", "git": "9 Git", "root": "11 string", "host": "12 string"},
        **{"username": "13 string", "executable": "14 string", "cpu_count": "16 uint32", "gpu_type": "18 string"},
        **{"gpu_count": "19 uint32", "cpu": "22 Cpu", "memory": "21 Memory", "cuda_version": "25 string"},
    },
    "Cpu": {"model": "3 string"},
    "Memory": {"total": "1 uint64"},
}
"""Of wandb_internal.proto."""


@cache
def parser() -> Callable[[bytes], Any]:
    """Return what parses a record. Raises Refused without the package protobuf."""
    return classes("taskstore.wandb", TABLE)["Record"]


def is_datastore(path: Path) -> bool:
    """Tell whether a file begins as W&B's do."""
    try:
        with open_plain(path) as stream:
            return stream.read(_HEADER.size)[:4] == _IDENT
    except Damaged:
        return False


def records(path: Path, size_bytes: int, note: Callable[[str], None]) -> Iterator[Any]:
    """Yield the whole records among a file's first bytes; `note` hears of what is damaged or torn. Raises Damaged."""
    parse = parser()
    with open_plain(path) as stream:
        header = stream.read(_HEADER.size)
        if len(header) < _HEADER.size or _HEADER.unpack(header) != (_IDENT, _MAGIC, _VERSION):
            raise Damaged(path, "it does not begin as a file of W&B's does, or is of a version that is not read")
        for data in _joined(_pieces(stream, size_bytes, path.name, note), path.name, note):
            try:
                yield parse(data)
            except ValueError:
                note(f"{path.name}: a record is none that is known, and was left out")


def _pieces(stream: BinaryIO, size_bytes: int, name: str, note: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
    """Yield the pieces; behind a damaged one the next block is gone on with, and what it belonged to is lost."""
    at = _HEADER.size
    while at < size_bytes:
        left = _BLOCK_BYTES - at % _BLOCK_BYTES
        if left < _PIECE.size:
            stream.seek(at := at + left)
            continue
        head = stream.read(_PIECE.size)
        checksum, length, kind = _PIECE.unpack(head) if len(head) == _PIECE.size else (0, _BLOCK_BYTES, 0)
        end = at + _PIECE.size + length
        if len(head) == _PIECE.size and (end > at + left or not _WHOLE <= kind <= _LAST):
            note(f"{name} is damaged; what follows in that block of {_BLOCK_BYTES >> 10} KiB is lost")
            stream.seek(at := at + left)
            yield 0, b""
            continue
        data = stream.read(length) if end <= size_bytes else b""
        if end > size_bytes or len(data) < length:
            note(f"{name} ends within a record; it is read up to byte {at:,}")
            return
        if zlib.crc32(head[6:7] + data) == checksum:
            yield kind, data
        else:
            note(f"{name}: a record is damaged, and was left out")
            yield 0, b""
        at = end


def _joined(pieces: Iterator[tuple[int, bytes]], name: str, note: Callable[[str], None]) -> Iterator[bytes]:
    whole = bytearray()
    is_open = False
    for kind, data in pieces:
        if kind == _WHOLE:
            yield data
            is_open = False
        elif kind == _FIRST:
            whole = bytearray(data)
            is_open = True
        elif is_open and kind in (_MIDDLE, _LAST):
            whole += data
            if len(whole) > MAX_RECORD_BYTES:
                note(f"{name}: a record of more than {MAX_RECORD_BYTES >> 20} MiB was left out")
                is_open = False
            elif kind == _LAST:
                yield bytes(whole)
                is_open = False
        else:
            is_open = False
    if is_open:
        note(f"{name} ends within a record, of which the last part is missing")
