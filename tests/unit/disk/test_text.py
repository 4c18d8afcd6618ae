import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import Damaged
from taskstore.disk import text
from taskstore.disk.text import format_yaml, parse_json_object, parse_yaml_object, read_bytes

PATH = Path("project.yaml")
BAD_YAML = [
    b"a: [",
    b"- a list",
    b"just text",
    b"1: number",
    b"? [a]\n: b",
    b"a: !!python/object/apply:os.system [ls]",
    b"x: !!bool maybe",
    b"x: !!int ''",
    b"x: !!float ''",
    b"x: !!timestamp soon",
    b"x: 2026-99-99",
    b"a: *unknown",
    b"\xff\xfe\x00",
    b"\x00",
    b"[" * 5000,
    b"a: " + b"{a: " * 5000,
]
BAD_JSON = [b"", b"{", b"[]", b"null", b'{"a": 1', b'{"a": \xff}', b'{"a": 1e999}', b'{"a":' * 100_000, b"\x00" * 10]


@pytest.mark.parametrize("data", BAD_YAML, ids=lambda data: repr(data[:30]))
def test_whatever_is_in_a_yaml_file_the_error_is_damaged_with_its_path(data: bytes) -> None:
    with pytest.raises(Damaged) as damaged:
        parse_yaml_object(PATH, data)
    assert damaged.value.path == PATH


@pytest.mark.parametrize("data", BAD_JSON, ids=lambda data: repr(data[:30]))
def test_whatever_is_in_a_json_file_the_error_is_damaged_with_its_path(data: bytes) -> None:
    with pytest.raises(Damaged) as damaged:
        parse_json_object(PATH, data)
    assert damaged.value.path == PATH


@given(st.binary() | st.text().map(str.encode) | st.text("!&*{}[]:,-?|>'\"%@`# \n0a<=~.").map(str.encode))
def test_noise_is_damaged_or_a_mapping(data: bytes) -> None:
    for parse in (parse_yaml_object, parse_json_object):
        with contextlib.suppress(Damaged):
            assert isinstance(parse(PATH, data), dict)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES, max_size=4))
def test_what_is_written_as_yaml_reads_back(value: dict[str, object]) -> None:
    assert parse_yaml_object(PATH, format_yaml(value)) == value


def test_an_empty_yaml_file_says_nothing() -> None:
    for data in (b"", b"\n", b"# a comment\n", b"---\n"):
        assert parse_yaml_object(PATH, data) == {}


def test_yaml_is_written_as_a_person_would() -> None:
    value = {"name": "Größe", "tags": ["a", "b"], "description": "two words"}
    assert format_yaml(value).decode() == "name: Größe\ntags:\n- a\n- b\ndescription: two words\n"


def test_an_empty_json_file_is_called_empty() -> None:
    with pytest.raises(Damaged, match="the file is empty"):
        parse_json_object(PATH, b"")


def test_a_missing_file_is_not_found_and_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "task.json")


def test_a_folder_a_loop_and_a_forbidden_file_are_damaged(tmp_path: Path, plain_user: Path) -> None:
    (plain_user / "folder").mkdir()
    (plain_user / "loop").symlink_to("loop")
    (plain_user / "forbidden").touch(0o000)
    for name in ("folder", "loop", "forbidden"):
        with pytest.raises(Damaged) as damaged:
            read_bytes(plain_user / name)
        assert damaged.value.path == plain_user / name


def test_a_record_of_absurd_size_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(text, "MAX_RECORD_BYTES", 1 << 20)
    (tmp_path / "a").write_bytes(b" " * (1 << 20))
    assert len(read_bytes(tmp_path / "a")) == 1 << 20
    (tmp_path / "a").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(Damaged, match="larger than 1 MiB"):
        read_bytes(tmp_path / "a")
