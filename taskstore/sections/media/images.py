"""Pictures: arrays of every usual form, PIL images, matplotlib figures, files. PIL and numpy are not needed."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...core.errors import BadValue
from ...store.samples import Sample
from .files import of_file
from .png import encode_png

_CHANNELS = (1, 3, 4)
_WANTED = (
    "an image of shape (height, width), (height, width, channels) or (channels, height, width) with 1, 3 or 4 channels"
)
_FROM_BOOL = bytes([0] + [255] * 255)
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_PLAIN, _SPACE = 2, 3


def of_image(name: str, image: Any) -> Sample:  # noqa: ANN401 - an array, a PIL image, a figure, a path
    """Make a sample of a picture; `name` is the argument's. Raises BadValue with the shape wanted and the one given.

    Integers are 0 to 255, 16-bit ones 0 to 65535; floats are 0 to 1, or 0 to 255 where one is greater than 1, and
    what is no number is black; booleans are black and white.
    """
    if isinstance(image, str) or hasattr(image, "__fspath__"):
        return of_file(name, image)
    if callable(getattr(image, "savefig", None)):
        stream = io.BytesIO()
        image.savefig(stream, format="png")
        return _png(stream.getvalue())
    if callable(getattr(image, "save", None)) and isinstance(getattr(image, "mode", None), str):
        if 0 in image.size:
            raise BadValue(f"{name} must be {_WANTED}, not a picture of {image.size[0]} by {image.size[1]} pixels")
        return _png(_of_pil(image))
    grid = _grid(name, image)
    height, width, channels, pixels = _interleaved(name, grid)
    return _png(encode_png(width, height, channels, pixels))


def _png(data: bytes) -> Sample:
    return Sample(".png", "image/png", "", [data])


def _of_pil(image: Any) -> bytes:  # noqa: ANN401
    stream = io.BytesIO()
    (image if image.mode in _PNG_MODES else image.convert("RGB")).save(stream, format="PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class _Grid:
    """An array: its shape, and its numbers as bytes from 0 to 255, in C order."""

    shape: tuple[int, ...]
    pixels: bytes


def _grid(name: str, image: Any) -> _Grid:  # noqa: ANN401
    detach = getattr(image, "detach", None)
    if callable(detach):  # a tensor
        image = detach().cpu()
    if not isinstance(image, (list, tuple, memoryview)) and callable(getattr(image, "__array__", None)):
        image = _as_array(image)
        if image.dtype.kind == "f":
            image = _whole(name, image)
    try:
        view = memoryview(image)
    except (TypeError, ValueError):  # no buffer, or one of objects
        return _of_lists(name, image)
    found = _of_view(name, view)
    return _of_lists(name, image) if found is None else found


def _as_array(image: Any) -> Any:  # noqa: ANN401
    try:
        return image.__array__()
    except TypeError:  # a tensor of a kind that numpy has no name for, such as bfloat16
        widen = getattr(image, "float", None)
        if not callable(widen):
            raise
        return widen().__array__()


def _of_view(name: str, view: memoryview) -> _Grid | None:
    """Read a buffer; None where its numbers are of a kind that Python has no array of."""
    import array

    shape, code = tuple(view.shape or ()), view.format.lstrip("<=@|")
    _check_shape(name, shape)
    if code == "B":
        return _Grid(shape, view.tobytes())
    if code == "?":
        return _Grid(shape, view.tobytes().translate(_FROM_BOOL))
    if code not in array.typecodes or code == "u":
        return None
    numbers = array.array(code, view.tobytes())
    if code in "fd":
        return _Grid(shape, _of_floats(name, numbers))
    return _Grid(shape, _of_integers(name, numbers, is_wide=code == "H"))


def _of_lists(name: str, value: Any) -> _Grid:  # noqa: ANN401
    nested = value.tolist() if callable(getattr(value, "tolist", None)) else value
    shape, flat = _flat(name, nested)
    _check_shape(name, shape)
    kinds = set(map(type, flat))
    if kinds == {bool}:
        return _Grid(shape, bytes(255 * item for item in flat))
    if kinds <= {bool, int}:
        return _Grid(shape, _of_integers(name, flat, is_wide=False))
    try:
        floats = [float(item) for item in flat]
    except (TypeError, ValueError):
        odd = next(kind for kind in kinds if kind not in (int, float, bool))
        raise BadValue(f"{name} must be {_WANTED}, of numbers, not of {odd.__name__}") from None
    return _Grid(shape, _of_floats(name, floats))


def _flat(name: str, nested: Any) -> tuple[tuple[int, ...], list[Any]]:  # noqa: ANN401
    """Return the shape and the items of nested lists. Raises BadValue where they are ragged."""
    if not isinstance(nested, (list, tuple)):
        raise BadValue(f"{name} must be {_WANTED}, a PIL image or a path, not {type(nested).__name__}")
    shape: tuple[int, ...] = ()
    level = list(nested)
    while True:
        shape += (len(level) // math.prod(shape) if math.prod(shape) else 0,)
        inner = [isinstance(item, (list, tuple)) for item in level]
        if not any(inner):
            return shape, level
        if not all(inner) or len(set(map(len, level))) > 1:
            raise BadValue(f"{name} must be {_WANTED}, not rows of different lengths")
        level = [item for row in level for item in row]


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    is_fine = len(shape) == _PLAIN or (len(shape) == _SPACE and (shape[-1] in _CHANNELS or shape[0] in _CHANNELS))
    if not is_fine or 0 in shape:
        raise BadValue(f"{name} must be {_WANTED}, not of shape {shape}")


def _of_integers(name: str, numbers: Sequence[int], *, is_wide: bool) -> bytes:
    if is_wide and max(numbers) > 255:
        return bytes(number >> 8 for number in numbers)
    try:
        return bytes(numbers) if isinstance(numbers, list) else bytes(list(numbers))
    except ValueError:
        raise BadValue(f"{name} must hold integers from 0 to 255, not from {min(numbers)} to {max(numbers)}") from None


def _whole(name: str, image: Any) -> Any:  # noqa: ANN401 - an array of numpy's kind
    """Return floats as bytes by the array's own arithmetic, some twenty times as fast; with NaN in it as it is."""
    _check_shape(name, image.shape)
    low, high = float(image.min()), float(image.max())
    if not math.isfinite(low + high):
        return image
    return (image * _scale(name, low, high) + 0.5).clip(0, 255).astype("uint8")


def _scale(name: str, low: float, high: float) -> float:
    if low < -1e-6 or high > 255:
        raise BadValue(f"{name} must hold floats from 0 to 1 (or to 255), not from {low:g} to {high:g}")
    return 255.0 if high <= 1 + 1e-6 else 1.0


def _of_floats(name: str, numbers: Sequence[float]) -> bytes:
    if not math.isfinite(sum(numbers)):
        numbers = [number if math.isfinite(number) else 0.0 for number in numbers]
    scale = _scale(name, min(numbers), max(numbers))
    return bytes([min(255, int(max(0.0, number) * scale + 0.5)) for number in numbers])


def _interleaved(name: str, grid: _Grid) -> tuple[int, int, int, bytes]:
    """Return height, width, channels and the pixels with their channels together."""
    if len(grid.shape) == _PLAIN:
        return grid.shape[0], grid.shape[1], 1, grid.pixels
    if grid.shape[-1] in _CHANNELS:
        return grid.shape[0], grid.shape[1], grid.shape[2], grid.pixels
    channels, height, width = grid.shape
    size = height * width
    out = bytearray(size * channels)
    for channel in range(channels):
        out[channel::channels] = grid.pixels[channel * size : (channel + 1) * size]
    return height, width, channels, bytes(out)
