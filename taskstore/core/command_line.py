"""Masking known secrets in a command line: a parser has said what is one, where no name on the command line does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .secrets import MASK, is_harmless

_TELLING_CHARS = 6
"""From this length on a secret is masked wherever it stands within an argument."""


def without(args: Sequence[str], secrets: Iterable[object]) -> list[str]:
    """Return a command line with these values masked, as they are or within `-pVALUE`, `--name=VALUE` and the like.

    Values are those of the program: a number is found however it was written, of a list each item is looked for.
    """
    known = [one for value in secrets for one in _plain(value) if not is_harmless(str(one))]
    texts = sorted({str(one) for one in known}, key=len, reverse=True)
    numbers = {float(one) for one in known if isinstance(one, (int, float))}
    return [_masked(arg, texts, numbers) for arg in args]


def _plain(value: object) -> Iterable[object]:
    reveal = getattr(value, "get_secret_value", None)  # pydantic's
    if callable(reveal):
        value = reveal()
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [one for item in value for one in _plain(item)]
    if isinstance(value, (bytes, bytearray)):
        return [value.decode("utf-8", "replace")]
    return [] if value is None or isinstance(value, bool) else [value]


def _masked(arg: str, texts: Sequence[str], numbers: set[float]) -> str:
    for text in texts:
        if len(text) >= _TELLING_CHARS:
            arg = arg.replace(text, MASK)
    name, equals, value = arg.partition("=")
    attached = (arg[:2], arg[2:]) if arg.startswith("-") and len(arg) > 2 and arg[1] != "-" else ("", "")
    for begin, rest in (("", arg), (f"{name}=", value if equals else ""), attached):
        if rest and _is_one_of(rest, texts, numbers):
            return begin + MASK
    return arg


def _is_one_of(word: str, texts: Sequence[str], numbers: set[float]) -> bool:
    folded = word.strip().casefold()  # a `type=` may have made it lower case
    if any(folded == text.strip().casefold() for text in texts):
        return True
    try:
        return float(word) in numbers
    except ValueError:
        return False
