"""The cache of environments; these are folders with a file, which are built in no time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from taskstore.agent import shelf
from taskstore.agent.shelf import Builder, Complete, Shelf
from taskstore.core.errors import Refused, RemoteError


@pytest.fixture
def built() -> list[Path]:
    return []


@pytest.fixture
def builder(built: list[Path]) -> Builder:
    def build(folder: Path) -> Complete:
        folder.mkdir()
        (folder / "package").write_bytes(b"x" * 100)
        built.append(folder)
        return Complete(installed=["package==1.0"])

    return _of(build)


def _of(build: Callable[[Path], Complete]) -> Builder:
    def names(folder: Path) -> str:
        return " ".join(sorted(path.name for path in folder.iterdir() if path.name != "complete.json"))

    return Builder(build, names, lambda folder: (folder / "package").stat().st_size)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "environments"


@pytest.fixture
def cache(root: Path, told: list[str]) -> Shelf:
    return Shelf(root, limit_bytes=1e9, tell=told.append)


def folders(root: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in root.glob("*-*")}


def test_it_is_built_once_a_key(cache: Shelf, builder: Builder, built: list[Path]) -> None:
    with cache.held("one", builder) as held:
        first = held.folder
        assert held.complete.installed == ["package==1.0"]
    with cache.held("one", builder) as second, cache.held("two", builder) as other:
        assert (first, second.folder, other.folder) == (built[0], built[0], built[1])


def test_a_failed_build_leaves_nothing_and_is_tried_again(cache: Shelf, builder: Builder, root: Path) -> None:
    def fail(folder: Path) -> Complete:
        folder.mkdir()
        raise RemoteError("no answer")

    with pytest.raises(RemoteError, match="no answer"), cache.held("one", _of(fail)):
        pass
    assert folders(root) == set()
    with cache.held("one", builder):
        assert folders(root) == {"one"}


def test_what_a_crash_left_half_built_is_not_taken_for_whole(
    cache: Shelf, builder: Builder, root: Path, built: list[Path]
) -> None:
    half = root / "one-00000000"
    half.mkdir(parents=True)
    (half / "package").write_bytes(b"half")
    with cache.held("one", builder) as held:
        folder = held.folder
        assert folder == built[0] != half
    assert not half.exists()


@pytest.mark.parametrize("marker", [b"", b"{", b"[]"])
def test_a_marker_that_is_torn_is_none(cache: Shelf, builder: Builder, built: list[Path], marker: bytes) -> None:
    with cache.held("one", builder) as held:
        pass
    (held.folder / "complete.json").write_bytes(marker)
    with cache.held("one", builder) as held:
        folder = held.folder
        assert folder == built[1]


def test_a_changed_one_is_removed_with_a_word(
    cache: Shelf, builder: Builder, built: list[Path], told: list[str]
) -> None:
    with cache.held("one", builder) as held:
        folder = held.folder
        (folder / "another package").touch()
    with cache.held("one", builder) as held:
        folder = held.folder
        assert folder == built[1]
    assert not built[0].exists()
    assert told == [f"environment {built[0].name} was changed since it was built, and is removed"]


@pytest.mark.parametrize(("size", "is_kept"), [(100, True), (0, False)])
def test_after_the_machine_was_started_anew_files_that_did_not_reach_the_disk_are_missed(
    cache: Shelf, builder: Builder, built: list[Path], size: int, is_kept: bool
) -> None:
    with cache.held("one", builder) as held:
        folder = held.folder
    earlier = msgspec.structs.replace(held.complete, boot="an earlier start of the machine")
    (folder / "complete.json").write_bytes(msgspec.json.encode(earlier))
    (folder / "package").write_bytes(b"x" * size)
    with cache.held("one", builder) as second:
        assert (second.folder == folder) is is_kept
    with cache.held("one", builder) as third:
        assert third.folder == second.folder
        assert third.complete.boot == shelf.boot_id()


def test_the_longest_unused_go_first_until_the_rest_is_within_the_limit(
    root: Path, builder: Builder, told: list[str]
) -> None:
    cache = Shelf(root, limit_bytes=250, tell=told.append)
    for at, key in enumerate(["one", "two", "one", "three"]):
        with cache.held(key, builder) as held:
            folder = held.folder
            if key != "three":
                os.utime(folder / "complete.json", ns=(at, at))
    assert folders(root) == {"one", "three"}
    assert len(told) == 1
    assert told[0].startswith("removed environment two-")


def test_none_that_is_in_use_goes(root: Path, builder: Builder) -> None:
    cache = Shelf(root, limit_bytes=0, tell=print)
    with cache.held("one", builder), cache.held("two", builder):
        with cache.held("three", builder):
            pass
        assert folders(root) == {"one", "two", "three"}
    cache.clean()
    assert folders(root) == set()
    assert list((root / "held").iterdir()) == []


def test_a_folder_that_cannot_be_made_names_the_setting(root: Path, builder: Builder) -> None:
    root.write_text("a file")
    with (
        pytest.raises(Refused, match=r"setting agent\.environments"),
        Shelf(root, limit_bytes=0, tell=print).held("one", builder),
    ):
        pass


def test_of_two_who_want_the_same_at_once_one_builds_and_the_other_waits(root: Path, built: list[Path]) -> None:
    has_begun, may_end, waits = threading.Event(), threading.Event(), threading.Event()

    def build(folder: Path) -> Complete:
        folder.mkdir()
        (folder / "package").touch()
        built.append(folder)
        has_begun.set()
        assert may_end.wait(60)
        return Complete()

    def use(tell: Callable[[str], None]) -> None:
        with Shelf(root, limit_bytes=1e9, tell=tell).held("one", _of(build)) as held:
            folder = held.folder
            used.append(folder)

    used: list[Path] = []
    first = threading.Thread(target=use, args=(print,))
    second = threading.Thread(target=use, args=(lambda text: waits.set(),))
    first.start()
    assert has_begun.wait(60)
    second.start()
    assert waits.wait(60)
    assert used == []
    may_end.set()
    first.join()
    second.join()
    assert used == [built[0], built[0]]
    assert len(built) == 1
