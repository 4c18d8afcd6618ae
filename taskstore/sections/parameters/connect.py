"""Connecting what holds a program's settings to a section of its task's parameters."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, cast

from ...core import annotated, nesting, values
from ...core.errors import BadValue
from ...core.secrets import Masker
from ...schema.record import Parameter
from . import shapes
from .live import Keys, LiveDict, plain
from .stored import overrides, parameter_of, reads


class Recorder(Protocol):
    """What `connect` records by: a run's sink, which warns where the store cannot be written and raises nothing."""

    masker: Masker
    is_rerun: bool

    def record_parameters(self, section: str, found: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """Record as `record` does, and return the section as it was before."""
        ...

    def replace_parameters(
        self, section: str, found: Mapping[str, Parameter | None], *, is_durable: bool = True
    ) -> None:
        """Set what the running program holds now; None for what it holds no more."""
        ...

    def note(self, capture: str, message: str) -> None:
        """Tell of what went wrong."""
        ...

    def at_end(self, call: Callable[[], None]) -> None:
        """Have something done when the run ends."""
        ...


def connect(
    mutable: Any,  # noqa: ANN401 - whatever holds settings
    section: str,
    recorder: Recorder,
    is_open: Callable[[], bool],
    *,
    keeps_own: bool = False,
) -> Any:  # noqa: ANN401 - what comes in goes out
    """Record what an object holds; in a task that is run again, first give it the stored values.

    A dict comes back as a live one, whose changes and removals are recorded as long as `is_open`; any other object is
    looked at again at the end of the run, and comes back itself, or where it is frozen one like it. A stored value
    that does not fit is noted, and what is used instead replaces it in the task, so that its record says what ran.
    With `keeps_own` the stored values are replaced by the object's. Raises BadValue for what holds no named values.
    """
    if type(mutable) in (dict, LiveDict):
        if not nesting.is_bounded(mutable):
            raise BadValue(f"connect: the dictionary holds itself, or is nested more than {nesting.MAX_BOUND} deep")
        content = plain(mutable) if type(mutable) is LiveDict else mutable
        seen = _exchange(_Dict(content), section, recorder, keeps_own=keeps_own)
        return _Live(content, seen, section, recorder, is_open).root
    if callable(getattr(mutable, "to_dict", None)) and callable(getattr(mutable, "update_from_dict", None)):
        source: _Source = _Converted(mutable)
    elif shapes.is_connectable(mutable):
        source = _Shaped(mutable)
    else:
        raise BadValue(
            f"connect takes a dict, a class, or an object with attributes, not {type(mutable).__name__}; "
            "give a single value a name: connect({'name': value})"
        )
    seen = _exchange(source, section, recorder, keeps_own=keeps_own)
    _look_again_at_end(source, seen, section, recorder)
    return source.owner


class _Source(Protocol):
    """Something that holds settings, as nested dictionaries of values."""

    owner: Any

    def read(self) -> dict[str, Any]: ...

    def told(self) -> dict[str, shapes.Value]: ...

    def write(self, content: dict[str, Any], fail: shapes.Fail) -> None: ...

    @property
    def is_growing(self) -> bool: ...


class _Dict:
    is_growing = True

    def __init__(self, content: Any) -> None:  # noqa: ANN401 - or what converts itself to one
        self.owner = content

    def read(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.owner)

    def told(self) -> dict[str, shapes.Value]:
        return {}

    def write(self, content: dict[str, Any], fail: shapes.Fail) -> None:
        """Nothing is left to do: what was read is the dictionary itself."""


class _Shaped:
    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.is_growing = shapes.is_growing(owner)

    def read(self) -> dict[str, Any]:
        return cast("dict[str, Any]", shapes.nested(self.owner))

    def told(self) -> dict[str, shapes.Value]:
        return cast("dict[str, shapes.Value]", nesting.flatten(shapes.told(self.owner)))

    def write(self, content: dict[str, Any], fail: shapes.Fail) -> None:
        self.owner = shapes.put(self.owner, content, fail)


class _Converted(_Dict):
    """What converts itself: ClearML's TaskParameters, and what is made like it."""

    def read(self) -> dict[str, Any]:
        return dict(self.owner.to_dict())

    def write(self, content: dict[str, Any], fail: shapes.Fail) -> None:
        self.owner.update_from_dict(content)


Found = dict[str, Parameter]


def _exchange(source: _Source, section: str, recorder: Recorder, *, keeps_own: bool) -> Found:
    """Record, and give the source what is stored of a task that is run again; return what the source holds then."""
    told = source.told()
    content = source.read()
    found = dict(flat_parameters(content, recorder.masker, told))
    if not recorder.is_rerun or keeps_own:
        recorder.replace_parameters(section, found)
        return found
    stored = recorder.record_parameters(section, found)
    texts = {name: text for name, text in overrides(stored).items() if source.is_growing or name in found}
    types = {name: parameter.type for name, parameter in stored.items()}
    allowed = {name: value.allowed for name, value in told.items() if value.allowed}
    misfits = _apply(content, texts, types, allowed)
    if texts:
        source.write(content, lambda name, error: misfits.update({name: _refused(name, error)}))
    for warning in misfits.values():
        recorder.note("connect", warning)
    used = dict(flat_parameters(source.read(), recorder.masker, told))
    if misfits:
        recorder.replace_parameters(section, {name: used.get(name) for name in misfits})
    return used


def _refused(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    return f"parameter {name}: {type(error).__name__}: {reason}; keeping the program's value"


def _look_again_at_end(source: _Source, before: Found, section: str, recorder: Recorder) -> None:
    """Record at the end of the run what the object holds then, unless it is gone by then."""
    told = source.told()
    kind = type(source)
    try:
        held: Callable[[], Any] = weakref.ref(source.owner)
    except TypeError:  # it has slots, or is a dict
        owner = source.owner
        held = lambda: owner  # noqa: E731 - the other branch's spelling

    def look() -> None:
        owner = held()
        if owner is None:
            return
        now = dict(flat_parameters(kind(owner).read(), recorder.masker, told))  # type: ignore[call-arg]
        changed = {name: item for name, item in now.items() if name in before and item.value != before[name].value}
        if changed:
            recorder.replace_parameters(section, changed)

    recorder.at_end(look)


class _Live:
    """A dictionary whose changes are recorded: what of it is recorded so far."""

    def __init__(
        self, content: dict[str, Any], seen: Found, section: str, recorder: Recorder, is_open: Callable[[], bool]
    ) -> None:
        self.root = LiveDict(content, self._told)
        self._section = section
        self._recorder = recorder
        self._is_open = is_open
        self._seen = dict(seen)
        recorder.at_end(self._look_again)

    def _look_again(self) -> None:
        if nesting.is_bounded(self.root):
            self._record(dict(flat_parameters(self.root, self._recorder.masker)), self._seen)

    def _told(self, keys: Keys) -> None:
        if not self._is_open():  # then it is a dict like any other
            return
        found = self._one(keys)
        if found is not None:
            self._record(found, found)
            return
        if not nesting.is_bounded(self.root):
            self._recorder.note("connect", "a dictionary came to hold itself: what it holds is recorded no more")
            return
        if not keys:
            self._record(dict(flat_parameters(self.root, self._recorder.masker)), self._seen)
            return
        top = keys[0]
        part = {top: self.root[top]} if top in self.root else {}
        name = nesting.join("", str(top))
        known = [one for one in self._seen if one == name or one.startswith(f"{name}/")]
        self._record(dict(flat_parameters(part, self._recorder.masker)), known)

    def _one(self, keys: Keys) -> dict[str, Parameter] | None:
        """Return the one parameter that a write of one value has changed; None where it may be more."""
        level: Any = self.root
        for key in keys:
            if not isinstance(level, Mapping) or key not in level or not isinstance(key, str):
                return None
            level = level[key]
        name = nesting.spell(keys)
        if name not in self._seen or isinstance(level, Mapping):
            return None
        return {name: parameter_of(name, level, self._recorder.masker)}

    def _record(self, found: Mapping[str, Parameter], known: Any) -> None:  # noqa: ANN401 - any iterable of names
        for name, item in found.items():
            before = self._seen.get(name)
            if before is not None and item.type == "str" and item.value and reads(item.value, before.type):
                item.type = before.type  # a text that is written for a number is one, as ClearML has it
        changed: dict[str, Parameter | None] = {
            name: item for name, item in found.items() if self._seen.get(name) != item
        }
        gone = [name for name in known if name not in found]
        changed.update(dict.fromkeys(gone))
        if not changed:
            return
        self._recorder.replace_parameters(self._section, changed, is_durable=False)
        self._seen.update(found)
        for name in gone:
            del self._seen[name]


def apply(target: dict[str, Any], texts: Mapping[str, str], types: Mapping[str, str | None]) -> list[str]:
    """Set the values of a (nested) dictionary to the stored texts, each cast to the type that the code's value has.

    Keys are paths joined by '/'. What does not fit keeps the code's value. Returns a warning for each such.
    """
    return list(_apply(target, texts, types, {}).values())


def _apply(
    target: dict[str, Any],
    texts: Mapping[str, str],
    types: Mapping[str, str | None],
    allowed: Mapping[str, annotated.Options],
) -> dict[str, str]:
    warnings = {}
    flat = nesting.flatten(target)
    for name, text in texts.items():
        try:
            known = name in flat
            if known and text == "" and not types.get(name, "str"):
                value = None  # an empty text of a str is one of type str
            elif known:
                value = _cast(text, flat[name], types.get(name), allowed.get(name, ()))
            else:
                value = values.from_text(text, types.get(name) or "str")
                nesting.unflatten({**flat, name: value})  # it may lead on from what is a value in the code
        except BadValue as error:
            warnings[name] = f"parameter {name}: {error}; " + (f"keeping {flat[name]!r}" if known else "left out")
            continue
        flat[name] = value
    _fill(target, nesting.unflatten(flat), lambda name, error: warnings.update({name: _refused(name, error)}))
    return warnings


def _cast(text: str, current: object, kind: str | None, allowed: annotated.Options) -> object:
    """Read a stored text: as what the code's value is annotated with, or is; where that is None by its stored type."""
    if allowed and text != values.to_text(current)[0] and (current is not None or not kind):
        return annotated.read(text, current, allowed)
    return values.cast_like(text, current, kind if current is None else None)


def _fill(target: MutableMapping[str, Any], wanted: Mapping[str, Any], fail: shapes.Fail, path: str = "") -> None:
    """Give a mapping these items; a nested one that leads on stays the object that it is, whatever its class."""
    by_text = {key if isinstance(key, str) else str(key): key for key in target}
    for name, value in wanted.items():
        key, full = by_text.get(name, name), nesting.join(path, name)
        old = target.get(key)
        if isinstance(value, Mapping) and isinstance(old, MutableMapping) and _leads_on(old):
            _fill(old, value, fail, full)
        elif value is not old and (type(value) not in values.BASIC or value != old or type(value) is not type(old)):
            try:
                target[key] = value
            except shapes.ERRORS as error:  # a mapping of somebody else's that is locked
                fail(full, error)


def _leads_on(value: Mapping[Any, object]) -> bool:
    """Tell a mapping that is named part by part from one that is a value as a whole."""
    return bool(value) and all(isinstance(key, str) for key in value)


def flat_parameters(
    content: Mapping[str, Any], masker: Masker, told: Mapping[str, shapes.Value] | None = None
) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters that a (nested) dictionary holds, by their path; `told` is what else is known of each."""
    for name, value in nesting.flatten(plain(content)).items():
        more = told.get(name) if told else None
        yield name, parameter_of(name, value, masker, about=more.about if more else "")
