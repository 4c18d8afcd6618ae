"""The command in a terminal of its own: it takes the whole screen, follows, and gives it back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from taskstore.core.states import Status
from taskstore.store.store import Store
from tests.cli.conftest import Workshop

if os.name != "posix":
    pytest.skip("pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import select
import struct
import termios

_PATIENCE_S = 60.0


class Session:
    """A process behind a pseudo-terminal of 80 columns and 24 lines."""

    def __init__(self, store: Store, *options: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            [sys.executable, "-m", "taskstore_cli.main", "--store", str(store.root), "tui", *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        self.seen = ""

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read what is drawn until it holds a text."""
        start, deadline = len(self.seen), time.monotonic() + _PATIENCE_S
        while text not in self.seen[start:]:
            assert time.monotonic() < deadline, f"{text!r} was not drawn: {self.seen[-2000:]!r}"
            self._read(0.2)

    def _read(self, timeout_s: float) -> None:
        if select.select([self._master], [], [], timeout_s)[0]:
            self.seen += os.read(self._master, 65536).decode("utf-8", "replace")

    def end(self) -> int:
        """Read on until the process has ended; return its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self._read(0.05)
        self._read(0)
        return self.process.returncode

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@contextmanager
def session(store: Store, *options: str) -> Iterator[Session]:
    opened = Session(store, *options)
    try:
        yield opened
    finally:
        opened.close()


def test_it_follows_a_store_and_gives_the_terminal_back(workshop: Workshop, store: Store) -> None:
    workshop.task("the first one", console=[("stdout", "printed by it")])
    with session(store) as terminal:
        terminal.wait_for("the first one")
        workshop.task("the second one", status=Status.CREATED)
        terminal.wait_for("the second one")
        terminal.press("\x1b[B\r")
        terminal.wait_for("examples")
        terminal.press("4")
        terminal.wait_for("printed by it")
        terminal.press("q")
        terminal.wait_for("the second one")
        terminal.press("q")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.seen
        assert terminal.settings() == terminal.before
        assert terminal.seen.count("\x1b[?1049h") == terminal.seen.count("\x1b[?1049l") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_gives_the_terminal_back(workshop: Workshop, store: Store, number: signal.Signals) -> None:
    workshop.task("the first one")
    with session(store) as terminal:
        terminal.wait_for("the first one")
        terminal.process.send_signal(number)
        assert terminal.end() == 0
        assert "Traceback" not in terminal.seen
        assert terminal.settings() == terminal.before
