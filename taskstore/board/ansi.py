"""Colours of console output as names of styles, for a screen that has colours of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

LONGEST = 20_000
"""Of one line, how many characters are shown."""
_SEQUENCE = re.compile(
    r"\x1b\[(?P<colour>[0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
)
_BASIC = (
    *((0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16), (36, 114, 200), (188, 63, 188), (17, 168, 205)),
    *((229, 229, 229), (102, 102, 102), (241, 76, 76), (35, 209, 139), (245, 245, 67), (59, 142, 234)),
    *((214, 112, 214), (41, 184, 219), (255, 255, 255)),
)
_STEPS = (0, 95, 135, 175, 215, 255)
_SWITCHES = {
    **{1: ("bold", True), 2: ("dim", True), 3: ("italic", True), 4: ("underline", True), 7: ("inverse", True)},
    **{23: ("italic", False), 24: ("underline", False), 27: ("inverse", False), 9: ("strike", True)},
    29: ("strike", False),
}

Piece = tuple[str, str]
"""A text, and the names of its styles with spaces between: `fg-1 bold`."""


@dataclass(frozen=True)
class _Style:
    fg: int = -1
    bg: int = -1
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False

    def names(self) -> str:
        found = [f"{kind}-{number}" for kind, number in (("fg", self.fg), ("bg", self.bg)) if number >= 0]
        flags = ("bold", "dim", "italic", "underline", "inverse", "strike")
        return " ".join([*found, *(flag for flag in flags if getattr(self, flag))])


def pieces(line: str) -> list[Piece]:
    """Split a line that a program printed into texts of one style each; nothing else in it is obeyed.

    Colours are the 16 of a terminal, `fg-0` to `fg-15` and `bg-0` to `bg-15`; any other becomes the nearest of them.
    """
    more = len(line) - LONGEST
    line = line[:LONGEST]
    found: list[Piece] = []
    style, at = _Style(), 0
    for sequence in _SEQUENCE.finditer(line):
        _put(found, line[at : sequence.start()], style)
        at = sequence.end()
        if sequence["colour"] is not None:
            style = _changed(style, sequence["colour"])
    _put(found, line[at:], style)
    if more > 0:
        found.append((f" … and {more:,} characters more", "dim"))
    return found


def plain(line: str) -> str:
    """Return a line without its colours."""
    return "".join(text for text, _ in pieces(line))


def _put(found: list[Piece], text: str, style: _Style) -> None:
    if text:
        shown = text if text.isprintable() else "".join(char if _is_shown(char) else "�" for char in text)
        found.append((shown, style.names()))


def _is_shown(char: str) -> bool:
    return char == "\t" or not (char < " " or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff")


def _changed(style: _Style, text: str) -> _Style:
    codes = [int(code[:3]) if code else 0 for code in text.replace(":", ";").split(";")]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = _Style()
        elif code in (38, 48):
            number = _other(codes)
            if number is not None:
                style = replace(style, fg=number) if code == 38 else replace(style, bg=number)
        elif code == 22:
            style = replace(style, bold=False, dim=False)
        elif code in _SWITCHES:
            name, value = _SWITCHES[code]
            style = replace(style, **{name: value})
        else:
            style = _coloured(style, code)
    return style


def _coloured(style: _Style, code: int) -> _Style:
    for first, offset in ((30, 0), (90, 8)):
        if first <= code < first + 8:
            return replace(style, fg=code - first + offset)
        if first + 10 <= code < first + 18:
            return replace(style, bg=code - first - 10 + offset)
    if code in (39, 49):
        return replace(style, fg=-1) if code == 39 else replace(style, bg=-1)
    return style


def _other(codes: list[int]) -> int | None:
    """Take what follows 38 or 48: one of 256 colours, or red, green and blue."""
    kind = codes.pop(0) if codes else -1
    if kind == 5 and codes:
        number = codes.pop(0)
        if number < 16:
            return number
        if number < 232:
            number -= 16
            return _nearest((_STEPS[number // 36], _STEPS[number // 6 % 6], _STEPS[number % 6]))
        grey = 8 + 10 * (number - 232)
        return _nearest((grey, grey, grey))
    if kind == 2 and len(codes) >= 3:
        rgb = (codes.pop(0), codes.pop(0), codes.pop(0))
        return _nearest(rgb)
    codes.clear()  # cut short: nobody knows what the rest means
    return None


def _nearest(rgb: tuple[int, int, int]) -> int:
    return min(range(16), key=lambda at: sum((a - b) ** 2 for a, b in zip(rgb, _BASIC[at], strict=True)))
