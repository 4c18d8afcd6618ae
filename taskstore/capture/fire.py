"""Capture of Python Fire: what each call was given becomes section "Args", the commands are parameters too.

What the root is called with (a function, or a class that is instantiated) has plain names and type `fire.Arg.shared`.
A command is `add`, true where it ran; what it was given is `add/x`, of type `fire.Arg@add`; below groups it is
`group.add`. A command that is called again in a chain is `add#2`. Types say no more: Fire has none, and what is stored
is read as Fire reads a command line, numbers to the type that the program has. So a text that Fire would take for
something else is stored with its quotes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import ModuleType
from typing import Any

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK
from ..core.values import cast_like, from_text, to_text
from .base import Found, Sink, contained, swapped
from .relay import Relay

SECTION = "Args"
COMMAND = "fire.Command"
SHARED = "fire.Arg.shared"

_MAX_DEPTH = 4


def patched(module: ModuleType, sink: Sink) -> AbstractContextManager[None]:
    """Capture the calls that Fire made or makes; the module is fire.core."""
    return RELAY.patched(module, sink)


@contextmanager
def _hooked(module: ModuleType) -> Iterator[None]:
    hooks = _Hooks(module)
    with ExitStack() as stack:
        stack.enter_context(swapped(module, "_Fire", hooks.firing))
        stack.enter_context(swapped(module, "_CallAndUpdateTrace", hooks.calling))
        stack.enter_context(swapped(module, "_MakeParseFn", hooks.parsing))
        yield


RELAY = Relay("fire", _hooked)


@dataclass
class _Run:
    """One outermost `fire.Fire`: what is stored, and what was called so far."""

    stored: Mapping[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    command: str | None = None
    """The command that is being called; '' for the root."""


class _Hooks:
    def __init__(self, module: ModuleType) -> None:
        self.fire: Any = module
        self.run: _Run | None = None

    def firing(self, original: Any) -> Callable[..., Any]:  # noqa: ANN401 - Fire's function
        @wraps(original)
        def fire(component: Any, args: Any, flags: Any, context: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - Fire's own
            outer, self.run = self.run, _Run() if self.run is None else None
            try:
                if self.run is not None:
                    with contained(RELAY, RELAY.capture):
                        root = _members(context) if component is None else component
                        args = self._begin(self.run, root, list(args), vars(flags))
                return original(component, args, flags, context, *rest, **named)
            except BaseException as error:
                leave_no_frame(error)
                raise
            finally:
                self.run = outer

        return fire

    def _begin(self, run: _Run, component: object, args: list[str], flags: Mapping[str, object]) -> list[str]:
        """Report Fire's own flags and the commands that there are; return the arguments, or the stored command's."""
        run.stored = RELAY.stored(SECTION)
        commands = dict(_commands(component))
        found = {name: Found(value, _kind(value), is_of_library=True) for name, value in flags.items()}
        found |= {name: Found(False, COMMAND) for name in commands}
        for name, function in commands.items():
            found.update({f"{name}/{one}": Found(value, f"fire.Arg@{name}") for one, value in self._defaults(function)})
        if "--help" not in args and "-h" not in args and found:
            RELAY.parameters(SECTION, found)
        chosen = [name for name in commands if run.stored.get(name) == "True"]
        words = [word.replace("-", "_") for word in args]
        if len(chosen) != 1 or all(part in words for part in chosen[0].split(".")):
            return args
        return chosen[0].split(".")

    def _defaults(self, function: object) -> Iterator[tuple[str, object]]:
        spec = self.fire.inspectutils.GetFullArgSpec(function)
        names = spec.args[1:] if spec.args[:1] in (["self"], ["cls"]) else spec.args
        defaults = dict(zip(reversed(names), reversed(spec.defaults or ()), strict=False))
        for name in [*names, *spec.kwonlyargs]:
            yield name, _text_kept(self.fire.parser.DefaultParseValue, {**defaults, **spec.kwonlydefaults}.get(name))

    def calling(self, original: Any) -> Callable[..., Any]:  # noqa: ANN401 - Fire's function
        @wraps(original)
        def call(component: Any, args: Any, component_trace: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - Fire's
            run = self.run
            if run is not None:
                with contained(RELAY, RELAY.capture):
                    run.command = _path(component_trace)
            try:
                return original(component, args, component_trace, *rest, **named)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return call

    def parsing(self, original: Any) -> Callable[..., Any]:  # noqa: ANN401 - Fire's function
        @wraps(original)
        def make(fn: Any, metadata: Any) -> Any:  # noqa: ANN401 - Fire's own
            parse = original(fn, metadata)
            run = self.run
            if run is None or run.command is None:
                return parse
            call = _Call(self.fire, fn, metadata, run)
            run.command = None

            def parse_and_report(args: list[str]) -> Any:  # noqa: ANN401 - Fire's own
                result = call.parsed(parse, args)
                with contained(RELAY, RELAY.capture):
                    call.report(*result[0])
                return result

            return parse_and_report

        return make


class _Call:
    """One call of a function or class of the program's."""

    def __init__(self, fire: Any, function: Any, metadata: Any, run: _Run) -> None:  # noqa: ANN401 - Fire's
        self.fire = fire
        self.function = function
        self.metadata = metadata
        self.run = run
        self.command = run.command or ""
        times = run.calls.get(self.command, 0) + 1
        if times > 1 and self.command:
            self.command = f"{self.command}#{times}"
        self.spec = fire.inspectutils.GetFullArgSpec(function)

    def name(self, argument: str) -> str:
        return f"{self.command}/{argument}" if self.command else argument

    def stored(self, argument: str) -> str | None:
        text = self.run.stored.get(self.name(argument))
        return None if text is None or MASK in text else text

    def parsed(self, parse: Callable[[list[str]], Any], args: list[str]) -> Any:  # noqa: ANN401 - Fire's result
        """Parse, with stored texts for what is required and not given. Raises what Fire raises."""
        added: list[str] = []
        while True:
            try:
                (positional, named), consumed, *rest = parse([*args, *added])
            except self.fire.FireError as error:
                missing = error.args[1] if len(error.args) > 1 else None
                names = [missing] if isinstance(missing, str) else sorted(missing) if isinstance(missing, set) else []
                new = [f"--{name}={self.stored(name)}" for name in names if self.stored(name) not in (None, "")]
                if not new or new[0] in added:
                    raise
                added += new
            else:
                return (positional, named), [one for one in consumed if one not in added], *rest

    def report(self, positional: list[Any], named: dict[str, Any]) -> None:
        """Put in what is stored, and report the values."""
        base = self.command.partition("#")[0]
        self.run.calls[base] = self.run.calls.get(base, 0) + 1
        spec, misfits = self.spec, []
        texts = self._helps()
        found: dict[str, Found] = {}
        kind = f"fire.Arg@{self.command}" if self.command else SHARED
        for index, name in enumerate(spec.args):
            positional[index], fits = self._value(name, index, positional[index])
            found[name] = Found(self._kept(name, index, positional[index]), kind, texts.get(name))
            misfits += [] if fits else [name]
        if spec.varargs:
            rest, fits = self._value(spec.varargs, None, positional[len(spec.args) :])
            positional[len(spec.args) :] = rest if isinstance(rest, (list, tuple)) else [rest]
            found[spec.varargs] = Found(list(positional[len(spec.args) :]), kind, texts.get(spec.varargs))
        for name in dict.fromkeys([*spec.kwonlyargs, *named]):
            current = named.get(name, spec.kwonlydefaults.get(name))
            value, fits = self._value(name, None, current)
            if name in named or value is not current:
                named[name] = value
            found[name] = Found(self._kept(name, None, value), kind, texts.get(name))
            misfits += [] if fits else [name]
        reported = {self.name(name): one for name, one in found.items()}
        if self.command:
            about = (inspect.getdoc(self.function) or "").partition("\n")[0]
            reported[self.command] = Found(True, COMMAND, about or None)
        RELAY.parameters(SECTION, reported)
        if misfits:
            RELAY.correct(SECTION, {self.name(name): found[name] for name in misfits})

    def _value(self, name: str, index: int | None, current: object) -> tuple[object, bool]:
        """Return the stored value where there is one that fits, and whether there was none that does not."""
        text = self.stored(name)
        if text is None or text == to_text(self._kept(name, index, current))[0]:
            return current, True
        default = current if current is not None else self._default(name)
        try:
            return self._read(text, name, index, default), True
        except (BadValue, self.fire.FireError, ValueError, TypeError) as error:
            RELAY.misfit(self.name(name), text, current, str(error))
            return current, False

    def _kept(self, name: str, index: int | None, value: object) -> object:
        return _text_kept(lambda text: self.fire._ParseValue(text, index, name, self.metadata), value)

    def _default(self, name: str) -> object:
        defaults = dict(zip(reversed(self.spec.args), reversed(self.spec.defaults or ()), strict=False))
        return {**defaults, **self.spec.kwonlydefaults}.get(name)

    def _read(self, text: str, name: str, index: int | None, default: object) -> object:
        """Read a text as Fire does, and a container also as it is stored. Raises BadValue where it is no number."""
        if text == "" and not isinstance(default, str):
            return None
        if isinstance(default, bool) or (default is not None and not isinstance(default, (str, int))):
            try:
                return cast_like(text, default)
            except BadValue:
                pass  # Fire gives anything to anybody
        for kind in ("list", "dict") if text[:1] in "[{" else ():
            try:
                return from_text(text, kind)
            except BadValue:
                continue
        value: object = self.fire._ParseValue(text, index, name, self.metadata)
        if isinstance(default, (int, float)) and isinstance(value, str):
            raise BadValue(f"{text!r} is not like the {type(default).__name__} that the program has")
        return value

    def _helps(self) -> dict[str, str]:
        parse = getattr(getattr(self.fire.helptext, "docstrings", None), "parse", None)
        about = parse(inspect.getdoc(self.function) or "") if parse is not None else None
        return {one.name: one.description for one in getattr(about, "args", None) or [] if one.description}


def _text_kept(read: Callable[[str], object], value: object) -> object:
    """Return a value as it is recorded: a text that Fire would read as something else in quotes."""
    if not isinstance(value, str) or read(value) == value:
        return value
    return repr(value)


def _kind(value: object) -> str:
    return to_text(value)[1] or "str"


def _members(context: Mapping[str, object]) -> dict[str, object]:
    """Return the functions and classes of a module's that is a root by itself, without those that it has imported."""
    own = context.get("__name__")
    return {
        name: member
        for name, member in context.items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or inspect.isclass(member))
        and member.__module__ == own
    }


def _path(trace: Any) -> str:  # noqa: ANN401 - Fire's trace
    """Return what was gone through since the last function returned; '' at the root."""
    parts: list[str] = []
    for element in trace.elements:
        action, target = element._action, str(element._target)
        if action == "Accessed property":
            parts.append(target.replace("-", "_"))
        elif action in ("Called routine", "Called callable"):
            parts.clear()
    return ".".join(parts)


def _commands(component: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Yield the commands below a root, as far as they can be seen without running anything of the program's."""
    if component is None or inspect.ismodule(component) or inspect.isroutine(component) or len(path) >= _MAX_DEPTH:
        return
    if isinstance(component, dict):
        members = {str(name): member for name, member in component.items()}
    elif isinstance(component, (list, tuple, str, int, float)):
        return
    else:
        names = [name for name in dir(component) if not name.startswith("_")]
        members = {name: inspect.getattr_static(component, name, None) for name in names}
    for name, member in members.items():
        below = getattr(member, "__func__", member) if isinstance(member, (staticmethod, classmethod)) else member
        if inspect.isfunction(below):
            yield ".".join([*path, name]), below
        elif isinstance(component, dict) and (isinstance(below, dict) or inspect.isclass(below)):
            yield from _commands(below, (*path, name))
