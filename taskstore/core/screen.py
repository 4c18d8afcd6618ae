"""What a terminal would show of a stream, turned into lines worth keeping.

Plain text passes through: a whole line is an entry at once, text that has no line end yet is a part at once.
What a program draws over (a progress bar, a live table) is kept as the rows that a terminal would show and
persisted rarely: when it is final, and in between at most once a second and ever more seldom, so that a bar of a
million refreshes is some hundred lines.

A terminal never says "this row is finished". The rules that stand for it:

- A row that was only ever appended to is finished by its newline.
- A row that was drawn over is finished when it lies further above the bottom than the cursor ever climbed
  (`_reach`; zero for a single bar, so its newline finishes it), when a plain line is finished below it, and at close.
- A row that was wiped and is written again without the cursor having climbed to it counts as new:
  that is how `tqdm.write` puts a message in the place of a bar.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from .clock import Clock
from .rows import COLOUR, ROW_CHARS, Row, styled

SNAPSHOT_EVERY_S = 1.0
SNAPSHOT_GROWTH = 1.05
"""A bar is persisted again only when its age has grown by this factor since it was last."""
ROWS_KEPT = 200
"""How far up a program may draw: more than the height of a terminal."""

_SEQUENCE_CHARS = 64

_TOKEN = re.compile(
    r"(?P<text>[^\x07\x08\n\r\x1b]+)"
    r"|\x1b\[(?P<arguments>[0-?]*)[ -/]*(?P<command>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links and other strings for the terminal
    r"|\x1b[ -/]*(?P<escape>[0-OQ-WYZ\\`-~])"
    r"|(?P<control>\x08+|[\x07\n\r])"
)
_CUT_STRING = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*(?P<end>\x1b?)\Z")
_CUT_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")
_ESCAPES = {"7": "s", "8": "u", "M": "A", "D": "B", "E": "E", "c": "c"}


class Entry(NamedTuple):
    """One entry of the console log; `is_whole` is false for a part of a line that has not ended yet."""

    text: str
    is_whole: bool


class Screen:
    """One stream's screen. Not thread-safe. `feed` and `close` return the entries to persist, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows = [Row()]
        self._past: deque[str] = deque(maxlen=ROWS_KEPT)  # finished rows above, should the cursor climb there
        self._at = 0  # the cursor's row,
        self._column = 0  # and its column, where that row is live
        self._style = ""
        self._saved = (0, 0)
        self._top: int | None = None  # the row that absolute positions count from
        self._carry = ""  # the beginning of a control sequence whose rest has not come yet
        self._reach = 0
        self._is_climbed = False
        self._is_anchored = False  # the last thing seen in this feed was a carriage return
        self._is_advanced = False  # the bottom moved in this feed,
        self._is_frame = False  # or something in it was drawn over: then new rows are drawn too
        self._out: list[Entry] = []
        self._last_text: str | None = None
        self._last_at = float("-inf")
        self._next_at = float("-inf")
        self._first_at: float | None = None

    def feed(self, text: str) -> list[Entry]:
        """Show `text`; return what is to be persisted now."""
        self._out = []
        row = self._rows[self._at]
        if row.is_live and text[:1] == "\r" and self._redraws(row, text):
            self._snapshot()
            return self._out
        if self._carry:
            text, self._carry = self._carry + text, ""
        self._is_advanced = self._is_frame = self._is_anchored = False
        if self._is_plain(text):
            self._append(text)
        else:
            self._interpret(text)
        self._settle()
        return self._out

    def close(self) -> list[Entry]:
        """Return what is pending: the rows that are not finished. Feed nothing afterwards."""
        self._out = []
        for row in self._rows:
            self._persist(row)
            if row.is_open or (row.text and not row.is_done):
                self._end(row)
        return self._out

    def _redraws(self, row: Row, text: str) -> bool:
        """Take `text` as the whole new contents of the row, unread, if it is that and nothing else."""
        if self._carry or "\n" in text or "\b" in text or "\a" in text or text.rfind("\r"):
            return False
        width = len(text) - 1
        if "\x1b" in text:
            bare = COLOUR.sub("", text)
            width = len(bare) - 1
            if "\x1b" in bare:
                return False
        if not row.width <= width <= ROW_CHARS or not width:
            return False
        row.pending, row.width, row.is_start, row.is_new = text[1:], width, False, False
        self._column, self._style, self._is_climbed, self._is_anchored = width, "", False, False
        return True

    def _is_plain(self, text: str) -> bool:
        row = self._rows[0]
        is_appended = len(self._rows) == 1 and not (row.is_live or row.is_returned or row.is_done)
        return is_appended and not ("\r" in text or "\x1b" in text or "\b" in text or "\a" in text)

    def _append(self, text: str) -> None:
        head, *lines = text.split("\n")
        row = self._rows[0]
        row.text += head
        for line in lines:
            self._end(row)
            self._past.append(row.text)
            row = self._rows[0] = Row()
            row.text = line
        self._shift(-len(lines))
        self._at = 0

    def _interpret(self, text: str) -> None:
        position = 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:  # an escape that is cut off here, or none at all
                rest = text[position : position + _SEQUENCE_CHARS]
                if string := _CUT_STRING.match(text, position):
                    self._carry = rest[:2] + string["end"]
                    return
                if _CUT_SEQUENCE.match(text, position) and len(text) - position < _SEQUENCE_CHARS:
                    self._carry = rest
                    return
                position += 1
                continue
            position = token.end()
            if token["text"]:
                self._put(token["text"])
            elif token["command"]:
                self._command(token["command"], token["arguments"], token.group())
            elif token["control"]:
                self._control(token["control"])
            elif token["escape"] in _ESCAPES:
                self._command(_ESCAPES[token["escape"]], "", "")

    def _control(self, control: str) -> None:
        row = self._rows[self._at]
        if control == "\n":
            self._newline()
        elif control == "\r":
            self._column, self._is_anchored = 0, True
            row.is_returned, row.is_start, row.is_new = True, True, False
            self._is_frame = self._is_frame or row.is_live
        elif control[0] == "\b" and (row.text or row.is_live):
            self._draw(row)
            self._column = max(0, self._column - len(control))

    def _command(self, command: str, arguments: str, raw: str) -> None:
        """Obey what moves the cursor, erases or colours; drop all else."""
        row = self._rows[self._at]
        numbers = [min(int(number), ROW_CHARS) if number.isdigit() else 0 for number in arguments.split(";")]
        count = max(1, numbers[0])
        if command == "m" and not row.is_live and not row.is_done:
            row.text += raw
        elif command == "m":
            self._style = styled(self._style, raw)
        elif command in ("J", "K"):
            self._erase(row, command, numbers[0])
        elif command in ("A", "B", "E", "F"):
            self._move(self._at + (count if command in "BE" else -count))
            self._column = 0 if command in "EF" else self._column
        elif command in ("C", "D", "G"):
            self._draw(row)
            column = {"C": self._column + count, "D": self._column - count, "G": count - 1}[command]
            self._column = min(max(0, column), ROW_CHARS)
        elif command in ("H", "f", "c"):
            if command == "c":
                self._erase(row, "J", 2)
            self._go(count - 1, max(1, numbers[-1]) - 1 if len(numbers) > 1 else 0)
        elif command == "s":
            if row.is_live or row.text:
                self._draw(row)
            self._saved = (self._at, self._column)
        elif command == "u":
            self._move(self._saved[0])
            self._draw(self._rows[self._at])
            self._column = self._saved[1]

    def _erase(self, row: Row, command: str, which: int) -> None:
        """Erase from the cursor on (0), up to it (1), or all (2, 3) of the row (K) or of the screen (J)."""
        self._is_anchored = False
        if row.is_live or row.is_start or row.is_done or which:
            self._draw(row)
            row.is_new, self._is_frame = False, True
            row.erase(0 if which else self._column, self._column + 1 if which == 1 else None)
        if command == "J" and which != 1:
            for other in self._rows[0 if which else self._at + 1 :]:
                if not other.is_live:
                    other.revive()
                other.redraw()
                other.erase(0)

    def _put(self, text: str) -> None:
        row = self._rows[self._at]
        is_new = not (self._column or self._is_climbed or self._is_anchored)
        if row.is_live and is_new and row.is_blank():
            row.is_new, row.shown = True, None
        if row.is_done or (row.is_start and row.text):
            self._draw(row)
        if row.is_live and self._column + len(text) > ROW_CHARS:  # grown without end: plain text again
            grown, row = row.render(), Row()
            self._rows[self._at], row.text = row, grown
        if self._is_anchored:
            self._is_climbed = self._is_anchored = False
        row.is_start = False
        if row.is_live:
            row.redraw()
            row.put(self._column, text, self._style)
            self._column += len(text)
        else:
            row.text += text

    def _draw(self, row: Row) -> None:
        """Make the cursor's row live."""
        if not row.is_live:
            is_at_end = not (row.is_start or row.is_done)
            if row.is_open or len(row.text) > ROW_CHARS:
                self._end(row)
            self._style = row.revive()
            self._column = row.width if is_at_end else self._column
        row.redraw()

    def _move(self, target: int) -> None:
        """Take the cursor to another row; above the rows at hand are the finished ones."""
        row = self._rows[self._at]
        if target == self._at:
            return
        if not (row.is_live or row.is_done) and row.text:
            self._draw(row)
        while target < 0 and self._past and len(self._rows) < ROWS_KEPT:
            self._rows.insert(0, Row(self._past.pop()))
            self._shift(1)
            target += 1
        target = min(max(0, target), len(self._rows) - 1)
        self._is_climbed = self._is_climbed or target < self._at
        self._is_anchored = False
        self._at = target
        self._reach = max(self._reach, len(self._rows) - 1 - target)

    def _shift(self, rows: int) -> None:
        self._at += rows
        self._saved = (max(0, self._saved[0] + rows), self._saved[1])
        self._top = None if self._top is None or self._top + rows < -ROWS_KEPT else self._top + rows

    def _go(self, row: int, column: int) -> None:
        """Take the cursor to an absolute position; the first time, the screen begins at a new row."""
        if self._top is None:
            self._move(len(self._rows) - 1)
            if not self._rows[self._at].is_blank():
                self._newline()
            self._top = self._at
        target = self._top + min(row, ROWS_KEPT)
        while len(self._rows) <= target:
            self._rows.append(Row(""))
        self._move(target)
        self._column, self._is_climbed = min(column, ROW_CHARS), True

    def _newline(self) -> None:
        row = self._rows[self._at]
        is_bottom = self._at == len(self._rows) - 1
        if row.is_new or not (row.is_live or row.is_done):
            for above in self._rows[: self._at]:
                self._persist(above)
            (self._persist if row.is_new else self._end)(row)
            self._reach = 0 if is_bottom else self._reach
        if is_bottom:
            self._rows.append(Row())
            self._rows[-1].is_live = self._is_climbed or self._is_frame
            self._is_advanced = True
        self._at += 1
        self._column, self._style, self._is_anchored = 0, "", False
        if is_bottom:
            self._retire(len(self._rows) - 1 - self._reach)
            self._first_at = self._first_at if self._reach or row.is_new else None  # the next bar is another one,
            self._last_text = None  # and its line is its own, though it says the same
        elif not self._is_climbed and self._rows[self._at].is_blank():
            self._rows[self._at] = Row()

    def _retire(self, count: int) -> None:
        """Finish the uppermost rows: the cursor has left them for good."""
        for row in self._rows[:count]:
            self._persist(row)
            self._past.append(row.render())
        del self._rows[:count]
        self._shift(-count)

    # what is persisted, and when

    def _settle(self) -> None:
        """After a feed: send the text that has no end yet, or a snapshot of what is drawn over."""
        row = self._rows[self._at]
        is_bottom = self._at == len(self._rows) - 1
        if row.is_returned and 0 < len(row.text) <= ROW_CHARS and not row.is_done:
            self._draw(row)
        elif not (row.is_live or row.is_done) and len(row.text) > row.sent:
            self._send(row)
        if is_bottom:
            self._is_climbed = False
        if len(self._rows) > 1 or row.is_live:
            is_ended = self._is_advanced and is_bottom and row.is_blank()
            self._snapshot(is_ended=is_ended)

    def _snapshot(self, *, is_ended: bool = False) -> None:
        """Persist the live rows, if it is time; `is_ended` says that the program may well be through with them."""
        now = self._clock.monotonic()
        if self._first_at is None:
            self._first_at, self._next_at = now, self._last_at + SNAPSHOT_EVERY_S
        if now < self._next_at and not (is_ended and now >= self._last_at + SNAPSHOT_EVERY_S):
            return
        before = len(self._out)
        for row in self._rows:
            self._persist(row)
        if len(self._out) > before:
            grown = self._first_at + (now - self._first_at) * SNAPSHOT_GROWTH
            self._last_at, self._next_at = now, max(now + SNAPSHOT_EVERY_S, grown)

    def _persist(self, row: Row) -> None:
        """Write down what a live row shows, if that is news."""
        if row.is_live and not row.is_blank():
            text = row.render()
            if text != row.shown and (row.is_new or text != self._last_text):
                self._emit(text, is_whole=True)
            row.shown = text

    def _send(self, row: Row) -> None:
        """Write down what came of a plain row, in parts."""
        if not row.is_open:
            for other in self._rows:
                self._persist(other)  # as long as there is a part without an end, no other row may speak
        for start in range(row.sent, len(row.text), ROW_CHARS):
            self._emit(row.text[start : start + ROW_CHARS], is_whole=False)
        row.sent, row.is_open = len(row.text), True
        if row.sent > ROW_CHARS:
            row.text, row.sent = "", 0

    def _end(self, row: Row) -> None:
        """Write down the rest of a plain row, and its end."""
        while len(row.text) - row.sent > ROW_CHARS:
            self._emit(row.text[row.sent : row.sent + ROW_CHARS], is_whole=False)
            row.sent += ROW_CHARS
        self._emit(row.text[row.sent :], is_whole=True)
        row.shown, row.is_done, row.is_open = row.text, True, False

    def _emit(self, text: str, *, is_whole: bool) -> None:
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode()
        self._out.append(Entry(text, is_whole))
        self._last_text = text if is_whole else None
