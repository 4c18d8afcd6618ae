"""The address of the page: everything that is chosen on it, so that the same link shows the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from nicegui import ui

PATH = "/compare"
_MOST_PAIRS = 400
_LONGEST = 4000


class Address:
    """What is chosen, by names; a change is written to the browser's address at once, without a step of history."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.ids: tuple[str, ...] = ()
        self._chosen: dict[str, list[str]] = {}
        for place, (name, value) in enumerate(pairs):
            if place >= _MOST_PAIRS or len(value) > _LONGEST:
                continue
            if name == "ids":
                self.ids += tuple(part.strip() for part in value.split(",") if part.strip())
            else:
                self._chosen.setdefault(name, []).append(value)

    def one(self, name: str, known: Sequence[str] = (), default: str = "") -> str:
        """Return what is chosen; the default where nothing is, or something that is not known."""
        value = self._chosen.get(name, [default])[0]
        return value if not known or value in known else default

    def many(self, name: str) -> list[str]:
        """Return all that is chosen of something of which several can be."""
        return list(self._chosen.get(name, ()))

    def number(self, name: str, default: float) -> float:
        """Return a number, the default where there is none."""
        try:
            value = float(self.one(name))
        except ValueError:
            return default
        return value if value - value == 0.0 else default

    def has(self, name: str) -> bool:
        """Tell whether anything is chosen, be it nothing at all."""
        return name in self._chosen

    def put(self, name: str, *values: str) -> None:
        """Choose, and show it in the browser's address; without values it is as if never chosen."""
        if self._chosen.get(name, []) == list(values):
            return
        if values:
            self._chosen[name] = list(values)
        else:
            self._chosen.pop(name, None)
        ui.run_javascript(f"history.replaceState(history.state, '', {json.dumps(self.link())})")

    def link(self, ids: Sequence[str] | None = None) -> str:
        """Return the address, or that of the same with other tasks."""
        return link(self.ids if ids is None else ids, self._chosen)


def link(ids: Sequence[str], chosen: dict[str, list[str]] | None = None) -> str:
    """Return the address of a comparison."""
    pairs = [(name, value) for name, values in (chosen or {}).items() for value in values]
    rest = f"&{urlencode(pairs)}" if pairs else ""
    return f"{PATH}?ids={quote(','.join(ids), safe=',')}{rest}"
