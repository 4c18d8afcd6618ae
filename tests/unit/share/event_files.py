"""TensorBoard's event files, written without any of its libraries."""

from __future__ import annotations

import struct
from pathlib import Path

from .wire import Double, Float, doubles, masked, message

BEGAN = 1_700_000_000.25


def record(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    return head + masked(head) + data + masked(data)


def event(*values: bytes, at: float = BEGAN, step: int = 0) -> bytes:
    summary = b"".join(message((1, value)) for value in values)
    return record(message((1, Double(at)), (2, step), (5, summary)))


def version(at: float = BEGAN) -> bytes:
    return record(message((1, Double(at)), (3, "brain.Event:2")))


def graph() -> bytes:
    return record(message((1, Double(BEGAN)), (4, b"a graph")))


def scalar(tag: str, number: float) -> bytes:
    return message((1, tag), (2, Float(number)))


def plugin(name: str, content: bytes = b"") -> bytes:
    return message((1, message((1, name), (2, content))))


def tensor(*fields: tuple[int, int | str | bytes | Double | Float], shape: tuple[int, ...] = ()) -> bytes:
    dims = b"".join(message((2, message((1, size)))) for size in shape)
    return message((2, dims), *fields)


def tensor_scalar(tag: str, number: float) -> bytes:
    """As TensorFlow 2 writes one: a tensor of no dimension, of floats (1)."""
    return message((1, tag), (9, plugin("scalars")), (8, tensor((1, 1), (4, struct.pack("<f", number)))))


def text(tag: str, said: str) -> bytes:
    return message((1, tag), (9, plugin("text")), (8, tensor((1, 7), (8, said), shape=(1,))))


def image(tag: str, data: bytes) -> bytes:
    return message((1, tag), (4, message((1, 2), (2, 2), (4, data))))


def histogram(tag: str) -> bytes:
    """Two values up to 1, one up to 2."""
    limits = message((1, Double(0.0)), (2, Double(2.0)), (6, doubles(1.0, 2.0)), (7, doubles(2.0, 1.0)))
    return message((1, tag), (5, limits))


def curve(tag: str) -> bytes:
    """Two thresholds: rows of true and false positives, true and false negatives, precision and recall."""
    rows = struct.pack("<12f", 2, 1, 1, 0, 0, 1, 0, 1, 0.5, 1.0, 1.0, 0.25)
    return message((1, tag), (9, plugin("pr_curves")), (8, tensor((1, 1), (4, rows), shape=(6, 2))))


def hparams(**values: float | str | bool) -> bytes:
    entries = b""
    for key, value in values.items():
        kind = (
            (4, int(value)) if isinstance(value, bool) else (3, value) if isinstance(value, str) else (2, Double(value))
        )
        entries += message((1, message((1, key), (2, message(kind)))))
    return message((1, "_hparams_/session_start_info"), (9, plugin("hparams", message((3, entries)))))


def session_end(status: int) -> bytes:
    return message((1, "_hparams_/session_end_info"), (9, plugin("hparams", message((4, message((1, status)))))))


def experiment() -> bytes:
    return message((1, "_hparams_/experiment"), (9, plugin("hparams", message((2, b"")))))


def write(folder: Path, *parts: bytes, process: str = "lab.77", number: int = 0, began: int = 1_700_000_000) -> Path:
    """Write an event file, as one process would name it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{began}.{process}.{number}"
    path.write_bytes(b"".join([version(), *parts]))
    return path
