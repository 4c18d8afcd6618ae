"""An exchange that is cut off at any call of the remote: a reader there finds all that is named, and it goes on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.merging import File, digest
from taskstore.share.remotes.memory import MemoryRemote
from taskstore.share.sync import manifest, tree
from taskstore.share.sync.outgoing import hashed
from taskstore.share.sync.plan import Way
from taskstore.store import places, tasks, trash
from taskstore.store.store import Store, init

from .worlds import Cut, Watched, a_task, contents, exchange, remote, report


def told_files(there: MemoryRemote) -> dict[str, File]:
    """Return the files that a reader is told of by the remote's manifest; whatever is missing fails."""
    if tree.MANIFEST not in there.files:
        return {}
    found = {}
    for task_id, entry in manifest.decode(there.files[tree.MANIFEST], "there").tasks.items():
        name = tree.state_name(task_id, entry.digest)
        one = tree.decode_state_file(there.files[name], Path(name))
        assert digest(one.state) == entry.digest
        found |= {f"{tree.folder(one.state)}/{each}": file for each, file in one.files.items()}
    return found


def check_reader(there: MemoryRemote, written: str = "") -> None:
    """Look as somebody would who reads by the manifest, and as one who takes the tree for a store."""
    for name, file in told_files(there).items():
        data = there.files[name]
        assert len(data) >= file.size, name
        is_record = name.rpartition("/")[2] in {*tree.RECORDS, *tree.UNHASHED}
        if file.hash and not is_record:  # records are read from the state
            assert hashed(data[: file.size]).hash == file.hash, name
    for name in there.files:
        if name.endswith("/task.json"):
            folder = name.removesuffix("task.json")
            assert f"{folder}params.json" in there.files
            assert f"{folder}files/artifacts/weights/weights.bin" in there.files
            assert any(each.startswith(f"{folder}events/") for each in there.files)


@pytest.fixture
def two(store: Store) -> list[str]:
    return [a_task(store, f"run {number}", f"project {number}").id for number in range(2)]


def changed(store: Store, two: list[str]) -> None:
    """Change both tasks: one is moved, one is edited and has more lines in its log."""
    tasks.move(store, two[0], "elsewhere")
    tasks.edit(store, two[1], lambda record: setattr(record, "name", "another name"))
    report(places.locate(store, two[1]), 5)


def count_calls(store: Store, there: MemoryRemote) -> int:
    watched = Watched(there)
    exchange(store, watched, Way.PUSH)
    return len(watched.calls)


@pytest.mark.parametrize("way", [Way.PUSH, Way.SYNC])
def test_a_push_that_is_cut_anywhere_is_gone_on_with(store: Store, two: list[str], way: Way) -> None:
    whole = remote()
    calls = count_calls(store, whole)
    assert calls > 20
    for cut_at in range(calls):
        there = remote()
        first = Watched(there, cut_at)
        first.after_write = partial(check_reader, there)
        with pytest.raises(RemoteError):
            exchange(store, first, way)
        again = Watched(there)
        again.after_write = first.after_write
        exchange(store, again, way)
        assert same(there, whole)
        assert {name for _, name in {*first.done} & {*again.calls}} <= {tree.MANIFEST}, cut_at
        quiet = Watched(there)
        exchange(store, quiet, way)
        assert quiet.calls == [("read", tree.MANIFEST)]


def same(one: MemoryRemote, other: MemoryRemote) -> bool:
    """Tell whether two remotes hold the same, but for the ids that they were made with."""
    left, right = (
        {name: data for name, data in each.files.items() if name != "taskstore.json"} for each in (one, other)
    )
    return left == right


def test_changes_that_are_cut_anywhere_leave_what_was_there_to_be_read(store: Store, two: list[str]) -> None:
    before = remote()
    exchange(store, before, Way.PUSH)
    changed(store, two)
    whole = copy(before)
    calls = count_calls(store, whole)
    check_reader(whole)
    for cut_at in range(calls):
        there = copy(before)
        first = Watched(there, cut_at)
        first.after_write = partial(check_reader, there)
        with pytest.raises(RemoteError):
            exchange(store, first, Way.PUSH)
        check_reader(there)
        exchange(store, there, Way.PUSH)
        assert same(there, whole), cut_at


def copy(there: MemoryRemote) -> MemoryRemote:
    made = remote()
    made.files.update(there.files)
    return made


def test_a_deletion_that_is_cut_anywhere_is_gone_on_with(store: Store, two: list[str]) -> None:
    before = remote()
    exchange(store, before, Way.PUSH)
    trash.put(store, two[0])
    whole = copy(before)
    calls = count_calls(store, whole)
    assert not any(name.startswith("projects/project 0/") for name in whole.files)
    for cut_at in range(calls):
        there = copy(before)
        with pytest.raises(RemoteError):
            exchange(store, Watched(there, cut_at), Way.PUSH)
        told_files(there)
        exchange(store, there, Way.PUSH)
        assert same(there, whole), cut_at


def test_a_pull_that_is_cut_anywhere_is_gone_on_with(store: Store, two: list[str], tmp_path: Path) -> None:
    there = remote()
    exchange(store, there, Way.PUSH)
    whole = init(tmp_path / "whole", clock=store.clock)
    watched = Watched(there)
    exchange(whole, watched, Way.PULL)
    calls = len(watched.calls)
    assert calls == 1 + 2 * (1 + 5)
    for cut_at in range(calls):
        part = init(tmp_path / f"cut at {cut_at}", clock=store.clock)
        first = Watched(there, cut_at)
        with pytest.raises(Cut):
            exchange(part, first, Way.PULL)
        again = Watched(there)
        exchange(part, again, Way.PULL)
        assert contents(part) == contents(whole)
        assert not any(name.startswith("projects/") for _, name in {*first.done} & {*again.calls}), cut_at
        assert not part.paths.transfers("").exists() or not any(part.paths.transfers("").iterdir())
