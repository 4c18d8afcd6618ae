"""What the tabs of the page share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...board.comparing import LETTERS, Comparison
from ..charts import DASHES, PALETTE

if TYPE_CHECKING:
    from nicegui import ui

    from ...disk.layout import TaskPaths
    from ..desk import Desk
    from ..frame import Frame
    from .address import Address

Update = Callable[[list[str]], Awaitable[None]]
"""Brings what a tab shows up to date, given the ids of the tasks that have changed."""


@dataclass
class View:
    """One open page. `update` is set by the tab that is shown, where it can change while it is looked at."""

    desk: Desk
    frame: Frame
    address: Address
    comparison: Comparison
    update: Update | None = None
    watched: Callable[[TaskPaths], object] | None = None
    """What of a running task's files is looked at each second, beside what a listing tells."""
    place: ui.column = field(init=False)
    _keys: list[str] = field(default_factory=list)

    def on_key(self, key: str, what: str, act: Callable[[], object]) -> None:
        """Have a key do something as long as the tab is shown that is being built."""
        self.frame.on_key(key, what, act)
        self._keys.append(key)

    def begin(self) -> None:
        """Forget the tab that was shown."""
        self.update = self.watched = None
        while self._keys:
            self.frame.off_key(self._keys.pop())
        self.place.clear()

    @property
    def letters(self) -> str:
        """A letter for each task."""
        return LETTERS[: len(self.comparison.ids)]

    @property
    def labels(self) -> list[str]:
        """What stands for each task where there is little room: its letter and its name."""
        return [f"{letter} {name}" for letter, name in zip(self.letters, self.comparison.names, strict=True)]

    @property
    def colours(self) -> list[str]:
        """A colour for each task, the same in all tabs."""
        return [PALETTE[rank % len(PALETTE)] for rank in self.comparison.ranks]

    @property
    def dashes(self) -> list[str]:
        """How a line of each task is drawn: there are more tasks than colours."""
        return [DASHES[rank // len(PALETTE)] for rank in self.comparison.ranks]

    def dot(self, place: int) -> str:
        """The classes of the dot that shows a task's colour, and how its lines are drawn."""
        return "cmp-dot" if self.dashes[place] == DASHES[0] else "cmp-dot cmp-dashed"
