"""Tasks written as other programs read them: one module a format, listed here."""

from __future__ import annotations

import importlib

from ...core.errors import BadValue
from .base import Exporter

KINDS: dict[str, str] = {
    "clearml": "clearml_offline",
    "parquet": "tables",
    "csv": "tables",
    "jsonl": "tables",
}
"""What a format is called, and the module that writes it: it is imported when it is used."""


def of_kind(kind: str) -> Exporter:
    """Return the exporter of a format. Raises BadValue."""
    if kind not in KINDS:
        raise BadValue(f"nothing is exported to {kind!r}; there is {', '.join(KINDS)}")
    module = importlib.import_module(f".{KINDS[kind]}", __package__)
    exporter: Exporter = module.exporter(kind)
    return exporter
