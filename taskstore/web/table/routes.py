"""What the table fetches: stretches of rows, columns, projects, ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response

from ...board import columns, project_tree
from ...board.table import NEWEST, Found, Table, View, cells
from ...core.errors import BadValue, TaskstoreError
from ...store import places

if TYPE_CHECKING:
    from ..desk import Desk

MAX_ROWS = 1000
_MAX_COLUMNS = 200
_DAY_MINUTES = 1439


def router(desk: Desk, table: Table) -> APIRouter:
    """Return the routes of one table."""
    made = APIRouter(prefix="/api")

    @made.get("/tasks")
    def tasks(request: Request) -> Response:
        """Rows from `start` to before `end` of a view; which columns is `column`, again and again."""
        found = _found(table, request)
        if isinstance(found, Response):
            return found
        start = max(_number(request, "start", 0), 0)
        end = min(_number(request, "end", start + 100), start + MAX_ROWS)
        names = request.query_params.getlist("column")[:_MAX_COLUMNS]
        rows = cells(found.rows[start:end], names)
        return _json({"rows": rows, "total": len(found.rows), "version": found.version})

    @made.get("/tasks/ids")
    def ids(request: Request) -> Response:
        """What of all that fit is needed to select them."""
        found = _found(table, request)
        if isinstance(found, Response):
            return found
        return _json([{"id": row.id, "name": row.task.name, "status": row.task.status.value} for row in found.rows])

    @made.get("/columns")
    def some_columns(request: Request) -> Response:
        """The columns named, or all that are known."""
        names = request.query_params.getlist("id")[:_MAX_COLUMNS]
        rows = desk.listing.rows
        return _json([columns.of(name, rows) for name in names] if names else table.columns())

    @made.get("/projects")
    def all_projects(request: Request) -> Response:
        """The tree of projects, with counts of what is not archived, or of all."""
        with_archived = request.query_params.get("archived") == "1"
        shown = (row.project for row in desk.listing.rows if with_archived or not row.is_archived)
        empty = (places.project_name(desk.store, folder) for folder in places.walk_projects(desk.store))
        return _json(project_tree.tree(shown, empty))

    return made


def _found(table: Table, request: Request) -> Found | Response:
    try:
        return table.find(view_of(request))
    except (BadValue, TaskstoreError) as error:
        return _json({"error": str(error)}, status=422)


def view_of(request: Request) -> View:
    """Return the view that a request asks for."""
    given = request.query_params
    zone = _number(request, "zone", 0)
    return View(
        project=given.get("project", ""),
        q=given.get("q", ""),
        text=given.get("text", ""),
        with_archived=given.get("archived") == "1",
        sort=tuple(name for name in given.getlist("sort") if name.strip("+-")) or NEWEST,
        filters=given.get("filters", ""),
        zone_minutes=max(-_DAY_MINUTES, min(_DAY_MINUTES, zone)),
    )


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
    return max(int(text), -_DAY_MINUTES) if is_number else default


def _json(value: object, *, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")
