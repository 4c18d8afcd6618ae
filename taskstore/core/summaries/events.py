"""What events hold, reported: scalars, histograms, images, text, audio, precision-recall curves, hyperparameters.

Graphs, meshes, embeddings and the layouts of custom scalars have no counterpart here and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from . import histograms
from .tags import AUDIO, HISTOGRAM, IMAGE, SCALAR, TEXT, Kind, Tags
from .tensors import STRING, numbers, shape_of

HPARAMS_SECTION = "TB_hparams"
_HPARAMS = "_hparams_/"
_PLUGINS = ("scalars", "")
_SUFFIXES = ((b"\x89PNG", ".png"), (b"GIF8", ".gif"), (b"\xff\xd8", ".jpg"), (b"BM", ".bmp"))
_CURVE_ROWS = ("true positives", "false positives", "true negatives", "false negatives", "precision", "recall")


class Reporter(Protocol):
    """What events are reported by."""

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Take one point."""
        ...

    def report_plotly(self, title: str, series: str, figure: dict[str, Any], iteration: int) -> None:
        """Take a plotly figure."""
        ...

    def report_media(
        self, title: str, series: str, iteration: int, *, stream: bytes | str, file_extension: str
    ) -> None:
        """Take what is a file: a picture, a sound, a text."""
        ...


def _pass_over(_: str) -> None:
    """Hear of what has no counterpart here, and do nothing."""


class Events:
    """Reports the events of one run, of all its writers. Any thread may call.

    `hparams` takes what the hparams plugin says by a tag, `passed_over` hears of what has no counterpart.
    """

    def __init__(
        self,
        reporter: Reporter,
        hparams: Callable[[str, bytes], None],
        passed_over: Callable[[str], None] = _pass_over,
    ) -> None:
        self._reporter = reporter
        self._hparams = hparams
        self._passed_over = passed_over
        self._tags = Tags()
        self._plugins: dict[tuple[str, str], str] = {}
        self._curves: dict[tuple[str, str], tuple[str, str]] = {}

    def always_stepped(self, folder: str) -> None:
        """Say that every event of a folder's writers has a step."""
        self._tags.always_stepped(folder)

    def take(self, event: Any, folder: str) -> None:  # noqa: ANN401 - an Event of any class
        """Report what an event holds; `folder` is its writer's, which tells series of the same tag apart."""
        for value in event.summary.value:
            form = value.WhichOneof("value")
            if form == "simple_value":
                self._scalar(value.tag, value.simple_value, event.step, folder)
            elif form == "histo":
                self._histogram(value.tag, histograms.of_buckets(value.histo), event.step, folder)
            elif form == "image":
                self._files(IMAGE, value.tag, [value.image.encoded_image_string], event.step, folder)
            elif form == "audio":
                self._files(AUDIO, value.tag, [value.audio.encoded_audio_string], event.step, folder)
            elif value.tag.startswith(_HPARAMS):
                self._hparams(value.tag.removeprefix(_HPARAMS), value.metadata.plugin_data.content)
            elif form == "tensor":
                self._tensor(value, event.step, folder)

    def _plugin(self, value: Any, folder: str) -> str:  # noqa: ANN401
        """Return whose tensor this is; a writer need not say it again after a tag's first."""
        name: str = value.metadata.plugin_data.plugin_name
        if name:
            self._plugins[folder, value.tag] = name
        return name or self._plugins.get((folder, value.tag), "")

    def _tensor(self, value: Any, step: int, folder: str) -> None:  # noqa: ANN401
        tag, tensor, plugin = value.tag, value.tensor, self._plugin(value, folder)
        texts = tensor.string_val if tensor.dtype == STRING else ()
        if plugin == "text":
            self._text(tag, tensor, step, folder)
        elif plugin == "images":
            self._files(IMAGE, tag, list(texts[2:]), step, folder)  # after width and height
        elif plugin == "audio":
            self._files(AUDIO, tag, list(texts[:: 2 if len(shape_of(tensor)) > 1 else 1]), step, folder)
        elif plugin == "histograms":
            self._histogram(tag, histograms.of_tensor(tensor), step, folder)
        elif plugin == "pr_curves":
            self._curve(*self._curve_names(tag, value.metadata.display_name, folder), tensor, step)
        elif plugin in _PLUGINS and not texts and all(size == 1 for size in shape_of(tensor)):
            for number in numbers(tensor):
                self._scalar(tag, number, step, folder)
        else:
            self._passed_over(plugin or "a tensor")

    def _scalar(self, tag: str, number: float, step: int, folder: str) -> None:
        named = self._tags.named(SCALAR, tag, folder)
        self._reporter.report_scalar(named.title, named.series, number, named.iteration(step))

    def _histogram(self, tag: str, bins: list[histograms.Bin], step: int, folder: str) -> None:
        named = self._tags.named(HISTOGRAM, tag, folder)
        figure = histograms.plot(named.title, named.series, bins)
        self._reporter.report_plotly(named.title, named.series, figure, named.iteration(step))

    def _files(self, kind: Kind, tag: str, contents: list[bytes], step: int, folder: str) -> None:
        """Report pictures or sounds; several in one event have "_sample_0", "_sample_1" … after their series."""
        named = self._tags.named(kind, tag, folder)
        iteration = named.iteration(step)
        for number, content in enumerate(contents):
            suffix = ".wav" if kind is AUDIO else next((end for head, end in _SUFFIXES if content.startswith(head)), "")
            self._reporter.report_media(
                named.title,
                f"{named.series}_sample_{number}" if len(contents) > 1 else named.series,
                iteration,
                stream=content,
                file_extension=suffix or ".bin",
            )

    def _text(self, tag: str, tensor: Any, step: int, folder: str) -> None:  # noqa: ANN401
        named = self._tags.named(TEXT, tag, folder)
        cells = [item.decode("utf-8", "replace") for item in tensor.string_val]
        shape = shape_of(tensor)
        width = shape[-1] if len(shape) > 1 else 1
        lines = [" | ".join(cells[at : at + width]) for at in range(0, len(cells), max(1, width))]
        self._reporter.report_media(
            named.title, named.series, named.iteration(step), stream="\n".join(lines), file_extension=".txt"
        )

    def _curve_names(self, tag: str, display_name: str, folder: str) -> tuple[str, str]:
        """Return title and series: the tag, with the folder's number from the second on, and the name first shown."""
        if (folder, tag) not in self._curves:
            number = sum(known == tag for _, known in self._curves) + 1
            self._curves[folder, tag] = (f"{tag}_{number}" if number > 1 else tag, display_name or tag)
        return self._curves[folder, tag]

    def _curve(self, title: str, name: str, tensor: Any, step: int) -> None:  # noqa: ANN401
        """Report a precision-recall curve: a tensor of `_CURVE_ROWS`, a column for each threshold from 0 to 1."""
        count, flat = shape_of(tensor)[-1], numbers(tensor)
        rows = [flat[at : at + count] for at in range(0, len(flat), count)]
        about = [
            "<br>".join([f"threshold {at / max(1, count - 1):.3f}", *map("{}: {:.6g}".format, _CURVE_ROWS, column)])
            for at, column in enumerate(zip(*rows, strict=True))
        ]
        trace = {"type": "scatter", "mode": "lines", "name": name, "x": rows[-1], "y": rows[-2], "text": about}
        layout = {
            "title": {"text": title},
            "xaxis": {"title": {"text": "recall"}},
            "yaxis": {"title": {"text": "precision"}},
        }
        self._reporter.report_plotly(title, name, {"data": [trace], "layout": layout}, step)
