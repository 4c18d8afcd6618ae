import errno
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from taskstore.core.ids import new_id
from taskstore.disk import atomic
from taskstore.disk.atomic import (
    chunks_of,
    is_abandoned,
    is_temporary,
    make_folders,
    replace_record,
    sha256_of,
    staging_beside,
    sync_folder,
    temporary_beside,
    write_all,
    write_blob,
)
from taskstore.disk.layout import PURGE_PREFIX


class DiskFull:
    """`os.write` of a disk that holds so many bytes more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.room <= 0 and data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = self.write(descriptor, bytes(data[: self.room]))
        self.room -= count
        return count


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "task.json"
    path.write_bytes(b"old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("is_durable", [True, False])
def test_a_record_is_replaced_whole_and_leaves_nothing_beside_it(record: Path, is_durable: bool) -> None:
    replace_record(record, b"new and longer", is_durable=is_durable)
    assert record.read_bytes() == b"new and longer"
    assert names(record.parent) == ["task.json"]


@pytest.mark.parametrize("room", range(4))
def test_a_full_disk_leaves_the_record_as_it_was(record: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", DiskFull(room))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        replace_record(record, b"newer")
    assert record.read_bytes() == b"old"
    assert names(record.parent) == ["task.json"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_step_leaves_the_record_as_it_was(record: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="injected"):
        replace_record(record, b"new")
    assert record.read_bytes() == b"old"
    assert names(record.parent) == ["task.json"]


def test_an_interrupt_between_write_and_rename_leaves_no_litter(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_record(record, b"new")
    assert names(record.parent) == ["task.json"]


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_return(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b))[1])
    replace_record(record, b"new")
    assert calls == ["fsync", "replace", "fsync"]


def test_a_folder_renamed_right_after_the_change_does_not_make_it_look_undone(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A caller that sees FileNotFoundError takes the change for not made and makes it again.
    replace = os.replace

    def then_the_project_is_renamed(source: Path, target: Path) -> None:
        replace(source, target)
        record.parent.rename(record.parent.with_name("renamed"))

    monkeypatch.setattr(os, "replace", then_the_project_is_renamed)
    replace_record(record, b"new")
    assert (record.parent.with_name("renamed") / "task.json").read_bytes() == b"new"


def test_a_record_in_a_folder_that_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_record(tmp_path / "gone" / "task.json", b"x")
    assert not (tmp_path / "gone").exists()


def test_a_reader_sees_the_old_whole_or_the_new_whole(record: Path) -> None:
    versions = [bytes([65 + index]) * 20_000 for index in range(4)]
    replace_record(record, versions[0])
    torn, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            data = record.read_bytes()
            if data not in versions:
                torn.append(data[:10])

    reader = threading.Thread(target=read)
    reader.start()
    for index in range(200):
        replace_record(record, versions[index % 4], is_durable=False)
    done.set()
    reader.join()
    assert not torn


def test_a_blob_is_hashed_and_measured_as_it_is_written(tmp_path: Path) -> None:
    chunks = [b"a" * 1000, b"", b"b" * 3]
    digest, size_bytes = write_blob(tmp_path / "blob", chunks)
    assert (digest, size_bytes) == (hashlib.sha256(b"".join(chunks)).hexdigest(), 1003)
    assert sha256_of(tmp_path / "blob") == digest
    assert b"".join(chunks_of(tmp_path / "blob")) == b"".join(chunks)


def test_a_blob_whose_source_breaks_does_not_appear(tmp_path: Path) -> None:
    def broken():
        yield b"some"
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="source broke"):
        write_blob(tmp_path / "blob", broken())
    assert names(tmp_path) == []


def test_a_short_write_is_carried_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    with (tmp_path / "file").open("wb") as stream:
        write_all(stream.fileno(), b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_write_that_writes_nothing_is_an_error_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda fd, data: 0)
    with (tmp_path / "file").open("wb") as stream, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_all(stream.fileno(), b"x")


@pytest.mark.parametrize("name", ["task.json", "x" * 250, ".lock", "é" * 80])
def test_a_temporary_stands_beside_its_target_and_is_recognised(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    temporary = temporary_beside(target)
    assert temporary.parent == target.parent
    assert temporary != temporary_beside(target)
    assert is_temporary(temporary.name)
    assert not is_temporary(name)
    temporary.touch()  # the name is one that the filesystem takes


def test_a_folder_being_built_or_removed_is_recognised(tmp_path: Path) -> None:
    for path in (staging_beside(tmp_path / new_id()), staging_beside(tmp_path / "My Project", PURGE_PREFIX)):
        assert path.parent == tmp_path
        assert is_temporary(path.name)
        path.mkdir()
        assert not is_abandoned(path, time.time())


def test_a_temporary_of_a_process_that_is_gone_is_abandoned_at_once(tmp_path: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writes, os.fsencode(temporary_beside(tmp_path / "task.json")))
        os._exit(0)
    os.waitpid(pid, 0)
    path = Path(os.fsdecode(os.read(reads, 4096)))
    os.close(reads)
    os.close(writes)
    assert not is_abandoned(path, time.time())  # it is not there
    path.touch()
    assert is_abandoned(path, time.time())


def test_a_temporary_of_nobody_known_is_abandoned_after_an_hour(tmp_path: Path) -> None:
    path = tmp_path / ".task.json.00000000-1-abcdef.tmp"
    path.touch()
    assert not is_abandoned(path, time.time() + 3500)
    assert is_abandoned(path, time.time() + 3700)


def test_missing_folders_are_made_and_those_of_others_are_welcome(tmp_path: Path, monkeypatch) -> None:
    make_folders(tmp_path / "a" / "b", until=tmp_path)
    assert (tmp_path / "a" / "b").is_dir()
    make_folders(tmp_path / "a" / "b", until=tmp_path)
    monkeypatch.setattr(Path, "is_dir", lambda _: False)  # as if another made them after the look
    make_folders(tmp_path / "a" / "b", until=tmp_path)


def test_a_folder_that_cannot_be_synced_is_no_error_and_a_failing_disk_is(tmp_path: Path, monkeypatch) -> None:
    def fails_with(number: int):
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        return fsync

    for number in (errno.EINVAL, errno.ENOTSUP):
        monkeypatch.setattr(atomic.os, "fsync", fails_with(number))
        sync_folder(tmp_path)
    monkeypatch.setattr(atomic.os, "fsync", fails_with(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        sync_folder(tmp_path)


def test_a_folder_that_has_gone_needs_no_sync(tmp_path: Path) -> None:
    sync_folder(tmp_path / "gone")
