"""Blobs: one pass, one copy in the store, and never anybody else's file."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.artifact import INPUT, Artifact
from taskstore.store import artifacts, blobs, places, published, tasks, usage
from taskstore.store.store import Store

LARGE = os.urandom(100_000)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="blobs are shared by hard links, which Windows does without")


@pytest.fixture
def one(store: Store) -> TaskPaths:
    return tasks.create(store, "some project", "one")


@pytest.fixture
def two(store: Store) -> TaskPaths:
    return tasks.create(store, "some project", "two")


def put(store: Store, paths: TaskPaths, data: bytes, key: str = "key", name: str = "name.bin", mode: str = "") -> Path:
    artifact = Artifact(key=key, type="custom", **({"mode": mode} if mode else {}))
    with blobs.staged(store, paths.id, lambda at: at.artifact_folder(key), lambda out: out.write(data)) as blob:
        artifacts.put(store, paths.id, artifact, blob, name)
    assert artifact.file is not None
    return places.locate(store, paths.id).home / artifact.file.path


def files(paths: TaskPaths) -> list[str]:
    return sorted(path.relative_to(paths.home).as_posix() for path in paths.files.rglob("*") if path.is_file())


def test_the_record_has_hash_and_size_of_what_was_written(store, one):
    path = put(store, one, LARGE)
    ref = artifacts.find(one, "key").file
    assert ref is not None
    assert (ref.path, ref.size, ref.hash) == (
        "files/artifacts/key/name.bin",
        len(LARGE),
        hashlib.sha256(LARGE).hexdigest(),
    )
    assert path.read_bytes() == LARGE
    assert files(one) == [ref.path]


def test_equal_bytes_are_on_the_disk_once_in_a_store(store, one, two):
    assert put(store, one, LARGE).samefile(put(store, two, LARGE, "other", "another.bin"))
    found = usage.du(store)
    assert found.tasks[one.id].apparent_bytes < len(LARGE)  # deleting one of two frees nothing
    assert len(LARGE) <= found.total.apparent_bytes < 2 * len(LARGE)


def test_small_files_are_not_worth_a_hint(store, one):
    put(store, one, b"small")
    assert not store.paths.blobs.exists()


@pytest.mark.parametrize("damage", ["changed", "gone", "elsewhere", "nonsense", "deleted"])
def test_a_wrong_hint_costs_space_and_nothing_else(store, one, two, tmp_path, damage):
    first = put(store, one, LARGE)
    hint = store.paths.blob_hint(hashlib.sha256(LARGE).hexdigest())
    (tmp_path / "secret").write_bytes(LARGE)
    if damage == "changed":
        first.chmod(0o644)
        first.write_bytes(b"x" * len(LARGE))
    elif damage == "deleted":
        hint.unlink()
    else:
        hint.write_bytes({"gone": b"projects/no", "elsewhere": b"../secret", "nonsense": b"\xff\0"}[damage])
    second = put(store, two, LARGE)
    assert second.read_bytes() == LARGE
    assert second.stat().st_nlink == 1
    assert (tmp_path / "secret").stat().st_nlink == 1


def test_a_users_file_is_never_linked_and_may_be_written_on(store, one, tmp_path):
    source = tmp_path / "model.bin"
    source.write_bytes(LARGE)

    def fill(out: blobs.Stream) -> None:
        with source.open("rb", buffering=0) as opened:
            out.take(opened)

    with blobs.staged(store, one.id, lambda at: at.artifact_folder("key"), fill) as blob:
        artifacts.put(store, one.id, Artifact(key="key", type="custom"), blob, "model.bin")
    source.write_bytes(b"changed")
    kept = one.artifact_folder("key") / "model.bin"
    assert kept.read_bytes() == LARGE
    assert (source.stat().st_nlink, source.stat().st_mode & 0o200) == (1, 0o200)


def test_a_blob_has_no_write_bits_from_the_start(store, one):
    assert put(store, one, LARGE).stat().st_mode & 0o222 == 0


def test_publishing_and_resetting_one_task_leaves_the_blob_of_another_alone(store, one, two):
    shared = put(store, one, LARGE)
    put(store, two, LARGE)
    for paths in (one, two):
        tasks.transition(store, paths.id, Status.IN_PROGRESS)
        tasks.transition(store, paths.id, Status.COMPLETED)
        published.publish(store, paths.id)
    from taskstore.sections.clone import reset

    reset(store, two.id, force=True)
    assert shared.read_bytes() == LARGE
    assert not published.has_write_bits(one)
    assert published.verify(one) == []
    assert files(two) == []


def test_what_replaces_a_blob_takes_its_name_only_where_that_is_free(store, one):
    """Between the blob and the record a crash must find the old record's file as it was."""
    put(store, one, b"old")
    kept_at_the_crash: list[bytes] = []
    real = artifacts.tasks.replace_part

    def crash(path, record, previous):
        kept_at_the_crash.append((one.artifact_folder("key") / "name.bin").read_bytes())
        real(path, record, previous)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "replace_part", crash)
        path = put(store, one, b"new")
    assert kept_at_the_crash == [b"old"]
    assert (path.read_bytes(), path.name, files(one)) == (b"new", "name.bin", [path.relative_to(one.home).as_posix()])
    assert put(store, one, b"newer").relative_to(one.home).as_posix() == "files/artifacts/key/name.bin"


def test_putting_the_same_again_leaves_one_file(store, one):
    for _ in range(3):
        path = put(store, one, LARGE)
        assert files(one) == [path.relative_to(one.home).as_posix()]
        assert path.read_bytes() == LARGE
    assert list(one.files.rglob(".*")) == []


def test_what_is_not_placed_goes_away(store, one):
    def fill(out: blobs.Stream) -> None:
        out.write(LARGE)
        raise RuntimeError("in the middle")

    with (
        pytest.raises(RuntimeError, match="in the middle"),
        blobs.staged(store, one.id, lambda at: at.artifact_folder("key"), fill),
    ):
        pass
    assert [path for path in one.files.rglob("*") if path.is_file()] == []


def test_a_task_that_is_moved_while_a_blob_is_written_takes_it_along(store, one):
    def fill(out: blobs.Stream) -> None:
        out.write(LARGE)
        tasks.move(store, one.id, "other project")
        out.write(LARGE)

    with blobs.staged(store, one.id, lambda at: at.artifact_folder("key"), fill) as blob:
        artifacts.put(store, one.id, Artifact(key="key", type="custom"), blob, "name.bin")
    now = places.locate(store, one.id)
    assert files(now) == ["files/artifacts/key/name.bin"]
    assert (now.artifact_folder("key") / "name.bin").read_bytes() == LARGE * 2


def test_a_clone_keeps_what_the_task_was_given_and_a_reset_too(store, one):
    from taskstore.sections.clone import clone, reset

    put(store, one, LARGE, "data", mode=INPUT)
    put(store, one, b"result", "result")
    made = clone(store, one)
    assert list(artifacts.read(made).artifacts) == ["data"]
    assert files(made) == ["files/artifacts/data/name.bin"]
    assert (made.home / files(made)[0]).samefile(one.home / files(made)[0])
    tasks.transition(store, one.id, Status.IN_PROGRESS)
    tasks.transition(store, one.id, Status.COMPLETED)
    reset(store, one.id)
    assert list(artifacts.read(one).artifacts) == ["data"]
    assert files(one) == ["files/artifacts/data/name.bin"]


def test_where_nothing_can_be_linked_a_copy_is_kept(store, one, two, monkeypatch):
    put(store, one, LARGE)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    second = put(store, two, LARGE)
    assert (second.read_bytes(), second.stat().st_nlink) == (LARGE, 1)


def test_memory_does_not_grow_with_the_file(store, one, tmp_path):
    import tracemalloc

    source = tmp_path / "large"
    with source.open("wb") as out:
        out.truncate(64 << 20)

    def fill(out: blobs.Stream) -> None:
        with source.open("rb", buffering=0) as opened:
            out.take(opened)

    tracemalloc.start()
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.enter_context(blobs.staged(store, one.id, lambda at: at.artifact_folder("key"), fill))
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
