"""The scalars of a task with a million points in a browser: from the click on its link until a curve is drawn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import _harness as harness
import _stores as stores
import psutil

from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import TaskRecord
from taskstore.store import store, tasks

POINTS, SERIES, ROUNDS = 1_000_000, 10, 3
IDLE_S = 5


def measure() -> list[harness.Row]:
    from playwright.sync_api import sync_playwright

    with harness.scratch() as room:
        task_id = _fill(room)
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            first, again, whole, zoomed = [], [], [], []
            for _ in range(ROUNDS):
                with _serving(room) as (address, process):
                    page = browser.new_context().new_page()
                    page.goto(address)  # the page of all tasks: the browser has the parts that all pages share
                    page.wait_for_load_state("networkidle")
                    first.append(_open(page, f"{address}task/{task_id}?tab=scalars"))
                    whole.append(_wait(page, "() => document.body.innerText.includes('1,000,000 points')"))
                    again.append(_open(page, f"{address}task/{task_id}?tab=scalars"))
                    zoomed.append(_zoom(page))
                    page.wait_for_timeout(2000)
                    idle = _share_of_a_core(process)
                    memory = process.memory_info().rss
                    page.context.close()
            browser.close()
    first_row = harness.seconds_row(
        f"open {POINTS:,} points: a curve is seen", harness.Timing(tuple(first)), at_most=1.5
    )
    return [
        first_row,
        harness.Row("then all points are read", str(harness.Timing(tuple(whole))), "", None),
        harness.seconds_row("open them again", harness.Timing(tuple(again)), at_most=1.5),
        harness.Row("zoom: the detail is there", str(harness.Timing(tuple(zoomed))), "", None),
        harness.Row("server with the page open, idle", f"{idle:.2%} of a core", "<= 1 % of a core", idle <= 0.01),
        harness.Row("memory of the server", f"{memory / 2**20:.0f} MiB", "", None),
    ]


def _fill(room: harness.Scratch) -> str:
    opened = store.init(room.store)

    def fill(paths: TaskPaths, _: TaskRecord) -> None:
        count = POINTS // SERIES
        stores.write_scalars(paths, [(f"metric{n}", [1 / (1 + step) for step in range(count)]) for n in range(SERIES)])

    return tasks.create(opened, "benchmarks", "many points", fill=fill).id


@contextmanager
def _serving(room: harness.Scratch) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "taskstore_cli", "ui", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        command, env=room.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


def _open(page: Any, address: str) -> float:  # noqa: ANN401 - Playwright's
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".js-plotly-plot .scatterlayer path.js-line", state="attached")
    return time.perf_counter() - start


def _wait(page: Any, condition: str) -> float:  # noqa: ANN401 - Playwright's
    start = time.perf_counter()
    page.wait_for_function(condition, timeout=60_000)
    return time.perf_counter() - start


def _zoom(page: Any) -> float:  # noqa: ANN401 - Playwright's
    """Look at 500 iterations of 100,000, and wait until each of them is drawn."""
    page.wait_for_function("() => document.body.innerText.includes('1,000,000 points')", timeout=60_000)
    start = time.perf_counter()
    page.evaluate(
        """async () => {
            const { Plotly } = await import("nicegui-plotly");
            await Plotly.relayout(document.querySelector(".js-plotly-plot"),
                {"xaxis.range[0]": 50000, "xaxis.range[1]": 50500});
        }"""
    )
    xs = "document.querySelector('.js-plotly-plot').data[0].x"
    page.wait_for_function(f"() => {xs}.filter((x) => x >= 50000 && x <= 50500).length >= 501", timeout=20_000)
    return time.perf_counter() - start


def _share_of_a_core(process: psutil.Process) -> float:
    before = sum(process.cpu_times()[:2])
    time.sleep(IDLE_S)
    return float(sum(process.cpu_times()[:2]) - before) / IDLE_S


if __name__ == "__main__":
    harness.main(measure)
