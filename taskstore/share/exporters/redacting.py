"""Masking secrets in a stream of bytes, line by line; what is no text stays as it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from .base import Redact

_MAX_LINE_BYTES = 1 << 20


def redacted(chunks: Iterable[bytes], redact: Redact) -> Iterator[bytes]:
    """Yield the bytes with secrets masked where the first piece is text.

    A line of more than 1 MiB is looked at in parts of that. Bytes that are no UTF-8 stay in lines without findings.
    """
    given = iter(chunks)
    first = next(given, b"")
    if not is_text(first):
        yield first
        yield from given
        return
    rest = b""
    for chunk in chain([first], given):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if not end and len(data) > _MAX_LINE_BYTES:
            end = len(data)
        yield _masked(data[:end], redact)
        rest = data[end:]
    yield _masked(rest, redact)


def is_text(head: bytes) -> bool:
    """Tell by its beginning whether a file is text: UTF-8 without a zero byte."""
    if b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _masked(data: bytes, redact: Redact) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    shown = redact(text)
    return data if shown == text else shown.encode("utf-8", "surrogateescape")
