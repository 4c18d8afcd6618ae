"""Samples of files, streams and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...core.errors import BadValue
from ...disk.atomic import chunks_of
from ...store.samples import Sample

_PIECE_BYTES = 1 << 20
_MORE_TYPES = {".webp": "image/webp", ".jsonl": "application/jsonl", ".md": "text/markdown", ".yaml": "text/yaml"}


def media_type_of(extension: str) -> str:
    """Return the media type that a file's extension stands for."""
    import mimetypes

    guessed = _MORE_TYPES.get(extension.lower()) or mimetypes.guess_type(f"x{extension}", strict=False)[0]
    return guessed or "application/octet-stream"


def of_file(name: str, path: object) -> Sample:
    """Make a sample of a file; `name` is the argument's. Raises BadValue where there is none that can be read."""
    if not isinstance(path, (str, Path)):
        raise BadValue(f"{name} must be a path, not {type(path).__name__}")
    file = Path(path).expanduser()
    if not file.is_file():
        raise BadValue(f"{name} must be a file, and {'is a folder' if file.is_dir() else 'there is none'}: {file}")
    try:
        file.open("rb").close()
    except OSError as error:
        raise BadValue(f"{name} cannot be read: {error}") from None
    return Sample(file.suffix, media_type_of(file.suffix), file.name, _read(name, chunks_of(file)))


def of_stream(stream: Any, extension: str | None) -> Sample:  # noqa: ANN401 - whatever can be read
    """Make a sample of what is left in a stream, of bytes or of text. Raises BadValue where it cannot be read."""
    if not extension:
        raise BadValue("file_extension must say what the stream holds, such as '.wav'")
    if not isinstance(extension, str):
        raise BadValue(f"file_extension must be a text such as '.wav', not {type(extension).__name__} {extension!r}")
    ending = extension if extension.startswith(".") else f".{extension}"
    if isinstance(stream, (bytes, bytearray, str)):
        data = stream.encode() if isinstance(stream, str) else bytes(stream)
        return Sample(ending, media_type_of(ending), "", [data])
    if not callable(getattr(stream, "read", None)):
        raise BadValue(f"stream must be something to read from, such as io.BytesIO, not {type(stream).__name__}")
    return Sample(ending, media_type_of(ending), "", _read("stream", _pieces(stream)))


def _pieces(stream: Any) -> Iterator[bytes]:  # noqa: ANN401
    while piece := stream.read(_PIECE_BYTES):
        if not isinstance(piece, (str, bytes, bytearray, memoryview)):
            raise BadValue(f"stream must give bytes or text, not {type(piece).__name__}")
        yield piece.encode() if isinstance(piece, str) else bytes(piece)


def _read(name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces; what goes wrong at reading them is the argument's, and not the store's, which they go to."""
    try:
        yield from pieces
    except (OSError, ValueError) as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue(f"{name} cannot be read: {error}") from None


def of_url(url: object) -> Sample:
    """Make a sample of what lies elsewhere: its address is recorded, and nothing is fetched."""
    if not isinstance(url, str) or not url:
        raise BadValue(f"url must be a text, not {type(url).__name__} {url!r}")
    path = url.partition("?")[0].partition("#")[0]
    extension = Path(path.rpartition("/")[2]).suffix
    return Sample(extension, media_type_of(extension), path.rpartition("/")[2], url=url)
