"""Arrays, tensors, images and figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

from .prepared import Serializer, is_a, library

_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_MAX_DEPTH = 20


def _is_array(value: Any) -> bool:  # noqa: ANN401 - any object may be asked about
    return is_a(value, "numpy", "ndarray") and not value.dtype.hasobject and type(value).__module__ == "numpy"


def _write_npz(value: object, stream: BinaryIO) -> None:
    sys.modules["numpy"].savez_compressed(stream, value)


def _write_npy(value: object, stream: BinaryIO) -> None:
    sys.modules["numpy"].lib.format.write_array(stream, value, allow_pickle=False)


def _read_numpy(path: Path) -> Any:  # noqa: ANN401 - an array, or a dict of them
    np = library("numpy")
    loaded = np.load(path, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        return loaded
    with loaded:
        names = loaded.files
        return loaded[names[0]] if len(names) == 1 else {name: loaded[name] for name in names}


def _preview_array(value: Any) -> str:  # noqa: ANN401 - an array or tensor
    return f"{type(value).__name__} {tuple(value.shape)} {value.dtype}\n{value}"


def _is_tensors(value: object) -> bool:
    """Tell whether a value is a tensor, or a dict with one in it, of what `weights_only` reads again."""
    return is_a(value, "torch", "Tensor") or (
        isinstance(value, dict) and "torch" in sys.modules and _has_tensor(value) and _is_weights(value, _MAX_DEPTH)
    )


def _has_tensor(value: object, depth: int = _MAX_DEPTH) -> bool:
    if depth == 0:
        return False
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_tensor(item, depth - 1) for item in value)
    return is_a(value, "torch", "Tensor")


def _is_weights(value: object, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(_is_weights(item, depth - 1) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return all(_is_weights(item, depth - 1) for item in value)
    return is_a(value, "torch", "Tensor", "dtype", "Size") or type(value) in (bool, int, float, str, type(None))


def _read_torch(path: Path) -> Any:  # noqa: ANN401 - tensors
    return library("torch").load(path, map_location="cpu", weights_only=True)


def _preview_tensors(value: Any) -> str:  # noqa: ANN401 - a tensor or a dict of them
    if not isinstance(value, dict):
        return _preview_array(value)
    return "\n".join(
        f"{name}: {tuple(item.shape)} {item.dtype}"
        if is_a(item, "torch", "Tensor")
        else f"{name}: {type(item).__name__}"
        for name, item in value.items()
    )


def _is_image(value: object) -> bool:
    return is_a(value, "PIL.Image", "Image")


def _is_png(value: Any) -> bool:  # noqa: ANN401 - any object may be asked about
    return _is_image(value) and value.mode in _PNG_MODES


def _read_image(path: Path) -> Any:  # noqa: ANN401 - an image
    with library("PIL.Image").open(path) as image:
        image.load()
        return image


def _preview_image(value: Any) -> str:  # noqa: ANN401 - an image
    return f"{value.width} x {value.height} {value.mode}"


def _is_figure(value: object) -> bool:
    return is_a(value, "matplotlib.figure", "Figure")


def _write_figure(value: Any, stream: BinaryIO) -> None:  # noqa: ANN401 - a figure
    value.savefig(stream, format="png", metadata={"Software": None})


def _write_svg(value: Any, stream: BinaryIO) -> None:  # noqa: ANN401 - a figure
    value.savefig(stream, format="svg", metadata={"Date": None})


def _preview_figure(value: Any) -> str:  # noqa: ANN401 - a figure
    titles = [axes.get_title() for axes in value.axes]
    return ", ".join(title for title in titles if title) or f"figure with {len(titles)} axes"


def _read_plotly(path: Path) -> Any:  # noqa: ANN401 - a figure
    return library("plotly.io").from_json(path.read_text("utf-8"))


SERIALIZERS = (
    Serializer("numpy", ".npz", "application/numpy", _is_array, _write_npz, _read_numpy, preview=_preview_array),
    Serializer("numpy", ".npy", "application/numpy", _is_array, _write_npy, _read_numpy, preview=_preview_array),
    Serializer(
        "torch",
        ".pt",
        "application/vnd.pytorch",
        _is_tensors,
        write=lambda value, stream: sys.modules["torch"].save(value, stream),
        read=_read_torch,
        preview=_preview_tensors,
    ),
    Serializer(
        "image",
        ".png",
        "image/png",
        _is_png,
        write=lambda value, stream: value.save(stream, format="PNG"),
        read=_read_image,
        preview=_preview_image,
    ),
    Serializer("image", ".png", "image/png", _is_figure, _write_figure, _read_image, preview=_preview_figure),
    Serializer(
        "figure", ".svg", "image/svg+xml", _is_figure, _write_svg, lambda path: path.read_text("utf-8"), _preview_figure
    ),
    Serializer(
        "plotly",
        ".json",
        "application/vnd.plotly.v1+json",
        accepts=lambda value: is_a(value, "plotly.basedatatypes", "BaseFigure"),
        write=lambda value, stream: _write_text(value.to_json(), stream),
        read=_read_plotly,
        preview=lambda value: str(value.layout.title.text or f"figure with {len(value.data)} traces"),
    ),
)


def _write_text(text: str, stream: BinaryIO) -> None:
    stream.write(text.encode("utf-8"))
