"""What stands around every page: the bar with the way to each other page, dark or light, the shortcuts, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.events import KeyEventArguments

from ..core.errors import TaskstoreError
from .feedback import Feedback

if TYPE_CHECKING:
    from .desk import Desk

DARK_COOKIE = "taskstore_dark"
_STATIC = Path(__file__).parent / "static"
PLACES = (
    ("Tasks", "/", "list", "t"),
    ("Projects", "/projects", "folder_open", "p"),
    ("Models", "/models", "view_in_ar", "m"),
    ("Queues", "/queues", "queue", "q"),
    ("Trash", "/trash", "delete_outline", "x"),
)
"""Label, address, icon and shortcut of each page in the bar."""


@dataclass
class Frame:
    """The page that is being built: how it speaks, and which keys it hears."""

    desk: Desk
    feedback: Feedback
    _keys: dict[str, tuple[str, Callable[[], Any]]] = field(default_factory=dict)

    def on_key(self, key: str, what: str, act: Callable[[], Any]) -> None:
        """Have a key do something, outside of fields; `?` lists it with what it does."""
        self._keys[key] = (what, act)

    def off_key(self, key: str) -> None:
        """Have a key do nothing any more."""
        self._keys.pop(key, None)

    def pressed(self, event: KeyEventArguments) -> Any:  # noqa: ANN401 - what an action returns is awaited by NiceGUI
        """Do what a key does."""
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta or event.modifiers.alt:
            return None
        found = self._keys.get(event.key.name)
        return found[1]() if found is not None else None

    def show_keys(self) -> None:
        """List the keys of this page."""
        with ui.dialog() as dialog, ui.card().props('role=dialog aria-label="Keyboard shortcuts"'):
            ui.label("Keyboard shortcuts").classes("text-h6").props("role=heading aria-level=2")
            with ui.element("dl").classes("ts-keys"):
                for key, (what, _) in self._keys.items():
                    with ui.element("dt"), ui.element("kbd"):
                        ui.label(key)
                    with ui.element("dd"):
                        ui.label(what)
            ui.button("Close", on_click=dialog.close).props("flat")
        dialog.on("hide", dialog.delete)
        dialog.open()


@contextmanager
def frame(desk: Desk, title: str, *, at: str = "") -> Iterator[Frame]:
    """Build a page within the block, below the bar; `at` is the address of its place in that.

    An error of the store becomes the page's content: what went wrong and a way back.
    """
    ui.page_title(f"{title} · taskstore")
    ui.add_css(_STATIC / "page.css")
    ui.add_head_html(f"<script>{(_STATIC / 'page.js').read_text('utf-8')}</script>")
    ui.colors(primary="#1259a8", negative="#a61b1b", positive="#1b6e35", info="#1259a8", warning="#8a5300")
    dark = ui.dark_mode(_wanted_dark())
    with ui.header().classes("ts-bar items-center no-wrap gap-1"):
        with ui.link(target="/").classes("ts-home").props('aria-label="taskstore: all tasks"'):
            ui.label("taskstore")
        with ui.element("nav").classes("row items-center no-wrap ts-nav").props('aria-label="Pages"'):
            for label, address, icon, _ in PLACES:
                current = ' aria-current="page"' if address == at else ""
                with ui.link(target=address).classes("ts-place").props(f'data-testid="to-{label.lower()}"{current}'):
                    ui.icon(icon).props("aria-hidden=true")
                    ui.label(label)
        ui.space()
        if desk.why_read_only:
            ui.badge("read-only").props("outline").tooltip(desk.why_read_only)
        ui.label(desk.name).classes("ts-store ellipsis").tooltip(desk.name)
        ui.button(icon="contrast", on_click=lambda: _toggle(dark)).props(
            'flat round dense color=white aria-label="Dark or light"'
        )
        keys = ui.button(icon="keyboard").props('flat round dense color=white aria-label="Keyboard shortcuts"')
    made = Frame(desk, Feedback(desk))
    keys.on_click(made.show_keys)
    made.on_key("?", "show these keys", made.show_keys)
    for label, address, _, key in PLACES:
        made.on_key(key, f"go to {label.lower()}", partial(ui.navigate.to, address))
    made.on_key("d", "dark or light", lambda: _toggle(dark))
    ui.keyboard(on_key=made.pressed, repeating=False, ignore=["input", "select", "textarea"])
    with ui.element("main").classes("ts-main"):
        try:
            yield made
        except TaskstoreError as error:
            show_error(error)


def show_error(error: TaskstoreError) -> None:
    """Show an error as what a page has instead of its content."""
    with ui.card().classes("ts-problem").props("role=alert"):
        ui.label("This cannot be shown").classes("text-h6").props("role=heading aria-level=1")
        ui.label(str(error))
        ui.link("All tasks", "/")


def empty(text: str, command: str = "") -> None:
    """Say that there is nothing here, and the command that would change it."""
    with ui.column().classes("ts-empty items-center"):
        ui.label(text)
        if command:
            ui.label(command).classes("ts-command ts-mono")


def _wanted_dark() -> bool | None:
    request = ui.context.client.request
    return {"1": True, "0": False}.get(request.cookies.get(DARK_COOKIE, "")) if request is not None else None


async def _toggle(dark: ui.dark_mode) -> None:
    if dark.value is None:
        dark.value = not await ui.run_javascript("matchMedia('(prefers-color-scheme: dark)').matches")
    else:
        dark.value = not dark.value
    value = int(bool(dark.value))
    ui.run_javascript(f"document.cookie = '{DARK_COOKIE}={value}; path=/; max-age=31536000; SameSite=Strict'")
