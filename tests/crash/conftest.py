"""These batteries make and remove some thousand small stores: in memory where the system has a place for that."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder made by mkdtemp within it is used
_ENOUGH_BYTES = 48 << 20


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    if not (os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=_MEMORY))
    yield folder
    for root, _, _ in os.walk(folder):
        Path(root).chmod(0o700)
    shutil.rmtree(folder)
