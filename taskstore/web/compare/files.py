"""What the page's links and pictures fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from ...board import comparing
from ...board.comparing import Comparison
from ...core.errors import TaskstoreError
from ...store import places
from ..files import attachment, failure, given, send

if TYPE_CHECKING:
    from ..desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    made = APIRouter()

    @made.get("/compare/values.csv")
    def values(request: Request) -> Response:
        try:
            ids = [part for part in given(request, "ids").split(",") if part]
            comparison = Comparison(desk.store, ids, comparing.listed(desk.listing.rows))
            for error in comparison.problems.values():
                return failure(error)
        except TaskstoreError as error:
            return failure(error)
        lines = comparison.table.sections["metrics"]
        text = comparing.as_csv(lines, list(zip(ids, comparison.names, strict=True)))
        headers = {"content-disposition": attachment("compared.csv"), "x-content-type-options": "nosniff"}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @made.get("/compare/sample/{task_id}/{path:path}")
    def sample(task_id: str, path: str) -> Response:
        """Send a file of debug samples or of plots that are pictures, and no other file of the task."""
        try:
            paths = places.locate(desk.store, task_id)
        except TaskstoreError as error:
            return failure(error)
        found = paths.home / path
        if not _is_within(found, paths.samples):
            return PlainTextResponse("taskstore: this is not a debug sample\n", status_code=404)
        return send(desk, found, found.name, is_shown=True)

    return made


def _is_within(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # links in a circle; a NUL in the name
        return False
