"""Parameters, user properties and configuration objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from ..core.nesting import flatten
from ..sections.configuration import GENERAL
from .errors import as_value_error
from .held import Held

_PLAIN = (bool, int, float, str, list, tuple, dict, Enum)


def flatten_dictionary(a_dict: Mapping[str, Any], prefix: str = "", sep: str = "/") -> dict[str, Any]:
    """Spell a nested dictionary as one of paths, as `clearml.utilities.proxy_object` does."""
    return {f"{prefix}{name}": value for name, value in flatten(a_dict, sep).items()}


class Arguments:
    """What is behind `task._arguments`: transformers' callback writes a training's arguments by it."""

    def __init__(self, task: Parameterized) -> None:
        self._task = task

    def copy_from_dict(self, dictionary: Mapping[str, Any], prefix: str | None = None) -> None:
        """Add a section's parameters, or change them; what a parameter cannot hold is left out."""
        kept = {name: value for name, value in dictionary.items() if value is None or isinstance(value, _PLAIN)}
        self._task.update_parameters({f"{prefix or 'General'}/{name}": value for name, value in kept.items()})


class Parameterized(Held):
    """Connects, sets and reads parameters and configuration objects."""

    @property
    def _arguments(self) -> Arguments:
        return Arguments(self)

    def connect(self, mutable: Any, name: str | None = None, ignore_remote_overrides: bool = False) -> Any:  # noqa: ANN401
        """Record parameters, and in a task that is run again replace their values by the stored ones."""
        return self._task.connect(mutable, name, ignore_remote_overrides=ignore_remote_overrides)

    def get_parameters(self, backwards_compatibility: bool = True, cast: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Return all parameters, flat: {'Section/name': text}, or with `cast` values of their types."""
        return self._task.parameters.get(cast=cast)

    def get_parameters_as_dict(self, cast: bool = False) -> dict[str, Any]:
        """Return all parameters, nested: {section: {name: …}}."""
        return self._task.parameters.as_dict(cast=cast)

    def get_parameter(self, name: str, default: Any = None, cast: bool = False) -> Any:  # noqa: ANN401
        """Return one parameter by Section/name."""
        return self._task.parameters.get_one(name, default, cast=cast)

    def set_parameters(self, *args: Mapping[str, Any], **kwargs: Any) -> None:  # noqa: ANN401
        """Replace all parameters; user properties stay."""
        with as_value_error():
            self._task.parameters.set(_merged(args, kwargs))

    def update_parameters(self, *args: Mapping[str, Any], **kwargs: Any) -> None:  # noqa: ANN401
        """Add parameters, or change them."""
        with as_value_error():
            self._task.parameters.update(_merged(args, kwargs))

    def set_parameter(
        self,
        name: str,
        value: Any,  # noqa: ANN401 - of any type that a parameter has
        description: str | None = None,
        value_type: Any = None,  # noqa: ANN401 - a type, or its name
    ) -> None:
        """Set one parameter by Section/name."""
        with as_value_error():
            self._task.parameters.set_one(name, value, description=description, value_type=value_type)

    def set_parameters_as_dict(self, dictionary: Mapping[str, Any]) -> None:
        """Replace all parameters by those of a nested dictionary."""
        with as_value_error():
            self._task.parameters.set_from_dict(dictionary)

    def delete_parameter(self, name: str, force: bool = False) -> bool:  # noqa: ARG002 - of a draft, or the run itself
        """Delete one parameter; tell whether it was there."""
        with as_value_error():
            return self._task.parameters.delete(name)

    def set_user_properties(
        self,
        *iterables: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        **properties: Any,  # noqa: ANN401 - plain values, or dictionaries of value, type and description
    ) -> bool:
        """Set user properties, in any status."""
        self._task.parameters.set_user_properties(*iterables, **properties)
        return True

    def get_user_properties(self, value_only: bool = False) -> dict[str, Any]:
        """Return the user properties by name, with type and description or as values only."""
        return self._task.parameters.get_user_properties(value_only=value_only)

    def delete_user_properties(self, *iterables: Iterable[Any]) -> bool:
        """Delete user properties, given as {'name': …} each, or (section, name)."""
        names = [_name_of(one) for each in iterables for one in ([each] if isinstance(each, Mapping) else each)]
        return self._task.parameters.delete_user_properties(*names)

    def connect_configuration(
        self,
        configuration: Mapping[str, Any] | list[Any] | Path | str,
        name: str | None = None,
        description: str | None = None,
        ignore_remote_overrides: bool = False,
    ) -> Any:  # noqa: ANN401 - what comes in goes out
        """Record a configuration, and in a task that is run again return the stored one."""
        return self._task.configuration.connect(
            configuration, name, description=description, ignore_remote_overrides=ignore_remote_overrides
        )

    def get_configuration_object(self, name: str) -> str | None:
        """Return a configuration as text; None where there is none of that name."""
        return self._task.configuration.get(name)

    def get_configuration_object_as_dict(self, name: str) -> Any:  # noqa: ANN401 - a dictionary or a list
        """Return a configuration, parsed; None where there is none of that name."""
        return self._task.configuration.get_dict(name)

    def get_configuration_objects(self) -> dict[str, str]:
        """Return all configurations as text, by name."""
        return self._task.configuration.all()

    def set_configuration_object(
        self,
        name: str,
        config_text: str | None = None,
        description: str | None = None,
        config_type: str | None = None,
        config_dict: Mapping[str, Any] | list[Any] | None = None,
    ) -> None:
        """Set a configuration, given as text or as a dictionary or list."""
        with as_value_error():
            self._task.configuration.set(
                name, config_text, config_dict, description=description, config_type=config_type
            )

    def set_model_config(self, config_text: str | None = None, config_dict: Mapping[str, Any] | None = None) -> None:
        """Set the configuration that models have, by ClearML's earlier name."""
        self.set_configuration_object(GENERAL, config_text, config_dict=config_dict)

    def get_model_config_text(self) -> str:
        """Return the configuration that models have, as text."""
        return self.get_configuration_object(GENERAL) or ""

    def get_model_config_dict(self) -> Any:  # noqa: ANN401 - a dictionary or a list
        """Return the configuration that models have, parsed."""
        return self.get_configuration_object_as_dict(GENERAL) or {}

    def get_model_design(self) -> str:
        """Return the configuration that models have, as text."""
        return self.get_model_config_text()


def _merged(given: Iterable[Mapping[str, Any]], named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for each in (*given, named) for name, value in each.items()}


def _name_of(one: Any) -> str:  # noqa: ANN401 - a dictionary, a pair, or a name
    if isinstance(one, Mapping):
        return str(one["name"])
    return str(one[-1]) if isinstance(one, (tuple, list)) else str(one)
