"""Zips of stores, as they come about: by a bundle, by `zip -r`, of a folder of a task; and hostile ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

from taskstore.store.store import Store


def zipped(store: Store, path: Path, *, above: str = "") -> Path:
    """Zip a whole store, as `zip -r` does; `above` is the folder that it lies in."""
    return pack(path, {f"{above}{name}": data for name, data in _files(store.root).items()})


def bundled(store: Store, path: Path) -> Path:
    """Zip the projects of a store, as a bundle has them."""
    found = {name: data for name, data in _files(store.root).items() if name.startswith("projects/")}
    return pack(path, {"taskstore-bundle.json": b'{"format": 1}', **found})


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """Make a zip of files by their names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
