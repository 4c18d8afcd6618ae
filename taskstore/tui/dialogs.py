"""What stands before a screen for a moment: a question, a line to write, a choice, the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from ..core.errors import TaskstoreError
from ..core.spelling import safe, safe_lines
from .lines import Pager
from .table import Column, Table

Check = Callable[[str], object]
"""Raises TaskstoreError for a text that will not do."""

_CSS = """
{name} {{ align: center middle; }}
{name} > Vertical {{
    width: 90%; max-width: 100; height: auto; max-height: 90%; padding: 1 2; background: $surface;
    border: round $primary;
}}
{name} .title {{ text-style: bold; }}
{name} .hint {{ color: $text-muted; }}
{name} .error {{ color: $text-error; }}
{name} Input {{ margin: 1 0 0 0; }}
"""


class Confirm(ModalScreen[bool]):
    """Asks whether something that cannot be taken back is to be done."""

    DEFAULT_CSS = _CSS.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q", "answer(False)", "no"),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The question, and its keys."""
        with Vertical():
            yield Static(Text(safe_lines(self._title)), classes="title")
            yield Static(Text(safe_lines(self._text)))
            yield Static(Text("\ny does it, n leaves it"), classes="hint")

    def action_answer(self, answer: bool) -> None:
        """Give the answer."""
        self.dismiss(answer)


class Ask(ModalScreen[str | None]):
    """Asks for a line of text; what is wrong with it is said below it, and it stays until it is right or given up."""

    DEFAULT_CSS = _CSS.format(name="Ask")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave it")]

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        hint: str = "",
        check: Check = lambda _: None,
        offers: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._check = check
        self._offers = [offer for offer in offers if offer == safe(offer)]

    def compose(self) -> ComposeResult:
        """The line, with a word before and room for a complaint after it."""
        with Vertical():
            yield Static(Text(safe_lines(self._title)), classes="title")
            if self._hint:
                yield Static(Text(safe_lines(self._hint)), classes="hint")
            yield Input(
                editable(self._value),
                suggester=SuggestFromList(self._offers, case_sensitive=False) if self._offers else None,
            )
            yield Static("", classes="error", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text, if it is right."""
        event.stop()
        try:
            self._check(event.value)
        except TaskstoreError as error:
            self.query_one(".error", Static).update(Text(safe_lines(str(error))))
            return
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Give up."""
        self.dismiss(None)


def editable(text: str) -> str:
    """Return a text as a field may hold it; nothing where it would control the terminal, or is no line to edit."""
    return text if text == safe(text) and len(text) <= 10_000 else ""


Choice = tuple[str, str, str]
"""What is chosen, its key on the keyboard, and what it says."""


class Choose(ModalScreen[str | None]):
    """A menu."""

    DEFAULT_CSS = _CSS.format(name="Choose") + "Choose Table { max-height: 18; height: 18; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "leave it")]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)

    def compose(self) -> ComposeResult:
        """The choices."""
        columns = [Column[Choice]("key", lambda row: row[1], 6), Column[Choice]("", lambda row: row[2])]
        with Vertical():
            yield Static(Text(safe_lines(self._title)), classes="title")
            yield Table[Choice](columns, lambda row: row[0])

    def on_mount(self) -> None:
        """Show them."""
        table: Table[Choice] = self.query_one(Table)
        table.styles.height = min(18, len(self._choices) + 1)
        table.show(self._choices)
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Take the one at the cursor."""
        event.stop()
        table: Table[Choice] = self.query_one(Table)
        if table.row is not None:
            self.dismiss(table.row[0])

    def on_key(self, event: object) -> None:
        """Take the one whose key it is."""
        key = getattr(event, "character", None)
        for value, own, _ in self._choices:
            if key and key == own:
                self.dismiss(value)
                return

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class Page(ModalScreen[None]):
    """A text to read, such as the keys."""

    DEFAULT_CSS = _CSS.format(name="Page") + "Page Pager { height: 18; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "leave", "back")]

    def __init__(self, title: str, lines: Sequence[Text], *, is_folded: bool = False) -> None:
        super().__init__()
        self._title = title
        self._lines = list(lines)
        self._is_folded = is_folded

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical():
            yield Static(Text(self._title), classes="title")
            yield Pager()

    def on_mount(self) -> None:
        """Show it."""
        self.query_one(Pager).focus()

    def on_resize(self) -> None:
        """Show it as wide as there is room: long lines are folded where that was asked for, else scrolled to."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        pager = self.query_one(Pager)
        lines = self._lines
        if self._is_folded and pager.seen_width:
            lines = [part for line in lines for part in line.wrap(self.app.console, pager.seen_width, overflow="fold")]
        pager.show(lines)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
