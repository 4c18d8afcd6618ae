"""What has named values, and how it says them and takes others: objects of all kinds that hold settings.

    dict, other mutable mapping   its items; taken in place
    dataclass, attrs, pydantic    its fields, with their descriptions; taken in place, a frozen one is replaced
    class                         what it and its bases say, names with an underscore and methods left out
    any other object              the same, and its own attributes

Libraries are recognised by their manners: none is imported here.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from ...core import annotated, nesting, values

MAX_DEPTH = 32
ERRORS = (AttributeError, TypeError, ValueError, LookupError)
"""What a setter that refuses a value raises; pydantic's errors are among them."""
_SIMPLE = (str, bytes, bytearray, int, float, complex, list, tuple, set, frozenset, type(None), ModuleType)

Fail = Callable[[str, Exception], None]


class Value(NamedTuple):
    """One named value; `about` is what its library says of it, `allowed` what it is annotated with."""

    value: object
    about: str = ""
    allowed: annotated.Options = ()


def is_shape(value: object) -> bool:
    """Tell whether a value has named values of its own, by its kind; what is nested counts too."""
    return isinstance(value, (Mapping, SimpleNamespace)) or (
        not isinstance(value, type) and (_is_declared(type(value)) or type(value).__name__ == "Namespace")
    )


def is_connectable(value: object) -> bool:
    """Tell whether `connect` can do anything with it: a class, or an object with attributes."""
    if isinstance(value, _SIMPLE) or (callable(value) and not isinstance(value, type) and not is_shape(value)):
        return False
    if is_shape(value) or _is_omegaconf(value) or isinstance(value, type):
        return True
    return hasattr(value, "__dict__") or hasattr(value, "__slots__")


def _is_declared(kind: type) -> bool:
    """Tell a class that declares its fields: a dataclass, one of attrs, a pydantic model of either version."""
    return dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__") or _models(kind) is not None


def _models(kind: type) -> Mapping[str, Any] | None:
    if hasattr(kind, "__pydantic_fields__") or hasattr(kind, "__pydantic_validator__"):
        fields = getattr(kind, "model_fields", None)
    else:
        fields = getattr(kind, "__fields__", None) if hasattr(kind, "__config__") else None
    return fields if isinstance(fields, Mapping) else None


def _is_omegaconf(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "omegaconf" and hasattr(value, "_metadata")


def _errors_of(value: object) -> tuple[type[Exception], ...]:
    return (*ERRORS, sys.modules["omegaconf"].errors.OmegaConfBaseException) if _is_omegaconf(value) else ERRORS


# -- saying -----------------------------------------------------------------------------------------------------------


def fields(value: object) -> dict[Any, Value]:
    """Return the named values of an object. What cannot be read, or could not be stored, is left out."""
    if isinstance(value, Mapping):
        return {key: Value(_item(value, key)) for key in value}
    if _is_omegaconf(value):  # a list
        return {str(number): Value(item) for number, item in enumerate(value)}  # type: ignore[arg-type,var-annotated]
    kind = value if isinstance(value, type) else type(value)
    if _is_declared(kind):
        return dict(_declared(value, kind))
    return dict(_attributes(value, kind))


def _item(mapping: Mapping[Any, object], key: object) -> object:
    try:
        return mapping[key]
    except _errors_of(mapping):  # OmegaConf: a value that is missing, or an interpolation that leads nowhere
        return None


def _declared(value: object, kind: type) -> Iterator[tuple[str, Value]]:
    hints = _hints(kind)
    for name, default, about in _declarations(kind):
        found = default() if isinstance(value, type) else getattr(value, name, dataclasses.MISSING)
        if found is not dataclasses.MISSING:
            yield name, Value(found, about, hints.get(name, ()))


def _declarations(kind: type) -> Iterator[tuple[str, Callable[[], object], str]]:
    """Yield name, default and description of each field."""
    models = _models(kind)
    if models is not None:
        for name, field in models.items():
            info = getattr(field, "field_info", field)
            yield name, lambda field=field: _model_default(field), str(getattr(info, "description", None) or "")  # type: ignore[misc]
    elif dataclasses.is_dataclass(kind):
        for item in dataclasses.fields(kind):
            yield item.name, lambda item=item: _made(item.default, item.default_factory), _about(item.metadata)  # type: ignore[misc]
    else:
        for attribute in kind.__attrs_attrs__:  # type: ignore[attr-defined]  # attrs puts it there
            yield attribute.name, lambda one=attribute: _attrs_default(one), _about(attribute.metadata)  # type: ignore[misc]


def _made(default: object, factory: Any) -> object:  # noqa: ANN401 - a callable, or dataclasses.MISSING
    return default if factory is dataclasses.MISSING else factory()


def _model_default(field: Any) -> object:  # noqa: ANN401 - of a library that is not imported
    made = field.get_default(call_default_factory=True) if hasattr(field, "default_factory") and not hasattr(
        field, "field_info") else field.get_default()  # fmt: skip
    return dataclasses.MISSING if type(made).__name__ == "PydanticUndefinedType" else made


def _attrs_default(attribute: Any) -> object:  # noqa: ANN401 - of a library that is not imported
    default = attribute.default
    if default is None or not type(default).__module__.startswith("attr"):
        return default
    if hasattr(default, "factory"):
        return dataclasses.MISSING if default.takes_self else default.factory()
    return dataclasses.MISSING


def _about(metadata: Mapping[Any, object]) -> str:
    return str(metadata.get("help") or metadata.get("description") or "")


def _hints(kind: type) -> dict[str, annotated.Options]:
    """Return what each field is annotated with, where a text can be read as that."""
    import typing

    try:
        hints = typing.get_type_hints(kind)
    except (
        NameError,
        AttributeError,
        TypeError,
        ValueError,
        LookupError,
        SyntaxError,
    ):  # they may name what is not there
        return {}
    return {name: options for name, hint in hints.items() if (options := annotated.options_of(hint))}


def _attributes(value: object, kind: type) -> Iterator[tuple[str, Value]]:
    known: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if base is not object:
            known.update(vars(base))
    if value is not kind:
        slots = [name for name, item in known.items() if type(item).__name__ == "member_descriptor"]
        known |= {name: getattr(value, name) for name in slots if hasattr(value, name)}
        known |= getattr(value, "__dict__", {})
    for name, item in known.items():
        if not isinstance(name, str) or name.startswith("_") or hasattr(type(item), "__get__"):
            continue
        if is_shape(item) or (not callable(item) and values.is_supported(item)):
            yield name, Value(item)


def nested(value: object, depth: int = 0) -> object:
    """Return an object as nested dictionaries of its values; what has no named values is itself."""
    if depth and not _leads_on(value, depth):
        return list(value) if _is_omegaconf(value) else value  # type: ignore[call-overload]
    return {key: nested(item.value, depth + 1) for key, item in fields(value).items()}


def _leads_on(value: object, depth: int) -> bool:
    """Tell what is named part by part: a mapping that is empty, or has keys that are no texts, is one value."""
    if isinstance(value, Mapping) and not (value and all(isinstance(key, str) for key in value)):
        return False
    return depth <= MAX_DEPTH and is_shape(value)


def told(value: object, depth: int = 0) -> dict[Any, Any]:
    """Return, nested as in `nested`, what is told of each value: a Value where there is anything."""
    found: dict[Any, Any] = {}
    for key, item in fields(value).items():
        below = told(item.value, depth + 1) if _leads_on(item.value, depth + 1) else {}
        if below or item.about or item.allowed:
            found[key] = below or item._replace(value=None)
    return found


# -- taking -----------------------------------------------------------------------------------------------------------


def put(value: object, wanted: Mapping[Any, object], fail: Fail, path: str = "", depth: int = 0) -> object:
    """Give an object the values of a nested dictionary; return it, or what replaces it where it is frozen.

    A name that the object does not have is added to a mapping, and ignored elsewhere. `fail` is told what it refuses.
    """
    known = fields(value)
    by_text = {str(key): key for key in known}
    changes: dict[Any, object] = {}
    for name, item in wanted.items():
        key = by_text.get(name, name)
        if key not in known:
            if is_growing(value):
                changes[key] = item
            continue
        old = known[key].value
        if isinstance(item, Mapping) and _leads_on(old, depth + 1):
            before = nested(old) if isinstance(value, type) else None
            item = put(old, item, fail, nesting.join(path, str(key)), depth + 1)
            if before is not None and before != nested(item):
                changes[key] = item  # of a class it was made by a default: it is none of the class's own
        if item is not old and not (_is_omegaconf(old) and list(old) == item):  # type: ignore[call-overload]
            changes[key] = item
    return _changed(value, changes, fail, path) if changes else value


def is_growing(value: object) -> bool:
    """Tell whether names that an object does not have may be added to it."""
    if _is_omegaconf(value) and sys.modules["omegaconf"].OmegaConf.is_struct(value):
        return False
    return isinstance(value, MutableMapping)


def _changed(value: object, changes: dict[Any, object], fail: Fail, path: str) -> object:
    replace = _replacer(value)
    if replace is not None:
        try:
            return replace(changes)
        except _errors_of(value) as error:
            for name in changes:
                fail(nesting.join(path, str(name)), error)
            return value
    for key, item in changes.items():
        try:
            if isinstance(value, MutableMapping):
                value[key] = item
            elif _is_omegaconf(value):
                value[int(key)] = item  # type: ignore[index]
            elif not (isinstance(value, type) and _is_declared(value)) or _is_plain_attribute(value, key):
                setattr(value, key, item)
        except _errors_of(value) as error:
            fail(nesting.join(path, str(key)), error)
    if isinstance(value, type) and _is_declared(value):
        _give_defaults(value, changes)
    return value


def _is_plain_attribute(kind: type, name: str) -> bool:
    """Tell whether a class has a default as an attribute of its own; a slot is none."""
    return name in vars(kind) and not hasattr(type(vars(kind)[name]), "__get__")


def _replacer(value: object) -> Callable[[dict[str, object]], object] | None:
    """Return how a frozen object is replaced; None for one that can be changed."""
    kind = type(value)
    if isinstance(value, type):
        return None
    if _is_omegaconf(value):
        is_readonly = sys.modules["omegaconf"].OmegaConf.is_readonly(value)
        return (lambda changes: _unlocked(value, changes)) if is_readonly else None
    if _models(kind) is not None:
        settings = getattr(kind, "model_config", None)
        if isinstance(settings, Mapping):
            return (lambda changes: value.model_copy(update=changes)) if settings.get("frozen") else None  # type: ignore[attr-defined]
        is_frozen = getattr(kind.__config__, "frozen", False) or not getattr(kind.__config__, "allow_mutation", True)  # type: ignore[attr-defined]
        return (lambda changes: value.copy(update=changes)) if is_frozen else None  # type: ignore[attr-defined]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        is_frozen = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return (lambda changes: dataclasses.replace(value, **changes)) if is_frozen else None
    if hasattr(kind, "__attrs_attrs__") and kind.__setattr__.__name__ == "_frozen_setattrs":
        return lambda changes: sys.modules["attr"].evolve(value, **changes)
    return None


def _unlocked(value: Any, changes: Mapping[Any, object]) -> object:  # noqa: ANN401 - OmegaConf's
    """Return a read-only configuration like `value` with other values in it."""
    import copy

    made, omegaconf = copy.deepcopy(value), sys.modules["omegaconf"].OmegaConf
    omegaconf.set_readonly(made, False)
    for key, item in changes.items():
        made[key if isinstance(made, Mapping) else int(key)] = item
    omegaconf.set_readonly(made, True)
    return made


def _give_defaults(kind: type, changes: Mapping[str, object]) -> None:
    """Let a class that declares its fields make objects with these values, where the maker does not give others."""
    import copy
    import functools
    import inspect

    original = kind.__init__  # type: ignore[misc]  # it is the class's own
    signature = inspect.signature(original)
    takes_all = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in signature.parameters.values())
    chosen = {name: item for name, item in changes.items() if takes_all or name in signature.parameters}

    @functools.wraps(original)
    def init(self: object, *args: Any, **given: Any) -> None:  # noqa: ANN401 - the class's own signature
        taken = signature.bind_partial(self, *args, **given).arguments
        left = {name: copy.deepcopy(item) for name, item in chosen.items() if name not in taken and name not in given}
        original(self, *args, **given, **left)

    kind.__init__ = init  # type: ignore[misc]
