"""artifacts.json: what a run produced or was given besides its logs. Field names are ClearML's where it has them."""

from __future__ import annotations

from typing import Any

import msgspec

from .record import FileRef, Moment

INPUT = "input"
OUTPUT = "output"


class TypeData(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in an artifact's file: its media type, a text to look at, and the seal of a pickle (disk/seal.py).

    `facts` are what the kind of file does not tell: of a table in CSV the labels and types of its columns.
    """

    content_type: str = ""
    preview: str = ""
    data_hash: str = ""
    seal: str = ""
    facts: dict[str, Any] = {}


class Artifact(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One artifact. Its bytes are in `file`, or elsewhere at `uri`, or both.

    `uri_hash` is there where taskstore has put what is at `uri`; all else there is recorded and not fetched.
    """

    key: str
    type: str
    mode: str = OUTPUT
    uri: str = ""
    uri_size: int = 0
    uri_hash: str = ""
    file: FileRef | None = None
    timestamp: Moment | None = None
    type_data: TypeData = msgspec.field(default_factory=TypeData)
    display_data: list[list[str]] = []

    @property
    def content_size(self) -> int:
        """Bytes; 0 of what was never here."""
        return self.file.size if self.file else self.uri_size

    @property
    def hash(self) -> str:
        """SHA-256 in hex; empty of what was never here."""
        return self.file.hash if self.file else self.uri_hash


class ArtifactsRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """artifacts.json: artifacts by key."""

    rev: int = 0
    artifacts: dict[str, Artifact] = {}
