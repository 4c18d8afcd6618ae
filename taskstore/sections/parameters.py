"""Hyperparameters: recording what the program has, and handing stored values back when a task is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ..core import nesting, values
from ..core.errors import BadValue, NotFound
from ..core.secrets import MASK, Masker
from ..core.states import RECORDING, Status
from ..schema.record import USER_PROPERTIES, Parameter, ParamsRecord
from ..store import places, tasks
from ..store.store import Store

GENERAL = "General"


def parameter_of(name: str, value: object, masker: Masker, *, kind: str | None = None, about: str = "") -> Parameter:
    """Return a parameter as it is stored: its text (masked where it is a secret), type and description."""
    text, found_kind = values.to_text(value)
    described = about or values.enum_description(value) or None
    return Parameter(masker.value(name, text), kind or found_kind or None, described)


def record(
    store: Store,
    task_id: str,
    section: str,
    parameters: Mapping[str, Parameter | None],
    *,
    keep_stored: bool,
    allowed: frozenset[Status] = RECORDING,
) -> dict[str, Parameter]:
    """Merge parameters into a section (None removes one), and return the section as it was before.

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

    tasks.edit_params(store, task_id, change, allowed=allowed)
    return before


def _merged(
    before: Mapping[str, Parameter], parameters: Mapping[str, Parameter | None], *, keep_stored: bool
) -> dict[str, Parameter]:
    replaced = {name: item for name, item in parameters.items() if not keep_stored or name not in before}
    return {name: item for name, item in {**before, **replaced}.items() if item is not None}


class Recorder(Protocol):
    """What `connect` records by: a run's sink, which warns where the store cannot be written and raises nothing."""

    masker: Masker
    is_rerun: bool

    def record_parameters(self, section: str, found: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """Record as `record` does, and return the section as it was before."""
        ...

    def replace_parameters(self, section: str, found: Mapping[str, Parameter | None]) -> None:
        """Set what the running program holds now; None for what it holds no more."""
        ...

    def note(self, capture: str, message: str) -> None:
        """Tell of what went wrong."""
        ...


def connect(content: dict[str, Any], section: str, recorder: Recorder, is_open: Callable[[], bool]) -> LiveDict:
    """Record a dictionary, and return a live one whose changes and removals are recorded as long as `is_open`.

    In a task that is run again `content` first takes the stored values. One that does not fit is noted, and the value
    that is used instead replaces it in the task, so that its record says what ran.
    """
    stored = recorder.record_parameters(section, dict(flat_parameters(content, recorder.masker)))
    if recorder.is_rerun:
        types = {name: parameter.type for name, parameter in stored.items()}
        misfits = _apply(content, overrides(stored), types)
        for warning in misfits.values():
            recorder.note("connect", warning)
        if misfits:
            used = dict(flat_parameters(content, recorder.masker))
            recorder.replace_parameters(section, {name: used.get(name) for name in misfits})
    live = LiveDict(content, lambda: changed())
    names = set(nesting.flatten(content))

    def changed() -> None:
        if not is_open():  # then it is a dict like any other
            return
        found = dict(flat_parameters(live, recorder.masker))
        gone = dict.fromkeys(names - found.keys())
        names.clear()
        names.update(found)
        recorder.replace_parameters(section, {**found, **gone})

    return live


def overrides(stored: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the stored texts that replace a program's values; a masked one is no value."""
    return {name: parameter.value for name, parameter in stored.items() if MASK not in parameter.value}


def apply(target: dict[str, Any], texts: Mapping[str, str], types: Mapping[str, str | None]) -> list[str]:
    """Set the values of a (nested) dictionary to the stored texts, each cast to the type that the code's value has.

    Keys are paths joined by '/'. What does not fit keeps the code's value. Returns a warning for each such.
    """
    return list(_apply(target, texts, types).values())


def _apply(target: dict[str, Any], texts: Mapping[str, str], types: Mapping[str, str | None]) -> dict[str, str]:
    warnings = {}
    flat = nesting.flatten(target)
    for name, text in texts.items():
        try:
            known = name in flat
            value = values.cast_like(text, flat[name]) if known else values.from_text(text, types.get(name) or "str")
            if not known:
                nesting.unflatten({**flat, name: value})  # it may lead on from what is a value in the code
        except BadValue as error:
            warnings[name] = f"parameter {name}: {error}; " + (f"keeping {flat[name]!r}" if known else "left out")
            continue
        flat[name] = value
    nested = nesting.unflatten(flat)
    target.clear()
    target.update(nested)
    return warnings


def parse_assignment(text: str) -> tuple[str, str, str]:
    """Split 'Section/name=value' as a person writes it; without a section it is General. Raises BadValue."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise BadValue(f"{text!r} is no assignment; write it like Args/lr=0.1")
    return *split_name(name), value


def assign(params: ParamsRecord, section: str, name: str, text: str, *, masker: Masker | None = None) -> list[str]:
    """Set one stored parameter to a text, keeping its type and description; return what a person should be told.

    That is: a text that is none of its type, a name that was not recorded before (with those it may stand for), and
    with `masker` a credential, which is masked before it is stored.
    """
    known = params.hyperparams.get(section, {})
    before = known.get(name)
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
    section, slash, rest = name.strip().partition("/")
    if not slash and section:
        return GENERAL, section
    if not section or not rest:
        raise BadValue(f"{name!r} is no parameter name; write it like Args/lr")
    return section, rest


class _ShownAsDict(type):
    """The type of a dict to whoever goes by the exact type: PyYAML looks its representer up in `type(data).__mro__`."""

    @property
    def __mro__(cls) -> tuple[type, ...]:
        return dict.__mro__


class LiveDict(dict[str, Any], metaclass=_ShownAsDict):
    """A dictionary that tells of each later change, nested ones included; otherwise it is a dict.

    JSON and YAML (safe_dump too) write it as they write a dict; a copy of it is one.
    """

    def __init__(self, content: Mapping[str, Any], changed: Callable[[], None]) -> None:
        self._changed: Callable[[], None] | None = None
        super().__init__({key: self._wrapped(value, changed) for key, value in content.items()})
        self._changed = changed

    @staticmethod
    def _wrapped(value: object, changed: Callable[[], None]) -> object:
        return LiveDict(value, changed) if type(value) is dict else value

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()

    def __setitem__(self, key: str, value: object) -> None:
        super().__setitem__(key, self._wrapped(value, self._changed) if self._changed else value)
        self._tell()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._tell()

    def update(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - dict's own signature
        """Merge as dict.update does, telling once."""
        for key, value in dict(*args, **kwargs).items():
            super().__setitem__(key, self._wrapped(value, self._changed) if self._changed else value)
        self._tell()

    def setdefault(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own signature
        """Insert as dict.setdefault does, telling of it."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:  # noqa: ANN401 - dict's own signature
        """Remove as dict.pop does, telling of it."""
        value = super().pop(key, *default)
        self._tell()
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove as dict.popitem does, telling of it."""
        item = super().popitem()
        self._tell()
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


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live dictionary's content as ordinary dictionaries."""
    return {key: plain(item) if isinstance(item, LiveDict) else item for key, item in value.items()}


def flat_parameters(content: Mapping[str, Any], masker: Masker) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters that a (nested) dictionary holds, by their path."""
    for name, value in nesting.flatten(plain(content)).items():
        yield name, parameter_of(name, value, masker)
