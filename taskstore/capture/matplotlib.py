"""Capture of matplotlib: what is shown or saved becomes a plot; seaborn and pandas, which draw by it, come along.

Shown figures are drawn before the window opens, since they may be gone when it closes. Of what is saved as PNG, that
file is the plot, so that nothing is drawn twice; of another format a picture is drawn. The same figure is a new plot
only if something in it has changed, as far as a look at its artists can tell. Not reported is what we draw ourselves,
here or because the program reports a figure by our own functions, and the frames of an animation.

matplotlib's warnings name the program's line: they look for the first frame that is not matplotlib's, and would find
one of ours. So that search is ours as well while we are hooked in.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from ..core.frames import leave_no_frame
from .base import Sink, contained, swapped

CAPTURE = "matplotlib"
SERIES, PICTURE_SERIES = "plot", "plot image"
"""A figure that holds nothing but pictures is a debug sample, with the second for its series, as has a plot of several
axes; untitled ones of either kind are counted by themselves. So it is in ClearML."""
_PNG = b"\x89PNG\r\n\x1a\n"
_TRAITS = (
    *("visible", "alpha", "text", "position", "color", "facecolor", "edgecolor", "linestyle", "linewidth", "marker"),
    *("xydata", "data_3d", "array", "offsets", "xy", "width", "height", "center", "radius", "theta1", "theta2"),
    *("extent", "clim", "paths", "path", "xlim", "ylim", "zlim", "xlabel", "ylabel", "title", "xscale", "yscale"),
)
"""What tells one look of an artist from another, by the names of its `get_` methods."""

_plots: dict[Sink, _Plots] = {}


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Hook into `matplotlib.figure` or `matplotlib.pyplot` within the block; both report to one numbering."""
    plots = _plots.get(sink)
    if plots is None:
        plots = _plots[sink] = _Plots(sink)
    with ExitStack() as hooks:
        hooks.callback(_plots.pop, sink, None)
        if hasattr(module, "get_fignums"):
            hooks.enter_context(swapped(module, "show", plots.around_show_all))
        else:
            hooks.enter_context(swapped(module.Figure, "show", plots.around_show))
            hooks.enter_context(swapped(module.Figure, "savefig", plots.around_savefig))
            if hasattr(getattr(module, "_api", None), "warn_external"):
                hooks.enter_context(swapped(module._api, "warn_external", lambda _: _warn_external))
        yield


def _warn_external(message: Any, category: type[Warning] | None = None) -> None:  # noqa: ANN401 - a text or a Warning
    """Warn of the program's line: matplotlib's frames and ours are passed over."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inside(name: str) -> bool:
    return name == __name__ or name.partition(".")[0] in ("matplotlib", "mpl_toolkits")


def _is_aside(caller: FrameType) -> bool:
    """Tell whether a figure is saved by us, or as a frame of an animation: one that the program does not speak of."""
    name: str = caller.f_globals.get("__name__", "")
    return name.startswith(("taskstore.", "matplotlib.animation"))


class _Plots:
    """What one run has reported of its figures."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._looks: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()
        self._untitled: dict[bool, WeakKeyDictionary[Any, str]] = {
            False: WeakKeyDictionary(),
            True: WeakKeyDictionary(),
        }
        self._numbers = {False: itertools.count(), True: itertools.count()}
        self._iterations: dict[tuple[bool, str], int] = {}

    def around_show_all(self, original: Any) -> Callable[..., object]:  # noqa: ANN401 - the library's function
        """Wrap `pyplot.show`, which shows every figure that pyplot knows of."""

        @wraps(original)
        def show(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
            with contained(self._sink, CAPTURE):
                for manager in sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers():
                    self.report(manager.canvas.figure)
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return show

    def around_show(self, original: Any) -> Callable[..., object]:  # noqa: ANN401
        """Wrap `Figure.show`."""

        @wraps(original)
        def show(figure: Any, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401
            self.report(figure)
            try:
                return original(figure, *args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return show

    def around_savefig(self, original: Any) -> Callable[..., object]:  # noqa: ANN401
        """Wrap `Figure.savefig`, by which pyplot saves too."""

        @wraps(original)
        def savefig(figure: Any, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401
            target = args[0] if args else kwargs.get("fname")
            start = target.tell() if isinstance(target, io.BytesIO) and not target.closed else 0
            try:
                result = original(figure, *args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise
            if not _is_aside(sys._getframe(1)):
                self.report(figure, lambda: _saved(target, start))
            return result

        return savefig

    def report(self, figure: Any, saved: Callable[[], bytes | None] = lambda: None) -> None:  # noqa: ANN401
        """Report a figure unless it looks as it did last time; `saved` returns the PNG there is of it already."""
        with contained(self._sink, CAPTURE):
            self._report(figure, saved)

    def _report(self, figure: Any, saved: Callable[[], bytes | None]) -> None:  # noqa: ANN401
        if self._looks.get(figure) == _look(figure):
            return
        is_picture = _is_picture(figure)
        untitled = self._untitled[is_picture]
        title = _title(figure) or untitled.get(figure)
        if title is None:
            title = untitled[figure] = f"untitled {next(self._numbers[is_picture]):02d}"
        iteration = self._iterations.get((is_picture, title), -1) + 1
        self._iterations[is_picture, title] = iteration
        data = saved()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the program has been warned by its own call
            self._sink.reporter.report_matplotlib_figure(
                title,
                PICTURE_SERIES if is_picture or len(figure.axes) > 1 else SERIES,
                _Saved(data) if data is not None else figure,
                iteration,
                report_image=is_picture,
            )
        self._looks[figure] = _look(figure)  # not before: drawing puts titles in their places


class _Saved:
    """Stands in for a figure whose PNG there is already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def savefig(self, stream: Any, **_: object) -> None:  # noqa: ANN401
        stream.write(self._data)


def _saved(target: Any, start: int) -> bytes | None:  # noqa: ANN401 - whatever savefig takes
    """Return what was just saved, where that is PNG and can be read; None where a picture has to be drawn."""
    data = b""
    if isinstance(target, io.BytesIO):
        data = target.getvalue()[start:]
    elif isinstance(target, (str, os.PathLike)):
        path = Path(target)
        if not path.suffix:  # savefig adds the default format's
            path = path.with_name(f"{path.name}.png")
        if path.suffix == ".png" and path.is_file():
            data = path.read_bytes()
    return data if data.startswith(_PNG) else None


def _title(figure: Any) -> str | None:  # noqa: ANN401
    """Return what the figure is called: its own title, its window's label, or the title of its last axes with one."""
    suptitle = getattr(figure, "_suptitle", None)
    names = [suptitle.get_text() if suptitle is not None else "", str(figure.get_label())]
    for axes in reversed(figure.axes):
        names.extend(axes.get_title(loc=place) for place in ("center", "left", "right"))
    return next((" ".join(name.split()) for name in names if name and not name.isspace()), None)


def _is_picture(figure: Any) -> bool:  # noqa: ANN401
    """Tell whether there are pictures in the figure, and nothing else that is drawn from data but their colour bars."""
    shown = [axes for axes in figure.axes if axes.has_data() and axes.get_label() != "<colorbar>"]
    return bool(shown) and all(
        axes.images and not (axes.lines or axes.patches or axes.collections or axes.tables) for axes in shown
    )


def _look(figure: Any) -> bytes:  # noqa: ANN401
    """Digest what the figure shows; ticks are left out, for they are made as it is drawn."""
    digest = hashlib.blake2b(digest_size=16)
    artists = [figure, *figure.texts]
    for axes in figure.axes:
        parts = [each for each in axes.get_children() if each not in (axes.xaxis, axes.yaxis)]
        legend = axes.get_legend()
        artists += [axes, *parts, *(legend.get_texts() if legend is not None else [])]
    for artist in artists:
        digest.update(type(artist).__name__.encode())
        for trait in _TRAITS:
            get = getattr(artist, f"get_{trait}", None)
            if callable(get):
                with suppress(AttributeError, TypeError, ValueError, NotImplementedError):  # this one has none
                    _feed(digest, get())
    return digest.digest()


def _feed(digest: Any, value: Any) -> None:  # noqa: ANN401
    vertices = getattr(value, "vertices", None)
    if vertices is not None:  # a path
        value = vertices
    if callable(getattr(value, "tobytes", None)):
        digest.update(value.tobytes())
    elif isinstance(value, (list, tuple)):
        for item in value:
            _feed(digest, item)
    else:
        digest.update(repr(value).encode("utf-8", "replace"))
