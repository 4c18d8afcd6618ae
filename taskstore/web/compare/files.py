"""What the page's links fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ...board import comparing
from ...board.comparing import Comparison
from ...core.errors import TaskstoreError
from ..files import attachment, failure, given

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

    return made
