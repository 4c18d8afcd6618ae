"""The cache of what was fetched: bounded, the least recently used goes, and nobody loses what is in use."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.disk.atomic import staging_beside
from taskstore.store import fetched
from taskstore.store.store import Store, open_at

_KIB = 1 << 10


@pytest.fixture(autouse=True)
def _bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TASKSTORE_CACHE__FETCHED_MIB", str(3 / 1024))  # three of what is put below
    yield
    fetched._own.clear()


def put(store: Store, digest: str, size: int = _KIB, name: str = "file") -> Path:
    staging = fetched.aside(store, digest)
    staging.write_bytes(digest[:1].encode() * size)
    target = fetched.put(store, digest, name, staging)
    fetched.make_room(store, keep=target.parent)
    return target


def there(store: Store) -> list[str]:
    return sorted(path.name for path in store.paths.fetched("x").parent.iterdir() if path.name != ".lock")


def test_beyond_the_bound_the_least_recently_used_goes(store: Store, clock: FixedClock) -> None:
    for digest in "abc":
        put(store, digest)
        clock.advance(1)
    assert there(store) == ["a", "b", "c"]
    assert fetched.find(store, "a", "file") is not None
    clock.advance(1)
    put(store, "d")
    assert there(store) == ["a", "c", "d"]
    assert fetched.find(store, "b", "file") is None


def test_what_is_larger_than_the_bound_stays_alone(store: Store, clock: FixedClock) -> None:
    put(store, "a")
    clock.advance(1)
    path = put(store, "b", 10 * _KIB)
    assert there(store) == ["b"]
    assert path.stat().st_size == 10 * _KIB


def test_without_a_bound_all_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_CACHE__FETCHED_MIB", "0")
    for digest in "abcdef":
        put(store, digest)
    assert there(store) == [*"abcdef"]


def test_a_number_of_files_bounds_it_too(store: Store, clock: FixedClock) -> None:
    for digest in "abc":
        put(store, digest, 1)
        clock.advance(1)
    fetched.make_room(store, keep=store.paths.fetched("c"), max_files=2)
    assert there(store) == ["b", "c"]


def test_what_another_process_has_used_a_moment_ago_stays(store: Store, clock: FixedClock) -> None:
    for digest in "abc":
        put(store, digest)
        clock.advance(0.001)
    fetched._own.clear()  # as if another process had put them there
    clock.advance(fetched.GRACE_S - 1)
    put(store, "d")
    assert there(store) == ["a", "b", "c", "d"]
    clock.advance(2)
    put(store, "e")
    assert there(store) == ["c", "d", "e"]


def test_what_this_process_uses_beside_another_stays(store: Store, clock: FixedClock) -> None:
    put(store, "a")
    fetched._own.clear()  # as if another process had put it there
    clock.advance(1)
    assert fetched.find(store, "a", "file") is not None
    for digest in "bcd":
        clock.advance(1)
        put(store, digest)
    assert there(store) == ["a", "c", "d"]


def test_a_link_to_a_file_of_a_task_takes_no_room(store: Store, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"w" * 100 * _KIB)
    staging = fetched.aside(store, "a")
    os.link(tmp_path / "weights", staging)
    fetched.put(store, "a", "net.pt", staging)
    for digest in "bcd":
        put(store, digest)
    assert there(store) == ["a", "b", "c", "d"]


def test_what_a_killed_process_was_fetching_is_taken_away(store: Store) -> None:
    put(store, "a")
    mine = fetched.aside(store, "b")
    mine.write_bytes(b"being fetched")
    left = staging_beside(store.paths.fetched("b"))
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", "-4194305-"))
    left.write_bytes(b"half")
    put(store, "c")
    assert mine.exists()
    assert not left.exists()


def _read(root: Path, digests: str, start: object, answers: object) -> None:
    store = open_at(root)
    start.wait()  # type: ignore[attr-defined]  # a barrier
    wrong = []
    for number in range(60):
        digest = digests[number % len(digests)]
        path = fetched.find(store, digest, "file")
        if path is None:
            path = put(store, digest)
        try:
            if path.read_bytes() != digest.encode() * _KIB:
                wrong.append(f"{digest}: half")
        except OSError as error:
            wrong.append(f"{digest}: {error}")
    answers.put(wrong)  # type: ignore[attr-defined]  # a queue


def test_readers_of_several_processes_lose_nothing_that_they_were_handed(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(3), context.Queue()
    processes = [
        context.Process(target=_read, args=(store.root, digests, start, answers))
        for digests in ("abcdef", "cdefgh", "fedcba")
    ]
    for process in processes:
        process.start()
    assert [answers.get(timeout=120) for _ in processes] == [[], [], []]
    for process in processes:
        process.join()
    assert [name for name in there(store) if name.startswith(".")] == []
