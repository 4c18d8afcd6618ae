"""The pages around the tasks, with names that would act if they were markup."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskstore.queues import queue
from taskstore.schema import codec
from taskstore.schema.model import Model, ModelsRecord
from taskstore.store import tasks, trash
from taskstore.store.store import Store

from .conftest import Site

Serve = Callable[..., Site]
MARKUP = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>{{7*7}}"


@pytest.fixture
def hostile(store: Store) -> str:
    """The id of a task that has markup in whatever these pages show, in a project whose name has it too."""
    project = f"{MARKUP.replace('/', '')}/inner"
    made = tasks.create(store, project, MARKUP)
    model = Model(id="0" * 32, name=MARKUP, framework=MARKUP, tags=[MARKUP], uri=f"javascript:alert(3)//{MARKUP}")
    made.models.write_bytes(codec.encode(ModelsRecord(output={model.id: model})))
    trash.put(store, tasks.create(store, project, MARKUP).id)
    queue.create(store, "gpu <b>bold</b>")
    waits = tasks.create(store, project, MARKUP).id
    queue.enqueue(store, waits)
    return made.id


def test_markup_is_text_on_every_page(store: Store, hostile: str, serve: Serve) -> None:
    site = serve(store.root)
    for place in ("tasks", "projects", "models", "queues", "trash"):
        site.open("/")
        site.by_id(f"to-{place}").click()
        site.page.wait_for_load_state("networkidle")
        site.page.get_by_text("onerror=alert(1)", exact=False).first.wait_for()
        site.shoot(place)
    assert site.page.locator("main img[src='x'], main script").count() == 0
    assert site.page.get_by_text("49", exact=True).count() == 0


def test_models_are_searched_and_lead_to_their_tasks(store: Store, hostile: str, serve: Serve) -> None:
    site = serve(store.root)
    page = site.open("/models?q=nothing%20has%20this")
    page.get_by_text("No Rows To Show").wait_for()
    page.get_by_label("Search").fill("onerror")
    link = page.locator(f"a[href^='/task/{hostile}']")
    link.wait_for()
    page.wait_for_function("location.search === '?q=onerror'")
    link.click()
    page.wait_for_url(f"**/task/{hostile}**")


def test_what_others_enqueue_appears_by_itself(store: Store, serve: Serve) -> None:
    page = serve(store.root).open("/queues")
    page.get_by_text("Nothing waits here.").wait_for()
    made = tasks.create(store, "examples", "came later")
    queue.enqueue(store, made.id)
    page.get_by_role("link", name="came later").wait_for()
    page.get_by_label(f"Dequeue {made.id[:12]}").click()
    page.get_by_text("Nothing waits here.").wait_for()
    assert tasks.read(made).status.label == "Draft"
