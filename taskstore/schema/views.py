"""The record of the views of the table of tasks that people have kept."""

from __future__ import annotations

import msgspec

from .record import Moment


class ViewRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One view: the query of the page's address that shows it, and who has kept it when."""

    query: str
    saved: Moment | None = None
    who: str = ""


class ViewsRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """views.json: the views by their names."""

    rev: int = 0
    views: dict[str, ViewRecord] = {}
