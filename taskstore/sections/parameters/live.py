"""A dictionary that tells of its changes: what `connect` gives back for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core import nesting

Keys = tuple[Any, ...]
Changed = Callable[[Keys], None]


class _ShownAsDict(type):
    """The type of a dict to whoever goes by the exact type: PyYAML looks its representer up in `type(data).__mro__`."""

    @property
    def __mro__(cls) -> tuple[type, ...]:
        return dict.__mro__


class LiveDict(dict[str, Any], metaclass=_ShownAsDict):
    """A dictionary that tells of each later change, nested ones included; otherwise it is a dict.

    `changed` gets the keys that lead to what has changed; none where that may be several things at once.
    JSON and YAML (safe_dump too) write it as they write a dict; a copy of it is one.
    """

    def __init__(self, content: Mapping[str, Any], changed: Changed) -> None:
        self._changed: Changed | None = None
        super().__init__({key: _wrapped(key, value, changed) for key, value in content.items()})
        self._changed = changed

    def _put(self, key: str, value: object) -> None:
        super().__setitem__(key, _wrapped(key, value, self._changed) if self._changed else value)

    def _tell(self, *keys: object) -> None:
        if self._changed is not None:
            self._changed(keys)

    def __setitem__(self, key: str, value: object) -> None:
        self._put(key, value)
        self._tell(key)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._tell(key)

    def update(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - dict's own signature
        """Merge as dict.update does, telling once."""
        for key, value in dict(*args, **kwargs).items():
            self._put(key, value)
        self._tell()

    def setdefault(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own signature
        """Insert as dict.setdefault does, telling of it."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:  # noqa: ANN401 - dict's own signature
        """Remove as dict.pop does, telling of it."""
        value = super().pop(key, *default)
        self._tell(key)
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove as dict.popitem does, telling of it."""
        item = super().popitem()
        self._tell(item[0])
        return item

    def clear(self) -> None:
        """Empty the dictionary, telling of it."""
        super().clear()
        self._tell()

    def __ior__(self, other: Any) -> LiveDict:  # type: ignore[override,misc]  # noqa: ANN401 - dict's own signature
        self.update(other)
        return self

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        # A copy that goes to another process is a plain dictionary.
        return dict, (plain(self),)

    def __deepcopy__(self, memo: dict[int, object]) -> dict[str, Any]:
        import copy

        return {key: copy.deepcopy(value, memo) for key, value in self.items()}


def _wrapped(key: object, value: object, changed: Changed) -> object:
    if type(value) is not dict or not nesting.is_bounded(value):
        return value
    return LiveDict(value, lambda keys: changed((key, *keys)))


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live dictionary's content as ordinary dictionaries."""
    return {key: plain(item) if isinstance(item, LiveDict) else item for key, item in value.items()}
