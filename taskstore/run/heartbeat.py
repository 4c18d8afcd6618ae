"""The thread that shows that a run is alive, and takes its logs to the disk meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from ..disk.atomic import sync_folder
from ..disk.beacon import HEARTBEAT_S


class Heartbeat:
    """Calls `beat` every `HEARTBEAT_S` seconds on a thread of its own, from `start` to `stop`, except while paused."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._mutex = threading.RLock()  # a signal's handler may come in between
        self._pauses = 0
        self._is_over = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        with self._mutex:
            self._launch(())

    def pause(self, timeout_s: float) -> None:
        """Stop the thread until `resume` has been called as often, and wait for it, but not for ever."""
        with self._mutex:
            self._pauses += 1
            self._halt(timeout_s)

    def resume(self, *soon: Callable[[], None]) -> None:
        """Start the thread again, which calls `soon` at its first beat or its end, long after what follows a fork."""
        with self._mutex:
            self._pauses = max(0, self._pauses - 1)
            self._launch(soon)

    def stop(self, timeout_s: float) -> None:
        """Stop the thread for good, and wait for it, but not for ever: the disk may hang."""
        with self._mutex:
            self._is_over = True
            self._halt(timeout_s)

    def _launch(self, soon: tuple[Callable[[], None], ...]) -> None:
        if self._is_over or self._pauses:
            for call in soon:
                call()
            return
        self._stopped = stopped = threading.Event()  # a new one: a thread that did not stop in time stops all the same
        thread = threading.Thread(target=self._run, args=(stopped, soon), name="taskstore-heartbeat", daemon=True)
        thread.start()
        self._thread = thread

    def _halt(self, timeout_s: float) -> None:
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self, stopped: threading.Event, soon: tuple[Callable[[], None], ...]) -> None:
        is_stopped = stopped.wait(HEARTBEAT_S)
        for call in soon:
            call()
        while not is_stopped:
            self._beat()
            is_stopped = stopped.wait(HEARTBEAT_S)


class LogSync:
    """Takes to the disk what a task's other processes on this host append to their logs."""

    def __init__(self) -> None:
        self._synced: dict[str, int] = {}

    def __call__(self, folder: Path) -> None:
        """Sync the logs in `folder` that have grown since the last call. Raises OSError."""
        try:
            with os.scandir(folder) as entries:
                grown = {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
        except FileNotFoundError:
            return  # nothing is logged yet, or the task has just been moved
        for name, size_bytes in grown.items():
            if self._synced.get(name, 0) != size_bytes:
                _sync(folder / name)
                self._synced[name] = size_bytes


class FileSync:
    """Takes one file to the disk that is replaced now and then without waiting for that."""

    def __init__(self) -> None:
        self._synced: tuple[int, int] | None = None

    def __call__(self, path: Path) -> None:
        """Sync the file, and its name, where it is another than at the last call. Raises OSError."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return
        seen = (found.st_ino, found.st_mtime_ns)
        if self._synced != seen:
            _sync(path)
            sync_folder(path.parent)
            self._synced = seen


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
