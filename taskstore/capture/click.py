"""Capture of click and of Typer, which has a click of its own: what a command was given becomes section "Args".

A command on its own is recorded by the names of its parameters. In a group each command is a parameter, `hello`, true
where it is the one that runs, and what belongs to it is `hello/count`; the group's own options are `cli/debug`, and the
defaults of the other commands are there too. Commands within commands are `db/init`.

A stored text goes in where the command line's value does: types, ranges, callbacks, prompts and required options are
click's own affair from there on. One that click refuses is noted, and the program's value kept. The stored choice of a
command replaces the command line's. Only the outermost command counts: what a command runs within it is its own affair.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from enum import Enum
from functools import wraps
from types import ModuleType
from typing import Any, get_args

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK
from ..core.type_words import WORDS
from ..core.values import enum_description, from_text, to_text
from .base import Found, Sink, contained, swapped
from .relay import Relay

SECTION = "Args"
COMMAND = "click.Command"

_STATE = "taskstore.capture.click"
_DECLARED = {"text": "str", "str": "str", "integer": "int", "int": "int", "float": "float", "boolean": "bool"}
_DECLARED |= {"integer range": "int", "float range": "float", "path": "str", "choice": "str", "bool": "bool"}


def patched(module: ModuleType, sink: Sink) -> AbstractContextManager[None]:
    """Capture the commands that ran or run: of click.core, or of typer.core."""
    return RELAY.patched(module, sink)


@contextmanager
def _hooked(module: ModuleType) -> Iterator[None]:
    group = getattr(module, "TyperGroup", None) or module.Group
    command = next(kind for kind in group.__mro__ if kind.__name__ in ("Command", "BaseCommand"))
    if command.__module__ == "click.core" != module.__name__:
        yield  # a Typer without a click of its own: click's own hooks see all
        return
    parameter = sys.modules[command.__module__].Parameter
    resolving = next(kind for kind in group.__mro__ if "resolve_command" in vars(kind))
    parsing = next(kind for kind in group.__mro__ if "parse_args" in vars(kind))
    with ExitStack() as hooks:
        hooks.enter_context(swapped(parameter, "handle_parse_result", _handling))
        hooks.enter_context(swapped(command, "parse_args", _parsing))
        hooks.enter_context(swapped(parsing, "parse_args", _choosing_where_none_is_given))
        hooks.enter_context(swapped(resolving, "resolve_command", _resolving))
        yield


RELAY = Relay("click", _hooked)


def _passing(method: Any, around: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ANN401 - a method of click's
    """Replace a method by `around(method, self, context, …)`; no frame of ours is in what it raises."""

    @wraps(method)
    def call(self: Any, ctx: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own
        try:
            return around(method, self, ctx, *args, **kwargs)
        except BaseException as error:
            leave_no_frame(error)
            raise

    return call


def _handling(method: object) -> object:
    return _passing(method, _handle)


def _handle(method: Any, param: Any, ctx: Any, opts: Mapping[str, Any], args: list[str]) -> Any:  # noqa: ANN401 - click's
    text = _stored_for(param, ctx)
    if text is None:
        return method(param, ctx, opts, args)
    held = dict(ctx.params)
    try:
        return method(param, ctx, _with_stored(param, opts, text), args)
    except _refusals(param) as error:
        ctx.params.clear()
        ctx.params.update(held)
        result = method(param, ctx, opts, args)
        if param.name in ctx.params and to_text(_live(ctx.params[param.name]))[0] != text:
            with contained(RELAY, RELAY.capture):
                _state(ctx).misfits.append(param.name)
                kept = MASK if getattr(param, "hide_input", False) else _live(ctx.params[param.name])
                RELAY.misfit(_name(ctx, param.name), text, kept, getattr(error, "message", str(error)))
        return result


class _State:
    """What is known of one context: the stored texts of all commands, and which did not fit this one."""

    def __init__(self, ctx: Any) -> None:  # noqa: ANN401 - click's context
        self.context = ctx  # held, for states go by its id
        self.counts = _is_outermost(ctx)
        self.stored: dict[str, str] = {}
        self.misfits: list[str] = []
        root = ctx.find_root()
        if self.counts:
            with contained(RELAY, RELAY.capture):
                self.stored = _state(root).stored if ctx is not root else dict(RELAY.stored(SECTION))


def _state(ctx: Any) -> _State:  # noqa: ANN401 - click's context
    states = ctx.meta.setdefault(_STATE, {})
    if id(ctx) not in states:
        states[id(ctx)] = _State(ctx)
    state: _State = states[id(ctx)]
    return state


def _is_outermost(ctx: Any) -> bool:  # noqa: ANN401 - click's context
    globals_ = sys.modules.get(type(ctx).__mro__[-2].__module__.rpartition(".")[0] + ".globals")
    stack = getattr(getattr(globals_, "_local", None), "stack", None) or [ctx]
    return not ctx.resilient_parsing and ctx.find_root() is stack[0].find_root()


def _refusals(param: Any) -> tuple[type[Exception], ...]:  # noqa: ANN401 - click's parameter
    """Return what is raised for a bad value: by us, or by click before it calls the program's own callback."""
    package = next(kind for kind in type(param).__mro__ if kind.__name__ == "Parameter").__module__.rpartition(".")[0]
    return BadValue, sys.modules[f"{package}.exceptions"].UsageError


def _path(ctx: Any) -> list[str]:  # noqa: ANN401 - click's context
    """Return the commands below the root that lead to a context."""
    path: list[str] = []
    while ctx.parent is not None:
        path.insert(0, ctx.command.name or ctx.info_name or "")
        ctx = ctx.parent
    return path


def _is_group(command: Any) -> bool:  # noqa: ANN401 - click's command
    return hasattr(command, "list_commands")


def _name(ctx: Any, name: str) -> str:  # noqa: ANN401 - click's context
    root = ctx.find_root()
    if not _is_group(root.command):
        return name
    return "/".join([*(_path(ctx) or [root.command.name or root.info_name or "cli"]), name])


def _stored_for(param: Any, ctx: Any) -> str | None:  # noqa: ANN401 - click's
    if not param.expose_value or not param.name:
        return None
    text = _state(ctx).stored.get(_name(ctx, param.name))
    return None if text is None or MASK in text else text


def _with_stored(param: Any, opts: Mapping[str, Any], text: str) -> dict[str, Any]:  # noqa: ANN401 - click's
    """Return what was parsed with the stored text in the place of the command line's. Raises BadValue."""
    changed = {name: value for name, value in opts.items() if name != param.name}
    default = None if callable(param.default) or _is_unset(param.default) else param.default
    is_text = _declared(param) == "str"
    if text == "" and (default is None or not is_text) and not param.required:
        return changed
    if not _is_several(param):
        changed[param.name] = _as_click_reads(param, text)
        return changed
    items = from_text(text, "list")
    if not isinstance(items, list):
        raise BadValue(f"{text!r} is not a list; write it like [1, 2]")
    changed[param.name] = [_spelled(param, item) for item in items]
    return changed


def _spelled(param: Any, item: object) -> object:  # noqa: ANN401 - click's parameter
    if isinstance(item, (list, tuple)):
        return tuple(_spelled(param, one) for one in item)
    return _as_typer_reads(param, to_text(item)[0])


def _as_typer_reads(param: Any, text: str) -> str:  # noqa: ANN401 - click's parameter
    """Typer wants the value of an Enum's member, where its name is stored."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Enum) and text in kind.__members__:
            return str(kind[text].value)
    return text


def _is_several(param: Any) -> bool:  # noqa: ANN401 - click's parameter
    is_composite = getattr(getattr(param, "type", None), "is_composite", False)
    return bool(getattr(param, "multiple", False)) or param.nargs != 1 or is_composite


def _as_click_reads(param: Any, text: str) -> object:  # noqa: ANN401 - click's parameter
    formats = getattr(getattr(param, "type", None), "formats", None)
    if isinstance(formats, (list, tuple)) and formats:
        moment = from_text(text, "datetime")
        return moment.strftime(formats[0]) if hasattr(moment, "strftime") else text
    if getattr(param, "is_flag", False) and _declared(param) == "bool":
        return from_text(text, "bool")
    return _as_typer_reads(param, text)


def _declared(param: Any) -> str:  # noqa: ANN401 - click's parameter
    """Return the name of a parameter's type, where it is one that a value has too."""
    if getattr(param, "is_flag", False) and isinstance(getattr(param, "flag_value", None), bool):
        return "bool"
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    name = getattr(annotation, "__name__", None) or getattr(getattr(param, "type", None), "name", "")
    return _DECLARED.get(str(name), "")


def _declared_of(param: Any) -> str:  # noqa: ANN401 - click's parameter
    """Return the name of the type that a parameter's value has, once it has one."""
    declared = _declared(param)
    if not _is_several(param):
        return declared
    is_flat = declared and not (getattr(param, "multiple", False) and param.nargs != 1)
    return f"tuple/{declared}" if is_flat else "tuple"


def _is_unset(value: object) -> bool:
    """Tell click's word for "no default"; it is not to be seen outside of click."""
    return type(value).__module__.endswith("click._utils")


def _live(value: object) -> object:
    """Return the value as it is recorded: an open file is its name, an identifier its text."""
    if _is_unset(value):
        return None
    name = getattr(value, "name", None)
    if hasattr(value, "close") and (hasattr(value, "fileno") or hasattr(value, "open")) and name is not None:
        return str(name)
    return str(value) if type(value).__name__ == "UUID" else value


def _parsing(method: object) -> object:
    def parse(method: Any, command: Any, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's
        rest = method(command, ctx, args)
        with contained(RELAY, RELAY.capture):
            if _state(ctx).counts:
                _report(command, ctx)
        return rest

    return _passing(method, parse)


def _report(command: Any, ctx: Any) -> None:  # noqa: ANN401 - click's
    params = {param.name: param for param in command.get_params(ctx) if param.name}
    found = {
        _name(ctx, name): _describe(params.get(name), value)
        for name, value in ctx.params.items()
        if name in params and not _is_help(params[name])
    }
    if ctx.parent is None and _is_group(command):
        found = {**dict(_others(command, [], ctx)), **found}
    elif ctx.parent is not None and not _is_group(command):
        found["/".join(_path(ctx))] = Found(True, COMMAND, _help(command))
    RELAY.parameters(SECTION, found)
    misfits = _state(ctx).misfits
    if misfits:
        RELAY.correct(SECTION, {_name(ctx, name): found[_name(ctx, name)] for name in misfits})


def _is_help(param: Any) -> bool:  # noqa: ANN401 - click's parameter
    return param.name in ("install_completion", "show_completion", "help") and bool(param.is_eager)


def _others(group: Any, path: list[str], ctx: Any) -> Iterator[tuple[str, Found]]:  # noqa: ANN401 - click's
    """Yield the commands that are there without asking, and their defaults; which of them runs comes later."""
    for command in getattr(group, "commands", {}).values():
        below = [*path, command.name or ""]
        if _is_group(command):
            yield from _others(command, below, ctx)
        else:
            yield "/".join(below), Found(False, COMMAND, _help(command))
        for param in command.params:
            if param.name and param.expose_value:
                yield "/".join([*below, param.name]), _describe(param, _default(param))


def _default(param: Any) -> object:  # noqa: ANN401 - click's parameter
    default = param.default
    if _is_unset(default) and getattr(param, "is_flag", False) and _declared(param) == "bool":
        return False
    return None if callable(default) or _is_unset(default) else default


def _describe(param: Any, value: object) -> Found:  # noqa: ANN401 - click's parameter
    if getattr(param, "hide_input", False) and value is not None:
        return Found(MASK, "str", getattr(param, "help", None))
    live = _live(value)
    type_name = to_text(live)[1] or (_declared_of(param) if param is not None else "")
    if (type_name, _declared(param)) == ("int", "float"):
        type_name = "float"
    about = [getattr(param, "help", None), enum_description(live)]
    shown = "\n".join(text for text in about if text)
    return Found(live, type_name or None, shown or None, told=_told(param, type_name))


def _told(param: Any, type_name: str) -> str | None:  # noqa: ANN401 - click's parameter
    """Return click's word for the type, where it says the same as our own."""
    text = str(getattr(param, "type", ""))
    is_choice = text.startswith("Choice(") and type_name == "str"
    return text if is_choice or WORDS.get(text) == type_name else None


def _help(command: Any) -> str | None:  # noqa: ANN401 - click's command
    text = str(getattr(command, "help", None) or "").partition("\f")[0].strip()
    return text or None


def _choosing_where_none_is_given(method: object) -> object:
    def parse(method: Any, group: Any, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's
        chosen = _chosen(group, ctx) if not args and not ctx.resilient_parsing else None
        return method(group, ctx, args if chosen is None else [chosen])

    return _passing(method, parse)


def _resolving(method: object) -> object:
    def resolve(method: Any, group: Any, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's
        chosen = _chosen(group, ctx) if args and not ctx.resilient_parsing else None
        found = method(group, ctx, args)
        if chosen is None or found[1] is None or found[1].name == chosen:
            return found
        RELAY.parameters(SECTION, {"/".join([*_path(ctx), found[1].name]): Found(False, COMMAND, _help(found[1]))})
        return method(group, ctx, [chosen])  # the other command's words are not this one's

    return _passing(method, resolve)


def _chosen(group: Any, ctx: Any) -> str | None:  # noqa: ANN401 - click's
    """Return the command of a group that is stored as the one to run; None where none is, or several."""
    with contained(RELAY, RELAY.capture):
        state = _state(ctx)
        if getattr(group, "chain", False) or not state.counts:
            return None
        above = "".join(f"{part}/" for part in _path(ctx))
        chosen = [
            command.name
            for command in getattr(group, "commands", {}).values()
            if any(
                text == "True" and (name == above + command.name or _is_below(name, above + command.name, command))
                for name, text in state.stored.items()
            )
        ]
        return chosen[0] if len(chosen) == 1 else None
    return None


def _is_below(name: str, path: str, command: Any) -> bool:  # noqa: ANN401 - click's command
    """Tell whether a stored name is one of the commands below a group."""
    if not _is_group(command) or not name.startswith(f"{path}/"):
        return False
    rest = name[len(path) + 1 :].split("/")
    below = getattr(command, "commands", {}).get(rest[0])
    return below is not None and (len(rest) == 1 or _is_below("/".join(rest), rest[0], below))
