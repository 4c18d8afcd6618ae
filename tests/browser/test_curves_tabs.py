"""What only a browser shows of console, scalars, plots and samples: that they are drawn, and what they obey."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks
from taskstore.store.store import Store

from ..web import reporting
from .conftest import PHONE, Site

Serve = Callable[..., Site]
EVIL = "<img src=http://evil.example/x onerror=alert(1)><a href=http://evil.example/>link</a><script>alert(2)</script>"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccfc0500f000485018084a98c"
    "210000000049454e44ae426082"
)


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    made = tasks.create(store, "examples", "run")
    reporting.scalars(made, "loss", "train", [float(at % 10) for at in range(4000)])
    reporting.scalars(made, "loss", "test", [1.0, 2.0, "NaN", 3.0])
    reporting.scalars(made, ":monitor:machine", "cpu_usage", [50.0, 60.0])
    reporting.console(made, [f"line {number}" for number in range(3000)])
    reporting.console(made, ["\x1b[31mfailed\x1b[0m"], "stderr", first=3000)
    reporting.plot(made, "weights", "layer", {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}, 1)
    reporting.plot(made, "weights", "layer", {"data": [{"type": "bar", "y": [3, 4]}], "layout": {}}, 2)
    for series in ("a", "b"):
        reporting.sample(made, "in", series, f"{series}.png", PNG, kind="image/png", iteration=1)
    return made


def test_scalars_are_drawn_zoomed_and_kept_in_the_address(store: Store, paths: TaskPaths, serve: Serve) -> None:
    site = serve(store.root)
    page = site.open(f"/task/{paths.id}?tab=scalars")
    page.wait_for_selector(".js-plotly-plot .scatterlayer path.js-line")
    page.get_by_text("4,004 points in 2 series").wait_for()
    page.wait_for_load_state("networkidle")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.50, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] - 20, steps=4)
    page.mouse.up()
    between = "document.querySelector('.js-plotly-plot').data.at(-1).x.filter((x) => x > 1900 && x < 2080)"
    page.wait_for_function(f"{between}.length === 179")
    site.by_id("log").click()
    page.wait_for_url("**tab=scalars&log=1")
    page.wait_for_function("document.querySelector('.js-plotly-plot').layout.yaxis.type === 'log'")
    site.shoot("scalars")


def test_a_console_opens_at_its_end_and_goes_back_by_scrolling(store: Store, paths: TaskPaths, serve: Serve) -> None:
    site = serve(store.root)
    page = site.open(f"/task/{paths.id}?tab=console")
    console = site.by_id("console")
    console.get_by_text("failed").wait_for()
    assert console.evaluate("(box) => box.scrollHeight - box.scrollTop - box.clientHeight") < 40
    console.get_by_text("line 2500", exact=True).wait_for(state="detached")
    console.evaluate("(box) => { box.scrollTop = 0; }")
    console.get_by_text("line 2500", exact=True).wait_for(state="attached")
    site.by_id("console-search").fill("line 17")
    site.by_id("console-search").press("Enter")
    page.locator(".ts-hit").get_by_text("99").wait_for()
    page.locator("mark").first.wait_for()
    reporting.console(paths, [EVIL], first=3001)
    page.get_by_text("Latest").click()
    console.get_by_text(EVIL).wait_for()
    site.shoot("console")


def test_plots_and_samples_are_stepped_through(store: Store, paths: TaskPaths, serve: Serve) -> None:
    site = serve(store.root)
    page = site.open(f"/task/{paths.id}?tab=plots")
    page.wait_for_selector(".js-plotly-plot .barlayer .point")
    page.locator(".ts-steps [tabindex]").first.press("ArrowLeft")
    page.get_by_text("iteration 1", exact=True).wait_for()
    page.wait_for_function("document.querySelector('.js-plotly-plot').data[0].y[0] === 1")
    site.by_id("tab-samples").click()
    site.by_id("picture").first.click()
    page.get_by_text("(1 of 2)").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("(2 of 2)").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=enlarged]').naturalWidth === 1")
    page.keyboard.press("Escape")
    page.get_by_text("(2 of 2)").wait_for(state="detached")


def test_hostile_reports_are_text_and_load_nothing(store: Store, serve: Serve) -> None:
    made = tasks.create(store, "examples", "hostile")
    reporting.scalars(made, EVIL, EVIL, [1.0, 2.0])
    reporting.scalars(made, EVIL, "other", [2.0, 1.0])
    reporting.console(made, [EVIL, f"\x1b[31m{EVIL}\x1b]8;;http://evil.example\x07x"])
    trace: dict[str, Any] = {"type": "bar", "x": [EVIL], "y": [1], "name": EVIL, "text": [EVIL], "hovertext": EVIL}
    layout = {
        "title": {"text": EVIL},
        "images": [{"source": "http://evil.example/i.png", "sizex": 1, "sizey": 1}],
        "annotations": [{"text": EVIL, "x": 0, "y": 1}],
        "xaxis": {"title": {"text": EVIL}},
        "showlegend": True,
    }
    maps = [{"type": kind, "lat": [1], "lon": [1]} for kind in ("scattergeo", "scattermapbox", "scattermap")]
    reporting.plot(made, EVIL, "bars", {"data": [trace, *maps], "layout": layout})
    reporting.sample(
        made, "in", EVIL.replace("/", ""), EVIL, EVIL.encode(), kind="text/plain", path="files/media/x.txt"
    )
    reporting.sample(made, "in", "page", "p.html", b"<h1>inside</h1><style>h1{color:red}</style>", kind="text/html")
    reporting.sample(made, "in", "drawing", "d.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', kind="image/svg+xml")
    site = serve(store.root)
    for tab, there in (
        ("console", "[data-testid=console]"),
        ("scalars", ".js-plotly-plot .legendtext"),
        ("plots", ".js-plotly-plot .annotation-text"),
        ("samples", "[data-testid=samples] iframe"),
    ):
        page = site.open(f"/task/{made.id}?tab={tab}")
        page.wait_for_selector(there)
        page.get_by_text("<img src=http://evil.example/x").first.wait_for()
        assert page.locator("main a[href^=http], main img[src^=http], main image").count() == 0
        assert page.locator("main svg a").count() == 0
        site.shoot(f"hostile-{tab}")
    assert page.frame_locator("iframe").get_by_text("inside").inner_text() == "inside"


@pytest.mark.parametrize("tab", ["console", "scalars", "plots", "samples", "resources"])
def test_nothing_is_wider_than_a_phone(store: Store, paths: TaskPaths, serve: Serve, tab: str) -> None:
    site = serve(store.root, size=PHONE)
    page = site.open(f"/task/{paths.id}?tab={tab}")
    page.locator(".ts-chart-box, .ts-sample, .ts-line").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    site.shoot(f"phone-{tab}")


def test_a_store_in_a_zip_is_looked_at(store: Store, paths: TaskPaths, serve: Serve, tmp_path: Path) -> None:
    packed = tmp_path / "store.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in store.root.rglob("*"):
            archive.write(path, f"store/{path.relative_to(store.root)}")
    site = serve(packed)
    page = site.open(f"/task/{paths.id}?tab=samples")
    page.wait_for_function("document.querySelector('[data-testid=picture] img').naturalWidth === 1")
    site.by_id("tab-scalars").click()
    page.wait_for_selector(".js-plotly-plot .scatterlayer path.js-line")
    site.by_id("tab-console").click()
    page.get_by_text("failed").wait_for()
