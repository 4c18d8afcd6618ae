"""The parameters of a task, and what people say of it by name: `task.parameters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .core import nesting
from .core.errors import BadValue
from .core.secrets import Masker
from .schema.record import USER_PROPERTIES, ParamsRecord
from .sections.parameters import reading, stored
from .store import tasks
from .store.hold import Hold


class Parameters:
    """Reads and changes a task's parameters, named 'Section/name' ('name' alone is in section General).

    They can be changed in a draft and by the run itself (ReadOnly elsewhere), user properties in every status.
    Values that look like credentials are stored masked.
    """

    def __init__(self, hold: Hold, masker: Callable[[], Masker]) -> None:
        self._hold = hold
        self._masker = masker

    def get(self, *, cast: bool = False) -> dict[str, Any]:
        """Read all, flat: {'Section/name': text}; with `cast` values of their stored types."""
        return reading.flat(self._read(), cast=cast)

    def get_one(self, name: str, default: Any = None, *, cast: bool = False) -> Any:  # noqa: ANN401 - of its type
        """Read one; `default` where there is none."""
        section, key = stored.split_name(name)
        item = self._read().hyperparams.get(section, {}).get(key)
        if item is None:
            return default
        return reading.value_of(item) if cast else item.value

    def as_dict(self, *, cast: bool = False) -> dict[str, dict[str, Any]]:
        """Read all by section, nested as the program had them: {'General': {'net': {'depth': '3'}}}."""
        return reading.by_section(self._read(), cast=cast)

    def set(self, parameters: Mapping[str, object]) -> None:
        """Replace all parameters by these; user properties stay. Raises BadValue, ReadOnly."""
        wanted, masker = _checked("set", parameters), self._masker()
        self._edit(lambda params: reading.replace(params, wanted, masker))

    def set_from_dict(self, sections: Mapping[str, Mapping[str, object]]) -> None:
        """Replace all parameters by these, nested as `as_dict` gives them. Raises BadValue, ReadOnly."""
        self.set(nesting.flatten(_checked("set_from_dict", sections)))

    def update(self, parameters: Mapping[str, object]) -> None:
        """Set these parameters, and leave the others. Raises BadValue, ReadOnly."""
        wanted, masker = _checked("update", parameters), self._masker()
        self._edit(lambda params: reading.update(params, wanted, masker))

    def set_one(
        self,
        name: str,
        value: object,
        *,
        description: str | None = None,
        value_type: str | type | None = None,
    ) -> None:
        """Set one parameter; without a description or type it keeps those that it had, where they fit.

        Raises BadValue, ReadOnly.
        """
        masker = self._masker()
        kind = value_type.__name__ if isinstance(value_type, type) else value_type
        self._edit(
            lambda params: reading.set_one(params, name, value, masker, description=description, value_type=kind)
        )

    def delete(self, name: str) -> bool:
        """Remove one parameter; False where there is none. Raises ReadOnly."""
        return self._remove([stored.split_name(name)])

    def get_user_properties(self, *, value_only: bool = False) -> dict[str, Any]:
        """Read the user properties: {name: {'value', 'type', 'description'}}, or {name: value}; values are texts."""
        items = self._read().hyperparams.get(USER_PROPERTIES, {})
        if value_only:
            return {name: item.value for name, item in items.items()}
        return {
            name: {"value": item.value, "type": item.type, "description": item.description}
            for name, item in items.items()
        }

    def set_user_properties(
        self, *properties: Mapping[str, object] | Iterable[Mapping[str, object]], **named: object
    ) -> None:
        """Set user properties, in any status: `owner="me"`, or {'name', 'value', 'type', 'description'} each, or lists.

        Raises BadValue.
        """
        found = reading.properties_of(properties, named)
        masker = self._masker()

        def change(params: ParamsRecord) -> None:
            for name, item in found.items():
                reading.set_one(
                    params,
                    f"{USER_PROPERTIES}/{name}",
                    item["value"],
                    masker,
                    description=_text(item.get("description")),
                    value_type=_text(item.get("type")),
                )

        self._edit(change)

    def delete_user_properties(self, *names: str) -> bool:
        """Remove user properties, in any status; False where none of them was there."""
        return self._remove([(USER_PROPERTIES, name) for name in names])

    def _remove(self, wanted: list[tuple[str, str]]) -> bool:
        found = []

        def change(params: ParamsRecord) -> None:
            for section, name in wanted:
                if name in params.hyperparams.get(section, {}):
                    stored.remove(params, section, name)
                    found.append(name)

        self._edit(change)
        return bool(found)

    def _read(self) -> ParamsRecord:
        return tasks.read_params(self._hold.paths)

    def _edit(self, change: Callable[[ParamsRecord], None]) -> None:
        with self._hold.guard():
            tasks.edit_params(self._hold.store, self._hold.task_id, change, allowed=self._hold.editable)


def _checked(verb: str, given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - what a program may give
    if not isinstance(given, Mapping):
        raise BadValue(f"{verb} takes a dictionary like {{'Args/lr': 0.1}}, not {type(given).__name__}")
    return given


def _text(value: object) -> str | None:
    return None if value is None else str(value)
