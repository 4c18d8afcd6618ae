"""Stored parameters as a program reads and sets them: flat by 'Section/name', or nested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core import nesting, values
from ...core.errors import BadValue
from ...core.secrets import Masker
from ...schema.record import USER_PROPERTIES, Parameter, ParamsRecord
from .stored import parameter_of, reads, split_name


def value_of(item: Parameter) -> Any:  # noqa: ANN401 - of whatever type is stored
    """Return the value that a parameter's text stands for; the text where it is none of its type."""
    if not item.type:
        return item.value or None
    try:
        return values.from_text(item.value, item.type)
    except BadValue:
        return item.value


def flat(params: ParamsRecord, *, cast: bool) -> dict[str, Any]:
    """Return all parameters as {'Section/name': text}, or values of their types."""
    return {
        f"{section}/{name}": value_of(item) if cast else item.value
        for section, items in params.hyperparams.items()
        for name, item in items.items()
    }


def by_section(params: ParamsRecord, *, cast: bool) -> dict[str, dict[str, Any]]:
    """Return the parameters nested as the program had them; a section whose names do not nest stays flat."""
    found = {}
    for section, items in params.hyperparams.items():
        level = {name: value_of(item) if cast else item.value for name, item in items.items()}
        try:
            found[section] = nesting.unflatten(level)
        except BadValue:  # 'a' and 'a/b' are both values
            found[section] = level
    return found


def update(params: ParamsRecord, wanted: Mapping[str, object], masker: Masker) -> None:
    """Set parameters by 'Section/name'; what is told of them stays, and so does the type where only a text is given."""
    for name, value in wanted.items():
        set_one(params, name, value, masker)


def set_one(
    params: ParamsRecord,
    name: str,
    value: object,
    masker: Masker,
    *,
    description: str | None = None,
    value_type: str | None = None,
) -> None:
    """Set one parameter by 'Section/name'. Raises BadValue for a name that is none."""
    section, key = split_name(name)
    before = params.hyperparams.get(section, {}).get(key)
    item = parameter_of(key, value, masker, kind=value_type, about=description or "")
    if before is not None and item.description is None:
        item.description = before.description
    if value_type is None and isinstance(value, str) and before is not None and reads(value, before.type):
        item.type = before.type
    params.hyperparams.setdefault(section, {})[key] = item


def replace(params: ParamsRecord, wanted: Mapping[str, object], masker: Masker) -> None:
    """Make `wanted` all the parameters that there are, besides the user properties."""
    before = ParamsRecord(hyperparams=dict(params.hyperparams))
    kept = params.hyperparams.get(USER_PROPERTIES)
    params.hyperparams = {} if kept is None else {USER_PROPERTIES: kept}
    update(params, wanted, masker)
    for section, items in params.hyperparams.items():
        for name, item in items.items():
            old = before.hyperparams.get(section, {}).get(name)
            if old is not None and item.description is None:
                item.description = old.description


def properties_of(
    listed: Iterable[Mapping[str, object] | Iterable[Mapping[str, object]]], named: Mapping[str, object]
) -> dict[str, Mapping[str, object]]:
    """Return user properties by name: given as {'name': …, 'value': …}, lists of such, or by keyword.

    A keyword's value is the value itself or a dictionary of value, type and description. Raises BadValue.
    """
    found: dict[str, Mapping[str, object]] = {}
    for item in listed:
        for each in item if isinstance(item, Iterable) and not isinstance(item, Mapping) else [item]:
            if not isinstance(each, Mapping) or "value" not in each or not isinstance(each.get("name"), str):
                raise BadValue(f"a user property is given as {{'name': …, 'value': …}}, not {each!r}")
            found[str(each["name"])] = each
    for name, value in named.items():
        found[name] = value if isinstance(value, Mapping) and "value" in value else {"value": value}
    return found
