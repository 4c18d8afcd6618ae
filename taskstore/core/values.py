"""Parameter values as text: what a record stores is a text and the name of a type, as in ClearML's task document.

    None             ''                      type ''          (text with type '' is read as text, '' as None)
    bool int float   str(value)              integers of over 2,000 bits in hexadecimal: Python limits decimals
    str              the value itself        so a stored 'None' of type str is the word
    list tuple dict  JSON where JSON tells the value exactly, else a Python literal; 'list/int' where all are int
    set frozenset    a Python literal, sorted
    bytes            a Python literal
    Path date time datetime                  str() and ISO 8601
    Decimal UUID Fraction timedelta bytearray    core/exact.py
    Enum             the member's name       typed by its class; `cast_like` brings it back, with the default's class
    numpy            as the Python numbers and lists that it stands for
    anything else    repr() without addresses, typed by its class; `is_supported` says False

A text that UTF-8 cannot hold (a file name that was not text) is stored as a literal and typed 'str/literal'.
`from_text` never evaluates code and never imports what a type name says.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, time
from enum import Enum, Flag
from functools import partial, reduce
from operator import or_
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from . import exact
from .errors import BadValue
from .type_words import WORDS

BASIC = (bool, int, float, str)
CONTAINERS = ("list", "tuple", "dict", "set", "frozenset")
MAX_DEPTH = 64
MAX_ARRAY = 1000
MAX_REPR = 4096

_MAX_DECIMAL_BITS = 2000  # the least that sys.set_int_max_str_digits can be set to is 640 digits
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_EnumT = TypeVar("_EnumT", bound=Enum)


def to_text(value: object) -> tuple[str, str]:
    """Return the text to store for a value and the name of its type; see the table above. Never raises of itself."""
    text, type_name, _ = _encode(value)
    return text, type_name


def is_supported(value: object) -> bool:
    """Tell whether the stored text tells the value, so that it can be restored; False for a mere repr()."""
    return _encode(value)[2]


def plain(value: object) -> tuple[object, bool]:
    """Return a value in builtin types, containers to their depths; false with it where something became its repr."""
    return _plain(value, 0)


def _encode(value: object) -> tuple[str, str, bool]:
    text, type_name, is_exact = _spell(value)
    return (text, type_name, is_exact) if _is_utf8(text) else (_literal(text), f"{type_name}/literal", is_exact)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spell(value: object) -> tuple[str, str, bool]:
    if value is None:
        return "", "", True
    if isinstance(value, Enum):
        return _enum_text(value), type(value).__name__, True
    if isinstance(value, PurePath):
        return str(value), "Path" if isinstance(value, Path) else type(value).__name__, True
    if type(value) in (datetime, date, time):
        return value.isoformat(), type(value).__name__, True  # type: ignore[attr-defined]  # all three have it
    known = exact.spelled(value)
    if known is not None:
        return *known, True
    plain, is_exact = _plain(value, 0)
    if isinstance(plain, str):
        return (plain, "str", True) if is_exact else (plain, type(value).__name__, False)
    if isinstance(plain, (list, tuple, dict, set, frozenset)):
        return _container_text(plain), _container_type(plain), is_exact
    return _literal(plain), type(plain).__name__, is_exact


def _plain(value: object, depth: int) -> tuple[object, bool]:
    """Reduce a value to builtin types; False with it where something had to become its repr."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes) or (kind is complex and not depth):
        return value, True
    if depth > MAX_DEPTH:
        return _repr(value), False
    if isinstance(value, Enum):
        return _enum_text(value), True
    is_array, listed = _from_array(value)
    if is_array:
        return _plain(listed, depth + 1)
    if isinstance(value, str):  # a subclass, here and below: the builtin's own value, whatever its str() says
        return str.__str__(value), True
    if isinstance(value, (int, float)):
        return (int if isinstance(value, int) else float)(value), True
    if isinstance(value, PurePath):
        return str(value), True
    if kind in (datetime, date, time):
        return value.isoformat(), True  # type: ignore[attr-defined]  # all three have it
    if isinstance(value, Mapping):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _plain_items(value, depth)
    return _repr(value), False


def _plain_dict(value: Mapping[object, object], depth: int) -> tuple[object, bool]:
    entries = [(_plain(key, depth + 1), _plain(item, depth + 1)) for key, item in value.items()]
    return {key[0]: item[0] for key, item in entries}, all(key[1] and item[1] for key, item in entries)


def _plain_items(value: list[object] | tuple[object, ...] | Set[object], depth: int) -> tuple[object, bool]:
    entries = [_plain(item, depth + 1) for item in value]
    items = [item for item, _ in entries]
    builtin = next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))
    return builtin(items), all(is_exact for _, is_exact in entries)


def _from_array(value: object) -> tuple[bool, object]:
    """Turn an array or scalar of numpy's kind into Python numbers and lists, where it is small; by its manners."""
    tolist, shape = getattr(value, "tolist", None), getattr(value, "shape", None)
    if isinstance(value, type) or not callable(tolist) or not isinstance(shape, tuple) or not hasattr(value, "dtype"):
        return False, None
    if math.prod(shape) > MAX_ARRAY:
        return False, None
    listed = tolist()
    return type(listed) is not type(value), listed


def shown(value: object) -> str:
    """Return an object's repr; its class where it has none, as before it is set up."""
    try:
        return repr(value)
    except (AttributeError, TypeError, ValueError, LookupError, ArithmeticError, RuntimeError):
        return f"<{type(value).__name__}>"


def _repr(value: object) -> str:
    text = _ADDRESS.sub("", shown(value))
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 1] + "…"


def _container_text(value: object) -> str:
    inner = list(value) if isinstance(value, tuple) else value
    return json.dumps(inner, ensure_ascii=False) if _is_json(inner) else _literal(value)


def _is_json(value: object) -> bool:
    """Tell whether JSON brings the value back exactly: no tuples or sets within, no keys but strings."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() <= _MAX_DECIMAL_BITS
    if isinstance(value, str):
        return _is_utf8(value)
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(key) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, float))


def _container_type(value: list[Any] | tuple[Any, ...] | dict[Any, Any] | Set[Any]) -> str:
    name = type(value).__name__
    kinds = {type(item) for item in (value.values() if isinstance(value, dict) else value)}
    only = kinds.pop() if len(kinds) == 1 else None
    return f"{name}/{only.__name__}" if only in (*BASIC, list, tuple, dict) else name


def _literal(value: object) -> str:
    """Write a Python literal; nan and inf stand as names, sets are sorted by their text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value) if value.bit_length() > _MAX_DECIMAL_BITS else str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, (set, frozenset)):
        body = f"{{{', '.join(sorted(map(_literal, value)))}}}" if value else ""
        if isinstance(value, set):
            return body or "set()"
        return f"frozenset({body})"
    if isinstance(value, str):  # always in single quotes, so that it is never taken for JSON
        return "'" + repr('"' + value)[2:]
    return repr(value)


def from_text(text: str, type_name: str) -> object:
    """Restore a value from its text and type name; a type that is not known here gives the text itself.

    An empty text is None, except of type str. Raises BadValue naming the text and the type.
    """
    kind, _, detail = WORDS.get(type_name, type_name).partition("/")
    if detail == "literal":
        text = _unquoted(text)
    if kind == "str" or (text and kind not in _READERS):
        return text
    if not text or kind == "NoneType":
        return None
    try:
        return _READERS[kind](text)
    except (ValueError, OverflowError, BadValue):
        raise BadValue(f"{_shown(text)} is not {_a(kind)}{_HINTS.get(kind, '')}") from None


def _unquoted(text: str) -> str:
    try:
        value = _parse_literal(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:199] + "…")


def _a(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


def _to_bool(text: str) -> bool:
    value = _BOOLS.get(text.strip().lower())
    if value is None:
        raise ValueError(text)
    return value


def _to_int(text: str) -> int:
    bare = text.strip().lstrip("+-").lower()
    return int(text, 16) if bare.startswith("0x") else int(text)


def _to_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)


def _to_bytes(text: str) -> bytes:
    value = _parse(text)
    if not isinstance(value, bytes):
        raise ValueError(text)  # noqa: TRY004 - the text is at fault, not a type in the program
    return value


def _to_container(kind: str) -> Callable[[str], object]:
    builtin, accepted = {
        "list": (list, (list, tuple)),
        "tuple": (tuple, (list, tuple)),
        "dict": (dict, (dict,)),
        "set": (set, (list, tuple, set, frozenset)),
        "frozenset": (frozenset, (list, tuple, set, frozenset)),
    }[kind]

    def read(text: str) -> object:
        value = _parse(text)
        if not isinstance(value, accepted):
            raise ValueError(text)  # noqa: TRY004 - the text is at fault, not a type in the program
        try:
            return builtin(value)
        except TypeError:  # a set of lists
            raise ValueError(text) from None

    return read


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _parse_literal(text)


def _parse_literal(text: str) -> object:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes within the text
            return _evaluate(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(text) from None


def _evaluate(node: Any) -> object:  # noqa: ANN401 - an ast node, by the name of its class: ast is imported late
    kind = type(node).__name__
    if kind == "Constant" and node.value is not ...:
        return node.value
    if kind in ("List", "Tuple", "Set"):
        return {"List": list, "Tuple": tuple, "Set": set}[kind](map(_evaluate, node.elts))
    if kind == "Dict" and None not in node.keys:
        return {_evaluate(key): _evaluate(item) for key, item in zip(node.keys, node.values, strict=True)}
    if kind == "UnaryOp" and type(node.op).__name__ == "USub":
        value = _evaluate(node.operand)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return -value
    if kind == "Name" and node.id in ("nan", "inf"):
        return float(node.id)
    if kind == "Call" and not node.keywords and getattr(node.func, "id", "") in ("set", "frozenset"):
        builtin = {"set": set, "frozenset": frozenset}[node.func.id]
        if len(node.args) <= 1:
            return builtin(*map(_evaluate, node.args))
    raise ValueError(kind)


_READERS: dict[str, Callable[[str], object]] = {
    "bool": _to_bool,
    "int": _to_int,
    "float": float,
    "complex": complex,
    "bytes": _to_bytes,
    "bytearray": lambda text: bytearray(_to_bytes(text)),
    **exact.READERS,
    "Path": Path,
    "PurePosixPath": PurePosixPath,
    "PureWindowsPath": PureWindowsPath,
    "datetime": _to_datetime,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    **{kind: _to_container(kind) for kind in CONTAINERS},
}
_HINTS = {
    "bool": "; write true or false",
    "list": "; write it like [1, 2]",
    "tuple": "; write it like [1, 2]",
    "dict": '; write it like {"a": 1}',
    "timedelta": "; write it like 1 day, 2:00:00, or as seconds",
}


def cast_like(text: str, default: object, type_hint: str | None = None) -> object:
    """Read a stored text as a value of the default's type; `type_hint` is the stored type, where there is one.

    A default of None takes the hint's type, else the text; an empty text (or, unless it is a str, the word None)
    stays None. A text that is the default's own gives the default itself. Raises BadValue naming text and default.
    """
    if text == "" and type_hint is not None and type_hint != "str":
        return None
    if default is None:
        if type_hint and type_hint.startswith("str"):
            return from_text(text, type_hint)
        return None if text in ("", "None") else from_text(text, type_hint or "")
    own_text, own_type, is_exact = _encode(default)
    if text == own_text or (text == repr(default) and own_type in exact.READERS):  # as it once was stored
        return default
    if type_hint == "str/literal":
        text = _unquoted(text)
    try:
        return _cast(text, default, own_type.removesuffix("/literal"), is_exact=is_exact)
    except BadValue as error:
        raise BadValue(f"{error} (the default here is {_shown(own_text)})") from None


def _cast(text: str, default: object, own_type: str, *, is_exact: bool) -> object:
    if isinstance(default, Enum):
        return member_of(type(default), text)
    if not is_exact:
        raise BadValue(f"{_shown(text)} cannot be read as {_a(own_type)}")
    if not text and own_type != "str":
        raise BadValue(f"an empty text is not {_a(own_type)}")
    return _like_items(_like_array(from_text(text, own_type), default), default)


def _like_items(value: object, default: object) -> object:
    """Give the items the class of the default's, where all of those are paths, or of one Enum; and itself its class."""
    if not isinstance(value, (list, tuple, set, frozenset)) or not isinstance(default, type(value)):
        return value
    kinds: set[Any] = {type(item) for item in default}
    kind: Any = kinds.pop() if len(kinds) == 1 else object
    read: Callable[[str], object] | None = None
    if issubclass(kind, Enum):
        read = partial(member_of, kind)
    elif issubclass(kind, PurePath):
        read = partial(_path_of, kind)
    items: list[Any] = [read(item) if read is not None and isinstance(item, str) else item for item in value]
    if isinstance(default, tuple) and hasattr(default, "_fields"):
        if len(items) != len(default):
            raise BadValue(f"{len(items)} values for a {type(default).__name__} of {len(default)}")
        return type(default)(*items)
    return type(value)(items) if read is not None else value


def _path_of(kind: type[PurePath], text: str) -> PurePath:
    return kind(text)


def _like_array(value: object, default: object) -> object:
    """Give back an array or scalar where the default is one; its library is imported, or there were no default."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(default, (numpy.ndarray, numpy.generic)):
        return value
    array: object = numpy.asarray(value, dtype=default.dtype)
    return array if isinstance(default, numpy.ndarray) else array[()]  # type: ignore[index]  # a 0-d array


def enum_description(value: object) -> str:
    """Return the names that an Enum, or a member's Enum, allows, as ClearML writes them; '' of anything else."""
    kind = value if isinstance(value, type) else type(value)
    return "Values:\n" + ",\n".join(kind.__members__) if issubclass(kind, Enum) else ""


def _enum_text(value: Enum) -> str:
    members = type(value).__members__
    name = value._name_
    if name is not None and name in members:
        return name
    if isinstance(value, Flag):  # a combination: named by its parts
        parts = [part for part in members.values() if isinstance(part, Flag) and part.value and part in value]
        if parts and reduce(or_, parts).value == value.value:
            return "|".join(part.name or "" for part in parts)
    return str(value.value)


def member_of(kind: type[_EnumT], text: str) -> _EnumT:
    """Return the member of an Enum that a text names, or whose value it is; of a Flag 'A|B' too. Raises BadValue."""
    bare = text.strip().removeprefix(f"{kind.__name__}.")
    if bare in kind.__members__:
        return kind[bare]
    for member in kind:
        if str(member.value) == bare:
            return member
    if issubclass(kind, Flag):
        parts = [part.strip() for part in bare.split("|")]
        try:
            return reduce(or_, [kind[part] for part in parts]) if len(parts) > 1 else kind(int(bare))
        except (KeyError, ValueError):
            pass
    raise BadValue(f"{_shown(text)} is not a {kind.__name__}; it is one of {', '.join(kind.__members__)}")
