"""Every page and tab of a store that another has made, who means harm: what he wrote is read, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

from taskstore.store.store import Store

from ..web.hostile import EVIL, store_of
from .conftest import Site

Serve = Callable[..., Site]
TABS = (
    *("execution", "configuration", "artifacts", "info", "console"),
    *("scalars", "plots", "samples", "resources", "history"),
)
COMPARED = ("details", "scalars", "values", "plots", "samples", "source", "parallel", "scatter", "importance")
INJECTED = """() => [...document.querySelectorAll('*')].filter(found =>
    [...found.attributes].some(({name, value}) => /^on/i.test(name)
        || (/^(href|src|action|formaction|xlink:href|srcdoc)$/i.test(name)
            && (/^\\s*(javascript|data:text)/i.test(value)
                || (/^(https?:)?\\/\\//.test(value) && !value.startsWith(location.origin)
                    && found.matches(':not(a)')))))
    || (found.closest('main') && found.matches(
        'script, img[src="x"], base, meta, form, iframe:not([sandbox=""]), image, math, [style*="evil"], [id=c0]'))
    || (found.closest('.ts-markdown') && found.matches('img, style, svg, input, button, video, [style*="position"]'))
    ).map(found => found.outerHTML.slice(0, 200))"""
REFUSED = "the server responded with a status of 422"
"""What a browser says where a query that is none is answered with why."""


def addresses(first: str, second: str, project: str) -> list[str]:
    """Return every page with every tab, and each with markup in what its address says."""
    evil = quote(EVIL, safe="")
    query = urlencode(dict.fromkeys(("project", "text", "sort", "column", "filters", "view", "zone"), EVIL))
    return [
        "/",
        f"/?project={quote(project, safe='')}",
        f"/?{query}",
        f"/?q={evil}",
        "/projects",
        f"/projects?name={quote(project.rpartition('/')[0], safe='')}",
        f"/projects?name={evil}&metric={evil}",
        *("/models", f"/models?q={evil}", "/queues", "/trash"),
        *(f"/task/{first}?tab={tab}&find={evil}&search={evil}&axis={evil}&x={evil}" for tab in TABS),
        *(f"/task/{second}?tab={tab}" for tab in ("configuration", "artifacts")),
        f"/task/{quote(EVIL.replace('/', ''), safe='')}",
        *(f"/compare?ids={first},{second}&tab={tab}" for tab in COMPARED),
        f"/compare?ids={first},{second}&tab={evil}&x={evil}&metric={evil}&parameter={evil}&find={evil}",
        f"/compare?ids={evil},{first}",
        f"/compare?ids={evil}",
    ]


def test_markup_in_every_field_is_text_on_every_page_dark_and_light(store: Store, tmp_path: Path, serve: Serve) -> None:
    made = store_of(store, tmp_path)
    site = serve(store.root, color_scheme="dark")
    found = {}
    shown = 0
    for number, address in enumerate(addresses(made.first, made.second, made.project)):
        before, after = ("dark", "light") if number % 2 else ("light", "dark")
        site.page.emulate_media(color_scheme=before)
        site.page.goto(site.address.rstrip("/") + address)
        site.page.locator("main").first.wait_for()
        site.page.wait_for_timeout(100)
        injected = [*site.page.evaluate(INJECTED)]
        site.page.emulate_media(color_scheme=after)  # as the page follows it, all is drawn again
        site.page.wait_for_timeout(50)
        injected += site.page.evaluate(INJECTED)
        shown += "onerror=alert(1)" in site.page.content()
        complaints = [complaint for complaint in site.complaints if REFUSED not in complaint]
        site.complaints.clear()
        if injected or complaints:
            found[address] = [*injected, *complaints]
    assert found == {}
    assert shown > 30
