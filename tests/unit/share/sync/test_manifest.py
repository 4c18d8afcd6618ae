from __future__ import annotations

import json

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.sync import manifest
from taskstore.share.sync.manifest import Entry, Told

ID = "0" * 31 + "1"
ENTRY = Entry("vision/cats", "a run", "a" * 64)


def file(tasks: object, number: object = 1, stale: object = ()) -> bytes:
    return json.dumps({"format": number, "tasks": tasks, "stale": stale}).encode()


def line(project: str = "vision", name: str = "a run", digest: str = "a" * 64) -> list[object]:
    return [project, name, digest]


def test_a_manifest_comes_back_as_it_was_and_equal_ones_are_equal_bytes() -> None:
    one = Told({ID: ENTRY, "f" * 32: ENTRY}, ["sync/tasks/a", "projects/b"])
    other = Told({"f" * 32: ENTRY, ID: ENTRY}, ["projects/b", "sync/tasks/a"])
    assert manifest.encode(one) == manifest.encode(other)
    assert manifest.decode(manifest.encode(one), "there") == other


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"[]", "damaged"),
        (file([]), "damaged"),
        (file({ID: "text"}), "damaged"),
        (file({ID: [1, 2, 3]}), "damaged"),
        (file({"../../etc": line()}), "no task id"),
        (file({"A" * 32: line()}), "no task id"),
        (file({ID: line(digest="../x")}), "its digest is none"),
        (file({ID: line(digest="A" * 64)}), "its digest is none"),
        (file({ID: line(project="a//b")}), "empty part"),
        (file({ID: line(project="")}), "empty part"),
        (file({ID: line(project="x" * 5000)}), "too long"),
        (file({ID: line(name="x" * 5000)}), "too long"),
        (file({}, stale=["taskstore.json"]), "no task's"),
        (file({}, stale=["/etc/passwd"]), "no task's"),
        (file({}, 2), "upgrade it"),
        (file({}, "1"), "damaged"),
    ],
)
def test_one_that_cannot_be_true_is_refused_with_its_place(data: bytes, why: str) -> None:
    with pytest.raises(RemoteError, match=why) as caught:
        manifest.decode(data, "host:there")
    assert str(caught.value).startswith("host:there")


def test_more_tasks_than_anybody_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "MAX_TASKS", 1)
    with pytest.raises(RemoteError, match="more than 1 tasks"):
        manifest.decode(file({ID: line(), "f" * 32: line()}), "there")


def test_a_file_is_not_read_further_than_it_may_be_long() -> None:
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024

    with pytest.raises(RemoteError, match="larger than 1 MiB"):
        manifest.joined(endless(), "there", 1 << 20)  # type: ignore[arg-type]  # it is an iterator
    assert read == 1025
    assert manifest.joined([b"a", b"bc"], "there") == b"abc"
