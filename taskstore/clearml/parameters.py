"""Parameters and configuration objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import as_value_error
from .held import Held


class Parameterized(Held):
    """Connects, sets and reads parameters and configuration objects."""

    def connect(self, mutable: Any, name: str | None = None, ignore_remote_overrides: bool = False) -> Any:  # noqa: ANN401
        """Record parameters, and in a task that is run again replace their values by the stored ones."""
        return self._task.connect(mutable, name, ignore_remote_overrides=ignore_remote_overrides)

    def connect_configuration(
        self,
        configuration: Mapping[str, Any] | list[Any] | Path | str,
        name: str | None = None,
        description: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> Any:  # noqa: ANN401 - what comes in goes out
        """Record a configuration, and in a task that is run again return the stored one."""
        return self._task.connect_configuration(
            configuration, name, description=description, ignore_remote_overrides=ignore_remote_overrides
        )

    def get_parameters(self, backwards_compatibility: bool = True, cast: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Return all parameters, flat: {'Section/name': text}, or with `cast` values of their types."""
        return dict(self._task.parameters.get_all(cast=cast))

    def get_parameters_as_dict(self, cast: bool = False) -> dict[str, Any]:
        """Return all parameters, nested: {section: {name: …}}."""
        return self._task.parameters.as_dict(cast=cast)

    def get_parameter(self, name: str, default: Any = None, cast: bool = False) -> Any:  # noqa: ANN401
        """Return one parameter by Section/name."""
        return self._task.parameters.get(name, default, cast=cast)

    def set_parameters(self, *args: Mapping[str, Any], **kwargs: Any) -> None:  # noqa: ANN401
        """Replace all parameters, user properties aside."""
        with as_value_error():
            self._task.parameters.replace(*args, **kwargs)

    def update_parameters(self, *args: Mapping[str, Any], **kwargs: Any) -> None:  # noqa: ANN401
        """Add parameters, or change them."""
        with as_value_error():
            self._task.parameters.update(*args, **kwargs)

    def set_parameter(
        self,
        name: str,
        value: Any,  # noqa: ANN401 - of any type that a parameter has
        description: str | None = None,
        value_type: Any = None,  # noqa: ANN401 - a type, or its name
    ) -> None:
        """Set one parameter by Section/name."""
        with as_value_error():
            self._task.parameters.set(name, value, description=description, value_type=value_type)

    def set_parameters_as_dict(self, dictionary: Mapping[str, Any]) -> None:
        """Replace all parameters by those of a nested dictionary."""
        with as_value_error():
            self._task.parameters.replace(dictionary)

    def delete_parameter(self, name: str, force: bool = False) -> bool:  # noqa: ARG002
        """Delete one parameter; tell whether it was there."""
        return self._task.parameters.delete(name)
