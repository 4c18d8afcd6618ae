"""Pictures of every form become the same pixels; files and streams are samples."""

from __future__ import annotations

import array
import io
import struct
import zlib
from pathlib import Path

import pytest

from taskstore.core.errors import BadValue
from taskstore.sections import media


def decoded(data: bytes) -> tuple[int, int, int, list[bytes]]:
    """Width, height, channels and rows of a PNG as `encode_png` makes it."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height, depth, color, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    channels = {0: 1, 2: 3, 6: 4}[color]
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[start : start + width * channels + 1] for start in range(0, len(raw), width * channels + 1)]
    assert depth == 8
    assert {row[0] for row in rows} == {0}
    assert len(rows) == height
    return width, height, channels, [row[1:] for row in rows]


def pixels(image: object) -> tuple[int, int, int, list[bytes]]:
    sample = media.of_image("image", image)
    assert (sample.extension, sample.media_type) == (".png", "image/png")
    return decoded(b"".join(sample.chunks))


GREY = (3, 2, 1, [bytes([0, 128, 255]), bytes([255, 128, 0])])


@pytest.mark.parametrize(
    "image",
    [
        [[0, 128, 255], [255, 128, 0]],
        ((0, 128, 255), (255, 128, 0)),
        [[0.0, 128 / 255, 1.0], [1.0, 128 / 255, 0.0]],
        [[0.0, 128.0, 255.0], [255.0, 128.0, 0.0]],
        [[[0], [128], [255]], [[255], [128], [0]]],
        [[[0, 128, 255], [255, 128, 0]]],  # 1 x 2 x 3 would be RGB: see below
        memoryview(bytes([0, 128, 255, 255, 128, 0])).cast("B", (2, 3)),
        memoryview(array.array("d", [0, 128 / 255, 1, 1, 128 / 255, 0])).cast("B").cast("d", (2, 3)),
        memoryview(array.array("H", [0, 128, 255, 255, 128, 0])).cast("B").cast("H", (2, 3)),
        memoryview(array.array("H", [0, 128 << 8, 65535, 65535, 128 << 8, 0])).cast("B").cast("H", (2, 3)),
    ],
    ids=range(10),
)
def test_forms_of_one_grey_picture_are_one(image) -> None:
    found = pixels(image)
    if found[:3] == (2, 1, 3):  # the last dimension goes before the first as that of channels
        assert found[3] == [bytes([0, 128, 255, 255, 128, 0])]
    else:
        assert found == GREY


def test_channels_may_come_first_or_last() -> None:
    rows = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]], [[13, 14, 15], [16, 17, 18]]]
    flipped = [[[pixel[c] for pixel in row] for row in rows] for c in range(3)]
    tall = [*rows, *rows]
    first = [[[pixel[c] for pixel in row] for row in tall] for c in range(3)]
    assert pixels(rows) == (2, 3, 3, [bytes(sum(row, [])) for row in rows])
    assert pixels(flipped) == pixels(rows)
    assert pixels(first) == pixels(tall)


def test_four_channels_are_rgba() -> None:
    assert pixels([[[1, 2, 3, 4]]]) == (1, 1, 4, [bytes([1, 2, 3, 4])])


def test_booleans_are_black_and_white_and_what_is_no_number_is_black() -> None:
    assert pixels([[True, False]]) == (2, 1, 1, [bytes([255, 0])])
    assert pixels([[float("nan"), 1.0, float("inf")]]) == (3, 1, 1, [bytes([0, 255, 0])])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([1, 2], "not of shape (2,)"),
        ([[[1, 2]]], None),
        ([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "not of shape (2, 2, 2)"),
        ([], "not of shape (0,)"),
        ([[]], "not of shape"),
        ([[1, 2], [3]], "not rows of different lengths"),
        ([[256]], "image must hold integers from 0 to 255, not from 256 to 256"),
        ([[-1.0]], "image must hold floats from 0 to 1 (or to 255), not from -1 to -1"),
        ([["a"]], "of numbers, not of str"),
        (3, "a PIL image or a path, not int"),
        ("nowhere.png", "image must be a file, and there is none: nowhere.png"),
    ],
)
def test_what_is_no_picture_is_named_with_its_shape(image, message: str | None) -> None:
    if message is None:  # 1 x 1 x 2: one channel, first
        assert pixels(image)[:3] == (2, 1, 1)
        return
    with pytest.raises(BadValue) as caught:
        media.of_image("image", image)
    assert message in str(caught.value)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int64", "bool"])
def test_arrays_of_numpy_are_pictures(dtype: str) -> None:
    numpy = pytest.importorskip("numpy")
    white = 255 if dtype in ("uint8", "int64") else 1
    image = (numpy.arange(24).reshape(4, 6) % 2 * white).astype(dtype)
    assert pixels(image) == (6, 4, 1, [bytes([0, 255] * 3)] * 4)
    assert pixels(image.T) == (4, 6, 1, [bytes([0] * 4), bytes([255] * 4)] * 3)
    if dtype.startswith("float"):
        image[0, 0] = float("nan")
        assert pixels(image)[3][0] == bytes([0, 255] * 3)
        with pytest.raises(BadValue, match="not from 0 to 256"):
            media.of_image("matrix", numpy.array([[0, 256]], dtype))
    with pytest.raises(BadValue, match=r"not of shape \(2, 6, 2\)"):
        media.of_image("matrix", image.reshape(2, 6, 2))


def test_pictures_are_what_pil_reads_and_pil_images_are_pictures() -> None:
    image = pytest.importorskip("PIL.Image")
    png = media.encode_png(2, 1, 3, bytes([1, 2, 3, 4, 5, 6]))
    opened = image.open(io.BytesIO(png))
    assert opened.tobytes() == bytes([1, 2, 3, 4, 5, 6])
    for mode in ("RGB", "L", "CMYK", "RGBA", "F"):
        stored = b"".join(media.of_image("image", opened.convert(mode)).chunks)
        assert image.open(io.BytesIO(stored)).size == (2, 1)
    with pytest.raises(BadValue, match="image must be an image of shape .*, not a picture of 0 by 4 pixels"):
        media.of_image("image", image.new("RGB", (0, 4)))


def test_a_file_is_a_sample_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "Film.MP4"
    file.write_bytes(b"film")
    sample = media.of_file("local_path", str(file))
    assert (sample.name, sample.media_type, b"".join(sample.chunks)) == ("Film.MP4", "video/mp4", b"film")
    with pytest.raises(BadValue, match="local_path must be a file, and is a folder"):
        media.of_file("local_path", tmp_path)


@pytest.mark.parametrize("stream", [io.BytesIO(b"<b>"), io.StringIO("<b>"), b"<b>", "<b>"])
def test_a_stream_is_a_sample_of_bytes(stream) -> None:
    sample = media.of_stream(stream, "html")
    assert (sample.extension, sample.media_type, b"".join(sample.chunks)) == (".html", "text/html", b"<b>")


def test_a_stream_says_what_it_holds() -> None:
    with pytest.raises(BadValue, match="file_extension"):
        media.of_stream(io.BytesIO(), None)
    with pytest.raises(BadValue, match="stream must be something to read from"):
        media.of_stream(3, ".wav")


def test_an_address_is_recorded_with_what_its_name_tells() -> None:
    sample = media.of_url("https://example.org/a/cat.jpg?size=3")
    assert (sample.name, sample.media_type, sample.url) == (
        "cat.jpg",
        "image/jpeg",
        "https://example.org/a/cat.jpg?size=3",
    )
