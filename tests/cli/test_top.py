from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from rich.cells import cell_len
from taskstore_cli import top

from taskstore.board.listing import WatchedListing
from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.queues import queue
from taskstore.schema.record import TaskRecord
from taskstore.schema.worker import Running
from taskstore.store import tasks, workers
from taskstore.store.store import Store

from .conftest import Cli, Terminal, Workshop

SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def plain(text: str) -> str:
    return SEQUENCE.sub("", text)


def half(record: TaskRecord) -> None:
    record.runtime["progress"] = "50"


Run = Callable[..., str]


@pytest.fixture
def run(workshop: Workshop) -> Iterator[Run]:
    """Make tasks that run, as long as the test does."""
    with contextlib.ExitStack() as stack:

        def begin(name: str, *, edit: Callable[[TaskRecord], None] | None = None, metric: str = "loss/train") -> str:
            paths = workshop.task(name, status=Status.CREATED, scalars={metric: [0.5, 0.25]}, edit=edit)
            stack.callback(hold_beacon(paths.beacon, workshop.store.locks).release)
            tasks.transition(workshop.store, paths.id, Status.IN_PROGRESS)
            return paths.id

        yield begin


@pytest.fixture
def busy(workshop: Workshop, run: Run) -> Store:
    """A store in which something runs, waits, works and has ended."""
    store = workshop.store
    workshop.task("failed one", status=Status.FAILED)
    running = run("runs now", edit=half)
    queue.enqueue(store, workshop.task("waits", status=Status.CREATED).id, "default")
    worker = workers.register(store, "gpu-box", ["default"], 2)
    worker.change(lambda record: record.running.append(Running(task=running, queue="default")))
    return store


def test_a_frame_has_what_runs_works_waits_and_has_ended(busy: Store, cli: Cli) -> None:
    done = cli("top", "--once")
    assert (done.code, done.err) == (0, "")
    text = done.out
    assert "1 running, 1 waiting, 1 worker" in text
    assert "q ends it" not in text
    assert re.search(r"\w+ +examples/runs now +█████░░░░░  50% +1 +\d.* +loss/train 0.25", text)
    assert re.search(r"gpu-box +working +default +1/2 +\w+ runs now", text)
    assert re.search(r"default +1 +0", text)
    assert re.search(r"examples/failed one +Failed ", text)
    assert cli("top").out.splitlines()[2:] == text.splitlines()[2:]


def test_json_is_one_object(busy: Store, cli: Cli) -> None:
    (shown,) = cli("top", "--json").objects
    assert [row["name"] for row in shown["running"]] == ["runs now"]
    assert shown["queues"] == [{"name": "default", "waiting": 1, "claimed": 0}]
    assert shown["workers"][0]["id"] == "gpu-box"
    assert [row["status"] for row in shown["ended"]] == ["failed"]


def test_an_empty_store_says_that_nothing_runs(cli: Cli) -> None:
    done = cli("top", "--once")
    assert done.code == 0
    assert "nothing runs" in done.out


def test_a_frame_fits_80_columns_and_no_name_controls_the_terminal(workshop: Workshop, run: Run, terminal: Cli) -> None:
    evil = "x\x1b[2J\x07\u202e" * 9

    def lengthen(record: TaskRecord) -> None:
        record.runtime["progress"] = evil

    run(evil, edit=lengthen, metric=f"{evil}/{evil}")
    workshop.task(evil, status=Status.FAILED)
    text = terminal("top", "--once").out
    for char in ("\x07", "\x1b[2J", "\u202e"):
        assert char not in text
    assert "x\\x1b[2J" in text
    assert max(map(cell_len, plain(text).splitlines())) <= 80


class Screen(Terminal):
    """A terminal of 80 columns and 24 lines, which tells what was drawn since it was last asked."""

    def frame(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return plain(text)


def watched(
    store: Store, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]
) -> list[str]:
    """Watch the store, with a step after each frame; the person leaves after the last. Return the frames."""
    screen = Screen()
    frames: list[str] = []

    def wait(seconds: float) -> bool:
        assert seconds == 2.0
        frames.append(screen.frame())
        steps[len(frames) - 1]()
        clock.advance(60)
        return len(frames) == len(steps)

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        patch.setenv("LINES", "24")
        top.watch(store, WatchedListing(store, monotonic=clock.monotonic), wait, 2.0)
    return frames


def test_the_screen_follows_what_happens_until_a_person_leaves(
    workshop: Workshop, run: Run, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = watched(
        workshop.store,
        clock,
        monkeypatch,
        lambda: run("comes later"),
        lambda: workshop.task("ends later", status=Status.FAILED),
        lambda: None,
    )
    assert "nothing runs" in frames[0]
    assert "q ends it" in frames[0]
    assert "comes later" in frames[1]
    assert "ends later" not in frames[1]
    assert re.search(r"ends later +Failed", frames[2])


def test_what_has_no_room_is_counted_and_the_frame_is_no_higher_than_the_screen(
    workshop: Workshop, run: Run, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        run(f"run {number}")
    workshop.task("ended")
    (shown,) = watched(workshop.store, clock, monkeypatch, lambda: None)
    lines = [line.rstrip() for line in shown.splitlines()]
    rows = [line for line in lines if re.search(r" run \d+ ", line)]
    (rest,) = (int(found[1]) for line in lines if (found := re.fullmatch(r"and (\d+) more", line)))
    assert len(rows) + rest == 40
    assert len(rows) > 5
    assert len(lines) == 24
    assert any("ended" in line and "Completed" in line for line in lines)


@pytest.mark.parametrize("argv", [["--interval", "0"], ["--interval", "x"], ["--interval", "0.05"]])
def test_an_interval_that_makes_no_sense_is_wrong_usage(argv: list[str], cli: Cli) -> None:
    assert cli("top", *argv).code == 2


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_be_redrawn_gets_one_frame(
    term: str, busy: Store, terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    text = terminal("top").out
    assert "runs now" in text
    assert "\x1b" not in text


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
@pytest.mark.parametrize(
    ("leave", "code"), [(b"q", 0), (b"\x03", 0), (signal.SIGTERM, 143)], ids=["q", "Ctrl-C", "SIGTERM"]
)
def test_who_leaves_finds_the_terminal_as_it_was(
    leave: bytes | signal.Signals, code: int, run: Run, program: list[str]
) -> None:
    import pty
    import termios

    run("runs now")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(program[0], [*program, "top", "-i", "60"], os.environ)  # noqa: S606 - the program itself
    before = termios.tcgetattr(terminal)
    seen = b""
    try:
        while b"runs now" not in seen:
            seen += _read(terminal)
        assert b"\x1b[?1049h" in seen
        if isinstance(leave, bytes):
            os.write(terminal, leave)
        else:
            os.kill(pid, leave)
        while b"\x1b[?1049l" not in seen:
            seen += _read(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
        pid = 0
        assert b"Traceback" not in seen
        assert termios.tcgetattr(terminal)[3] == before[3]
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)


def _read(terminal: int, timeout_s: float = 30) -> bytes:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            return os.read(terminal, 65536)
    raise AssertionError("nothing is drawn")
