"""A task's document by attributes, as ClearML's `task.data`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Data(Mapping[str, Any]):
    """A dictionary whose values are attributes too; what is not there is None."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        if name.startswith("__"):
            raise AttributeError(name)
        return _wrapped(self._content.get(name))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        return _wrapped(self._content[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"Data({dict(self._content)!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries."""
        return dict(self._content)


def _wrapped(value: object) -> Any:  # noqa: ANN401 - whatever it is
    if isinstance(value, Mapping):
        return Data(value)
    return [_wrapped(each) for each in value] if isinstance(value, list) else value
