"""What a million refreshes of a progress bar, and a million plain lines, cost through the console capture.

    python benchmarks/console_progress.py [refreshes]

Prints the cost per write into /dev/null bare and captured, their ratio, and the size of the log. The bar's clock is set
so that a refresh comes every 0.1 s, as tqdm's do, besides the one with the machine's own clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from taskstore.capture.base import Found, Stream
from taskstore.capture.console import capture
from taskstore.core.clock import SYSTEM, Clock, FixedClock, to_text


class LogSink:
    """The container-log line format, one write(2) an entry."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        line = f"{to_text(SYSTEM.now())} {stream} {'F' if is_whole else 'P'} {text}\n"
        os.write(self._descriptor, line.encode("utf-8", "backslashreplace"))

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        return {}

    def note(self, capture: str, message: str) -> None:
        pass


class SteppingClock(FixedClock):
    """Moves on by a tenth of a second whenever it is read."""

    def monotonic(self) -> float:
        self.advance(0.1)
        return super().monotonic()


@contextmanager
def stderr_to_null() -> Iterator[TextIO]:
    before = sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as null:
        sys.stderr = null
        try:
            yield null
        finally:
            sys.stderr = before


def tqdm_writes(count: int) -> None:
    write = sys.stderr.write
    for n in range(count):
        write(f"\rtrain: {n * 100 // count:3}%|{'█' * (n * 40 // count):40}| {n:7}/{count} [01:02<03:04, 512.3it/s]")
    write("\n")


def nested_writes(count: int) -> None:
    for n in range(count // 4):
        sys.stderr.write(f"\router: {n * 100 // count:3}%|{'█' * (n * 40 // count):40}| {n:7}/{count}")
        sys.stderr.write("\n")
        sys.stderr.write(f"\rinner: {n % 100:3}%|{'█' * (n % 40):40}| {n % 100:7}/100")
        sys.stderr.write("\x1b[A")


def line_writes(count: int) -> None:
    for n in range(count):
        sys.stderr.write(f"step {n} of {count}: loss 0.123456, accuracy 0.98765\n")


def print_calls(count: int) -> None:
    for n in range(count):
        print("step", n, "loss 0.123456, accuracy 0.98765", file=sys.stderr)


def real_tqdm(count: int) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]  # it has no stubs here

    for _ in tqdm(range(count), desc="train", mininterval=0, miniters=1, ncols=100):
        pass


def seconds(work: Callable[[int], None], count: int) -> float:
    begin = time.process_time()
    work(count)
    return time.process_time() - begin


def measure(name: str, work: Callable[[int], None], count: int, clock: Clock = SYSTEM) -> None:
    with tempfile.TemporaryDirectory() as folder, stderr_to_null():
        log = Path(folder) / "console.log"
        bare = seconds(work, count)
        streams: tuple[Stream, ...] = ("stderr",)
        with capture(LogSink(log), clock=clock, streams=streams):
            captured = seconds(work, count)
        size, entries = log.stat().st_size, log.read_bytes().count(b"\n")
    each, each_bare = captured / count * 1e6, bare / count * 1e6
    print(
        f"{name:34} {count:9,} × bare {each_bare:6.2f} µs, captured {each:6.2f} µs ({captured / bare:4.1f} ×);"
        f" log {size:11,} bytes in {entries:9,} entries"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure("bar, as fast as it can", tqdm_writes, count)
    measure("bar, ten refreshes a second", tqdm_writes, count, SteppingClock())
    measure("nested bars, ten refreshes a second", nested_writes, count, SteppingClock())
    measure("tqdm itself, every step refreshed", real_tqdm, count // 10, SteppingClock())
    measure("plain lines, write", line_writes, count // 10)
    measure("plain lines, print of three", print_calls, count // 10)


if __name__ == "__main__":
    main()
