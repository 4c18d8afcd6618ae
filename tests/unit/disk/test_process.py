import os
import subprocess
import sys
import time

import msgspec
import pytest

from taskstore.disk import process
from taskstore.disk.process import (
    ProcessIdentity,
    identity,
    is_gone,
    is_here,
    is_owner_gone,
    owner_tag,
    start_of,
    started_at,
)


@pytest.fixture
def child():
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.wait()
    started.stdin.close()


def test_a_process_describes_itself() -> None:
    here = identity()
    assert here.pid == os.getpid()
    assert here.start is not None
    assert here == identity()
    assert is_here(here)
    assert is_gone(here) is False


def test_an_identity_survives_a_file() -> None:
    assert msgspec.json.decode(msgspec.json.encode(identity()), type=ProcessIdentity) == identity()


def test_a_process_is_gone_once_it_has_ended_even_before_its_parent_has_noticed(child) -> None:
    other = identity(child.pid)
    assert other != identity()
    assert is_gone(other) is False
    child.kill()
    if os.name == "posix":
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still a zombie
        assert is_gone(other)
    child.wait()
    assert is_gone(other)
    assert start_of(child.pid) is None


def test_a_pid_that_was_given_to_another_process_is_not_the_old_one(child) -> None:
    other = identity(child.pid)
    assert is_gone(msgspec.structs.replace(other, start=other.start + 1))


def test_a_pid_of_another_namespace_says_nothing() -> None:
    assert is_gone(msgspec.structs.replace(identity(), pid_space="elsewhere")) is None


def test_another_boot_is_another_place_even_under_the_same_name() -> None:
    assert not is_here(msgspec.structs.replace(identity(), boot_id="another"))


def test_where_no_boot_is_told_the_host_decides(monkeypatch) -> None:
    monkeypatch.setattr(process, "boot_id", lambda: "")
    assert is_here(msgspec.structs.replace(identity(), boot_id=""))
    assert not is_here(msgspec.structs.replace(identity(), boot_id="", host="another"))


def test_the_owner_of_a_file_is_known_by_its_tag(child) -> None:
    tag = f"{owner_tag().partition('-')[0]}-{child.pid}"
    now = time.time()
    assert is_owner_gone(owner_tag(), now) is False
    assert is_owner_gone(tag, now) is False
    assert is_owner_gone(tag, now - 3600)  # the pid is a later process's
    child.kill()
    child.wait()
    assert is_owner_gone(tag, now)
    assert is_owner_gone(f"00000000-{child.pid}", now) is None


def test_this_process_started_before_now_and_after_its_parent() -> None:
    script = "from taskstore.disk.process import started_at; print(started_at())"
    before = time.time()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert before - 0.1 <= float(done.stdout) <= time.time()
    assert started_at() < before
