"""Reading zips and folders that anybody may have packed."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from taskstore.core.errors import Damaged, Refused
from taskstore.disk import members
from taskstore.disk.members import Members


def packed(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in contents.items():
            out.writestr(name, data)
    return path


def test_a_zip_and_a_folder_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "at" / "a").mkdir(parents=True)
    (tmp_path / "at" / "a" / "b.txt").write_bytes(b"one\ntwo\nthr")
    path = packed(tmp_path / "x.zip", {"a/b.txt": b"one\ntwo\nthr"})
    for place in (tmp_path / "at", path):
        with Members(place) as found:
            assert found.sizes == {"a/b.txt": 11}
            assert found.read("a/b.txt", 11) == b"one\ntwo\nthr"
            assert list(found.lines("a/b.txt", 100)) == [b"one", b"two", b"thr"]
            found.enter("a")
            assert found.read("b.txt", 11) == b"one\ntwo\nthr"


def test_what_is_larger_than_asked_for_is_not_held_in_memory(tmp_path: Path) -> None:
    with Members(packed(tmp_path / "x.zip", {"a": b"12345\n1234567890\nabc", "b": b"1" * (3 << 20)})) as found:
        assert list(found.lines("a", 5)) == [b"12345", None, b"abc"]
        assert list(found.lines("b", 1 << 20)) == [None]
        with pytest.raises(Damaged, match="larger than"):
            found.read("b", 1 << 20)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "..", "C:/x", "c:x", "\\x", "a\\..\\x", "//host/x", "a/.."]
)
def test_a_name_that_leads_elsewhere_is_refused_and_said(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {"good": b"", name: b"x"})
    with pytest.raises(Damaged, match="outside of itself") as caught:
        Members(path)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_link_or_a_device_in_a_zip_is_refused(kind: int, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("pointer")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(info, "/etc/passwd")
    with pytest.raises(Damaged, match="link or a device: 'pointer'"):
        Members(tmp_path / "x.zip")


@pytest.mark.skipif(os.name == "nt", reason="needs links and pipes")
def test_a_link_or_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    for name, make in (
        ("link", lambda at: at.symlink_to("/etc/passwd")),
        ("folder", lambda at: at.symlink_to("/etc")),
        ("pipe", os.mkfifo),
    ):
        home = tmp_path / f"with {name}"
        home.mkdir()
        make(home / name)
        with pytest.raises(Damaged, match="no file"):
            Members(home)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr("task.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            out.writestr("task.json", "[]")
    with pytest.raises(Damaged, match="two files of one name: 'task.json'"):
        Members(tmp_path / "x.zip")


def test_a_bomb_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", {"zeros": b"\0" * (1 << 20)})
    with Members(path) as found:
        assert found.total_bytes == 1 << 20
    monkeypatch.setattr(members, "MIN_BOMB_BYTES", 1 << 19)
    with pytest.raises(Refused, match=r"unpack to 1,048,576.*import the folder"):
        Members(path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_FILES", 2)
    Members(packed(tmp_path / "two.zip", {"a": b"", "b": b""})).__exit__()
    with pytest.raises(Refused, match="more than 2 files"):
        Members(packed(tmp_path / "three.zip", {"a": b"", "b": b"", "c": b""}))


def test_what_is_packed_otherwise_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as out:
        out.writestr("a", "b")
    with pytest.raises(Damaged, match="packed in a way"):
        Members(tmp_path / "x.zip")


def test_a_zip_that_breaks_off_is_no_zip(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {"a": b"abc" * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Damaged, match="no zip that can be read"):
        Members(path)


def test_a_file_whose_checksum_is_wrong_cannot_be_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        out.writestr("a", "one\ntwo\n")
    path.write_bytes(path.read_bytes().replace(b"two", b"TWO"))
    with Members(path) as found, pytest.raises(Damaged, match="cannot be read"):
        found.read("a", 100)
