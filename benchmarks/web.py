"""The table of tasks in a real Chromium: its first rows, a filter and a sort of 10,000 tasks, what the server costs.

Without Playwright (`make dev-environment` installs it) or a Chromium on the PATH there is one row that says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import _harness as harness
import _stores
import psutil

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FEW, MANY = 1_000, 10_000
STARTS, ROUNDS = 5, 9
IDLE_S = 60.0
MIB = 1 << 20
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
_FILTERS = (
    "Args/lr < 0.0{} and metric0/train < 0.5",
    "name ~ '{}$' and tag = tag{}",
    "parameter3 > {} and status = failed",
)
_SORTS = ("name", "-duration", "param:Args/parameter{}", "-metric:metric{}/train.min", "status")

# From a click until the grid shows other rows, as the page itself sees it.
SORTED = """\
(column) => new Promise((done, failed) => {
  setTimeout(() => failed(new Error(`the rows stay as they are by ${column}`)), 10000);
  const shown = () => [...document.querySelectorAll('.ag-row .tt-name')].map((each) => each.textContent).join();
  const before = shown(), start = performance.now();
  const look = () => (shown() !== before && shown() ? done(performance.now() - start) : requestAnimationFrame(look));
  document.querySelector(`.ag-header-cell[col-id="${column}"] .ag-header-cell-label`).click();
  requestAnimationFrame(look);
})
"""

FILTERED = """\
(wanted) => new Promise((done, failed) => {
  setTimeout(() => failed(new Error(`no rows of ${wanted}`)), 10000);
  const rows = () => [...document.querySelectorAll('.ag-row .tt-name')].map((each) => each.textContent);
  const fits = () => rows().length > 0 && rows().every((text) => text.startsWith(wanted));
  const start = performance.now();
  const look = () => (fits() ? done(performance.now() - start) : requestAnimationFrame(look));
  window.taskstoreGrid.look({ q: `name ~ '^${wanted}'` });
  requestAnimationFrame(look);
})
"""


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    address: str
    started: float


def measure() -> list[harness.Row]:
    try:
        from playwright import sync_api
    except ImportError:
        return [_nothing("no Playwright here")]
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        return [_nothing("no Chromium here")]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*_ARGUMENTS])
        try:
            return [*_few(browser), *_many(browser)]
        finally:
            browser.close()


def _nothing(why: str) -> harness.Row:
    return harness.Row("the page in a browser", why, "none set", None)


def _few(browser: Browser) -> list[harness.Row]:
    with _filled(FEW) as room:
        return [harness.seconds_row(f"command to rows, {FEW:,} tasks", _first_rows(room, browser), at_most=2.0)]


def _many(browser: Browser) -> list[harness.Row]:
    with _filled(MANY) as room:
        rows = [harness.seconds_row(f"command to rows, {MANY:,} tasks", _first_rows(room, browser), at_most=3.0)]
        with _served(room) as server:
            page = browser.new_page()
            _open(page, server)
            rows.append(harness.seconds_row(f"a filter of {MANY:,} at the server", _filters(server), at_most=0.2))
            rows.append(harness.seconds_row(f"a sort of {MANY:,} at the server", _sorts(server), at_most=0.2))
            rows.append(harness.seconds_row(f"a sort of {MANY:,} in the browser", _clicks(page), at_most=0.2))
            rows.append(harness.seconds_row(f"a filter of {MANY:,} in the browser", _typed(page), at_most=0.2))
            rows.append(_memory(server))
            rows.append(_idle(server))
            page.close()
        return rows


@contextmanager
def _filled(count: int) -> Iterator[harness.Scratch]:
    with harness.scratch() as room:
        _stores.fill_store(room.store, count)
        room.run([sys.executable, "-m", "taskstore_cli", "ls", "--limit", "1"])  # what a listing remembers is there
        yield room


@contextmanager
def _served(room: harness.Scratch) -> Iterator[Server]:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "taskstore_cli", "ui", "--no-browser", "--port", "0"],
        env=room.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Server(process, process.stdout.readline().strip(), started)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _open(page: Page, server: Server) -> None:
    page.goto(server.address, wait_until="commit")
    page.locator(".ag-row .tt-name").first.wait_for()


def _first_rows(room: harness.Scratch, browser: Browser) -> harness.Timing:
    """Each time a new server and a browser that has cached nothing."""
    samples = []
    for _ in range(STARTS):
        with _served(room) as server:
            context = browser.new_context()
            _open(context.new_page(), server)
            samples.append(time.perf_counter() - server.started)
            context.close()
    return harness.Timing(tuple(samples))


def _asked(server: Server, **query: str) -> float:
    address = (
        f"{server.address}api/tasks?{urllib.parse.urlencode(query | {'start': '0', 'end': '100', 'column': 'name'})}"
    )
    start = time.perf_counter()
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
        answer.read()
    return time.perf_counter() - start


def _filters(server: Server) -> harness.Timing:
    texts = [text.format(turn, turn) for turn in range(1, ROUNDS) for text in _FILTERS]
    searches = [_asked(server, text=f"run 0{turn}") for turn in range(ROUNDS)]
    return harness.Timing((*(_asked(server, q=text) for text in texts), *searches))


def _sorts(server: Server) -> harness.Timing:
    names = [name.format(turn % 5) for turn in range(2) for name in _SORTS]
    return harness.Timing(tuple(_asked(server, sort=name, text=" " * turn) for turn, name in enumerate(names)))


def _clicks(page: Page) -> harness.Timing:
    columns = ["name", "status", "tags"] * 3  # each begins with other tasks than the one before
    return harness.Timing(tuple(page.evaluate(SORTED, column) / 1000 for column in columns))


def _typed(page: Page) -> harness.Timing:
    """From a filter to its rows, without the moment that the field waits for the next key."""
    wanted = [f"run 0{turn}" for turn in range(ROUNDS)]
    return harness.Timing(tuple(page.evaluate(FILTERED, text) / 1000 for text in wanted))


def _memory(server: Server) -> harness.Row:
    used = psutil.Process(server.process.pid).memory_info().rss / MIB
    return harness.Row(f"memory of the server, {MANY:,} tasks", f"{used:.0f} MiB", "<= 300 MiB", used <= 300)


def _idle(server: Server) -> harness.Row:
    """The page stays open meanwhile."""
    process = psutil.Process(server.process.pid)
    time.sleep(5)
    before = process.cpu_times()
    time.sleep(IDLE_S)
    after = process.cpu_times()
    share = (after.user + after.system - before.user - before.system) / IDLE_S
    return harness.Row("an idle page, of one core", f"{share:.2%}", "<= 1.00%", share <= 0.01)


if __name__ == "__main__":
    harness.main(measure)
