"""Bundles made to harm: each is refused with the name of what is wrong, and the store is as it was."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import Damaged, Refused, TaskstoreError, TooNew
from taskstore.disk import members, zip_directory
from taskstore.share import bundle
from taskstore.store import doctor, query
from taskstore.store.store import Store

from .bundles import IDS, WRITER, held, make, other, packed, take, task_folder, tree, unpacked, zipped

BUNDLE = "taskstore-bundle.json"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a valid bundle holds: one task."""
    folder = tmp_path_factory.mktemp("good")
    made = other(folder / "origin")
    make(made)
    return held(zipped(made, folder / "good.zip"))


def refused(store: Store, path: Path, name: str, kind: type[TaskstoreError] = Damaged) -> TaskstoreError:
    """Import it, which must fail with that name said, and leave the store as it was."""
    before = tree(store.root)
    with pytest.raises(kind) as caught:
        take(store, path)
    assert name in str(caught.value), str(caught.value)
    assert tree(store.root) == before
    return caught.value


def test_the_valid_one_is_taken(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    assert take(store, packed(tmp_path / "x.zip", good)) == ["new"]


# names


LONG = "x" * 300
PLACES = {
    "absolute": "/etc/passwd",
    "above": "../outside",
    "above from within": "projects/../../outside",
    "a drive": "C:/x",
    "a drive within": "projects/C:x",
    "a backslash": "projects\\vision\\x",
    "backslashes above": "..\\x",
    "a share": "//host/x",
    "nothing between": "projects//x",
    "a dot": "projects/./x",
    "a device": "{home}files/CON",
    "a device with a suffix": "{home}files/artifacts/nul.txt/x",
    "a device as a project": "projects/aux/x",
    "a line end": "{home}events/a\nb",
    "a stream": "{home}task.json:hidden",
    "a dot at the end": "{home}events/x.",
    "a space at the end": "{home}events/x ",
    "a long part": "{home}" + LONG,
    "deep": "{home}" + "d/" * 400 + "x",
    "an empty one": "",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_name_that_leads_elsewhere_or_that_some_system_has_not(
    place: str, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    name = place.format(home=task_folder(good))
    path = packed(tmp_path / "x.zip", good | {name: b"hostile"})
    refused(store, path, repr(name))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("make_name", [str.upper, lambda name: name.replace("task", "Task")])
def test_names_that_are_one_where_case_does_not_count(
    make_name: Callable[[str], str], good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    home = task_folder(good)
    name = home + make_name("task.json")
    error = refused(store, packed(tmp_path / "x.zip", good | {name: b"{}"}), repr(name))
    assert repr(f"{home}task.json") in str(error)


def test_folders_that_are_one_where_case_does_not_count(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + "Events/x"
    refused(store, packed(tmp_path / "x.zip", good | {name: b""}), repr(name))


def test_names_that_are_one_where_unicode_is_normalised(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    home = task_folder(good)
    one, two = (f"{home}events/{unicodedata.normalize(form, 'größe')}" for form in ("NFC", "NFD"))
    refused(store, packed(tmp_path / "x.zip", good | {one: b"", two: b""}), repr(two))
    folded = f"{home}events/GRÖSSE"
    refused(store, packed(tmp_path / "y.zip", good | {one: b"", folded: b""}), repr(folded))


def test_a_file_where_another_has_a_folder(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + "events"
    refused(store, packed(tmp_path / "x.zip", good | {name: b"", name + "-a": b""}), repr(name))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", good)
    name = task_folder(good) + "task.json"
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(name, b"{}")
    refused(store, path, repr(name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_a_link_or_a_device_in_a_zip(kind: int, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + "events/pointer"

    def change(info: zipfile.ZipInfo) -> None:
        if info.filename == name:
            info.external_attr = (kind | 0o777) << 16

    refused(store, packed(tmp_path / "x.zip", good | {name: b"/etc/passwd"}, change), repr(name))


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("where", ["task.json", "events/x", "files/artifacts/data/x", "source"])
def test_a_symbolic_link_in_a_folder(where: str, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    folder = unpacked(packed(tmp_path / "x.zip", good), tmp_path / "unpacked")
    place = folder / task_folder(good) / where
    if place.exists():
        place.rename(tmp_path / "moved")
    place.symlink_to("/etc/passwd")
    refused(store, folder, str(place))


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("where", ["events/x", "params.json"])
def test_a_hard_link_in_a_folder(where: str, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    folder = unpacked(packed(tmp_path / "x.zip", good), tmp_path / "unpacked")
    (tmp_path / "secret").write_bytes(b'{"rev": 1}')
    place = folder / task_folder(good) / where
    place.unlink(missing_ok=True)
    place.hardlink_to(tmp_path / "secret")
    refused(store, folder, str(place))


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_blobs_may_be_hard_links_for_their_hashes_are_known(
    good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    folder = unpacked(packed(tmp_path / "x.zip", good), tmp_path / "unpacked")
    (tmp_path / "again").hardlink_to(folder / task_folder(good) / "files/artifacts/data/data.bin")
    assert take(store, folder) == ["new"]


# what a zip says of itself


def patched(path: Path, old: bytes, new: bytes, count: int = 1, *, is_last: bool = False) -> Path:
    data = path.read_bytes()
    assert old in data
    if is_last:
        at = data.rindex(old)
        data = data[:at] + new + data[at + len(old) :]
    else:
        data = data.replace(old, new, count)
    path.write_bytes(data)
    return path


def test_a_header_that_names_another_file_than_the_directory(
    good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    name = task_folder(good) + "events/one"
    path = packed(tmp_path / "x.zip", good | {name: b"x"})
    refused(store, patched(path, name.encode(), name.replace("one", "two").encode()), repr(name))


@pytest.mark.parametrize("field", [14, 18, 22], ids=["checksum", "packed size", "size"])
def test_a_header_that_says_another_size_than_the_directory(
    field: int, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    name = task_folder(good) + "task.json"
    path = packed(tmp_path / "x.zip", good)
    with zipfile.ZipFile(path) as found:
        at = found.getinfo(name).header_offset + field
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    refused(store, path, repr(name))


@pytest.mark.parametrize("by", [-5, 5])
def test_a_size_that_is_a_lie_in_both_places(by: int, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + f"events/console.{WRITER}.log"
    path = packed(tmp_path / "x.zip", good)
    true, false = (struct.pack("<L", len(good[name]) + more) for more in (0, by))
    with zipfile.ZipFile(path) as found:
        at = found.getinfo(name).header_offset
        data = bytearray(path.read_bytes())
        entry = data.index(b"PK\1\2", found.start_dir)
        while name.encode() not in data[entry + 46 : entry + 46 + len(name)]:
            entry = data.index(b"PK\1\2", entry + 4)
    assert data[at + 22 : at + 26] == data[entry + 24 : entry + 28] == true
    data[at + 22 : at + 26] = data[entry + 24 : entry + 28] = false
    path.write_bytes(data)
    refused(store, path, name.rpartition("/")[2])


def test_files_that_lie_in_the_same_bytes(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    one, two = (f"{task_folder(good)}events/{name}" for name in ("one", "two"))
    path = packed(tmp_path / "x.zip", good | {one: b"a" * 100, two: b"b" * 100})
    with zipfile.ZipFile(path) as found:
        places = [struct.pack("<L", found.getinfo(name).header_offset) for name in (one, two)]
    patched(path, places[1] + two.encode(), places[0] + two.encode(), is_last=True)
    refused(store, path, repr(two))


def test_a_file_that_reaches_into_the_directory(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = f"{task_folder(good)}events/last"
    path = packed(tmp_path / "x.zip", good | {name: b"x"}, lambda info: setattr(info, "compress_type", 0))
    data = bytearray(path.read_bytes())
    size = struct.pack("<2L", 1, 1)
    with zipfile.ZipFile(path) as found:
        offset = found.getinfo(name).header_offset
        start = found.start_dir
    for at in (offset + 18, data.rindex(b"PK\1\2") + 20):
        assert data[at : at + 8] == size
        data[at : at + 8] = struct.pack("<2L", start, start)
    path.write_bytes(data)
    refused(store, path, repr(name))


def test_one_that_is_encrypted(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", good)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as found:
        first = found.infolist()[0]
        data[first.header_offset + 6] |= 1
        data[found.start_dir + 8] |= 1
    path.write_bytes(data)
    refused(store, path, repr(BUNDLE))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_one_that_is_packed_in_a_rare_way(kind: int, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", good, lambda info: setattr(info, "compress_type", kind))
    refused(store, path, repr(BUNDLE))


def test_a_name_that_is_no_utf8(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + "events/größe"
    path = packed(tmp_path / "x.zip", good | {name: b"x"})
    raw = name.encode()
    refused(store, patched(path, raw, raw.replace("ö".encode(), b"\xff\xfe"), 2), "x.zip")


def test_a_name_in_another_code_page(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    name = task_folder(good) + "events/größe"
    path = packed(tmp_path / "x.zip", good | {name: b"x"})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as found:
        offset = found.getinfo(name).header_offset
    data[offset + 7] &= ~8
    data[data.rindex(b"PK\1\2") + 9] &= ~8
    path.write_bytes(data)
    refused(store, path, "no UTF-8")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_one_that_is_cut_short(share: float, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", good)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(store, path, "x.zip")
    assert not bundle.recognises(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\5\6" + b"\0" * 18])
def test_what_is_no_zip_or_an_empty_one(data: bytes, store: Store, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    refused(store, tmp_path / "x.zip", "x.zip", TaskstoreError)


# too much


def test_a_zip_that_unpacks_to_far_more_than_it_is(
    good: dict[str, bytes], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MIN_BOMB_BYTES", 1 << 20)
    path = packed(tmp_path / "x.zip", good | {f"{task_folder(good)}events/x": b"\0" * (8 << 20)})
    refused(store, path, "unpack to", Refused)


def test_more_bytes_than_are_free(
    good: dict[str, bytes], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    refused(store, packed(tmp_path / "x.zip", good), "more than is free", Refused)


def test_more_files_than_are_held_in_memory(
    good: dict[str, bytes], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "x.zip", good | {f"{task_folder(good)}events/{n}": b"" for n in range(100)})
    monkeypatch.setattr(members, "MAX_FILES", 50)
    refused(store, path, "more than 50 files", Refused)
    monkeypatch.setattr(zip_directory, "MAX_BYTES", 4000)
    monkeypatch.setattr(members, "MAX_FILES", 500)
    refused(store, path, "more than 500 files", Refused)


def test_the_directory_is_not_read_where_it_is_too_large(
    good: dict[str, bytes], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "x.zip", good)
    monkeypatch.setattr(zip_directory, "MAX_BYTES", 100)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was read"))
    refused(store, path, "none of them was read", Refused)


@pytest.mark.parametrize("name", ["task.json", "params.json", BUNDLE])
def test_giant_json(
    name: str, good: dict[str, bytes], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskstore.share.bundle.contents._MAX_RECORD_BYTES", 1 << 20)
    monkeypatch.setattr("taskstore.share.bundle.contents._MAX_MARKER_BYTES", 1 << 20)
    whole = name if name == BUNDLE else task_folder(good) + name
    data = good[whole].rstrip().removesuffix(b"}") + b',"x":"' + b"x" * (2 << 20) + b'"}'
    refused(store, packed(tmp_path / "x.zip", good | {whole: data}), name)


@pytest.mark.parametrize("name", ["task.json", "params.json", "artifacts.json", BUNDLE])
def test_deeply_nested_json(name: str, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    whole = name if name == BUNDLE else task_folder(good) + name
    data = good[whole].rstrip().removesuffix(b"}") + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    refused(store, packed(tmp_path / "x.zip", good | {whole: data}), name)


# records


@pytest.mark.parametrize(
    "name", ["task.json", "params.json", "script.json", "artifacts.json", "models.json", "config.json"]
)
@pytest.mark.parametrize("data", [b'{"rev": 1, "x": "\xff\xfe"}', b"", b"[]", b"{", b'{"rev": "one", "id": 5}', b"\0"])
def test_a_record_that_is_none(name: str, data: bytes, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    refused(store, packed(tmp_path / "x.zip", good | {task_folder(good) + name: data}), name)


def edited(good: dict[str, bytes], name: str, change: Callable[[Any], None]) -> dict[str, bytes]:
    whole = task_folder(good) + name
    record = json.loads(good.get(whole, b'{"rev": 1}'))
    change(record)
    return good | {whole: json.dumps(record).encode()}


def test_an_artifact_whose_bytes_are_not_those_of_its_hash(
    good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    name = task_folder(good) + "files/artifacts/data/data.bin"
    contents = good | {name: good[name].replace(b"some", b"evil")}
    refused(store, packed(tmp_path / "x.zip", contents), "files/artifacts/data/data.bin")
    refused(store, packed(tmp_path / "y.zip", good | {name: b"short"}), "files/artifacts/data/data.bin")


OUTSIDE = ["../../x", "/etc/passwd", "files/../../x", "C:\\x", "files/artifacts/\0", "", ".", "task.json", ".lock"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("record", ["artifacts.json", "script.json", "models.json"])
def test_a_record_that_names_a_file_outside(
    path: str, record: str, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    data = b"hostile"
    ref = {"path": path, "size": len(data), "hash": hashlib.sha256(data).hexdigest()}

    def change(found: Any) -> None:
        if record == "artifacts.json":
            found["artifacts"]["data"]["file"] = ref
        elif record == "script.json":
            found["diff"] = ref
        else:
            found["output"] = {"a" * 32: {"id": "a" * 32, "name": "net", "file": ref}}

    refused(store, packed(tmp_path / "x.zip", edited(good, record, change)), repr(path))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("file", ["../task.json", "/etc/passwd", "a/b", "..", "CON"])
def test_a_configuration_whose_file_is_elsewhere(
    file: str, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    def change(found: Any) -> None:
        found["configuration"] = {"model": {"name": "model", "file": file}}

    path = packed(tmp_path / "x.zip", edited(good, "config.json", change))
    refused(store, path, file)


def test_an_id_that_is_not_the_folders(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", edited(good, "task.json", lambda record: record.update(id=IDS[1])))
    refused(store, path, IDS[1])


@pytest.mark.parametrize("task_id", ["../../x", "", "x" * 32, "A" * 32, 5, None])
def test_an_id_that_is_none(task_id: object, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", edited(good, "task.json", lambda record: record.update(id=task_id)))
    refused(store, path, "task.json")


def test_a_copied_folder_of_another_name_is_no_task_of_that_id(
    good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    folder = unpacked(packed(tmp_path / "x.zip", good), tmp_path / "unpacked") / task_folder(good)
    copy = folder.rename(folder.parent / "a copy")
    assert bundle.recognises(copy)
    before = tree(store.root)
    with pytest.raises(Damaged, match="a copy"):
        take(store, copy, into="here")
    assert tree(store.root) == before


def test_one_task_in_two_projects(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    home = task_folder(good)
    name = f"projects/elsewhere/{IDS[0]}/"
    twice = {name + key.removeprefix(home): data for key, data in good.items() if key.startswith(home)}
    error = refused(store, packed(tmp_path / "x.zip", good | twice), name)
    assert home in str(error)


@pytest.mark.parametrize(
    "component",
    [
        "a%2Fb",
        "%20x",
        "MNIST",
        "x%~",
        "long%+" + "0" * 32,
        "%ED%A0%80abc",
        "00000000000000000000000000000000X",
        "%2E%2E",
        "%00ab",
    ],
)
def test_a_folder_that_is_no_projects_name(
    component: str, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    home = task_folder(good)
    contents = {key.replace(home, f"projects/{component}/{IDS[0]}/"): data for key, data in good.items()}
    path = packed(tmp_path / "x.zip", contents)
    if component in ("%2E%2E", "%00ab"):
        # Names as any other: they become the same components again.
        assert take(store, path) == ["new"]
        assert (store.paths.projects / component / IDS[0]).is_dir()
    else:
        refused(store, path, component)


RIVALS = [
    ("configuration/model", {"x": 1}),
    ("configuration/model", {"file": 5}),
    ("configuration/model", {"file": "../../x", "content": {"size": 1, "hash": "0" * 64}}),
    ("artifacts/data", {"file": {"path": "../../x", "size": 5, "hash": "0" * 64}}),
    ("artifacts/data", 5),
    ("models.output/x", [1]),
    ("file/../../x", {"size": 1, "hash": "0" * 64}),
    ("file/x", {"size": "one"}),
    ("file/task.json", {"size": 1, "hash": "0" * 64}),
    ("params/Args/lr", {"value": 5}),
    ("status", {"status": "nonsense"}),
    ("status", None),
    ("project", "../../x"),
    ("project", {"a": 1}),
    ("project", None),
    ("name", 5),
    ("trashed", {"project": 5}),
    ("tags", {"a": "b"}),
]


def beside(folder: Path) -> set[str]:
    """The names of all that is not in the store: in its folder, and in that above, which all tests share."""
    own = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {name for name in own if not name.startswith("store/")} | {
        f"../{path.name}" for path in folder.parent.iterdir()
    }


@pytest.mark.parametrize(("unit", "value"), RIVALS)
@pytest.mark.parametrize("is_later", [False, True])
def test_a_hidden_version_that_could_never_be_one(
    unit: str, value: object, is_later: bool, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    """Versions that somebody may choose later, or that are shown because they are later."""
    name = task_folder(good) + "ancestry.json"
    version = {"id": "f" * 20, "value": value, "time": "2199-01-01T00:00:00Z" if is_later else "2000-01-01T00:00:00Z"}
    record = {"rev": 1, "units": {unit: {"id": "e" * 20, "hash": "0" * 64, "others": [version]}}}
    path = packed(tmp_path / "x.zip", good | {name: json.dumps(record).encode()})
    before = tree(store.root)
    outside = beside(tmp_path)
    try:
        kinds = take(store, path)
    except TaskstoreError:
        assert tree(store.root) == before
        return
    assert kinds in (["new"], ["deleted"])
    assert beside(tmp_path) == outside
    assert [each for each in doctor.check(store) if each.kind is not doctor.Kind.CONFLICT] == []
    for row in query.find(store).rows:
        assert row.id == IDS[0]


LAUGHS = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c, *%c]\n" % (n + 1, n + 1, n, n, n) for n in range(97, 121))


@pytest.mark.parametrize(
    "data",
    [
        b"description: !!python/object/apply:os.system ['true']\n",
        b"description: " + b"[" * 1000 + b"]" * 1000,
        b"- description\n",
        b"description: \xff\n",
        b"description: {a: 1}\n",
        b"tags: one\n",
        b"\0",
        LAUGHS + b"tags: *y\n",
        b"description: " + b"x" * (2 << 20),
    ],
)
def test_what_is_said_of_a_project_in_a_harmful_way(
    data: bytes, good: dict[str, bytes], store: Store, tmp_path: Path
) -> None:
    path = packed(tmp_path / "x.zip", good | {"projects/vision/project.yaml": data})
    refused(store, path, "project.yaml")


def test_a_bundle_that_names_other_tasks_than_it_holds(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    record = json.loads(good[BUNDLE])
    for tasks in ([IDS[0], IDS[1]], [], ["../x"]):
        data = json.dumps(record | {"tasks": tasks}).encode()
        refused(store, packed(tmp_path / "x.zip", good | {BUNDLE: data}), BUNDLE)


def test_a_task_without_its_record(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    contents = {name: data for name, data in good.items() if not name.endswith("/task.json")}
    refused(store, packed(tmp_path / "x.zip", contents), "task.json")


@pytest.mark.parametrize("name", [BUNDLE, "taskstore.json"])
def test_one_of_a_later_format(name: str, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    data = json.dumps({"format": 2, "id": {"anything": 1}, "tasks": 5}).encode()
    refused(store, packed(tmp_path / "x.zip", good | {name: data}), name, TooNew)


@pytest.mark.parametrize("format_", [0, -1, "1", None, 1.5])
def test_one_of_no_format(format_: object, good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    data = json.dumps(json.loads(good[BUNDLE]) | {"format": format_}).encode()
    refused(store, packed(tmp_path / "x.zip", good | {BUNDLE: data}), BUNDLE)


def test_what_was_left_out_is_a_word_that_there_is(good: dict[str, bytes], store: Store, tmp_path: Path) -> None:
    data = json.dumps(json.loads(good[BUNDLE]) | {"without": ["all\x1b[2J"]}).encode()
    refused(store, packed(tmp_path / "x.zip", good | {BUNDLE: data}), BUNDLE)


def test_of_several_tasks_the_good_ones_come_in(store: Store, tmp_path: Path) -> None:
    made = other(tmp_path / "origin")
    for number in range(3):
        make(made, number, f"project {number}")
    contents = held(zipped(made, tmp_path / "good.zip", 0, 1, 2))
    bad = f"projects/project 1/{IDS[1]}/files/artifacts/data/data.bin"
    found = list(bundle.read(store, packed(tmp_path / "x.zip", contents | {bad: b"evil"})))
    assert [(each.task_id, each.error is None) for each in found] == [(IDS[0], True), (IDS[1], False), (IDS[2], True)]
    assert "data.bin" in str(found[1].error)
    assert sorted(each.name for each in store.paths.projects.iterdir()) == ["project 0", "project 2"]
