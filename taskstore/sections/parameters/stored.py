"""Hyperparameters as they are stored: made of values, merged into a task, changed by people."""

from __future__ import annotations

from collections.abc import Mapping

from ...core import values
from ...core.errors import BadValue, NotFound
from ...core.secrets import MASK, Masker
from ...core.states import RECORDING, Status
from ...schema.record import USER_PROPERTIES, Parameter, ParamsRecord
from ...store import places, tasks
from ...store.store import Store

GENERAL = "General"


def parameter_of(name: str, value: object, masker: Masker, *, kind: str | None = None, about: str = "") -> Parameter:
    """Return a parameter as it is stored: its text (masked where it is a secret), type and description."""
    text, found_kind = values.to_text(value)
    described = about or values.enum_description(value) or None
    is_bare = type(value) in (int, float, bool)  # then only its name can make it a secret
    stored = text if is_bare and not masker.masks(name) else masker.value(name, text)
    return Parameter(stored, kind or found_kind or None, described)


def reads(text: str, kind: str | None) -> bool:
    """Tell whether a text may stand for a value of a type: '0.1' given for a float is one."""
    if not kind:
        return False
    try:
        values.from_text(text, kind)
    except BadValue:
        return False
    return True


def record(
    store: Store,
    task_id: str,
    section: str,
    parameters: Mapping[str, Parameter | None],
    *,
    keep_stored: bool,
    allowed: frozenset[Status] = RECORDING,
    is_durable: bool = True,
) -> dict[str, Parameter]:
    """Merge parameters into a section (None removes one), and return the section as it was before.

    One that comes without a description keeps the one that it had.

    With `keep_stored` (a task that is run again) what is stored stays, and only what it lacks is added.
    Nothing is written where nothing changes. Raises ReadOnly.
    """
    before = dict(tasks.read_params(places.locate(store, task_id)).hyperparams.get(section, {}))
    if _merged(before, parameters, keep_stored=keep_stored) == before:
        return before

    def change(params: ParamsRecord) -> None:
        before.clear()
        before.update(params.hyperparams.get(section, {}))
        merged = _merged(before, parameters, keep_stored=keep_stored)
        if merged:
            params.hyperparams[section] = merged
        else:
            params.hyperparams.pop(section, None)

    tasks.edit_params(store, task_id, change, allowed=allowed, is_durable=is_durable)
    return before


def _merged(
    before: Mapping[str, Parameter], parameters: Mapping[str, Parameter | None], *, keep_stored: bool
) -> dict[str, Parameter]:
    replaced = {name: item for name, item in parameters.items() if not keep_stored or name not in before}
    for name, item in replaced.items():
        old = before.get(name)
        if item is not None and item.description is None and old is not None and old.description is not None:
            replaced[name] = Parameter(item.value, item.type, old.description)
    return {name: item for name, item in {**before, **replaced}.items() if item is not None}


def overrides(stored: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the stored texts that replace a program's values; a masked one is no value."""
    return {name: parameter.value for name, parameter in stored.items() if MASK not in parameter.value}


def parse_assignment(text: str) -> tuple[str, str, str]:
    """Split 'Section/name=value' as a person writes it; without a section it is General. Raises BadValue."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise BadValue(f"{text!r} is no assignment; write it like Args/lr=0.1")
    return *split_name(name), value


def assign(params: ParamsRecord, section: str, name: str, text: str, *, masker: Masker | None = None) -> list[str]:
    """Set one stored parameter to a text, keeping its type and description; return what a person should be told.

    That is: a text that is none of its type, a name that was not recorded before (with those it may stand for), and
    with `masker` a credential, which is masked before it is stored. 'None', where it is no text, is Python's None.
    """
    known = params.hyperparams.get(section, {})
    before = known.get(name)
    if text == "None" and before is not None and before.type not in (None, "str"):
        text = ""  # as None is stored
    warnings = [] if before or section == USER_PROPERTIES else _warn_of_new(params, section, name)
    stored = masker.value(name, text) if masker is not None else text
    if stored != text:
        warnings.append(f"{section}/{name} looks like a credential: it is stored masked, and the program keeps its own")
    elif before is not None and before.type is not None:
        try:
            values.from_text(text, before.type)
        except BadValue as error:
            warnings.append(f"{section}/{name}: {error}; it is stored as it is")
    description = before.description if before else None
    params.hyperparams.setdefault(section, {})[name] = Parameter(stored, before.type if before else None, description)
    return warnings


def remove(params: ParamsRecord, section: str, name: str) -> None:
    """Remove one stored parameter, and its section where that is empty then. Raises NotFound naming similar ones."""
    known = params.hyperparams.get(section, {})
    if name not in known:
        similar = _similar(params, section, name)
        hint = f"did you mean {similar}?" if similar else "`taskstore show` lists them"
        raise NotFound("parameter", f"{section}/{name}", hint)
    del known[name]
    if not known:
        del params.hyperparams[section]


def _warn_of_new(params: ParamsRecord, section: str, name: str) -> list[str]:
    if not any(items for key, items in params.hyperparams.items() if key != USER_PROPERTIES):
        return []  # nothing was recorded that it could be meant for
    similar = _similar(params, section, name)
    question = f"; did you mean {similar}?" if similar else ""
    return [f"{section}/{name} was not among the recorded parameters, and is added{question}"]


def _similar(params: ParamsRecord, section: str, name: str) -> str:
    """Name the parameters that a mistyped one may stand for: of the same name elsewhere, then of a similar spelling."""
    import difflib

    by_name: dict[str, list[str]] = {}
    for key, items in params.hyperparams.items():
        for item in items:
            by_name.setdefault(item, []).append(f"{key}/{item}")
    close = difflib.get_close_matches(name, by_name)
    found = [full for item in dict.fromkeys([name, *close]) for full in by_name.get(item, [])]
    return " or ".join([full for full in found if full != f"{section}/{name}"][:3])


def split_name(name: str) -> tuple[str, str]:
    """Split 'Section/name' as a person writes it; without a section it is General. Raises BadValue."""
    if not isinstance(name, str):
        raise BadValue(f"a parameter's name is a text like Args/lr, not {name!r}")
    section, slash, rest = name.strip().partition("/")
    if not slash and section:
        return GENERAL, section
    if not section or not rest:
        raise BadValue(f"{name!r} is no parameter name; write it like Args/lr")
    return section, rest
