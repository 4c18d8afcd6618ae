"""Capture of argparse: what the program's parsers parsed becomes section "Args", and stored values replace it.

Every successful outermost parse is reported with the live values, the defaults and the sub-command's own included.
`early` says whose parses count. Where two of the program's parses name the same argument the later one stands, since
that is the value in use (a first parse for `--config` only); a library's parse never replaces the program's.

What the sink answers, the stored texts of the section, is put into the Namespace with the parser's own types, nargs and
choices. A text that does not fit is noted, and the program's value kept and recorded in its place. Required arguments
that the command line lacks are satisfied from the store: to know these before the parse, the sink is asked with nothing
found, and must answer with the section's stored texts. Without stored texts a parser is not touched, so that errors,
usage and --help are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK, Masker
from ..core.values import BASIC, cast_like, enum_description, from_text, to_text
from . import early
from .base import Found, Sink, swapped

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser, Namespace

SECTION = "Args"
CAPTURE = "arguments"

_MISFITS = (BadValue, LookupError, OSError, ArithmeticError)  # besides argparse's own, what a `type=` may raise
_Table = dict[str, tuple["ArgumentParser", "list[Action]"]]


def install_early() -> None:
    """Hook into argparse before a task exists; `import taskstore` calls `early.install`, which imports nothing."""
    early.install()


@contextmanager
def capture(sink: Sink, *, masker: Masker | None = None) -> Iterator[None]:
    """Report the parses that the program made already, and those within the block; `masker` is for notes."""
    session = _Session(sink, masker or Masker())
    was_installed = early.is_installed()
    early.install()
    try:
        for parser, namespace, is_own in early.parses():
            session.replay(parser, namespace, is_own=is_own)
        early.listen(session.parse)
        try:
            yield
        finally:
            early.ignore(session.parse)
    finally:
        if not was_installed:
            early.uninstall()


def record(source: ArgumentParser | Namespace) -> dict[str, Found]:
    """Describe a parser or a Namespace, for `task.connect`.

    Of a parser: what it parsed last, else its defaults. Of a Namespace alone: the values, with no help texts.
    """
    from argparse import ArgumentParser, Namespace

    if isinstance(source, Namespace):
        return _found(None, source)
    if not isinstance(source, ArgumentParser):
        raise BadValue(f"{type(source).__name__} is no argparse parser and no Namespace; give one of them")
    for parser, namespace, _ in reversed(early.parses()):
        if parser is source:
            return _found(parser, namespace)
    defaults = Namespace(**source._defaults)
    for action in source._actions:
        if not _is_suppressed(action.dest) and not _is_suppressed(action.default):
            setattr(defaults, action.dest, source.get_default(action.dest))
    return _found(source, defaults)


class _Session:
    """One capture: what it reports to, and which names the program's own parses have taken."""

    def __init__(self, sink: Sink, masker: Masker) -> None:
        self.sink = sink
        self.masker = masker
        self.own_names: set[str] = set()

    def parse(self, parser: ArgumentParser, call: Callable[[], Any], is_own: bool) -> object:  # noqa: FBT001 - early's
        stored = dict(self.sink.parameters(SECTION, {}))
        if not stored:
            result = call()
            self.report(parser, result[0] if isinstance(result, tuple) else result, is_own=is_own)
            return result
        with _relaxed(parser, stored) as relaxed:
            result = call()
            namespace = result[0] if isinstance(result, tuple) else result
            missing = {name for name in relaxed if not hasattr(namespace, name)}
            _choose_commands(parser, namespace, stored)
        missing &= _table(parser, namespace).keys()  # what another sub-command requires is not missed
        for name in missing:
            if not hasattr(namespace, name):
                setattr(namespace, name, None)
        self.report(parser, namespace, is_own=is_own, missing=missing)
        return result

    def replay(self, parser: ArgumentParser, namespace: object, *, is_own: bool) -> None:
        """Treat a parse that is over: its required arguments were there, its sub-command may still be another one."""
        stored = dict(self.sink.parameters(SECTION, {}))
        with _relaxed(parser, stored):
            _choose_commands(parser, namespace, stored)
        self.report(parser, namespace, is_own=is_own)

    def report(
        self,
        parser: ArgumentParser,
        namespace: object,
        *,
        is_own: bool,
        missing: Set[str] = frozenset(),
    ) -> None:
        """Report a parse and put in what the store says; whatever else goes wrong, the program gets its Namespace."""
        try:
            found = _found(parser, namespace)
            if is_own:
                self.own_names.update(found)
            else:
                found = {name: one for name, one in found.items() if name not in self.own_names}
            stored = self.sink.parameters(SECTION, found)
            misfits = self._put_in(parser, namespace, stored, set(found) if not is_own else None)
        except Exception as error:  # noqa: BLE001 - the capture boundary: our caller is the user's program
            self.sink.note(CAPTURE, f"arguments of {parser.prog} not captured: {type(error).__name__}: {error}")
            return
        for name, why in misfits.items():
            if name in missing:  # without a value to keep, the store's bad text is as bad as a bad command line
                parser.error(f"the stored value of {name} does not fit: {why}")
            self.sink.note(CAPTURE, why)
        if misfits:
            self.sink.correct(SECTION, {name: found[name] for name in misfits if name in found})

    def _put_in(
        self, parser: ArgumentParser, namespace: object, stored: Mapping[str, str], only: set[str] | None
    ) -> dict[str, str]:
        from argparse import ArgumentError

        misfits: dict[str, str] = {}
        table = _table(parser, namespace)
        for name, text in stored.items():
            if MASK in text or (only is not None and name not in only):
                continue
            if name not in table and name not in _names(namespace):
                continue
            current = getattr(namespace, name, None)
            if hasattr(namespace, name) and to_text(_live(current))[0] == text:
                continue
            try:
                value = _from_stored(*table[name], text, current) if name in table else cast_like(text, current)
            except (*_MISFITS, ArgumentError) as error:
                kept, refused = (self.masker.value(name, one) for one in (to_text(_live(current))[0], text))
                why = "" if self.masker.masks(name) else f" ({getattr(error, 'message', error)})"
                misfits[name] = f"{name}: the stored value {refused!r} does not fit, kept {kept!r}{why}"
            else:
                setattr(namespace, name, value)
        return misfits


def _choose_commands(parser: ArgumentParser, namespace: object, stored: Mapping[str, str]) -> None:
    """Run the stored sub-command's parser where the command line names none, or another."""
    for action in _subcommands(parser):
        wanted, present = stored.get(action.dest), getattr(namespace, action.dest, None)
        if wanted != present and wanted in action.choices:
            action(parser, namespace, [wanted])
            _forget(action.choices.get(present), namespace, _table(parser, namespace))
        chosen = action.choices.get(getattr(namespace, action.dest, None))
        if chosen is not None:
            _choose_commands(chosen, namespace, stored)


def _forget(left: ArgumentParser | None, namespace: object, table: _Table) -> None:
    """Take away what only the sub-command that was left had put in."""
    for action in left._actions if left is not None else ():
        if action.dest not in table and hasattr(namespace, action.dest):
            delattr(namespace, action.dest)


def _is_suppressed(text: object) -> bool:
    """Tell argparse's word for "leave it out"; a default may be anything, an array that has no truth included."""
    return isinstance(text, str) and text == "==SUPPRESS=="


def _subcommands(parser: ArgumentParser) -> list[Any]:
    from argparse import _SubParsersAction

    return [action for action in parser._actions if isinstance(action, _SubParsersAction)]


def _parsers(parser: ArgumentParser, namespace: object) -> Iterator[ArgumentParser]:
    """Yield the parser and those of its sub-commands: the chosen one, or all where the choice was not kept."""
    yield parser
    for action in _subcommands(parser):
        chosen = action.choices.get(getattr(namespace, action.dest, None))
        is_kept = hasattr(namespace, action.dest)
        below = ([chosen] if chosen else []) if is_kept else {id(one): one for one in action.choices.values()}.values()
        for one in below:
            yield from _parsers(one, namespace)


def _table(parser: ArgumentParser, namespace: object) -> _Table:
    """Map each name in reach to its parser and actions, those that take a value first."""
    table: _Table = {}
    for one in _parsers(parser, namespace):
        for action in one._actions:
            if not _is_suppressed(action.dest):
                table.setdefault(action.dest, (one, []))[1].append(action)
    for _, actions in table.values():
        actions.sort(key=lambda action: action.nargs == 0)
    return table


def _names(namespace: object) -> list[str]:
    """Name what a Namespace holds beyond its parser's arguments; of any other object, nothing."""
    from argparse import Namespace

    if not isinstance(namespace, Namespace):
        return []
    return [name for name, value in vars(namespace).items() if not name.startswith("_") and not callable(value)]


def _found(parser: ArgumentParser | None, namespace: object) -> dict[str, Found]:
    table = _table(parser, namespace) if parser is not None else {}
    names = dict.fromkeys([name for name in table if hasattr(namespace, name)] + _names(namespace))
    return {name: _describe(getattr(namespace, name), table[name][1] if name in table else []) for name in names}


def _describe(value: object, actions: list[Action]) -> Found:
    live = _live(value)
    type_name = to_text(live)[1]
    declared = getattr(actions[0].type, "__name__", "") if actions else ""
    if value is None and actions and (_is_list(actions[0]) or _appends_constants(actions[0])):
        item = "str" if actions[0].type is None else declared if actions[0].type in BASIC else ""
        is_flat = item and not _nests(actions[0]) and not _appends_constants(actions[0])
        type_name = f"list/{item}" if is_flat else "list"
    elif (value is None and actions and actions[0].type in BASIC) or (declared, type_name) == ("float", "int"):
        type_name = declared
    texts = [action.help for action in actions if isinstance(action.help, str)]  # Hydra has one that is made when shown
    helps = [text for text in texts if text and not _is_suppressed(text)]
    # Not expanded: %(default)s would write a credential's default into the description.
    description = "\n".join(
        [*(text.replace("%%", "%") for text in helps[:1]), *filter(None, [enum_description(value)])]
    )
    return Found(
        live,
        type_name or None,
        description or None,
        tuple(name for action in actions for name in action.option_strings),
    )


def _live(value: object) -> object:
    """Return the value as it is recorded: an open file is its name."""
    name = getattr(value, "name", None)
    is_file = hasattr(value, "fileno") and hasattr(value, "close") and name is not None
    return str(name) if is_file else value


def _from_stored(parser: ArgumentParser, actions: list[Action], text: str, current: object) -> object:
    """Turn a stored text into what the parser would have made of it; raises what it raises."""
    action = actions[0]
    default = None if _is_suppressed(action.default) else action.default
    reference = default if current is None else current
    if _appends_constants(action):
        return _constants(actions, text)
    if action.nargs == 0:
        return _switch(actions, text, current, reference)
    if type(action).__module__ != "argparse" and reference is not None:
        return cast_like(text, reference)  # an action of the program's own: only the value says what it makes
    if _is_list(action) and (reference is None or isinstance(reference, (list, tuple, str))):
        return _listed(parser, action, text, reference)
    return _single(parser, action, text, current)


def _switch(actions: list[Action], text: str, current: object, reference: object) -> object:
    from argparse import BooleanOptionalAction, _CountAction

    for one in (current, *(action.const for action in actions), *(action.default for action in actions)):
        if to_text(one)[0] == text:
            return one
    examples = [reference, *(action.const for action in actions)]
    examples += [True] if isinstance(actions[0], BooleanOptionalAction) else []
    examples += [0] if isinstance(actions[0], _CountAction) else []
    return cast_like(text, next((one for one in examples if one is not None), None))


def _is_list(action: Action) -> bool:
    from argparse import _AppendAction

    return isinstance(action, _AppendAction) or action.nargs in ("*", "+", "...") or isinstance(action.nargs, int)


def _nests(action: Action) -> bool:
    """Tell an argument that makes a list of lists."""
    from argparse import _AppendAction, _ExtendAction

    return isinstance(action, _AppendAction) and not isinstance(action, _ExtendAction) and action.nargs is not None


def _appends_constants(action: Action) -> bool:
    from argparse import _AppendConstAction

    return isinstance(action, _AppendConstAction)


def _constants(actions: list[Action], text: str) -> object:
    """Return the list of the actions' own constants that a text tells; None where it is empty."""
    known = {to_text(action.const)[0]: action.const for action in actions}
    items = from_text(text, "list")
    return [known.get(to_text(item)[0], item) for item in items] if isinstance(items, list) else None


def _listed(parser: ArgumentParser, action: Action, text: str, reference: object) -> object:
    from argparse import _AppendAction, _ExtendAction

    if text in ("", "None") and action.default is None:
        return None
    items = from_text(text, "list")
    if not isinstance(items, list):
        raise BadValue(f"{text!r} is not a list; write it like [1, 2]")
    if isinstance(action, _AppendAction) and not isinstance(action, _ExtendAction):
        converted = [
            _several(parser, action, item) if isinstance(item, list) else _one(parser, action, item) for item in items
        ]
    else:
        converted = _several(parser, action, items)
    return tuple(converted) if isinstance(reference, tuple) else converted


def _several(parser: ArgumentParser, action: Action, items: list[object]) -> list[object]:
    wanted = action.nargs
    if (isinstance(wanted, int) and wanted != len(items)) or (wanted == "+" and not items):
        raise BadValue(f"{len(items)} values where nargs is {wanted!r}")
    return [_one(parser, action, item) for item in items]


def _one(parser: ArgumentParser, action: Action, item: object) -> object:
    value = item if item is None or action.type is None else parser._get_value(action, to_text(item)[0])
    if value is not None and action.nargs != "...":
        parser._check_value(action, value)
    return value


def _single(parser: ArgumentParser, action: Action, text: str, current: object) -> object:
    """Read one value: like the present one where its text misleads (bool('False') is True), else by `type=`."""
    example = False if action.type is bool else current
    if isinstance(example, (bool, Enum, list, tuple, dict, set, frozenset)):
        try:
            value = cast_like(text, example)
        except BadValue:
            if action.type in (bool, None):
                raise
        else:
            parser._check_value(action, value)
            return value
    if text == "" and action.default is None:
        return None
    return _one(parser, action, text)


@contextmanager
def _relaxed(parser: ArgumentParser, stored: Mapping[str, str]) -> Iterator[set[str]]:
    """Within the block, do without what is required and stored; yields these names. Usage and help stay as they are."""
    from contextlib import ExitStack

    parsers = list({id(one): one for one in _parsers(parser, None)}.values())
    relaxation = _Relaxation(parsers, stored)
    with ExitStack() as undo:
        if relaxation.actions or relaxation.groups:
            for one in parsers:
                undo.enter_context(swapped(one, "format_usage", relaxation.around))
                undo.enter_context(swapped(one, "format_help", relaxation.around))
            undo.callback(relaxation.tighten)
            relaxation.loosen()
        yield {action.dest for action in relaxation.actions}


class _Relaxation:
    def __init__(self, parsers: list[ArgumentParser], stored: Mapping[str, str]) -> None:
        usable = {name for name, text in stored.items() if MASK not in text}
        self.actions = [
            action for one in parsers for action in one._actions if action.required and action.dest in usable
        ]
        self.defaults = [action.default for action in self.actions]
        self.groups = [
            group
            for one in parsers
            for group in one._mutually_exclusive_groups
            if group.required and any(_is_given(action, stored) for action in group._group_actions)
        ]

    def loosen(self) -> None:
        from argparse import SUPPRESS

        for action in self.actions:
            action.required = False
            action.default = SUPPRESS  # what is missing is then absent from the Namespace
        for group in self.groups:
            group.required = False

    def tighten(self) -> None:
        for action, default in zip(self.actions, self.defaults, strict=True):
            action.required = True
            action.default = default
        for group in self.groups:
            group.required = True

    def around(self, method: object) -> Callable[[], str]:
        def format_tightly() -> str:
            self.tighten()
            try:
                return str(method())  # type: ignore[operator]  # a bound method
            except BaseException as error:
                leave_no_frame(error)
                raise
            finally:
                self.loosen()

        return format_tightly


def _is_given(action: Action, stored: Mapping[str, str]) -> bool:
    return action.dest in stored and stored[action.dest] != to_text(action.default)[0]
