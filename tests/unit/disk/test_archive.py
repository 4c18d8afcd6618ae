"""Zips that are written here: which bytes they have, and what is deflated."""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from taskstore.disk import archive, atomic
from taskstore.disk.archive import Packer


def written(files: dict[str, bytes], pieces: int = 1 << 20) -> bytes:
    stream = io.BytesIO()
    with Packer(stream, lambda _: None) as packer:
        for name, data in files.items():
            packer.add(name, (data[at : at + pieces] for at in range(0, len(data), pieces)), len(data))
    return stream.getvalue()


def infos(data: bytes) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        return {info.filename: info for info in packed.infolist()}


TEXT = b"".join(b'{"iter":%d,"value":%d}\n' % (n, n * n) for n in range(100_000))


def test_what_gets_smaller_is_deflated_and_what_does_not_is_stored() -> None:
    noise = os.urandom(2 << 20)
    kinds = {
        name: info.compress_type
        for name, info in infos(
            written({"text": TEXT, "noise": noise, "short": b"ab", "none": b"", "begins": TEXT[:1000] + noise})
        ).items()
    }
    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    assert kinds == {"text": deflated, "noise": stored, "short": stored, "none": stored, "begins": stored}


def test_a_file_is_not_taken_for_noise_because_of_its_start_alone() -> None:
    (info,) = infos(written({"x": os.urandom(1000) + TEXT})).values()
    assert info.compress_type == zipfile.ZIP_DEFLATED
    assert info.compress_size < info.file_size / 3


def test_the_bytes_tell_nothing_of_time_place_or_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written({"a": TEXT[:5000], "ö/b": b"x"})
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setattr(sys, "platform", "win32")
    assert written({"a": TEXT[:5000], "ö/b": b"x"}, pieces=1 << 20) == before
    for info in infos(before).values():
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.external_attr == 0o100644 << 16
        assert info.create_system == 3


def test_a_file_of_another_length_than_was_said_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    with Packer(stream, lambda _: None) as packer:
        packer.add("less", [b"12"], 5)
        packer.add("more", [b"12345"], 2)
    assert {name: info.file_size for name, info in infos(stream.getvalue()).items()} == {"less": 2, "more": 5}


def test_progress_hears_of_every_byte() -> None:
    counts: list[int] = []
    with Packer(io.BytesIO(), counts.append) as packer:
        packer.add("x", [b"1" * 10, b"2" * 5], 15)
    assert counts == [10, 5]


def test_a_source_that_breaks_is_what_is_raised() -> None:
    def broken() -> Iterable[bytes]:
        yield b"x"
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="gone"), Packer(io.BytesIO(), lambda _: None) as packer:
        packer.add("x", broken(), 1)


def test_a_file_appears_whole_and_new(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with atomic.writing_aside(path, is_new=True) as stream:
        stream.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(FileExistsError), atomic.writing_aside(path, is_new=True) as stream:
        stream.write(b"two")
    assert path.read_bytes() == b"one"
    with pytest.raises(ZeroDivisionError), atomic.writing_aside(path, is_new=False) as stream:
        stream.writelines([b"three", b"four" * (1 // 0)])
    assert path.read_bytes() == b"one"
    with atomic.writing_aside(path, is_new=False) as stream:
        stream.write(b"four")
    assert path.read_bytes() == b"four"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_the_large_form_are_read_by_every_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_ZIP64_BYTES", 4)
    data = written({"small": b"x", "large": TEXT})
    assert infos(data)["large"].file_size == len(TEXT)
    assert data.count(b"\1\0\x10\0") == 1
