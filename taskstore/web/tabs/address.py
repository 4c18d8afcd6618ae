"""The address of a task's page, in which each tab keeps what was chosen on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from nicegui import ui


class Chosen:
    """What was chosen on one tab: read from the address with which the page was opened, written back at each change."""

    def __init__(self, tab: str, defaults: Mapping[str, str]) -> None:
        self._tab = tab
        self._defaults = dict(defaults)
        self._values = dict(defaults)
        request = ui.context.client.request
        given = request.query_params if request is not None else {}
        if given.get("tab", tab) == tab:
            self._values |= {name: given[name] for name in defaults if name in given}
        self._client = ui.context.client

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def one_of(self, name: str, *allowed: str) -> str:
        """Return a value that is one of some, the default where the address says otherwise."""
        return self._values[name] if self._values[name] in allowed else self._defaults[name]

    def number(self, name: str, least: float, most: float) -> float:
        """Return a number within bounds, the default where the address says otherwise."""
        try:
            value = float(self._values[name])
        except ValueError:
            value = float(self._defaults[name] or least)
        return value if least <= value <= most else float(self._defaults[name] or least)

    def set(self, name: str, value: str) -> None:
        """Choose a value; what is the default is not in the address."""
        self._values[name] = value
        changed = {key: text for key, text in self._values.items() if text != self._defaults[key]}
        address = "?" + urlencode({"tab": self._tab, **changed})
        self._client.run_javascript(f"history.replaceState(null, '', {json.dumps(address)})")
