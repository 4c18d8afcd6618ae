from __future__ import annotations

import json
import math
from typing import Any

import pytest

from taskstore.board import figures
from taskstore.core.errors import BadValue

EVIL = "http://evil.example/x.png"


def every(value: Any) -> list[Any]:
    """All keys and values in a figure."""
    if isinstance(value, dict):
        return [*value, *(found for item in value.values() for found in every(item))]
    return [found for item in value for found in every(item)] if isinstance(value, list) else [value]


HOSTILE = {
    "data": [
        {"type": "image", "source": EVIL},
        {"type": "choropleth", "locations": ["DEU"], "z": [1]},
        {"type": "scattermapbox", "lat": [1], "lon": [1], "subplot": "mapbox"},
        {"type": "scattergeo", "lat": [1], "lon": [1]},
        {
            "type": "scatter",
            "x": [1, 2],
            "y": [1, 2],
            "name": f'<a href="{EVIL}">click</a>',
            "text": ["<img src=x onerror=alert(1)>", "<b>kept</b>"],
            "hovertemplate": "<a href='javascript:alert(1)'>%{x}</a>",
            "xsrc": EVIL,
            "marker": {"colorsrc": EVIL, "size": 3},
            "transforms": [{"type": "filter"}],
            "onclick": "alert(1)",
            "__proto__": {"polluted": True},
        },
    ],
    "layout": {
        "title": {"text": f'<a href="{EVIL}">title</a>'},
        "images": [{"source": EVIL}],
        "mapbox": {"style": EVIL},
        "geo": {"scope": "world"},
        "updatemenus": [{"buttons": [{"method": "relayout", "args": [{"images": [{"source": EVIL}]}]}]}],
        "sliders": [{"steps": []}],
        "annotations": [{"text": f"<a xlink:href='{EVIL}'>a</a>", "x": 0}],
        "template": {"layout": {"images": [{"source": EVIL}]}},
        "xaxis": {"title": {"text": "x"}, "nticks": 10**12},
        "height": 10**9,
        "paper_bgcolor": "red",
    },
    "frames": [{"data": []}],
    "config": {"plotlyServerURL": EVIL, "topojsonURL": EVIL},
}


def test_what_would_load_run_or_link_is_left_out_at_every_depth() -> None:
    found = figures.cleaned(HOSTILE)
    assert found.left_out == ("image", "choropleth", "scattermapbox", "scattergeo")
    assert set(found.figure) == {"data", "layout"}
    kept = every(found.figure)
    assert not {"source", "images", "mapbox", "geo", "updatemenus", "sliders", "template", "transforms"} & set(kept)
    assert not {"xsrc", "colorsrc", "onclick", "__proto__", "polluted"} & set(map(str, kept))
    assert not [text for text in kept if isinstance(text, str) and ("<a" in text or "<img" in text)]


def test_what_describes_a_plot_is_kept() -> None:
    trace = figures.cleaned(HOSTILE).figure["data"][0]
    assert (trace["x"], trace["y"], trace["marker"]) == ([1, 2], [1, 2], {"size": 3})
    assert trace["text"][1] == "<b>kept</b>"
    layout = figures.cleaned(HOSTILE).figure["layout"]
    assert layout["xaxis"] == {"title": {"text": "x"}, "nticks": 1000}
    assert (layout["height"], layout["autosize"]) == (1200, True)
    assert layout["annotations"][0]["x"] == 0


def test_links_of_a_sankey_are_numbers_and_addresses_are_not() -> None:
    link = {"source": [0, 1], "target": [2, 2], "value": [1, 1], "label": ["a: b", "c"]}
    (trace,) = figures.cleaned({"data": [{"type": "sankey", "link": link}]}).figure["data"]
    assert trace["link"] == link
    (trace,) = figures.cleaned({"data": [{"type": "sankey", "link": {"source": [EVIL]}}]}).figure["data"]
    assert trace["link"] == {}


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("a < b", "a &lt; b"),
        ("<B>x</B><br/>", "<B>x</B><br/>"),
        ('<b onclick="x">', '&lt;b onclick="x">'),
        ("<<b>a href>", "&lt;<b>a href>"),
        ("&lt;a&gt;", "&lt;a&gt;"),
    ],
)
def test_only_tags_that_change_a_look_are_markup(given: str, drawn: str) -> None:
    assert figures.text(given) == drawn


def test_numbers_that_json_has_not_are_gaps() -> None:
    (trace,) = figures.cleaned({"data": [{"y": [1.0, math.nan, math.inf], "opacity": math.nan}]}).figure["data"]
    assert (trace["y"], trace["opacity"], trace["type"]) == ([1.0, None, None], None, "scatter")
    json.dumps(trace, allow_nan=False)


def test_a_figure_too_large_or_too_deep_is_refused_with_the_reason() -> None:
    with pytest.raises(BadValue, match="more than 100 values"):
        figures.cleaned({"data": [{"x": list(range(200))}]}, most_values=100)
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(BadValue, match="nested"):
        figures.cleaned({"data": [{"marker": deep}]})


@pytest.mark.parametrize("figure", [{}, {"data": None}, {"data": ["x", 1]}, {"data": {}, "layout": []}])
def test_what_is_no_figure_is_an_empty_one(figure: Any) -> None:
    assert figures.cleaned(figure).figure["data"] == []
