"""A field's name as it is written: the same in `--where`, `--sort` and `--columns` (docs/reference/query.md).

A name stands bare, or in double quotes or backticks: whole, or from a `:`, `/` or `.` on. In a list of names, where
nothing but a comma can follow one, a bare name may hold spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.errors import BadValue

BARE = r"[^\s()=!<>~,'\"`&|]"
QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`"
_IS_BARE = re.compile(rf"{BARE}+")
_LISTED = re.compile(
    rf"\s*(?P<sign>[-+]?)(?:(?P<head>(?:[^,'\"`]*[:/.])?)(?P<quoted>{QUOTED})(?P<tail>(?:[:/.]{BARE}*)?)\s*(?=,|\Z)"
    r"|(?P<bare>[^,]*))",
    re.DOTALL,
)
_OPENED = re.compile(r"(?:\A|[:/.])['\"`]")
_EXAMPLE = 'name,Args/lr,"val loss/a, b".max'


def quote(text: str, mark: str) -> str:
    """Put quotes around a text."""
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def unquote(text: str) -> str:
    """Take the quotes off a text; a backslash stands before a quote of the same kind, or another backslash."""
    return re.sub(rf"\\([\\{text[0]}])", r"\1", text[1:-1])


def is_bare(text: str) -> bool:
    """Tell whether a text needs no quotes for what is in it."""
    return _IS_BARE.fullmatch(text) is not None


def parse_list(text: str) -> list[str]:
    """Read names with commas between; they come without their quotes. Raises BadValue."""
    return [sign + name for sign, name in _listed(text)]


def parse_order(text: str) -> list[str]:
    """Read names with commas between, each after an optional + or -, as `query.find` takes them. Raises BadValue."""
    # Behind a + of ours a name may begin with a minus.
    return [f"{sign.replace('+', '')}+{name}" for sign, name in _listed(text)]


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for found in _LISTED.finditer(text):  # it also finds the nothing before each comma
        name = _name(found)
        if name:
            yield found["sign"], name


def _name(found: re.Match[str]) -> str:
    if found["quoted"] is None:
        bare: str = found["bare"].strip()
        if _OPENED.search(bare):
            raise BadValue(
                f"bad field name {bare!r}: quotes around a name go on to its comma; write it like {_EXAMPLE}"
            )
        return bare
    if found["quoted"][0] == "'":
        raise BadValue(f"bad field name {found[0].strip()!r}: a name takes double quotes or backticks, like {_EXAMPLE}")
    return found["head"].lstrip() + unquote(found["quoted"]) + found["tail"]
