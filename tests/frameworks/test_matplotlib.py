"""Capture of matplotlib against the real one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

from matplotlib.figure import Figure  # noqa: E402 - after the skip

from taskstore.capture import matplotlib as capture  # noqa: E402 - after the skip
from taskstore.reports import Reports  # noqa: E402 - after the skip
from taskstore.run.session import Session  # noqa: E402 - after the skip
from taskstore.store import places  # noqa: E402 - after the skip
from taskstore.store.plots import read_plots  # noqa: E402 - after the skip
from taskstore.store.store import init  # noqa: E402 - after the skip

from .programs import program  # noqa: E402 - after the skip


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DISPLAY", raising=False)  # no display: show warns of nothing
    plt.close("all")
    yield
    plt.close("all")


def _plots(session: Session) -> list[tuple[str, str, int]]:
    return [(plot.title, plot.series, plot.iteration) for plot in Reports(session.paths).plots()]


def _drawn(values: tuple[int, ...] = (1, 2), **kwargs: Any) -> Any:
    figure = plt.figure(**kwargs)
    plt.plot(values)
    return figure


def test_a_title_is_the_figures_the_windows_or_the_axes(begun: Session) -> None:
    _drawn().suptitle("of the figure")
    plt.title("of its axes")
    plt.show()
    _drawn(num="of the window")
    plt.title("of the axes")
    plt.show()
    _drawn()
    plt.title("of the axes")
    plt.show()
    _, axes = plt.subplots(1, 2)
    axes[0].plot([1])
    axes[0].set_title("the first")
    axes[1].plot([1])
    axes[1].set_title("the last", loc="left")
    plt.show()
    assert _plots(begun) == [
        ("of the figure", "plot", 0),
        ("of the window", "plot", 0),
        ("of the axes", "plot", 0),
        ("the last", "plot image", 0),
    ]


def test_without_a_title_figures_are_numbered(begun: Session) -> None:
    for _ in range(2):
        _drawn().show()
    figure = _drawn()
    figure.show()
    figure.axes[0].plot([3, 4])
    figure.show()
    assert _plots(begun) == [
        ("untitled 00", "plot", 0),
        ("untitled 01", "plot", 0),
        ("untitled 02", "plot", 0),
        ("untitled 02", "plot", 1),
    ]


def test_figures_of_one_title_are_its_iterations(begun: Session) -> None:
    for step in range(3):
        _drawn((step, 2))
        plt.title("loss")
        plt.show()
        plt.close("all")
    assert _plots(begun) == [("loss", "plot", 0), ("loss", "plot", 1), ("loss", "plot", 2)]


def test_saving_and_then_showing_is_one_plot_and_a_change_makes_another(begun: Session, tmp_path: Path) -> None:
    _drawn()
    plt.title("saved")
    plt.savefig(tmp_path / "a.png", dpi=150)
    plt.savefig(tmp_path / "b.pdf")
    plt.show()
    plt.show()
    assert _plots(begun) == [("saved", "plot", 0)]
    plt.plot([5, 6])
    plt.savefig(tmp_path / "c.svg")
    plt.show()
    assert _plots(begun) == [("saved", "plot", 0), ("saved", "plot", 1)]


@pytest.mark.parametrize(
    "change",
    [
        lambda axes: axes.set_xlabel("x"),
        lambda axes: axes.lines[0].set_color("red"),
        lambda axes: axes.lines[0].set_ydata([7, 8]),
        lambda axes: axes.bar([1], [2]),
        lambda axes: axes.imshow([[1, 2]]),
        lambda axes: axes.set_ylim(-3, 9),
        lambda axes: axes.text(0, 0, "here"),
        lambda axes: axes.legend(["a line"]),
    ],
    ids=["label", "colour", "data", "bar", "picture", "limits", "text", "legend"],
)
def test_what_changes_a_figure_makes_it_a_new_plot(begun: Session, change: Callable[[Any], object]) -> None:
    figure = _drawn(num="changing")
    figure.show()
    change(figure.axes[0])
    figure.show()
    assert _plots(begun) == [("changing", "plot", 0), ("changing", "plot", 1)]


def test_what_is_saved_as_png_is_the_plot_itself(begun: Session, tmp_path: Path) -> None:
    _drawn(num="to a file").savefig(tmp_path / "a.png", dpi=37)
    stream = io.BytesIO(b"")
    _drawn(num="to a stream").savefig(stream, format="png", dpi=41)
    _drawn(num="without a suffix").savefig(str(tmp_path / "c"), dpi=43)
    kept = [Path(plot.image).read_bytes() for plot in Reports(begun.paths).plots() if plot.image is not None]
    assert kept == [(tmp_path / "a.png").read_bytes(), stream.getvalue(), (tmp_path / "c.png").read_bytes()]


def test_of_another_format_a_picture_is_drawn(begun: Session) -> None:
    stream = io.StringIO()
    _drawn(num="vector").savefig(stream, format="svg")
    assert stream.getvalue().startswith("<?xml")
    plot = Reports(begun.paths).plots("vector")[0]
    assert plot.image is not None
    assert Path(plot.image).read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_pictures_alone_is_a_debug_sample(begun: Session) -> None:
    plt.imshow([[0.0, 1.0], [1.0, 0.0]])
    plt.title("digit")
    plt.show()
    samples = Reports(begun.paths).debug_samples()
    assert [(each.title, each.series, each.iteration) for each in samples] == [("digit", "plot image", 0)]
    assert _plots(begun) == []


def test_a_picture_with_its_colour_bar_is_a_debug_sample(begun: Session) -> None:
    plt.imshow([[0.0, 1.0], [1.0, 0.0]])
    plt.colorbar()
    plt.title("heat")
    plt.show()
    assert [(each.title, each.series) for each in Reports(begun.paths).debug_samples()] == [("heat", "plot image")]
    assert _plots(begun) == []


def test_a_plot_of_several_axes_has_the_series_of_a_picture(begun: Session) -> None:
    figure, axes = plt.subplots(1, 2)
    axes[0].imshow([[0.0, 1.0], [1.0, 0.0]])
    axes[1].plot([1, 2])
    figure.suptitle("both")
    plt.show()
    assert _plots(begun) == [("both", "plot image", 0)]
    assert Reports(begun.paths).debug_samples() == []


def test_untitled_pictures_and_plots_are_counted_each_by_themselves(begun: Session) -> None:
    for draw in (plt.imshow, plt.plot, plt.imshow):
        plt.figure()
        draw([[0.0, 1.0], [1.0, 0.0]])
        plt.show()
        plt.close()
    samples = Reports(begun.paths).debug_samples()
    assert [(each.title, each.iteration) for each in samples] == [("untitled 00", 0), ("untitled 01", 0)]
    assert _plots(begun) == [("untitled 00", "plot", 0)]


def test_a_figure_that_pyplot_does_not_know_counts_when_it_is_saved(begun: Session, tmp_path: Path) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    figure.savefig(tmp_path / "a.png")
    assert _plots(begun) == [("untitled 00", "plot", 0)]


def test_what_is_reported_by_our_own_functions_is_reported_once(begun: Session) -> None:
    figure = _drawn(num="of the window")
    begun.sink.reporter.report_matplotlib_figure("by hand", "series", figure, 5)
    begun.sink.reporter.report_matplotlib_figure("by hand", "sample", figure, 5, report_image=True)
    assert _plots(begun) == [("by hand", "series", 5)]
    assert [each.series for each in Reports(begun.paths).debug_samples()] == ["sample"]


def test_the_frames_of_an_animation_are_no_plots(begun: Session, tmp_path: Path) -> None:
    animation = pytest.importorskip("matplotlib.animation")
    figure = _drawn()
    line = figure.axes[0].lines[0]
    film = animation.FuncAnimation(figure, lambda step: line.set_ydata([step, 2]), frames=3)
    film.save(tmp_path / "a.gif", writer=animation.PillowWriter())
    assert (tmp_path / "a.gif").is_file()
    assert _plots(begun) == []


def test_what_pandas_draws_is_matplotlibs(begun: Session) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"a": [1, 2]}).plot(title="of pandas")
    plt.show()
    assert _plots(begun) == [("of pandas", "plot", 0)]


def test_surfaces_and_odd_artists_are_plots_too(begun: Session) -> None:
    axes = plt.figure(num="3d").add_subplot(projection="3d")
    axes.plot([1, 2], [3, 4], [5, 6])
    plt.show()
    plt.show()
    axes.scatter([1, 2], [3, 4], [5, 6])
    plt.show()
    assert _plots(begun) == [("3d", "plot", 0), ("3d", "plot", 1)]


def test_a_warning_names_the_programs_line(begun: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    figure = _drawn()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plt.show()
        figure.show()
    assert [Path(each.filename).name for each in caught] == ["test_matplotlib.py"] * 2
    assert all("non-interactive" in str(each.message) for each in caught)


def test_an_error_of_matplotlibs_shows_no_frame_of_ours(begun: Session, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        _drawn().savefig(tmp_path / "nowhere" / "a.png")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not any("taskstore" in Path(file).parts and "capture" in Path(file).parts for file in files)
    assert _plots(begun) == []


def test_a_failing_hook_warns_once_and_the_program_goes_on(
    begun: Session, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(figure: object) -> bytes:
        raise RuntimeError("a new version")

    monkeypatch.setattr(capture, "_look", broken)
    terminal.truncate(0)
    for name in ("a.png", "b.png"):
        assert _drawn().savefig(tmp_path / name) is None
        assert (tmp_path / name).is_file()
    assert terminal.getvalue().count("matplotlib: RuntimeError: a new version") == 1


def test_a_second_run_of_a_process_begins_anew(begin: Callable[..., Session]) -> None:
    def draw() -> None:
        for _ in range(2):
            _drawn().show()

    for choice, wanted in (
        (True, [("untitled 00", 0), ("untitled 01", 0)]),
        (True, [("untitled 00", 0), ("untitled 01", 0)]),
        ({"matplotlib": False}, []),
    ):
        session = begin(choice)
        draw()
        session.close()
        assert [(plot.title, plot.iteration) for plot in Reports(session.paths).plots()] == wanted


def test_after_the_run_matplotlib_is_as_it_was(begin: Callable[[], Session]) -> None:
    names = [(plt, "show"), (Figure, "show"), (Figure, "savefig"), (matplotlib._api, "warn_external")]
    before = [getattr(owner, name) for owner, name in names]
    session = begin()
    during = [getattr(owner, name) for owner, name in names]
    assert not any(one is other for one, other in zip(before, during, strict=True))
    session.close()
    assert all(getattr(owner, name) is original for (owner, name), original in zip(names, before, strict=True))


def test_matplotlib_imported_after_the_beginning_is_captured_alike(tmp_path: Path) -> None:
    code = """
assert "matplotlib" not in sys.modules
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.title("late")
plt.show()
print([(plot.title, plot.iteration) for plot in task.reports.plots()])
"""
    assert program(code, tmp_path) == "[('late', 0)]\n"


def test_a_program_that_wants_no_figures_has_none_though_a_launcher_began(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\n"
        "plt.title('before')\n"
        "plt.show()\n"
        "from taskstore import Task\n"
        "Task.init('examples', 'a run', auto_connect_frameworks={'matplotlib': False})\n"
        "plt.plot([1, 2])\n"
        "plt.title('after')\n"
        "plt.show()\n"
    )
    store = init(tmp_path / "store")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "taskstore.run.child", "--", str(script)],
        env={**os.environ, "TASKSTORE_ROOT": str(store.root), "MPLBACKEND": "agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ((_, task_id),) = places.walk(store)
    assert [plot.title for plot in read_plots(places.locate(store, task_id))] == ["before"]
