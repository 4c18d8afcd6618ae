"""A real Chromium that looks at a real server. Whatever the browser complains of fails the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

WIDE, PHONE = (1280, 800), (390, 844)
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@dataclass
class Site:
    """A served store, and one page that looks at it. `complaints` is what must be empty in the end."""

    address: str
    page: Any
    folder: Path
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Any:
        """Go to a path and wait until the page is live; return Playwright's page."""
        self.page.goto(self.address + path.removeprefix("/"))
        self.page.wait_for_load_state("networkidle")
        return self.page

    def shoot(self, name: str) -> Path:
        """Keep a picture of what is seen, in the test's folder."""
        path = self.folder / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def by_id(self, name: str) -> Any:
        """Return what has a data-testid."""
        return self.page.get_by_test_id(name)


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")  # not of the session: while it lives no test of another kind can run an event loop
def browser() -> Iterator[Any]:
    chromium = find_chromium()
    if chromium is None:
        message = "no Chromium here (Debian: chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=[*_ARGUMENTS])
        yield made
        made.close()


@pytest.fixture
def serve(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Serves a store: `serve(root, "--read-only", size=PHONE)`; the test fails if the browser has complained."""
    processes: list[subprocess.Popen[str]] = []
    sites: list[Site] = []

    def served(root: Path, *options: str, size: tuple[int, int] = WIDE, **context: Any) -> Site:
        command = [sys.executable, "-m", "taskstore_cli", "--store", str(root), "ui", "--no-browser", "--port", "0"]
        with (tmp_path / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        processes.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), (tmp_path / "server.log").read_text()
        page = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context).new_page()
        page.set_default_timeout(15_000)
        site = Site(address, page, tmp_path)
        _listen(site)
        sites.append(site)
        return site

    yield served
    for site in sites:
        site.page.context.close()
    for process in processes:
        process.terminate()
    codes = [process.wait(20) for process in processes]
    for process in processes:
        process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
    assert [complaint for site in sites for complaint in site.complaints] == []
    assert codes == [0] * len(codes)
    log = tmp_path / "server.log"
    assert not log.exists() or "Traceback" not in log.read_text()


def _listen(site: Site) -> None:
    own = urlsplit(site.address).netloc

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning") and "GL Driver Message" not in message.text:
            site.complaints.append(f"console: {message.text}")

    def on_request(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != own:
            site.complaints.append(f"asked another host: {request.url[:200]}")

    site.page.on("console", on_console)
    site.page.on("pageerror", lambda error: site.complaints.append(f"error in the page: {error}"))
    site.page.on("request", on_request)
    site.page.on("dialog", lambda dialog: (site.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
