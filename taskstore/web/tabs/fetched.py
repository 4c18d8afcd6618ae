"""What the tabs of a task have a browser fetch: its scalars as a table, its samples and pictures, its plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from ...board.comparing import harmless
from ...core.clock import UTC, to_text
from ...core.errors import NotFound, TaskstoreError
from ...disk import mounts
from ...disk.layout import SAMPLES, TaskPaths
from ...schema.plot import encode_plot
from ...store import events, places, plots
from ..files import attachment, failure, send

if TYPE_CHECKING:
    from ..desk import Desk

_ROWS_AT_ONCE = 2000


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    made = APIRouter()

    @made.get("/files/{task_id}/scalars.csv")
    def scalars(task_id: str) -> Response:
        try:
            paths = places.locate(desk.store, task_id)
        except TaskstoreError as error:
            return failure(error)
        headers = {"content-disposition": attachment(f"scalars-{task_id[:12]}.csv"), "cache-control": "no-store"}
        return StreamingResponse(_rows(paths), media_type="text/csv; charset=utf-8", headers=headers)

    @made.get("/files/{task_id}/media/{name:path}")
    def media(task_id: str, name: str, download: str = "") -> Response:
        try:
            paths = places.locate(desk.store, task_id)
            path = _within(paths, name)
            mounts.bring(path)
        except TaskstoreError as error:
            return failure(error)
        return send(desk, path, path.name, is_shown=not download)

    @made.get("/files/{task_id}/plot.json")
    def plot(task_id: str, title: str, series: str, iteration: int) -> Response:
        try:
            paths = places.locate(desk.store, task_id)
            found = plots.read_plot(paths, title, series, iteration)
        except TaskstoreError as error:
            return failure(error)
        if found is None:
            return failure(NotFound("plot", f"{title}/{series}", "the page lists them"))
        headers = {"content-disposition": attachment(f"{title}-{series}-{iteration}.json"), "cache-control": "no-store"}
        return Response(encode_plot(found.figure), media_type="application/json", headers=headers)

    return made


def address_of(paths: TaskPaths, path: Path, *, is_download: bool = False) -> str:
    """Return where a browser fetches a sample's or a picture's file."""
    name = path.relative_to(paths.home / SAMPLES).as_posix()
    return f"/files/{paths.id}/media/{quote(name)}" + ("?download=1" if is_download else "")


def is_media(paths: TaskPaths, path: Path) -> bool:
    """Tell whether a file is one of the task's samples or pictures, by a link neither: a log may name any path."""
    folder = paths.home / SAMPLES
    try:
        return path.is_relative_to(folder) and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def plot_address(task_id: str, title: str, series: str, iteration: int) -> str:
    """Return where a browser fetches a plot as its task has reported it."""
    return f"/files/{task_id}/plot.json?{urlencode({'title': title, 'series': series, 'iteration': iteration})}"


def _within(paths: TaskPaths, name: str) -> Path:
    """Return a file's path; one that is not of the task's media is not there."""
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise NotFound("sample", name, "the page lists them")
    path = paths.home.joinpath(SAMPLES, *parts)
    if not is_media(paths, path):
        raise NotFound("sample", name, "the page lists them")
    return path


def _rows(paths: TaskPaths) -> Iterator[str]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["metric", "variant", "iteration", "value", "time"])
    for number, event in enumerate(events.walk_scalars(paths)):
        named = (harmless(event.metric), harmless(event.variant))
        writer.writerow([*named, event.iter, event.value, _moment(event.timestamp)])
        if number % _ROWS_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _moment(milliseconds: float) -> str:
    try:
        return to_text(datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return ""
