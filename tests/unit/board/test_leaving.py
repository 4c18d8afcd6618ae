from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from taskstore.board import leaving
from taskstore.store import tasks
from taskstore.store.store import Store

KEY = "AKIA" + "Z7QK3MEXAMP1E5T2"


@pytest.fixture
def with_key(store: Store) -> str:
    paths = tasks.create(store, "examples", "with a key")
    paths.config.mkdir()
    (paths.config / "cloud.txt").write_text(f"aws_access_key_id = {KEY}\n")
    return paths.id


def packed(path: Path) -> bytes:
    with zipfile.ZipFile(path) as opened:
        return b"".join(opened.read(name) for name in opened.namelist())


def test_what_looks_like_a_secret_is_named_by_its_place(store: Store, with_key: str) -> None:
    found = leaving.find(store, [with_key])
    assert any(str(each).startswith(f"{with_key[:12]} config/cloud.txt, line 1: ") for each in found)
    assert KEY not in "".join(map(str, found))


@pytest.mark.parametrize("is_masked", [True, False])
def test_it_leaves_masked_or_as_it_is(store: Store, with_key: str, tmp_path: Path, is_masked: bool) -> None:
    written = leaving.write(store, [with_key], tmp_path / "out.zip", is_masked=is_masked)
    assert written.task_ids == (with_key,)
    assert (KEY.encode() in packed(tmp_path / "out.zip")) is not is_masked
