"""Capture of plotly against the real one."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

go = pytest.importorskip("plotly.graph_objects")
pio = pytest.importorskip("plotly.io")

from taskstore.capture import plotly as capture  # noqa: E402 - after the skip
from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip

from .programs import program  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the program's own renderer was given; no browser is opened."""
    figures: list[dict[str, Any]] = []

    class Kept(pio.base_renderers.ExternalRenderer):
        def render(self, figure: dict[str, Any]) -> None:
            figures.append(figure)

    monkeypatch.setitem(pio.renderers._renderers, "kept", Kept())
    before = pio.renderers.default
    pio.renderers.default = "kept"
    yield figures
    pio.renderers.default = before


def _bars(title: object = None) -> Any:
    return go.Figure(data=[go.Bar(y=[1, 2])], layout={"title": title} if title else {})


def _plots(session: Session) -> list[tuple[str, str, int]]:
    return [(plot.title, plot.series, plot.iteration) for plot in Reports(session.paths).plots()]


def test_what_is_shown_is_a_plot_under_its_own_title(begun: Session, shown: list[dict[str, Any]]) -> None:
    for _ in range(2):
        assert _bars({"text": "a title"}).show() is None
    pio.show(fig=_bars("of text alone"))
    pio.show({"data": [{"type": "bar", "y": [1, 2]}], "layout": {"title": "of a dict"}})
    assert _plots(begun) == [
        ("a title", "plot", 0),
        ("a title", "plot", 1),
        ("of text alone", "plot", 0),
        ("of a dict", "plot", 0),
    ]
    first = Reports(begun.paths).plots()[0].figure
    assert (first["data"][0]["type"], list(first["data"][0]["y"])) == ("bar", [1, 2])
    assert len(shown) == 4


def test_without_a_title_they_are_numbered(begun: Session) -> None:
    for _ in range(2):
        _bars().show()
    assert _plots(begun) == [("untitled 00", "plot", 0), ("untitled 01", "plot", 0)]


def test_writing_a_file_is_no_report(begun: Session, tmp_path: Path) -> None:
    _bars("written").write_html(tmp_path / "a.html")
    assert (tmp_path / "a.html").is_file()
    assert _plots(begun) == []


def test_what_cannot_be_shown_is_reported_and_fails_as_ever(begun: Session) -> None:
    with pytest.raises(ValueError, match="nothing of that name") as caught:
        _bars("unshown").show(renderer="nothing of that name")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert str(capture.__file__) not in files[:1]
    assert _plots(begun) == [("unshown", "plot", 0)]


def test_a_failing_hook_warns_once_and_the_program_goes_on(
    begun: Session, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, shown: list[dict[str, Any]]
) -> None:
    def broken(figure: object) -> str:
        raise RuntimeError("a new version")

    monkeypatch.setattr(capture, "_title", broken)
    terminal.truncate(0)
    _bars().show()
    _bars().show()
    assert len(shown) == 2
    assert terminal.getvalue().count("plotly: RuntimeError: a new version") == 1


def test_after_the_run_plotly_is_as_it_was(begin: Callable[[], Session]) -> None:
    before = pio.show
    session = begin()
    assert pio.show is not before
    session.close()
    assert pio.show is before


def test_plotly_imported_after_the_beginning_is_captured_alike(tmp_path: Path) -> None:
    code = """
assert "plotly" not in sys.modules
import plotly.graph_objects as go
import plotly.io as pio
pio.renderers.default = ""
go.Figure(data=[go.Bar(y=[1, 2])], layout={"title": "late"}).show()
print([(plot.title, plot.iteration) for plot in task.reports.plots()])
"""
    assert program(code, tmp_path) == "[('late', 0)]\n"
