"""Capture of absl's flags: what `app.run` or `FLAGS(argv)` parsed becomes section "TF_DEFINE".

The program's own flags are those of modules that are not installed, and whatever else the command line sets; absl and
the libraries that use it define a hundred more, which are told of as theirs. Stored texts are read by each flag's own
parser and checked by its validators; a required flag that the command line lacks is taken from the store.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from ..core.errors import BadValue
from ..core.frames import leave_no_frame
from ..core.secrets import MASK
from ..core.values import enum_description, from_text, to_text
from .base import Found, Sink, contained, swapped
from .relay import Relay

SECTION = "TF_DEFINE"

_STANDARD = os.path.dirname(os.__file__).replace("\\", "/") + "/"  # noqa: PTH120 - as a text
_TYPES = {"string": "str", "enum": "str", "int": "int", "float": "float", "bool": "bool"}


def patched(module: ModuleType, sink: Sink) -> AbstractContextManager[None]:
    """Capture the flags that were parsed or will be; the module is absl.flags."""
    return RELAY.patched(module, sink)


@contextmanager
def _hooked(module: ModuleType) -> Iterator[None]:
    def wrap(original: Any) -> Callable[..., Any]:  # noqa: ANN401 - a method of absl's
        @wraps(original)
        def parse(self: Any, argv: Sequence[str], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - absl's own
            try:
                if self is not module.FLAGS or isinstance(argv, (str, bytes)) or not argv:
                    return original(self, argv, *args, **kwargs)
                stored: dict[str, str] = {}
                with contained(RELAY, RELAY.capture):
                    stored = {name: text for name, text in RELAY.stored(SECTION).items() if MASK not in text}
                rest = original(self, _with_required(self, argv, stored), *args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise
            with contained(RELAY, RELAY.capture):
                _report(self, stored, module.Error)
            return rest

        return parse

    with swapped(module.FlagValues, "__call__", wrap):
        yield


RELAY = Relay("absl", _hooked)


def _with_required(flags: Any, argv: Sequence[str], stored: Mapping[str, str]) -> list[str]:  # noqa: ANN401 - absl's
    """Return the command line with stored texts for the flags without a value that it does not name.

    They come first: absl reads no flag behind the first word that is none.
    """
    given = {word.lstrip("-").partition("=")[0] for word in argv[1:] if word.startswith("-")}
    added = []
    for name, text in stored.items():
        flag = flags[name] if name in flags else None  # noqa: SIM401 - no mapping: it has no get
        names = {name, f"no{name}", getattr(flag, "short_name", None)}
        if flag is None or flag.value is not None or text == "" or names & given:
            continue
        try:
            _parsed(flag, text)
        except (BadValue, ValueError, TypeError):
            continue  # absl's own word that it is required says more
        added += [f"--{name}={one}" for one in _words(flag, text)]
    return [argv[0], *added, *argv[1:]]


def _is_several(flag: Any) -> bool:  # noqa: ANN401 - absl's flag
    return any(kind.__name__ == "MultiFlag" for kind in type(flag).__mro__)


def _is_list(flag: Any) -> bool:  # noqa: ANN401 - absl's flag
    return any(kind.__name__ == "BaseListParser" for kind in type(flag.parser).__mro__)


def _words(flag: Any, text: str) -> list[str]:  # noqa: ANN401 - absl's flag
    if _is_several(flag):
        items = from_text(text, "list")
        return [to_text(item)[0] for item in items] if isinstance(items, list) else []
    return [str(flag.serializer.serialize(_parsed(flag, text))) if _is_list(flag) else text]


def _parsed(flag: Any, text: str) -> object:  # noqa: ANN401 - absl's flag
    """Read a stored text as the flag does. Raises BadValue, ValueError or TypeError."""
    if text == "" and flag.default is None:
        return None
    if _is_several(flag):
        items = from_text(text, "list")
        return [flag.parser.parse(to_text(item)[0]) for item in items] if isinstance(items, list) else items
    if _is_list(flag):
        items = from_text(text, "list")
        return [to_text(item)[0] for item in items] if isinstance(items, list) else items
    return flag.parser.parse(text)


def _report(flags: Any, stored: Mapping[str, str], refusal: type[Exception]) -> None:  # noqa: ANN401 - absl's
    own = set(_own(flags))
    misfits = []
    for name in flags:
        flag = flags[name]
        kept, was_default = flag.value, flag.using_default_value
        text = stored.get(name)
        if text is None or to_text(kept)[0] == text:
            continue
        try:
            setattr(flags, name, _parsed(flag, text))
        except (BadValue, ValueError, TypeError, refusal) as error:
            flag.value, flag.using_default_value = kept, was_default
            RELAY.misfit(name, text, kept, str(error))
            misfits.append(name)
    found = {name: _describe(flags[name], is_own=name in own) for name in flags}
    RELAY.parameters(SECTION, found)
    if misfits:
        RELAY.correct(SECTION, {name: found[name] for name in misfits})


def _own(flags: Any) -> list[str]:  # noqa: ANN401 - absl's
    """Name the flags of the program's own modules, and those that the command line has set."""
    names: dict[str, None] = {}
    for module, defined in flags.flags_by_module_dict().items():
        for flag in defined:
            if flag.present or not _is_library(module):
                names[flag.name] = None
    return list(names)


def _is_library(module: str) -> bool:
    """Tell whether a module is installed; the main one goes by the name of its file."""
    if module.partition(".")[0] == "absl":
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    path = file.replace("\\", "/")
    return "/site-packages/" in path or "/dist-packages/" in path or path.startswith(_STANDARD)


def _describe(flag: Any, *, is_own: bool) -> Found:  # noqa: ANN401 - absl's flag
    told = str(flag.flag_type())
    kind = to_text(flag.value)[1] or _TYPES.get(told, "")
    about = [flag.help, enum_description(flag.value)]
    text = "\n".join(text for text in about if text)
    return Found(flag.value, kind or None, text or None, told=told or None, is_of_library=not is_own)
