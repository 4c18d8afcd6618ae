"""W&B's runs, written without it: the file of records, and the folder around it."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .wire import message

BEGAN = 1_700_000_000
HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
BLOCK = 32 << 10


def framed(records: list[bytes]) -> bytes:
    """Spell records as the file holds them: in pieces, of which none reaches over the end of a block."""
    out = bytearray(HEADER)
    for record in records:
        rest, is_first = record, True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                left = BLOCK
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if is_first else (4 if not rest else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            is_first = False
            if not rest:
                break
    return bytes(out)


def stamp(seconds: float) -> bytes:
    return message((1, int(seconds)), (2, int(seconds % 1 * 1e9)))


def item(path: str | list[str], value: object) -> bytes:
    keys = [(1, path)] if isinstance(path, str) else [(2, part) for part in path]
    return message(*keys, (16, value if isinstance(value, bytes) else json.dumps(value)))


def config(**values: object) -> bytes:
    return message((5, message(*((1, item(key, value)) for key, value in values.items()))))


def row(step: int, at: float = BEGAN, **values: object) -> bytes:
    """A row of the history; a name with `__` in it is one within another."""
    items = [item(key.split("__"), value) for key, value in {**values, "_step": step, "_timestamp": at}.items()]
    return message((2, message(*((1, each) for each in items), (2, message((1, step))))))


def summary(**values: object) -> bytes:
    return message((3, message(*((1, item(key, value)) for key, value in values.items()))))


def printed(stream: int, text: str, at: float = BEGAN) -> bytes:
    return message((13, message((1, stream), (2, stamp(at)), (3, text))))


def stats(at: float, **values: float) -> bytes:
    items = [message((1, key.replace("__", ".")), (16, json.dumps(value))) for key, value in values.items()]
    return message((7, message((2, stamp(at)), *((3, each) for each in items))))


def metric(name: str = "", glob: str = "", step: str = "") -> bytes:
    return message((12, message((1, name), (2, glob), (4, step))))


def ended(code: int = 0) -> bytes:
    return message((18, message((1, code))))


def artifact(name: str, kind: str, entries: list[bytes], **about: str) -> bytes:
    manifest = message(*((4, each) for each in entries))
    said = [(7, about.get("description", "")), (8, about.get("metadata", ""))]
    return message((8, message((4, kind), (5, name), *said, (11, "latest"), (12, manifest))))


def entry(path: str, local: Path, data: bytes | None = None) -> bytes:
    data = local.read_bytes() if data is None else data
    digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return message((1, path), (2, digest), (4, len(data)), (6, str(local)))


def reference(path: str, address: str) -> bytes:
    return message((1, path), (3, address))


@dataclass
class WandbRun:
    """A run to be written into a folder `wandb`."""

    top: Path
    id: str = "abcd1234"
    entity: str = ""
    project: str = "vision"
    name: str = "first"
    about: list[tuple[int, Any]] = field(default_factory=list)
    """More fields of the record of the run."""
    records: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.top / "wandb" / f"offline-run-20231114_221320-{self.id}"

    def data(self) -> bytes:
        said = [(1, self.id), (2, self.entity), (3, self.project), (8, self.name), (17, stamp(BEGAN)), *self.about]
        header = message((21, message((1, message((1, "0.31.0"))))))
        return framed([header, message((17, message(*said))), *self.records])

    def write(self) -> Path:
        (self.home / "files").mkdir(parents=True, exist_ok=True)
        (self.home / f"run-{self.id}.wandb").write_bytes(self.data())
        for name, data in self.files.items():
            path = self.home / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return self.home
