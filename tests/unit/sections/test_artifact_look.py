from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest

from taskstore.sections.artifacts import look as looking
from taskstore.sections.artifacts.look import look


def npy(shape: str, kind: str = "'<f4'", *, version: int = 1) -> bytes:
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + b"\0" * 16


def kept(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_array_is_told_by_its_head(tmp_path: Path, version: int) -> None:
    seen = look(kept(tmp_path, "a.npy", npy("(3, 4)", version=version)), "a.npy")
    assert seen.rows == [["(3, 4)", "<f4"]]


def test_arrays_are_told_by_their_heads(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x.npy", npy("(2,)"))
        archive.writestr("y.npy", npy("()", "'<i8'"))
    seen = look(kept(tmp_path, "a.npz", packed.getvalue()), "a.npz")
    assert seen.rows == [["x", "(2,)", "<f4"], ["y", "()", "<i8"]]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, npy("__import__('os')"), npy("(" * 3000), b"PK"],
)
def test_what_is_no_array_says_so(tmp_path: Path, data: bytes) -> None:
    seen = look(kept(tmp_path, "a.npy", data), "a.npy")
    assert (seen.kind, seen.note[:6]) == (looking.NOTHING, "It is ")


def test_a_table_is_bounded_though_it_unpacks_to_much_more(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000)
    seen = look(kept(tmp_path, "t.csv.gz", packed), "t.csv.gz")
    assert seen.columns == ["a", "b"]
    assert len(seen.rows) == looking.MAX_ROWS - 1 or len(seen.rows) == looking.MAX_ROWS
    assert seen.note.startswith("The first")


def test_a_whole_table_has_all_its_rows(tmp_path: Path) -> None:
    seen = look(kept(tmp_path, "t.tsv", b"a\tb\n1\t2\n3\t4"), "t.tsv")
    assert (seen.columns, seen.rows, seen.note) == (["a", "b"], [["1", "2"], ["3", "4"]], "")


def test_text_is_text_and_the_rest_is_not(tmp_path: Path) -> None:
    assert look(kept(tmp_path, "n", "größer".encode()), "n").text == "größer"
    assert look(kept(tmp_path, "b", b"\xff\xfe\0"), "b").kind == looking.NOTHING
    assert look(kept(tmp_path, "o.pkl", b"plain text"), "o.pkl").kind == looking.NOTHING


def test_a_long_text_is_cut_between_characters(tmp_path: Path) -> None:
    data = ("x" + "ö" * looking.MAX_TEXT_BYTES).encode()
    seen = look(kept(tmp_path, "n.txt", data), "n.txt")
    assert seen.text == "x" + "ö" * ((looking.MAX_TEXT_BYTES - 1) // 2)
    assert seen.note


def test_json_is_laid_out_and_what_only_claims_to_be_is_shown_as_it_is(tmp_path: Path) -> None:
    assert look(kept(tmp_path, "a.json", b'{"a":[1]}'), "a.json").text == '{\n  "a": [\n    1\n  ]\n}'
    assert look(kept(tmp_path, "b.json", b"[" * 100_000), "b.json").text == "[" * 100_000


@pytest.mark.parametrize(
    ("name", "kind"), [("a.PNG", "image"), ("a.svg", "image"), ("a.html", "page"), ("a.mp4", "video")]
)
def test_what_a_browser_shows_is_left_to_it(tmp_path: Path, name: str, kind: str) -> None:
    assert look(tmp_path / name, name).kind == kind
