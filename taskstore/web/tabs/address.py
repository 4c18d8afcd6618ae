"""What was chosen on a tab: kept in the page's address, where anybody may have written anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from nicegui import ui

from ..script import at_address

if TYPE_CHECKING:
    from nicegui import Client

_kept: WeakKeyDictionary[Client, dict[str, dict[str, str]]] = WeakKeyDictionary()


class Chosen:
    """The choices of one tab by name; what is as it is by default is not in the address.

    A tab that is opened again on the same page is as it was left.
    """

    def __init__(self, tab: str, defaults: Mapping[str, str]) -> None:
        self._tab = tab
        self._defaults = dict(defaults)
        self._client = ui.context.client
        tabs = _kept.setdefault(self._client, {})
        is_again = tab in tabs
        self._values = tabs.setdefault(tab, {**defaults, **({} if tabs else self._given())})
        if is_again and self._values != self._defaults:
            self._write()

    def _given(self) -> dict[str, str]:
        query = self._client.request.query_params if self._client.request is not None else {}
        if query.get("tab") != self._tab:
            return {}
        return {name: query[name] for name in self._defaults if query.get(name)}

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
            value = float(self._defaults[name])
        return value if least <= value <= most else float(self._defaults[name])

    def set(self, name: str, value: str) -> None:
        """Choose a value."""
        self._values[name] = value
        self._write()

    def _write(self) -> None:
        changed = {name: value for name, value in self._values.items() if value != self._defaults[name]}
        self._client.run_javascript(at_address("?" + urlencode({"tab": self._tab, **changed})))
