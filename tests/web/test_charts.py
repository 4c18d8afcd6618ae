from __future__ import annotations

import json
import math

from taskstore.board.curves import Curve
from taskstore.web import charts


def test_what_is_no_finite_number_is_a_gap() -> None:
    made = charts.figure([Curve("a", "loss", "train", [0, 1, 2, 3], [1.0, math.nan, math.inf, -math.inf])])
    assert made["data"][0]["y"] == [1.0, None, None, None]
    assert made["data"][0]["connectgaps"] is False
    json.dumps(made, allow_nan=False)


def test_names_are_drawn_as_they_are_and_never_as_links() -> None:
    (trace,) = charts.figure([Curve("a", "loss", '<a href="http://evil">x</a>', [0], [1.0])])["data"]
    assert trace["name"] == '&lt;a href="http://evil"&gt;x&lt;/a&gt;'


def test_one_task_has_one_colour_where_tasks_are_compared_and_its_series_differ_by_dashes() -> None:
    curves = [Curve(task, "loss", variant, [0], [1.0]) for task in "ab" for variant in ("train", "test")]
    lines = [trace["line"] for trace in charts.figure(curves, colour_by="task")["data"]]
    assert [line["color"] for line in lines] == [charts.PALETTE[0]] * 2 + [charts.PALETTE[1]] * 2
    assert [line["dash"] for line in lines] == ["solid", "dash", "solid", "dash"]
    by_series = [trace["line"] for trace in charts.figure(curves)["data"]]
    assert by_series[0]["color"] == by_series[2]["color"] != by_series[1]["color"]


def test_a_smoothed_curve_is_drawn_over_the_pale_one_that_it_is_made_of() -> None:
    pale, smoothed = charts.figure([Curve("a", "loss", "train", [0, 1], [1.0, 3.0], [1.0, 2.0])])["data"]
    assert (pale["y"], pale["showlegend"]) == ([1.0, 3.0], False)
    assert smoothed["y"] == [1.0, 2.0]
    assert pale["opacity"] < 0.5


def test_a_chart_says_in_words_what_it_shows() -> None:
    curves = [Curve("a", "loss", "train", [0, 1], [2.0, 0.5]), Curve("a", "loss", "test", [0], [math.nan])]
    assert charts.describe("loss", curves) == (
        "Chart of loss: train from 0.5 to 2, last 0.5; test without a finite value"
    )
