"""Copies of a version: its files, taken out of the archives that hold them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import storage
from ..disk.atomic import staging_beside
from ..schema.dataset import DatasetState
from ..sections import dataset as section
from ..sections.artifacts import Artifacts
from ..store.store import Store


def build(store: Store, state: DatasetState, target: Path, names: Sequence[str], *, is_linked: bool) -> None:
    """Make a folder of files of a version, whole or not at all; linked ones must not be written to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = staging_beside(target)
    staging.mkdir()
    unpacked: dict[tuple[str, str], Path] = {}
    try:
        for name in names:
            place = section.within(staging, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            item = state.files.get(name)
            if item is None:
                storage.download_file(state.links[name].link, place)
                continue
            folder = unpacked.get((item.task, item.archive))
            if folder is None:
                folder = Artifacts(store, item.task).find(item.archive).get_local_copy()
                unpacked[item.task, item.archive] = folder
            section.put(folder / item.hash, place, is_linked=is_linked)
        if not target.exists():
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
