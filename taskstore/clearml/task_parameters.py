"""ClearML's TaskParameters: a class whose attributes are declared, and checked when an object of it is made.

What `Task.connect` records of it, and gives it back in a task that is run again, it says by `to_dict` and takes by
`update_from_dict`. ClearML builds on attrs; nothing here needs it, but validators of attrs' own kind work:
they are called with the object, the declaration (which has a `name`) and the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Validator = Callable[[Any, Any, Any], object]
_NOTHING = object()


class Declared:
    """One declared parameter: its name, how it is made where it is not given, and what checks it."""

    def __init__(
        self,
        validators: Iterable[Validator],
        metadata: Mapping[str, Any],
        *,
        type: type | None = None,  # noqa: A002 - ClearML's word
        default: Any = _NOTHING,  # noqa: ANN401 - a value of the parameter's type
        factory: Callable[[], Any] | None = None,
        converter: Callable[[Any], Any] | None = None,
    ) -> None:
        self.name = ""
        self.type = type
        self.metadata = dict(metadata)
        self._validators = tuple(validators)
        self._default = default
        self._factory = factory
        self._converter = converter

    def taken(self, owner: object, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a value of the parameter's type
        """Return what an object gets: what is given, or the default. Raises TypeError, and what a validator raises."""
        if self.name in given:
            value = given[self.name]
        elif self._factory is not None:
            value = self._factory()
        elif self._default is not _NOTHING:
            value = self._default
        else:
            raise TypeError(f"{type(owner).__name__} needs {self.name}=…")
        if self._converter is not None:
            value = self._converter(value)
        for check in self._validators:
            check(owner, self, value)
        return value


def range_validator(min_value: float | None, max_value: float | None) -> Validator:
    """Return what raises ValueError for a value out of a range, ends included; None is no end."""

    def check(owner: object, declared: Any, value: Any) -> None:  # noqa: ANN401, ARG001 - as attrs calls it
        if (min_value is not None and value < min_value) or (max_value is not None and value > max_value):
            raise ValueError(f"{declared.name} is {value}; it must be from {min_value} to {max_value}")

    return check


def _kind_validator(kind: type) -> Validator:
    def check(owner: object, declared: Any, value: Any) -> None:  # noqa: ANN401, ARG001 - as attrs calls it
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{declared.name} is of type {type(value).__name__}; it must be of type {kind.__name__}")

    return check


def param(
    validator: Validator | Iterable[Validator] | None = None,
    range: tuple[float | None, float | None] | None = None,  # noqa: A002 - ClearML's word
    type: type | None = None,  # noqa: A002 - ClearML's word
    desc: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    **kwargs: Any,  # noqa: ANN401 - default, factory, converter
) -> Any:  # noqa: ANN401 - a class says `lr: float = param()`
    """Declare a parameter; `range` is (least, greatest). Without a default, or a factory, it has to be given."""
    checks = [validator] if callable(validator) else list(validator or ())
    if type is not None:
        checks.append(_kind_validator(type))
    if range is not None:
        checks.append(range_validator(*range))
    return Declared(checks, {**(metadata or {}), "desc": desc}, type=type, **kwargs)


def percent_param(validator: Validator | Iterable[Validator] | None = None, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
    """Declare a parameter that is a float from 0 to 1."""
    return param(validator, (0, 1), float, **kwargs)


class TaskParameters:
    """Parameters as attributes, given by name, or in the order in which they are declared."""

    _declared: tuple[Declared, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - other bases'
        """Gather what the class declares, behind what its bases do."""
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Declared)}
        for name, value in own.items():
            value.name = name
            delattr(cls, name)
        cls._declared = (*(each for each in cls._declared if each.name not in own), *own.values())

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - of the parameters' types
        """Set each parameter. Raises TypeError for one that is unknown or lacking, ValueError out of its range."""
        names = [each.name for each in self._declared]
        unknown = sorted(kwargs.keys() - set(names))
        if unknown or len(args) > len(names):
            raise TypeError(f"{type(self).__name__} has the parameters {', '.join(names)}, and no others")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        for each in self._declared:
            setattr(self, each.name, each.taken(self, given))

    def __repr__(self) -> str:
        """Say what the parameters are."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"

    def __eq__(self, other: object) -> bool:
        """Tell whether another of the same class has the same values."""
        return self.to_dict() == other.to_dict() if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it compares by value, and changes

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {each.name: getattr(self, each.name) for each in self._declared}

    def update_from_dict(self, source_dict: Mapping[str, Any]) -> None:
        """Take parameters by name. Raises ValueError for one that there is not."""
        for name, value in source_dict.items():
            if not hasattr(self, name):
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)

    def connect(self, task: Any) -> Any:  # noqa: ANN401 - a Task
        """Connect to a task, as `task.connect` does."""
        return task.connect(self)
