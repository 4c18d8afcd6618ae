from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from taskstore.store import tasks
from taskstore.store.store import Store

from .conftest import Site

Serve = Callable[..., Site]


def test_names_full_of_markup_are_shown_as_they_are(store: Store, serve: Serve) -> None:
    name = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    tasks.create(store, "examples", name)
    site = serve(store.root)
    page = site.open()
    page.get_by_text(name).first.wait_for()
    site.shoot("markup")


def test_the_question_mark_lists_the_keys_and_one_of_them_darkens_the_page(store: Store, serve: Serve) -> None:
    page = serve(store.root).open()
    page.keyboard.press("?")
    page.get_by_text("go to queues").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("go to queues").wait_for(state="detached")
    page.keyboard.press("d")
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.reload()
    page.wait_for_function("document.body.classList.contains('body--dark')")


def test_beyond_this_machine_the_address_holds_a_token(store: Store, serve: Serve) -> None:
    site = serve(store.root, "--token")
    address, _, token = site.address.partition("?token=")
    assert len(token) >= 32
    page = site.page
    page.goto(address)
    assert "token" in page.inner_text("body")
    page.goto(site.address)
    page.get_by_text("No tasks yet.").wait_for()
    assert "token" not in page.url
    refused = [complaint for complaint in site.complaints if "401" in complaint]
    assert site.complaints == refused  # by then the browser has said so, and nothing else
    site.complaints.clear()


@pytest.mark.parametrize("options", [("--port", "99999"), ("--host", "not a host")])
def test_an_impossible_place_is_refused_without_a_traceback(store: Store, options: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "taskstore_cli", "--store", str(store.root), "ui", "--no-browser", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (2, 4)
    assert options[1] in done.stderr
    assert "Traceback" not in done.stderr
