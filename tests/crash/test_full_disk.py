"""A disk that is full, or read-only: the call says so, and the store is as it was."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskstore.core.errors import ReadOnly, TaskstoreError
from taskstore.disk.beacon import is_alive
from taskstore.disk.log import LogWriter
from taskstore.store import doctor, places, query, store, tasks

from .crashing import DRAFT, NEW, RUNNING, Act, build, copy, fingerprint, in_child, open_again, state
from .test_crash import OPERATIONS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]
_MS_RDONLY, _MS_REMOUNT, _MS_NOSUID, _MS_NODEV = 1, 32, 2, 4


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whole") / "store").root


def _fills_up(capacity_bytes: int) -> None:
    """Let the disk take so many bytes more, in this process; for children only."""
    real_write, real_open, real_mkdir = os.write, os.open, os.mkdir
    room = capacity_bytes

    def full() -> OSError:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room <= 0:
            raise full()
        count = real_write(descriptor, bytes(data)[:room])
        room -= count
        return count

    def mkdir(*arguments: object, **named: object) -> None:
        nonlocal room
        if room <= 0:
            raise full()
        room -= 1  # a folder takes room too, and so does a new file's name
        real_mkdir(*arguments, **named)  # type: ignore[arg-type]

    def open_file(path: object, flags: int, *arguments: object, **named: object) -> int:
        nonlocal room
        if flags & os.O_CREAT and not os.path.lexists(path):  # type: ignore[arg-type]
            if room <= 0:
                raise full()
            room -= 1
        return real_open(path, flags, *arguments, **named)  # type: ignore[arg-type]

    os.write, os.mkdir, os.open = write, mkdir, open_file  # type: ignore[assignment]


def _run_short_of_room(act: Callable[[], object], capacity_bytes: int) -> str:
    """Run `act` in a child on a disk of so much room; return "done", or the name of the expected error's class."""

    def action(tell: Callable[[bytes], object]) -> None:
        _fills_up(capacity_bytes)
        try:
            act()
        except (OSError, TaskstoreError) as error:
            is_expected = getattr(error, "errno", errno.ENOSPC) == errno.ENOSPC
            tell(type(error).__name__.encode() if is_expected else repr(error).encode())
        else:
            tell(b"done")

    told, code = in_child(action)
    assert code == 0, told.decode()
    return told.decode()


WRITING = sorted(OPERATIONS.keys() - {"purge", "purge published", "append", "index", "refresh_summary"})


@pytest.mark.parametrize("name", WRITING)
def test_on_a_full_disk_an_operation_raises_and_the_store_is_as_it_was(name, built, tmp_path):
    work = tmp_path / "store"
    before = state(open_again(copy(built, work)))
    clock = open_again(work).clock
    act = OPERATIONS[name]
    told = ""
    room = 0
    while told != "done":
        copy(built, work)
        told = _run_short_of_room(lambda: act(store.open_at(work, clock=clock)), room)
        if told != "done":
            assert told in ("OSError", "ReadOnly", "Busy"), room
            opened = open_again(work)
            query.find(opened)
            left = [finding for finding in doctor.repair(opened) if not finding.is_repaired]
            assert left == [], room
            assert state(opened) == before, room
        room = room + 1 if room < 4 else room * 2 if room < 64 else room + 613
        assert room < 100_000


def test_a_listing_does_without_its_index_on_a_full_disk(built, tmp_path):
    work = copy(built, tmp_path / "store")
    assert _run_short_of_room(lambda: OPERATIONS["index"](open_again(work)), 0) == "done"
    assert state(open_again(work)) == state(open_again(built))


def test_a_log_that_was_torn_by_a_full_disk_goes_on_in_a_new_line(built, tmp_path):
    work = copy(built, tmp_path / "store")
    folder = places.locate(open_again(work), RUNNING).events
    log = folder / "scalars.h-1-00000000.jsonl"
    line = b'{"timestamp":1,"iter":%d,"metric":"a","variant":"b","value":1}\n'

    def action(tell: Callable[[bytes], object]) -> None:
        real_write = os.write
        writer = LogWriter(lambda: log)
        writer.append(line % 1)
        _fills_up(10)
        try:
            writer.append(line % 2)
        except OSError as error:
            tell(errno.errorcode[error.errno or 0].encode())
        os.write = real_write
        writer.append(line % 3)

    assert in_child(action) == (b"ENOSPC", 0)
    assert log.read_bytes() == line % 1 + (line % 2)[:10] + b"\n" + line % 3


def _mount(target: Path, kind: str, flags: int, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(target), kind.encode(), flags, options.encode()):
        raise OSError(ctypes.get_errno(), "mount")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where this user may mount one."""
    if sys.platform != "linux":
        pytest.skip("mounting a small tmpfs is Linux")
    target = tmp_path / "disk"
    target.mkdir()
    try:
        _mount(target, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m")
    except OSError as error:
        pytest.skip(f"this user may not mount a tmpfs: {os.strerror(error.errno or 0)}")
    yield target
    assert ctypes.CDLL(None).umount2(os.fsencode(target), 2) == 0


def test_on_a_really_full_disk_an_operation_raises_and_all_that_was_stays(small_disk):
    made = build(small_disk / "store")
    before = state(open_again(made.root))
    _exhaust(small_disk)
    for act in (
        OPERATIONS["edit"],
        OPERATIONS["edit_params"],
        OPERATIONS["create"],
        OPERATIONS["project create"],
        OPERATIONS["transition"],
        OPERATIONS["publish"],
    ):
        with pytest.raises((OSError, ReadOnly)):
            act(made)
    assert state(open_again(made.root)) == before
    (small_disk / "filler").unlink()
    tasks.edit(made, DRAFT, lambda record: record.tags.append("there is room again"))
    assert doctor.repair(made) == []


def _exhaust(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 16, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def test_a_store_on_a_read_only_mount_lists_and_says_that_it_cannot_be_written(small_disk):
    made = build(small_disk / "store")
    before = state(open_again(made.root))
    files = fingerprint(made.root)
    _mount(small_disk, "tmpfs", _MS_REMOUNT | _MS_RDONLY, "size=1m")
    opened = open_again(made.root)
    assert state(opened) == before
    assert doctor.check(opened) == []
    acts: list[Act] = [act for name, act in OPERATIONS.items() if name not in ("index", "append", "refresh_summary")]
    for act in acts:
        with pytest.raises(ReadOnly):
            act(opened)
    assert fingerprint(made.root) == files
    assert not is_alive(places.locate(opened, DRAFT).beacon, opened.locks)
    assert NEW not in state(opened)
