"""What every plot has: a title, names of axes, a comment, and what the caller wants changed in the layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import BadValue

Figure = dict[str, Any]
"""Plotly JSON: `data`, a list of traces, and `layout`."""


def figure(
    title: str,
    traces: list[dict[str, Any]],
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    comment: str | None = None,
    layout: Mapping[str, Any] | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Put traces under a title; `extra_layout` goes last, and so before all else."""
    heading = f"{title} ({comment})" if comment else str(title)
    made: dict[str, Any] = {"title": {"text": heading}}
    for key, name in (("xaxis", xaxis), ("yaxis", yaxis)):
        if name:
            made[key] = {"title": {"text": str(name)}}
    return {"data": traces, "layout": merged(merged(made, layout), checked("extra_layout", extra_layout))}


def merged(into: dict[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `into` with `extra` over it; of two mappings under one key both stay."""
    out = dict(into)
    for key, value in (extra or {}).items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = merged(out[key], value) if both else value
    return out


def checked(name: str, value: object) -> Mapping[str, Any] | None:
    """Return a mapping or None. Raises BadValue for anything else."""
    if value is not None and not isinstance(value, Mapping):
        raise BadValue(f"{name} must be a dict of plotly's layout, not {type(value).__name__}")
    return value


def mode_of(mode: str, allowed: tuple[str, ...]) -> str:
    """Return the mode. Raises BadValue where it is none of `allowed`."""
    if mode not in allowed:
        raise BadValue(f"mode must be one of {', '.join(allowed)}, not {mode!r}")
    return mode
