"""What was chosen on a tab: kept in the page's address, where anybody may have written anything."""

from __future__ import annotations

from collections.abc import Mapping

from ..task import address


class Chosen:
    """The choices of one tab by name; what is as it is by default is not in the address."""

    def __init__(self, defaults: Mapping[str, str]) -> None:
        self._defaults = dict(defaults)
        self._values = {name: address.given(name) or default for name, default in defaults.items()}

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
        address.keep(**{name: "" if value == self._defaults[name] else value})
