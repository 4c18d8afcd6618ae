"""Markdown that another has written, as a page shows it: text with its looks, and nothing that loads, covers or asks.

NiceGUI's own Markdown lets HTML through, of which a browser's sanitizer keeps forms, styles and pictures of other
hosts: no code, and yet enough to hide the page behind a false one. It also takes minutes for a text that is made to,
in which it serves nobody.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_LENGTH = 20_000
"""Of a longer text the rest is left out."""


def rendered(text: str) -> str:
    """Return Markdown as HTML, for `show`; a thread's work. HTML in it is text, and a picture is a link to it."""
    cut = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"
    return str(_renderer().render(cut))


def show(html: str) -> ui.html:
    """Show what `rendered` has made on the page that is being built."""
    return ui.html(html, sanitize=True).classes("nicegui-markdown ts-markdown")


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
