import os
import subprocess
import sys
import threading
from datetime import datetime, timezone

import pytest

from taskstore.core import ids
from taskstore.core.ids import is_id, new_id, time_of

NOON_NS = 1_767_268_800_000_000_000  # 2026-01-01T12:00:00Z


@pytest.fixture(autouse=True)
def _as_if_no_id_had_been_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last_ns", 0)


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id(NOON_NS)
    assert is_id(made)
    assert made[12] == "7"
    assert made[16] in "89ab"


def test_an_id_tells_its_millisecond() -> None:
    assert time_of(new_id(NOON_NS)) == datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "clock",
    [lambda i: NOON_NS, lambda i: NOON_NS - i, lambda i: NOON_NS + i * 100],
    ids=["stands still", "runs back", "runs on"],
)
def test_ids_of_one_process_increase_whatever_the_clock_does(clock) -> None:
    made = [new_id(clock(step)) for step in range(5000)]
    assert made == sorted(set(made))


def test_ids_of_many_threads_never_meet() -> None:
    made: list[list[str]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=lambda out=out: out.extend(new_id() for _ in range(500))) for out in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for out in made for each in out}) == 4000
    assert all(out == sorted(out) for out in made)


def test_later_clocks_make_greater_ids_in_other_processes_too() -> None:
    code = f"from taskstore.core.ids import new_id; print(new_id({NOON_NS + 1_000_000}))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert new_id(NOON_NS) < other


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_make_ids_while_its_parent_was_making_one() -> None:
    with ids._lock:  # as if another thread were in new_id at the moment of the fork
        pid = os.fork()
        if pid == 0:
            os._exit(0 if is_id(new_id()) else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 32 + "\n", "٠" * 32, "../" + "a" * 29]
)
def test_what_is_not_32_lower_case_hex_digits_is_no_id(text: str) -> None:
    assert not is_id(text)
