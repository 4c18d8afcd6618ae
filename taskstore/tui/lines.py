"""Long texts and tables, of which only the lines that are seen are made: a hundred thousand are as quick as ten.

Everything is drawn from rich texts and never from markup, so that nothing of a task's own text is obeyed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Lines that scroll, below a head that stays. What is drawn comes from `line` and `head`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--head", "lines--found"}
    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        overflow-y: scroll;
        scrollbar-size: 1 1;
        background: $background;
        & > .lines--cursor { background: $primary; color: $text; text-style: bold; }
        & > .lines--head { background: $panel; color: $foreground; text-style: bold; }
        & > .lines--found { background: $warning; color: $text; }
    }
    Lines.-plain > .lines--cursor { text-style: bold reverse; }
    Lines:focus { background-tint: $foreground 3%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "up", "up", show=False),
        Binding("down,j", "down", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "a page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "a page down", show=False),
        Binding("home,g", "first", "first line", show=False),
        Binding("end,G", "last", "last line", show=False),
        Binding("left", "sideways(-8)", "to the left", show=False),
        Binding("right", "sideways(8)", "to the right", show=False),
    ]

    head_height = 0

    @property
    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, index: int) -> Text:
        """Return one line."""
        raise NotImplementedError

    def head(self) -> Text:
        """Return the line that stays at the top, where there is one."""
        return Text()

    def widest(self) -> int:
        """Return the width in cells of the widest line."""
        return self.seen_width

    def on_mount(self) -> None:
        """Without colours, what is chosen is told by turning them over."""
        self.set_class(self.app.no_color, "-plain")
        self.changed()

    def on_resize(self) -> None:
        """Measure again."""
        self.changed()

    def changed(self) -> None:
        """Draw again, after what the lines come from has changed."""
        self.virtual_size = Size(self.widest(), self.count + self.head_height)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is seen."""
        scroll_x, scroll_y = self.scroll_offset
        index = y - self.head_height + scroll_y
        style = self.rich_style
        if y < self.head_height:
            text, style = self.head(), self._part_style("lines--head")
        elif index >= self.count:
            return Strip.blank(self.seen_width, style)
        else:
            text = self.line(index)
            if self.is_at_cursor(index):
                text, style = Text(text.plain), self._part_style("lines--cursor")
        strip = Strip(text.render(self.app.console)).apply_style(style)
        return strip.crop_extend(scroll_x, scroll_x + self.seen_width, style)

    def is_at_cursor(self, index: int) -> bool:
        """Tell whether a line is the one that is chosen."""
        return False

    def _part_style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def action_up(self) -> None:
        """Scroll a line."""
        self.scroll_relative(y=-1, animate=False)

    def action_down(self) -> None:
        """Scroll a line."""
        self.scroll_relative(y=1, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by what is seen."""
        self.scroll_relative(y=pages * self.page_height, animate=False)

    def action_first(self) -> None:
        """Scroll to the top."""
        self.scroll_to(y=0, animate=False)

    def action_last(self) -> None:
        """Scroll to the bottom."""
        self.scroll_to(y=max(0, self.count + self.head_height - self.seen_height), animate=False)

    def action_sideways(self, cells: int) -> None:
        """Scroll to a side."""
        self.scroll_relative(x=cells, animate=False)

    @property
    def page_height(self) -> int:
        """How many lines are seen at once."""
        return max(1, self.seen_height - self.head_height)

    @property
    def seen_width(self) -> int:
        """How many cells wide it is, beside the scrollbar."""
        return self.scrollable_content_region.width

    @property
    def seen_height(self) -> int:
        """How many lines high it is, above the scrollbar, the head with it."""
        return self.scrollable_content_region.height


class Line(Protocol):
    """A line that need not be drawn yet: what can be read of it, and its width in cells. A rich text is one."""

    @property
    def plain(self) -> str:
        """Its text, without styles."""
        ...

    @property
    def cell_len(self) -> int:
        """How wide it is."""
        ...


class Pager(Lines):
    """Lines of text, which can be searched; at its end it follows what comes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._widest = 0
        self._wanted = ""
        self._found: int | None = None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def is_at_end(self) -> bool:
        """Whether the last line is seen: more lines are followed then."""
        return self.scroll_offset.y >= self.count - self.seen_height

    @property
    def found(self) -> int | None:
        """The number of the line that a search has found."""
        return self._found

    def line(self, index: int) -> Text:
        """Return one line, with what is searched for shown in it."""
        text = self.drawn(self._lines[index])
        if self._wanted and self._wanted in text.plain.casefold():
            text = text.copy()
            at = text.plain.casefold().find(self._wanted)
            while at >= 0:
                text.stylize(self._part_style("lines--found"), at, at + len(self._wanted))
                at = text.plain.casefold().find(self._wanted, at + len(self._wanted))
        return text

    def drawn(self, line: Line) -> Text:
        """Return a line as it is drawn; it is asked for what is seen only."""
        return line if isinstance(line, Text) else Text(line.plain)

    def widest(self) -> int:
        """Return the width in cells of the widest line."""
        return self._widest

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines; where it is scrolled to stays as far as it can."""
        self._lines, self._widest = [], 0
        self.add(lines)

    def add(self, lines: Sequence[Line], *, most: int | None = None) -> None:
        """Put lines to the end; of more than `most` the first ones go."""
        follows = self.is_at_end and self.count > 0
        self._lines += lines
        self._widest = max([self._widest, *(text.cell_len for text in lines)])
        if most is not None and len(self._lines) > most:
            gone = len(self._lines) - most
            self._lines = self._lines[gone:]
            if not follows:
                self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False)
        self.changed()
        if follows:
            self.action_last()

    def search(self, wanted: str, *, step: int = 1) -> bool:
        """Go to the next line (before, by -1) that holds a text in any case; tell whether there is one."""
        if wanted.casefold() != self._wanted:
            self._wanted, self._found = wanted.casefold(), None
        if not self._wanted:
            self._found = None
            self.refresh()
            return True
        start = self.scroll_offset.y - step if self._found is None else self._found
        order = [(start + step * far) % len(self._lines) for far in range(1, len(self._lines) + 1)]
        self._found = next((at for at in order if self._wanted in self._lines[at].plain.casefold()), None)
        if self._found is not None:
            self.scroll_to(y=max(0, self._found - self.seen_height // 2), animate=False)
        self.refresh()
        return self._found is not None

    def is_at_cursor(self, index: int) -> bool:
        """The line that was found is marked."""
        return index == self._found
