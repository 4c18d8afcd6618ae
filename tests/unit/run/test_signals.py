from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.disk.beacon import BEACON_BYTES, ended_by_signal
from taskstore.run.signals import SIGNALS, Signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def beacon(tmp_path: Path) -> Path:
    path = tmp_path / ".alive"
    path.write_bytes(b" " * (BEACON_BYTES - 1) + b"\n")
    return path


PROGRAM = """
import ctypes, os, signal, sys, threading, time
from pathlib import Path
from taskstore.run.signals import Signals
signals = Signals(Path(sys.argv[1])).marked()
signals.__enter__()
def stand_here():
    print("ready", flush=True)
    {what}
stand_here()
"""
"""What marks as a run does, and then gets a signal."""


def _dies(beacon: Path, what: str, number: int, *, times: int = 1, program: str = PROGRAM) -> tuple[str, str] | None:
    words = [sys.executable, "-c", program.format(what=what), str(beacon)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for _ in range(times):
            os.kill(process.pid, number)
        assert process.wait(20) == -number
    return ended_by_signal(beacon)


@pytest.mark.parametrize(
    "what",
    [
        "time.sleep(60)",
        "sum(range(10**12))",  # C that lets no Python run
        "ctypes.CDLL(None).sleep(60)",
        "threading.Event().wait()",
        "exec('while True: pass')",
    ],
)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_dies_at_once_wherever_it_is_and_its_mark_says_of_what_and_where(
    beacon: Path, what: str, number: signal.Signals
) -> None:
    found = _dies(beacon, what, number)
    assert found is not None
    assert found[0] == number.name
    assert "in stand_here" in found[1]
    assert beacon.read_bytes()[:BEACON_BYTES] == b" " * (BEACON_BYTES - 1) + b"\n"


@pytest.mark.parametrize("what", ["time.sleep(60)", "exec('while True: pass')"])
def test_a_signal_that_is_sent_again_at_once_leaves_its_mark_all_the_same(beacon: Path, what: str) -> None:
    found = _dies(beacon, what, signal.SIGTERM, times=3)
    assert found is not None
    assert found[1].count("most recent call first") == 1


def test_a_forked_child_that_dies_of_a_signal_leaves_no_mark(beacon: Path) -> None:
    with Signals(beacon).marked():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert ended_by_signal(beacon) is None


def test_a_killed_process_leaves_no_mark(beacon: Path) -> None:
    assert _dies(beacon, "time.sleep(60)", signal.SIGKILL) is None


def test_whoever_asks_is_told_that_nobody_handles_the_signal(beacon: Path) -> None:
    with Signals(beacon).marked():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_the_program_decides_alone(beacon: Path) -> None:
    heard: list[int] = []
    with Signals(beacon).marked():
        assert signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number)) is signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended_by_signal(beacon) is None
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_after_a_handler_is_taken_back_the_end_is_marked_again(beacon: Path) -> None:
    # Before it says that it is ready: a signal in the very instant of the change dies without a mark.
    back = "signals.__enter__()\nsignal.signal(signal.SIGTERM, signal.signal(signal.SIGTERM, print))\n"
    found = _dies(beacon, "time.sleep(60)", signal.SIGTERM, program=PROGRAM.replace("signals.__enter__()\n", back))
    assert found is not None
    assert found[0] == "SIGTERM"


def test_what_the_program_handles_or_ignores_already_is_left_to_it(beacon: Path) -> None:
    def own(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Signals(beacon).marked():
        assert signal.getsignal(signal.SIGTERM) is own
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) is own
    assert ended_by_signal(beacon) is None


def _descriptors() -> list[Path]:
    folder = Path("/proc/self/fd")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_everything_is_undone(beacon: Path) -> None:
    before = signal.signal, _descriptors()
    with Signals(beacon).marked():
        assert signal.signal is not before[0]
    assert (signal.signal, _descriptors()) == before


def test_other_signals_and_bad_arguments_are_as_ever(beacon: Path) -> None:
    with Signals(beacon).marked():
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert signal.signal(signalnum=signal.SIGUSR1, handler=before) is signal.SIG_IGN
        with pytest.raises(ValueError, match="out of range"):
            signal.signal(10_000, signal.SIG_DFL)
        with pytest.raises(TypeError) as raised:
            signal.signal(signal.SIGTERM, "no handler")  # type: ignore[arg-type]  # the program's mistake
        assert [entry.frame.code.path for entry in pytest.ExceptionInfo.from_exception(raised.value).traceback][1:] == [
            Path(signal.__file__)
        ]
        with pytest.raises(TypeError):
            signal.signal([], signal.SIG_DFL)  # type: ignore[arg-type]  # the program's mistake
    assert ended_by_signal(beacon) is None


def test_begun_off_the_main_thread_the_end_is_marked_too(beacon: Path) -> None:
    begun = PROGRAM.replace(
        "signals.__enter__()", "t = threading.Thread(target=signals.__enter__); t.start(); t.join()"
    )
    assert begun != PROGRAM
    found = _dies(beacon, "time.sleep(60)", signal.SIGTERM, program=begun)
    assert found is not None
    assert found[0] == "SIGTERM"


@pytest.mark.parametrize("text", [b"", b"\0", b"\0\0\0Stack", b"\0" * 70_000])
def test_what_is_no_mark_is_none(beacon: Path, text: bytes) -> None:
    with beacon.open("ab") as stream:
        stream.write(text)
    assert ended_by_signal(beacon) is None
