"""What every benchmark here needs: fresh processes in a scratch folder, ratios taken within one run, one table."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Command = Sequence[str | Path]


@dataclass(frozen=True)
class Row:
    """One bar of the speed table: `ratio` is what `measured` is in units of the yardstick that `bar` names.

    `is_met` is None for what no bar was set for.
    """

    what: str
    measured: str
    bar: str
    is_met: bool | None
    ratio: float | None = None


@dataclass(frozen=True)
class Timing:
    """The seconds that one thing took, each time that it was done."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def least(self) -> float:
        return min(self.samples)

    def __str__(self) -> str:
        return f"{spelled(self.median)} (min {spelled(self.least)})"


@dataclass(frozen=True)
class Scratch:
    """A folder that goes away, and the environment in which children see it and nothing of the user's."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TASKSTORE_", "PYTHON", "GIT_"))}
        return kept | {
            "HOME": str(self.folder / "home"),
            "TASKSTORE_ROOT": str(self.store),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def script(self, name: str, source: str) -> Path:
        """Write a child's program, and return where it is."""
        path = self.folder / name
        path.write_text(source, encoding="utf-8")
        return path

    def run(self, command: Command, *, cwd: Path | None = None, expect: int = 0) -> str:
        """Run a command to its end and return its output; any other exit than `expect` is an error here."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != expect:
            raise RuntimeError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def answer(self, script: Path, *arguments: str | Path) -> list[Any]:
        """Run a child in a fresh process and return the JSON list that its last line of output is."""
        answer: list[Any] = json.loads(self.run([sys.executable, script, *arguments]).splitlines()[-1])
        return answer


@contextmanager
def scratch() -> Iterator[Scratch]:
    with tempfile.TemporaryDirectory(prefix="taskstore-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / "home").mkdir()
        yield Scratch(folder)


def time_processes(
    room: Scratch, commands: Mapping[str, Command], *, rounds: int, cwd: Path | None = None
) -> dict[str, Timing]:
    """Time whole processes, start to end: one of each a round, so that a slow moment of the machine hits all alike.

    One round before the first is not counted: it writes bytecode and warms the page cache.
    """
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            room.run(command, cwd=cwd)
            if turn:
                samples[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(taken)) for name, taken in samples.items()}


def ratio_row(what: str, timing: Timing, yardstick: Timing, *, at_most: float, unit: str) -> Row:
    """A row whose bar is a multiple of something measured in the same run."""
    ratio = timing.median / yardstick.median
    bar = f"<= {at_most:g} x {unit} of {spelled(yardstick.median)}"
    return Row(what, str(timing), bar, ratio <= at_most, ratio)


def seconds_row(what: str, timing: Timing, *, at_most: float) -> Row:
    """A row whose bar is a time."""
    return Row(what, str(timing), f"<= {spelled(at_most)}", timing.median <= at_most)


def count_row(what: str, count: int, wanted: int, *, note: str = "") -> Row:
    """A row whose bar is that all are there."""
    return Row(what, f"{count:,} of {wanted:,}{note}", f"{wanted:,} of {wanted:,}", count == wanted)


def spelled(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.2f} us"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def print_heading() -> None:
    print(_line("what", "measured", "bar", "ratio", ""))
    print(_line("-" * 44, "-" * 26, "-" * 32, "-" * 6, "-" * 6))


def print_row(row: Row) -> None:
    ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
    verdict = {None: "", True: "met", False: "MISSED"}[row.is_met]
    print(_line(row.what, row.measured, row.bar, ratio, verdict), flush=True)


def _line(what: str, measured: str, bar: str, ratio: str, verdict: str) -> str:
    return f"{what:44} {measured:26} {bar:32} {ratio:>6}  {verdict}".rstrip()


def main(*benchmarks: Callable[[], list[Row]]) -> None:
    """Run benchmarks and print their rows. With --strict on the command line a missed bar is exit code 1."""
    parser = argparse.ArgumentParser(description="Measure bars of the speed table.")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is missed")
    is_strict = parser.parse_args().strict
    print_heading()
    rows = []
    for benchmark in benchmarks:
        for row in benchmark():
            print_row(row)
            rows.append(row)
    barred = [row for row in rows if row.is_met is not None]
    missed = [row for row in barred if not row.is_met]
    print(f"\n{len(barred) - len(missed)} of {len(barred)} bars met")
    sys.exit(1 if missed and is_strict else 0)
