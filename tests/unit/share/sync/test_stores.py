"""Another store as the other side: read-only, copied while runs write to it, half gone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from taskstore.core.errors import NotFound, ReadOnly, Refused
from taskstore.core.states import Status
from taskstore.share.sync import opening, stored
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.exchange import Stop, exchanged
from taskstore.share.sync.plan import Way
from taskstore.store import places, tasks
from taskstore.store.store import Store, init, open_at

from .worlds import Nobody, a_task, contents, exchange, report


@pytest.fixture
def other(store: Store) -> Store:
    return init(store.root.parent / "other", clock=store.clock)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs two users")
def test_a_store_that_may_only_be_read_is_merged_and_left_as_it_is(plain_user: Path) -> None:
    store = init(plain_user / "store")
    os.seteuid(0)
    other = init(plain_user / "other")
    made = a_task(other)
    os.seteuid(65534)
    before = {path: path.stat().st_mtime_ns for path in other.root.rglob("*")}
    assert [done.id for done in exchange(store, other.root, Way.PULL).done] == [made.id]
    assert exchange(store, other.root, Way.PULL).done == []
    assert {path: path.stat().st_mtime_ns for path in other.root.rglob("*")} == before
    a_task(store)
    with pytest.raises(ReadOnly):
        exchange(store, other.root, Way.PUSH)
    with pytest.raises(ReadOnly):
        exchange(other, store.root, Way.PULL)


def test_a_copy_that_was_made_while_a_run_wrote_comes_in_and_goes_on(store: Store, other: Store) -> None:
    run = tasks.create(other, "cluster", "long")
    tasks.transition(other, run.id, Status.IN_PROGRESS)
    report(run, 10)
    log = run.scalars("host-1-00")
    whole = log.read_bytes()
    log.write_bytes(whole[:-7])  # torn: the copy was made in the middle of a line
    half = tasks.create(other, "cluster", "half")
    half.record.unlink()  # its record was not copied yet
    stop = Stop(Nobody())
    peer = opening.at_folder(store, other.root, Way.PULL, stop.tick)
    result = exchanged(store, peer, Way.PULL, Choice(), stop)
    assert [done.id for done in result.done] == [run.id]
    ((task_id, error),) = result.failed
    assert (task_id, "the file is missing" in str(error)) == ("", True)
    shutil.rmtree(half.home)
    log.write_bytes(whole)
    tasks.transition(other, run.id, Status.COMPLETED)
    assert [done.action for done in exchange(store, other.root, Way.PULL).done] == ["pulled"]
    here = places.locate(store, run.id)
    assert here.scalars("host-1-00").read_bytes() == whole
    assert tasks.read(here).status is Status.COMPLETED


def test_the_taskstore_folder_of_a_folder_is_meant_too(store: Store, tmp_path: Path) -> None:
    inner = init(tmp_path / "work" / ".taskstore", clock=store.clock)
    made = a_task(inner)
    assert [done.id for done in exchange(store, tmp_path / "work", Way.PULL).done] == [made.id]


def test_a_folder_becomes_a_store_by_the_first_push_and_not_before(store: Store, tmp_path: Path) -> None:
    made = a_task(store)
    folder = tmp_path / "usb" / "experiments"
    with pytest.raises(NotFound, match="the first push makes one"):
        exchange(store, folder, Way.PULL)
    with pytest.raises(NotFound, match="mount it"):
        exchange(store, folder, Way.PUSH)
    folder.parent.mkdir()
    exchange(store, folder, Way.PUSH)
    assert places.locate(open_at(folder), made.id).record.is_file()
    (folder.parent / "photos").mkdir()
    (folder.parent / "photos" / "cat.jpg").touch()
    with pytest.raises(Refused, match="is not empty"):
        exchange(store, folder.parent / "photos", Way.PUSH)
    with pytest.raises(Refused, match="this store itself"):
        exchange(store, store.root)


def test_of_an_empty_store_nothing_goes_anywhere(store: Store, tmp_path: Path) -> None:
    for way in (Way.PUSH, Way.SYNC):
        assert exchange(store, tmp_path / "new", way).done == []


def test_two_pushes_to_one_folder_at_once_both_arrive(store: Store, other: Store, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = {a_task(one, f"run {number}").id for one in (store, other) for number in range(4)}
    folder = tmp_path / "folder"
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(exchange, one, folder) for one in (store, other)]:
            future.result()
    exchange(store, folder)
    exchange(other, folder)
    assert {task_id for _, task_id in places.walk(open_at(folder))} == made
    assert contents(store).keys() == contents(other).keys()


# the manifest of a store


def manifest_of(store: Store) -> dict[str, str]:
    return {task_id: entry.digest for task_id, entry in stored.store_manifest(store, []).items()}


def settled(store: Store) -> None:
    """Make all files older than a clock's tick, so that the next manifest may be remembered."""
    for path in [store.root, *store.root.rglob("*")]:
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_what_is_unchanged_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    a_task(store)
    monkeypatch.setattr(stored, "_RACY_NS", 0)
    first = manifest_of(store)
    monkeypatch.setattr(stored, "own_state", lambda *_: pytest.fail("it was read again"))
    assert manifest_of(store) == first


@pytest.mark.parametrize("name", ["params.json", "config/net", "task.json", "events/scalars.host-1-00.jsonl"])
def test_whatever_changes_in_place_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    paths = a_task(store)
    monkeypatch.setattr(stored, "_RACY_NS", 0)
    before = manifest_of(store)
    facts = (paths.home / name).stat()
    with (paths.home / name).open("r+b") as stream:
        data = stream.read()
        stream.seek(0)
        stream.write(data.replace(b"a run", b"b run").replace(b"0.1", b"0.2").replace(b"loss", b"lost"))
    os.utime(paths.home / name, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert manifest_of(store) != before


def test_a_move_a_new_file_and_a_deletion_are_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = a_task(store)
    monkeypatch.setattr(stored, "_RACY_NS", 0)
    seen = {manifest_of(store)[paths.id]}
    paths = tasks.move(store, paths.id, "elsewhere")
    seen.add(manifest_of(store)[paths.id])
    report(paths, 1, "host-2-00")
    seen.add(manifest_of(store)[paths.id])
    (paths.home / "notes.txt").write_text("a note")
    seen.add(manifest_of(store)[paths.id])
    assert len(seen) == 4
    shutil.rmtree(paths.home)
    assert manifest_of(store) == {}


def test_what_was_written_just_now_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    a_task(store)
    monkeypatch.setattr(stored, "_RACY_NS", 10**18)
    manifest_of(store)
    reads: list[str] = []
    real = stored.own_state
    monkeypatch.setattr(stored, "own_state", lambda one, task_id: reads.append(task_id) or real(one, task_id))
    manifest_of(store)
    assert len(reads) == 1


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\xa0\x90", bytes(range(100))])
def test_a_damaged_cache_changes_nothing_but_speed(store: Store, data: bytes) -> None:
    a_task(store)
    first = manifest_of(store)
    store.paths.shared_manifest.write_bytes(data)
    assert manifest_of(store) == first
