"""The directory of a zip: how large it is before it is held, found where zipfile finds it."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from taskstore.core.errors import Refused
from taskstore.disk import zip_directory


def made(path: Path, count: int, comment: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for number in range(count):
            out.writestr(f"file {number}", b"x")
        out.comment = comment
    return path


@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_files_are_counted_before_any_is_held(comment: bytes, tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", 20, comment)
    zip_directory.check_size(path, 20)
    with pytest.raises(Refused, match="more than 19 files"):
        zip_directory.check_size(path, 19)


def test_files_of_a_zip_of_the_large_form_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)
    path = made(tmp_path / "x.zip", 20)
    assert b"PK\6\6" in path.read_bytes()
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\5\6")
    data[at + 12 : at + 16] = struct.pack("<L", 0xFFFFFFFF)  # what is said of it counts in the large form alone
    path.write_bytes(data)
    with zipfile.ZipFile(path) as found:
        assert len(found.namelist()) == 20
    zip_directory.check_size(path, 20)
    with pytest.raises(Refused, match="more than 19 files"):
        zip_directory.check_size(path, 19)


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"no zip", b"PK\6\7" * 30, b"x" * 100 + b"PK\5\6" + b"\0" * 18])
def test_what_is_no_zip_is_left_to_whoever_reads_it(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    zip_directory.check_size(path, 1)


def test_many_more_files_than_are_said_are_counted(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", 50)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\5\6")
    data[at + 8 : at + 12] = struct.pack("<2H", 1, 1)
    path.write_bytes(data)
    with pytest.raises(Refused, match="more than 10 files"):
        zip_directory.check_size(path, 10)
