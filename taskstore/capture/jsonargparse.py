"""Capture of jsonargparse, and of LightningCLI, which is built on it: what was parsed becomes section "Args".

Names are jsonargparse's own: `model.init_args.lr`, below a sub-command `fit.trainer.max_epochs`; the chosen sub-command
is `subcommand`. A stored text is merged into what was parsed as a configuration file would be, so that types, classes
and links are jsonargparse's own affair; one that it refuses is noted and the program's value kept. Required arguments
that the command line lacks are taken from the store. (The capture of argparse leaves these parsers alone.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from types import ModuleType
from typing import Any, get_args

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK
from ..core.values import cast_like, enum_description, from_text, to_text
from .base import Found, Sink, contained, swapped
from .relay import Relay

SECTION = "Args"
COMMAND = "jsonargparse.Command"


def patched(module: ModuleType, sink: Sink) -> AbstractContextManager[None]:
    """Capture the parses that were made or will be; the module is jsonargparse._core."""
    return RELAY.patched(module, sink)


@contextmanager
def _hooked(module: ModuleType) -> Iterator[None]:
    depth = [0]

    def wrap(original: Any) -> Callable[..., Any]:  # noqa: ANN401 - a method of jsonargparse's
        @wraps(original)
        def parse(self: Any, args: Any = None, namespace: Any = None, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
            depth[0] += 1
            try:
                if depth[0] > 1 or namespace is not None:
                    return original(self, args, namespace, *rest, **named)
                return _Parse(module, self).parse(original, args, *rest, **named)
            except BaseException as error:
                leave_no_frame(error)
                raise
            finally:
                depth[0] -= 1

        return parse

    with swapped(module.ArgumentParser, "parse_args", wrap):
        yield


RELAY = Relay("jsonargparse", _hooked)


class _Parse:
    """One outermost parse."""

    def __init__(self, module: Any, parser: Any) -> None:  # noqa: ANN401 - jsonargparse's
        self.module = module
        self.parser = parser
        self.stored: dict[str, str] = {}
        self.lent: set[str] = set()
        """Required arguments whose values are the store's: the parser has checked them and not yet read them."""

    def parse(self, original: Any, args: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - jsonargparse's own
        base = None
        with contained(RELAY, RELAY.capture):
            self.stored = {name: text for name, text in RELAY.stored(SECTION).items() if MASK not in text}
            if self.stored:
                args = self._with_command(args)
                base = self._required()
        positionals = self._positionals() if self.stored else []
        if positionals:
            args = self._with_positionals(
                lambda words: original(self.parser, words, base, *rest, **named), args, positionals
            )
        config = original(self.parser, args, base, *rest, **named)
        with contained(RELAY, RELAY.capture):
            config, misfits = self._with_stored(config)
            found = dict(self._found(config))
            RELAY.parameters(SECTION, found)
            if misfits:
                RELAY.correct(SECTION, {name: found[name] for name in misfits if name in found})
        return config

    def _commands(self, parser: Any) -> Any:  # noqa: ANN401 - an action of jsonargparse's, or None
        return getattr(parser, "_subcommands_action", None)

    def _with_command(self, args: Any) -> Any:  # noqa: ANN401 - a command line, or None
        """Put the stored sub-command in the place of the given one, whose other words are then not meant."""
        action = self._commands(self.parser)
        wanted = self.stored.get(action.dest) if action is not None else None
        if wanted is None or wanted not in action.choices:
            return args
        words = list(sys.argv[1:] if args is None else args)
        here = next((index for index, word in enumerate(words) if word in action.choices), len(words))
        return words if words[here : here + 1] == [wanted] else [*words[:here], wanted]

    def _required(self) -> Any:  # noqa: ANN401 - a Namespace of jsonargparse's, or None
        """Return the stored texts of required options as what a parse begins with: what is given comes over it."""
        found = {}
        for prefix, parser in self._parsers(self.stored):
            for action in parser._actions:
                name = f"{prefix}{action.dest}"
                is_required = action.dest in getattr(parser, "required_args", ()) or action.required
                if is_required and action.option_strings and self.stored.get(name, "") != "":
                    found[name] = self.stored[name]
        if not found:
            return None
        base = self.module.Namespace()
        for name, text in found.items():
            base[name] = text
        self.lent = set(found)
        return base

    def _positionals(self) -> list[str]:
        """Return the stored texts of the arguments without a name, if there are all of them."""
        names = [action.dest for action in self.parser._actions if action.required and not action.option_strings]
        names = [name for name in names if name != getattr(self._commands(self.parser), "dest", None)]
        return [self.stored[name] for name in names] if self.stored.keys() >= set(names) else []

    def _with_positionals(self, parse: Callable[[Any], object], args: Any, texts: list[str]) -> Any:  # noqa: ANN401
        """Return the command line, with arguments without a name where it can be parsed with them only."""
        words = list(sys.argv[1:] if args is None else args)
        was = self.parser.exit_on_error
        self.parser.exit_on_error = False
        try:
            for tried in (words, [*words, *texts]):
                try:
                    parse(list(tried))
                except self.module.argparse.ArgumentError:
                    continue
                return tried
        finally:
            self.parser.exit_on_error = was
        return args  # the program's parse says what is wrong with it

    def _parsers(self, chosen: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - what has the names of sub-commands
        prefix, parser = "", self.parser
        while parser is not None:
            yield prefix, parser
            action = self._commands(parser)
            command = chosen.get(f"{prefix}{action.dest}") if action is not None else None
            parser = action.choices.get(command) if command is not None else None
            prefix = f"{prefix}{command}."

    def _actions(self, config: Any) -> tuple[dict[str, Any], set[str]]:  # noqa: ANN401 - a Namespace of jsonargparse's
        """Return the arguments of the parsers in reach by name, and the names of those that choose a sub-command."""
        parsers = list(self._parsers(config))
        actions = {f"{prefix}{action.dest}": action for prefix, parser in parsers for action in parser._actions}
        return actions, {f"{prefix}{self._commands(one).dest}" for prefix, one in parsers if self._commands(one)}

    def _with_stored(self, config: Any) -> tuple[Any, list[str]]:  # noqa: ANN401 - a Namespace of jsonargparse's
        """Return the configuration with the stored values, and the names of those that do not fit."""
        misfits = []
        actions, commands = self._actions(config)
        for name, text in self.stored.items():
            if name in commands or name.rpartition(".")[2] in ("config", "class_path") or name not in config:
                continue
            current = config[name]
            if to_text(self._live(current))[0] == text and name not in self.lent:
                continue
            try:
                config = self._merged(config, name, _value(actions.get(name), text, current))
            except (self.module.argparse.ArgumentError, TypeError, KeyError, ValueError, BadValue) as error:
                RELAY.misfit(name, text, self._live(current), str(error).partition("\n")[0])
                misfits.append(name)
        return config, misfits

    def _merged(self, config: Any, name: str, value: object) -> Any:  # noqa: ANN401 - a Namespace of jsonargparse's
        nested: Any = value
        for part in reversed(name.split(".")):
            nested = {part: nested}
        was = self.parser.exit_on_error
        self.parser.exit_on_error = False
        try:
            return self.parser.parse_object(nested, config.clone())
        finally:
            self.parser.exit_on_error = was

    def _found(self, config: Any) -> Iterator[tuple[str, Found]]:  # noqa: ANN401 - a Namespace of jsonargparse's
        actions, commands = self._actions(config)
        for name, value in config.items():
            if "__" in name.rpartition(".")[2]:
                continue  # where the parser keeps the path of a file that it has read
            if name in commands:
                yield name, Found(value, COMMAND)
                continue
            live = self._live(value)
            action = actions.get(name)
            kind = to_text(live)[1] or _declared(action)
            about = [getattr(action, "help", None), enum_description(live)]
            texts = [text for text in about if isinstance(text, str) and text and text != "==SUPPRESS=="]
            yield name, Found(live, kind or None, "\n".join(texts) or None)

    def _live(self, value: object) -> object:
        """Return a value as it is recorded: without jsonargparse's own classes."""
        if isinstance(value, self.module.Namespace):
            return {name: self._live(one) for name, one in value.as_dict().items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._live(one) for one in value) if type(value) in (list, tuple) else value
        if isinstance(value, Mapping):
            return {name: self._live(one) for name, one in value.items()}
        if type(value).__module__.startswith("jsonargparse"):
            return str(value) if hasattr(value, "relative") or hasattr(value, "mode") else None
        return value


def _value(action: Any, text: str, current: object) -> object:  # noqa: ANN401 - an action of argparse's, or None
    """Turn a stored text into what a configuration file would say. Raises BadValue."""
    default = getattr(action, "default", "")
    if text == "" and (not isinstance(current, str) or default is None):
        return None
    nargs = getattr(action, "nargs", None)
    if nargs in ("*", "+") or (isinstance(nargs, int) and nargs > 0):
        return from_text(text, "list")
    if getattr(action, "_typehint", None) is not None or action is None:
        return text  # read by its type
    reference = default if current is None else current
    return cast_like(text, reference) if isinstance(reference, (bool, int)) and action.type is None else text


def _declared(action: Any) -> str:  # noqa: ANN401 - an action of argparse's, or None
    """Return the name of the type of an argument without a value, where it is a simple one."""
    hint = getattr(action, "_typehint", None) or getattr(action, "type", None)
    for kind in (hint, *get_args(hint)):
        if kind in (bool, int, float, str):
            return str(kind.__name__)
    return ""
