"""The page about the screen lists the keys that there are. UPDATE_SNAPSHOTS=1 writes them into it."""

from __future__ import annotations

from pathlib import Path

from taskstore.tui import keys
from tests.cli.conftest import is_updating

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-the-terminal-screen.md"
_BEGIN, _END = "<!-- keys -->\n", "<!-- end of keys -->\n"


def tables() -> str:
    text = ""
    for title, found in keys.sections():
        text += f"\n### {title}\n\n| key | what it does |\n|---|---|\n"
        text += "".join(f"| {_code(key)} | {what} |\n" for key, what in found)
    return text + "\n"


def _code(names: str) -> str:
    return " ".join(f"`{name}`" for name in names.split(", "))


def test_the_page_lists_every_key_and_no_other() -> None:
    text = PAGE.read_text("utf-8")
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    if is_updating():
        PAGE.write_text(head + _BEGIN + tables() + _END + tail, encoding="utf-8")
    assert PAGE.read_text("utf-8") == head + _BEGIN + tables() + _END + tail
