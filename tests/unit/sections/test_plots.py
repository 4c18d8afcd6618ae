"""Plotly JSON from arguments of every kind; what does not fit is named with the shape wanted and the one given."""

from __future__ import annotations

import array
import json
import math
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

from taskstore.core.errors import BadValue
from taskstore.schema.plot import decode_plot, encode_plot
from taskstore.sections import plots

GRID = [[1, 2, 3], [4, 5, 6]]


class Array:
    """What numpy's, torch's and pandas' arrays have in common."""

    def __init__(self, content) -> None:
        self._content = content

    def tolist(self):
        return self._content


@pytest.mark.parametrize(
    "values", [[1, 2], (1, 2), Array([1, 2]), array.array("d", [1, 2]), deque([1, 2]), range(1, 3)]
)
def test_a_vector_may_be_anything_that_is_like_a_list(values) -> None:
    (trace,) = plots.vector("t", "s", values)["data"]
    assert trace == {"type": "bar", "name": "s", "x": [0, 1], "y": [1, 2]}


@pytest.mark.parametrize("values", [[[1, 2, 3]], [[1], [2], [3]]])
def test_a_column_or_a_row_is_a_vector(values) -> None:
    assert plots.surface("t", "s", GRID, camera=values)["layout"]["scene"]["camera"]["eye"] == {"x": 1, "y": 2, "z": 3}


def test_each_row_of_a_histogram_is_a_group_with_its_label() -> None:
    figure = plots.histogram("t", "s", GRID, labels=["a", "b"], xlabels=["x", "y", "z"], data_args={"opacity": 0.5})
    assert [(trace["name"], trace["x"], trace["y"], trace["opacity"]) for trace in figure["data"]] == [
        ("a", ["x", "y", "z"], [1, 2, 3], 0.5),
        ("b", ["x", "y", "z"], [4, 5, 6], 0.5),
    ]
    assert figure["layout"]["barmode"] == "group"


def test_axes_comment_and_extra_layout_are_in_the_layout() -> None:
    figure = plots.scatter2d(
        "t", "s", [], xaxis="x", yaxis="y", comment="c", extra_layout={"xaxis": {"type": "log"}, "height": 3}
    )
    assert figure["layout"] == {
        "title": {"text": "t (c)"},
        "xaxis": {"title": {"text": "x"}, "type": "log"},
        "yaxis": {"title": {"text": "y"}},
        "height": 3,
    }


def test_points_become_columns() -> None:
    (flat,) = plots.scatter2d("t", "s", [[1, 2], [3, 4]], labels=["a", "b"], mode="markers")["data"]
    assert (flat["x"], flat["y"], flat["text"], flat["mode"]) == ([1, 3], [2, 4], ["a", "b"], "markers")
    (deep,) = plots.scatter3d("t", "s", [[1, 2, 3]], fill=True)["data"]
    assert (deep["x"], deep["y"], deep["z"], deep["surfaceaxis"]) == ([1], [2], [3], 2)


def test_several_clouds_are_several_traces() -> None:
    figure = plots.scatter3d("t", "s", [[[1, 2, 3]], [[4, 5, 6], [7, 8, 9]]], labels=[["a"], ["b", "c"]])
    assert [(trace["name"], trace["x"], trace["text"]) for trace in figure["data"]] == [
        ("s 0", [1], ["a"]),
        ("s 1", [4, 7], ["b", "c"]),
    ]


@pytest.mark.parametrize(
    "series",
    [
        [{"name": "a", "data": [[0, 5], [1, 6]]}],
        [SimpleNamespace(name="a", data=Array([[0, 5], [1, 6]]), labels=None)],
        SimpleNamespace(name="a", data=[5, 6]),
        {"a": [5, 6]},
    ],
)
def test_a_line_plot_takes_series_of_every_form(series) -> None:
    (trace,) = plots.line_plot("t", series, reverse_xaxis=True)["data"]
    assert (trace["name"], trace["x"], trace["y"]) == ("a", [0, 1], [5, 6])
    assert plots.name_of(series) == "a"


def test_matrices_keep_their_labels_and_orientation() -> None:
    figure = plots.confusion_matrix("t", "s", GRID, xlabels=[1, 2, 3], ylabels=["a", "b"], yaxis_reversed=True)
    (trace,) = figure["data"]
    assert (trace["type"], trace["z"], trace["x"], trace["y"]) == ("heatmap", GRID, ["1", "2", "3"], ["a", "b"])
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"
    assert plots.surface("t", "s", GRID)["data"][0]["type"] == "surface"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.vector("t", "s", 3), "values must be numbers of shape (n,) or (rows, n), not int 3"),
        (lambda: plots.vector("t", "s", ["a"]), "values must be numbers of shape (n,), not with str 'a' in it"),
        (lambda: plots.vector("t", "s", [None]), "values must be numbers of shape (n,), not with NoneType None in it"),
        (
            lambda: plots.histogram("t", "s", [[[1]]]),
            "values must be numbers of shape (rows, columns), not shape (1, 1, 1)",
        ),
        (
            lambda: plots.histogram("t", "s", [1, 2], xlabels=["a"]),
            "xlabels must be a list of 2 texts, one for each bar, not 1",
        ),
        (lambda: plots.scatter2d("t", "s", [[1, 2, 3]]), "scatter must be numbers of shape (n, 2), not shape (1, 3)"),
        (lambda: plots.scatter2d("t", "s", [1, 2]), "scatter must be numbers of shape (n, 2), not shape (2,)"),
        (lambda: plots.scatter3d("t", "s", [[1, 2]]), "scatter must be numbers of shape (n, 3), not shape (1, 2)"),
        (
            lambda: plots.matrix("t", "s", [[1, 2], [3]]),
            "matrix must be numbers of shape (rows, columns), not rows of different lengths (1, 2)",
        ),
        (lambda: plots.matrix("t", "s", "abc"), "matrix must be numbers of shape (rows, columns), not str 'abc'"),
        (lambda: plots.surface("t", "s", GRID, camera=[1]), "camera must be numbers of shape (3,), not shape (1,)"),
        (lambda: plots.scatter2d("t", "s", [[1, 2]], mode="dots"), "mode must be one of lines, markers"),
        (lambda: plots.line_plot("t", ["abc"]), "series must be a list of series"),
        (lambda: plots.table("t", [[1], [2, 3]]), "table_plot must be a DataFrame"),
        (lambda: plots.table("t"), "a table needs table_plot"),
        (lambda: plots.of_plotly(3), "figure must be a plotly figure, or a dict with data and layout, not int"),
        (lambda: plots.of_matplotlib(3), "figure must be a matplotlib figure, which has savefig, not int"),
    ],
)
def test_what_does_not_fit_is_named_with_the_shape_wanted_and_given(call, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        call()
    assert message in str(caught.value)


def test_tables_are_of_rows_dicts_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,x\n2.5,\n")
    for figure, columns in (
        (plots.table("t", [["a", "b"], [1, "x"], [2.5, ""]]), [[1, 2.5], ["x", ""]]),
        (plots.table("t", [{"a": 1, "b": "x"}, {"a": 2.5}]), [[1, 2.5], ["x", None]]),
        (plots.table("t", csv=file), [[1, 2.5], ["x", ""]]),
    ):
        assert figure["data"][0]["header"]["values"] == ["a", "b"]
        assert figure["data"][0]["cells"]["values"] == columns


def test_a_csv_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="no.csv' cannot be read"):
        plots.table("t", csv=tmp_path / "no.csv")


def test_a_data_frame_is_a_table_with_its_index_where_it_has_one() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [float("nan"), 0.5]})
    (plain,) = plots.table("t", frame)["data"]
    assert plain["header"]["values"] == ["a", "b"]
    assert plain["cells"]["values"][0] == [1, 2]
    (named,) = plots.table("t", frame.set_index("a"))["data"]
    assert (named["header"]["values"], named["cells"]["values"][0]) == (["a", "b"], [1, 2])


def test_arrays_of_numpy_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    assert plots.scatter2d("t", "s", numpy.eye(2))["data"][0]["x"] == [1, 0]
    assert plots.vector("t", "s", [numpy.float32(1), 2])["data"][0]["y"] == [1, 2]
    with pytest.raises(BadValue, match=r"scatter must be numbers of shape \(n, 2\), not shape \(3, 3\)"):
        plots.scatter2d("t", "s", numpy.eye(3))
    with pytest.raises(BadValue, match="values must be numbers of shape .*, not with complex in it"):
        plots.vector("t", "s", numpy.array([1j]))


def test_a_plotly_figure_is_kept_as_it_is_with_its_nan() -> None:
    go = pytest.importorskip("plotly.graph_objects")
    numpy = pytest.importorskip("numpy")
    figure = go.Figure(go.Scatter(x=numpy.arange(3), y=[1.5, math.nan, math.inf]))
    figure.add_heatmap(z=numpy.arange(6.0).reshape(2, 3))
    back = decode_plot(encode_plot(plots.of_plotly(figure)))
    assert back["data"][0]["x"] == [0, 1, 2]
    assert back["data"][0]["y"][2] == math.inf
    assert math.isnan(back["data"][0]["y"][1])
    assert back["data"][1]["z"] == [[0, 1, 2], [3, 4, 5]]


def test_json_of_a_figure_is_a_figure() -> None:
    assert plots.of_plotly(json.dumps({"data": [1]})) == {"data": [1], "layout": {}}
    assert plots.of_plotly(SimpleNamespace(to_json=lambda: '{"data": [2]}'))["data"] == [2]
    with pytest.raises(BadValue, match="the text is not JSON"):
        plots.of_plotly("{")


def test_a_matplotlib_figure_is_drawn_also_from_its_axes() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    for what in (figure, axes):
        assert plots.of_matplotlib(what).startswith(b"\x89PNG")


# how a figure is spelled


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, -math.inf],
        [math.inf, None],
        [1e308, 1e308],  # a sum that overflows
        [2**70, 1.5],
        ["NaN", "a"],  # labels
        [[1.0, math.inf], [2.0, 3.0]],
        [True, False],
        {"deep": [{"x": [math.inf]}]},
        [],
    ],
)
def test_what_is_spelled_is_read_back(value) -> None:
    line = encode_plot({"data": value})
    assert b"\n" not in line
    assert b"null" not in line or value[-1] is None
    assert decode_plot(line)["data"] == value


def test_nan_is_spelled_as_in_scalars() -> None:
    assert encode_plot({"data": [math.nan, 1, math.inf]}) == b'{"data":["NaN",1,"Infinity"]}'
    assert math.isnan(decode_plot(b'{"data":["NaN",1]}')["data"][0])


def test_a_figure_may_hold_dates_sets_and_broken_text() -> None:
    from datetime import date

    assert json.loads(encode_plot({"a": date(2026, 1, 2), "b": {1}, 3: "\ud800"})) == {
        "a": "2026-01-02",
        "b": [1],
        "3": "\\ud800",
    }


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadValue, match="holds a object"):
        encode_plot({"data": [object()]})
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(BadValue, match="nested more than"):
        encode_plot({"data": endless})
