"""Runs that other programs have recorded, brought into a store: one module a format, listed here."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path

from ...core.errors import BadValue, Damaged, NotFound, Refused, TaskstoreError
from .base import Importer

KINDS: dict[str, str] = {
    "mlflow": "mlflow",
    "wandb": "wandb_offline",
    "guild": "guild",
    "clearml": "clearml_offline",
    "tensorboard": "tensorboard",
}
"""What a format is called, and the module that reads it: it is imported when it is used.

Where nobody says what a path is, they are asked in this order: first who tells by a few names, and event files at last,
for other formats' folders may hold some.
"""


def of_kind(kind: str) -> Importer:
    """Return the importer of a format. Raises BadValue."""
    if kind not in KINDS:
        raise BadValue(f"nothing is imported from {kind!r}; there is {', '.join(KINDS)}")
    module = importlib.import_module(f".{KINDS[kind]}", __package__)
    importer: Importer = module.IMPORTER
    return importer


def of_path(path: Path) -> Importer:
    """Return the importer that knows what is at a path. Raises NotFound; BadValue, Damaged, Refused where none does."""
    if not path.exists():
        raise NotFound("file or folder", str(path))
    errors: list[TaskstoreError] = []
    for kind in KINDS:
        importer = of_kind(kind)
        try:
            if importer.recognises(path):
                return importer
        except (Damaged, Refused) as error:
            errors.append(error)  # it may be sound as what another format calls so
    if errors:
        raise errors[0]
    if path.suffix.lower() == ".zip" and path.is_file() and not zipfile.is_zipfile(path):
        raise BadValue(f"{path} is no zip that can be read: its end is missing; copy it again")
    raise BadValue(f"{str(path)!r} is nothing that can be imported; --from says what it is: {', '.join(KINDS)}")
