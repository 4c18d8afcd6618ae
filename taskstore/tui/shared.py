"""What the screens share: the store, the listing that follows it, and how a person is told what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.worker import Worker

from ..board.listing import WatchedListing
from ..core.errors import TaskstoreError
from ..core.spelling import safe_lines
from ..disk import mounts
from ..store.store import Store

_MOST_CHARS = 2000
DARK, LIGHT = "textual-dark", "textual-light"


class BoardApp(App[None]):
    """What every screen asks of the app that it is in."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "taskstore"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "keys", "keys", tooltip="list the keys"),
        Binding("L", "light", "light or dark", show=False),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
    ]

    def __init__(self, store: Store, *, is_light: bool = False) -> None:
        super().__init__()
        self.store = store
        self.listing = WatchedListing(store)
        self._troubles: dict[str, str] = {}
        self.undoable: list[list[tuple[str, str]]] = []
        self.theme = LIGHT if is_light else DARK
        self.animation_level = "none"  # over ssh each step of one is sent

    async def look(self, *, at_all: bool = False) -> bool:
        """Bring the listing up to date; tell whether anything has changed."""
        with self.telling("look"):
            return await asyncio.to_thread(self.listing.look, at_all=at_all)
        return False

    def tell(self, text: str, *, is_warning: bool = False) -> None:
        """Say something in passing. The text may hold names of tasks: nothing in it is obeyed."""
        shown = safe_lines(text[:_MOST_CHARS])
        self.notify(shown, severity="warning" if is_warning else "information", markup=False)

    def complain(self, error: TaskstoreError | OSError) -> None:
        """Say what went wrong."""
        text = mounts.shown(str(error))
        if isinstance(error, OSError):
            text = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        self.notify(safe_lines(text[:_MOST_CHARS]), title="Not done", severity="error", timeout=8, markup=False)

    @contextlib.contextmanager
    def telling(self, again: str = "") -> Iterator[None]:
        """Say what goes wrong within the block, and go on behind it.

        Of what is done `again` and again, by that name, the same trouble is said once until it is over.
        """
        try:
            yield
        except (TaskstoreError, OSError) as error:
            if not again or self._troubles.get(again) != str(error):
                self.complain(error)
            self._troubles[again] = str(error)
        else:
            self._troubles.pop(again, None)

    def action_light(self) -> None:
        """Change between dark and light."""
        self.theme = DARK if self.theme == LIGHT else LIGHT


def begin(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, only: str = "") -> Worker[None]:
    """Run something beside the keys. Of works with the same `only` the latest one goes on, and the one before is ended.

    It is given as a function: one that is ended before it has begun is never called.
    """
    return node.run_worker(work, exclusive=bool(only), group=only or "default")
