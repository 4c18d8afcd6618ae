import errno
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from taskstore.disk.log import LogWriter, read_complete, writer_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events" / "scalars.w.jsonl"


def test_entries_are_readable_the_moment_that_append_returns(path: Path) -> None:
    writer = LogWriter(lambda: path)
    for index in range(3):
        writer.append(b"%d\n" % index)
        assert read_complete(path).splitlines()[-1] == b"%d" % index
    writer.close()


def test_no_file_is_made_before_the_first_entry(path: Path) -> None:
    writer = LogWriter(lambda: path)
    writer.sync()
    writer.close()
    assert not path.parent.exists()


def test_the_log_is_appended_to_after_it_was_closed(path: Path) -> None:
    writer = LogWriter(lambda: path)
    writer.append(b"one\n")
    writer.close()
    writer.append(b"two\n")
    writer.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_task_that_moves_takes_its_open_log_with_it(tmp_path: Path) -> None:
    home = [tmp_path / "here"]
    home[0].mkdir()
    writer = LogWriter(lambda: home[0] / "events" / "log")
    writer.append(b"one\n")
    home.insert(0, home[0].rename(tmp_path / "there"))
    writer.append(b"two\n")
    writer.close()
    writer.append(b"three\n")
    writer.close()
    assert (tmp_path / "there" / "events" / "log").read_bytes() == b"one\ntwo\nthree\n"
    assert not (tmp_path / "here").exists()


def test_a_log_does_not_bring_back_a_task_that_was_deleted(tmp_path: Path) -> None:
    writer = LogWriter(lambda: tmp_path / "gone" / "events" / "log")
    with pytest.raises(FileNotFoundError):
        writer.append(b"one\n")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(("data", "whole"), [(b"", b""), (b"to", b""), (b"a\nb\nto", b"a\nb\n"), (b"a\n", b"a\n")])
def test_a_torn_last_line_is_not_read(tmp_path: Path, data: bytes, whole: bytes) -> None:
    (tmp_path / "log").write_bytes(data)
    assert read_complete(tmp_path / "log") == whole


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\nth")
    assert read_complete(tmp_path / "log", 4) == b"two\n"
    assert read_complete(tmp_path / "log", 8) == b""
    assert read_complete(tmp_path / "log", 800) == b""


@pytest.mark.parametrize("room", range(1, 4))
def test_after_a_full_disk_the_next_entry_begins_on_a_line_of_its_own(path: Path, room: int, monkeypatch) -> None:
    writer = LogWriter(lambda: path)
    writer.append(b"one\n")
    write, left = os.write, [room]

    def nearly_full(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "full")
        count = write(descriptor, bytes(data[: left[0]]))
        left[0] -= count
        return count

    with monkeypatch.context() as full:
        full.setattr(os, "write", nearly_full)
        for _ in range(2):
            with pytest.raises(OSError, match="full"):
                writer.append(b"two\n")
    writer.append(b"three\n")
    writer.close()
    lines = path.read_bytes().splitlines()
    assert lines[0] == b"one"
    assert lines[-1] == b"three"
    assert b"two"[:room] in lines


def test_a_short_write_is_finished(path: Path, monkeypatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:2])))
    writer = LogWriter(lambda: path)
    writer.append(b"12345\n")
    writer.append(b"678\n")
    writer.close()
    assert path.read_bytes() == b"12345\n678\n"


def test_entries_of_many_threads_never_mix(path: Path) -> None:
    writer = LogWriter(lambda: path)
    writer.append(b"start\n")
    lines = [bytes([65 + index]) * 100 + b"\n" for index in range(8)]
    threads = [threading.Thread(target=lambda line=line: [writer.append(line) for _ in range(50)]) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(set(path.read_bytes().splitlines(keepends=True))) == [*lines, b"start\n"]
    assert len(path.read_bytes().splitlines()) == 401


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_what_append_returned_from_survives_sigkill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from taskstore.disk.log import LogWriter\n"
        "writer = LogWriter(lambda: Path(sys.argv[1]))\n"
        "for index in range(10_000): writer.append(b'%d\\n' % index)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "log")], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert read_complete(tmp_path / "log").splitlines() == [b"%d" % index for index in range(10_000)]


def test_sync_asks_the_disk_once_for_what_was_appended(path: Path, monkeypatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    writer = LogWriter(lambda: path)
    writer.append(b"x\n")
    writer.sync()
    writer.sync()
    assert len(synced) == 1
    os.write(writer.descriptor, b"y\n")
    writer.close()
    assert len(synced) == 2


def test_a_forked_child_gives_up_the_file_and_its_parent_keeps_it(path: Path) -> None:
    writer = LogWriter(lambda: path)
    writer.append(b"one\n")
    descriptor = writer.descriptor
    writer.abandon()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(descriptor)
    writer.abandon()


def test_writers_of_one_process_have_different_names_that_are_safe_in_a_file_name(monkeypatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "höst.local/../" + "x" * 100)
    one, other = writer_name(), writer_name()
    assert one != other
    assert re.fullmatch(r"[A-Za-z0-9-]{1,80}", one)
    assert f"-{os.getpid()}-" in one


@pytest.mark.skipif(os.name != "posix", reason="needs descriptors that a program may close")
def test_a_program_that_has_closed_its_stdout_does_not_print_into_the_log(tmp_path: Path) -> None:
    program = """
import os, pathlib, sys
from taskstore.disk.log import LogWriter
os.close(0), os.close(1)
log = LogWriter(lambda: pathlib.Path(sys.argv[1]) / "log.jsonl")
log.append(b"entry\\n")
os.write(1, b"lost")
"""
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=False, timeout=60)
    assert b"Bad file descriptor" in ended.stderr
    assert (tmp_path / "log.jsonl").read_bytes() == b"entry\n"
