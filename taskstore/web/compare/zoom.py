"""What Plotly says of a zoom."""

from __future__ import annotations

from datetime import datetime, timezone

from ...board.curves import Window


def window_of(change: object) -> tuple[bool, Window | None]:
    """Tell whether a change of a chart's layout is a zoom along x, and what is seen then; None is all."""
    if not isinstance(change, dict):
        return False, None
    if change.get("xaxis.autorange"):
        return True, None
    ends = change.get("xaxis.range") or [change.get("xaxis.range[0]"), change.get("xaxis.range[1]")]
    found = [_number(end) for end in ends] if isinstance(ends, list) else []
    if len(found) == 2 and found[0] is not None and found[1] is not None and found[0] < found[1]:
        return True, (found[0], found[1])
    return False, None


def _number(end: object) -> float | None:
    """Return an end of a range: a number, or a date as Plotly spells it, in UTC, as ms since 1970."""
    if isinstance(end, (int, float)):
        return float(end)
    try:
        text = str(end).replace(" ", "T")
        whole, _, fraction = text.partition(".")
        moment = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
        return moment.timestamp() * 1000 + (float(f"0.{fraction}") * 1000 if fraction else 0.0)
    except (ValueError, OverflowError):
        return None
