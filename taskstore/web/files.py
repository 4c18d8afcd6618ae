"""What a browser may fetch as a file: nothing outside of the store, and nothing that could act in the page's name.

Whatever a task holds is another's data. It is sent to be saved, or, where a page shows it, with a policy of its own:
a sandbox that has no origin, runs no script and loads nothing.
"""

from __future__ import annotations

import itertools
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response, StreamingResponse

from ..core.errors import Damaged, NotFound, TaskstoreError

if TYPE_CHECKING:
    from ..disk.layout import TaskPaths
    from .desk import Desk

_LINES_AT_ONCE = 2000
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; font-src data:"
_SHOWN = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif", "image/svg+xml"),
        *("audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/flac", "audio/mp4", "audio/aac"),
        *("video/mp4", "video/webm", "video/ogg", "text/html", "text/plain"),
    }
)


def router(desk: Desk) -> APIRouter:
    """Return the routes of files; what the pages of one noun need is added by that noun's module."""
    made = APIRouter()

    @made.get("/files/{task_id}/console.txt")
    def console(task_id: str) -> Response:
        from ..store import places

        try:
            paths = places.locate(desk.store, task_id)
        except TaskstoreError as error:
            return failure(error)
        headers = {"content-disposition": attachment(f"console-{task_id[:12]}.txt"), "cache-control": "no-store"}
        return StreamingResponse(_lines(paths), media_type="text/plain; charset=utf-8", headers=headers)

    return made


def _lines(paths: TaskPaths) -> Iterator[str]:
    """Yield the console in parts: it may be larger than the memory is."""
    from ..store import events

    lines = (f"{line.text}\n" for line in events.walk_console(paths))
    while part := list(itertools.islice(lines, _LINES_AT_ONCE)):
        yield "".join(part).encode("utf-8", "replace").decode()


def send(desk: Desk, path: Path, name: str, *, is_shown: bool = False) -> Response:
    """Send a file of the store, to be saved under a name or, of some kinds, to be shown in a sandbox.

    What is no plain file, or lies outside of the store by a link or otherwise, is not found.
    """
    try:
        real = path.resolve(strict=True)
        is_inside = real.is_relative_to(desk.store.root.resolve()) and real.is_file()
    except (OSError, ValueError, RuntimeError):
        is_inside = False
    if not is_inside:
        return PlainTextResponse(f"taskstore: {name} is not a file of this store\n", status_code=404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_shown = is_shown and kind in _SHOWN
    headers = {
        "content-security-policy": SANDBOX,
        "content-disposition": "inline" if is_shown else attachment(name),
        "cache-control": "no-store",
    }
    return FileResponse(real, media_type=kind if is_shown else "application/octet-stream", headers=headers)


def attachment(name: str) -> str:
    """Return the header that has a browser save what comes, under a name that is the last part of the given one."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1] or "file"
    return f"attachment; filename*=UTF-8''{quote(last, safe='')}"


def failure(error: TaskstoreError) -> Response:
    """Answer with an error's text, and a status that says what kind it is."""
    status = 404 if isinstance(error, NotFound) else 500 if isinstance(error, Damaged) else 409
    return PlainTextResponse(f"taskstore: {error}\n", status_code=status)


def given(request: Request, name: str) -> str:
    """Return a value of the query, empty where there is none."""
    return request.query_params.get(name, "")
