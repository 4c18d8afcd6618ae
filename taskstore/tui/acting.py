"""What is done to tasks from any screen: a key, what it needs to know, a word before anything is lost, the undo."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from ..board import actions
from ..core.errors import BadValue, Refused, TaskstoreError
from ..core.names import check_name, check_tag
from ..core.spelling import count
from ..queues import queue as queues
from ..run import trust
from ..store import projects
from ..store.query import Row
from ..store.tickets import DEFAULT
from .cloning import CloneDialog
from .dialogs import Ask, Choose, Confirm
from .shared import BoardApp, begin

KEYS = {
    "clone": "C",
    "enqueue": "E",
    "dequeue": "D",
    "abort": "A",
    "reset": "R",
    "publish": "P",
    "rename": "N",
    "tag": "T",
    "comment": "M",
    "move": "O",
    "archive": "V",
    "unarchive": "W",
    "delete": "X",
}
"""The key of each action; capital letters, so that nothing is done by a slip of the cursor."""
Values = dict[str, object]


class ActingScreen(Screen[None]):
    """A screen on which tasks can be acted on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "menu", "actions", tooltip="what may be done, as a menu"),
        *(Binding(key, f"act({name!r})", actions.ACTIONS[name].label, show=False) for name, key in KEYS.items()),
        Binding("U", "undo", "Undo", show=False, tooltip="undo the last deletion, archiving or enqueueing"),
    ]

    @property
    def board(self) -> BoardApp:
        """The app."""
        return self.app  # type: ignore[return-value]  # there is no other

    def chosen(self) -> list[Row]:
        """Return the tasks that an action is about."""
        raise NotImplementedError

    async def acted(self, done_ids: list[str], key: str) -> None:
        """Show what has become of tasks that something was done to."""
        raise NotImplementedError

    async def follow(self, changed: bool) -> None:
        """Show what others have written."""
        raise NotImplementedError

    def action_menu(self) -> None:
        """Offer what may be done."""
        begin(self, self._menu)

    async def _menu(self) -> None:
        rows = self.chosen()
        keys = {action.key for row in rows for action in actions.allowed(row)}
        found = [action for action in actions.ACTIONS.values() if action.key in keys]
        if not found:
            self.board.tell("no task is chosen")
            return
        title = rows[0].task.name[:200] if len(rows) == 1 else count(len(rows), "task")
        wanted = await self.app.push_screen_wait(
            Choose(title, [(action.key, KEYS[action.key], action.label) for action in found])
        )
        if wanted is not None:
            await self._act(wanted)

    def action_act(self, key: str) -> None:
        """Do something to the chosen tasks."""
        begin(self, partial(self._act, key))

    async def _act(self, key: str) -> None:
        with self.board.telling():
            actions.check(self.board.store)
            rows = self._for_whom(key)
            values = await self._values(key, rows)
            if values is None or not await self._is_sure(key, rows):
                return
            await self._do_all(key, [row.id for row in rows], values)

    def _for_whom(self, key: str) -> list[Row]:
        """Return the chosen tasks whose status allows it. Raises Refused where none does, and says why."""
        rows = self.chosen()
        if not rows:
            raise Refused("no task is chosen")
        action = actions.ACTIONS[key]
        fit = [row for row in rows if action in actions.allowed(row)]
        if not fit:
            status = rows[0].task.status.label.lower() + (", archived" if rows[0].is_archived else "")
            may = ", ".join(f"{each.label} ({KEYS[each.key]})" for each in actions.allowed(rows[0]))
            raise Refused(f"{action.label} is not for a task that is {status}; there are: {may}")
        return fit

    async def _values(self, key: str, rows: Sequence[Row]) -> Values | None:
        """Ask what else the action needs; None where the person has given up."""
        asker = _ASKERS.get(key)
        return {} if asker is None else await asker(self, rows)

    async def _is_sure(self, key: str, rows: Sequence[Row]) -> bool:
        action = actions.ACTIONS[key]
        if not action.asks:
            return True
        names = "\n".join(f"  {row.task.name[:100]}" for row in rows[:8])
        more = f"\n  and {len(rows) - 8} more" if len(rows) > 8 else ""
        title = f"{action.label} {count(len(rows), 'task')}?"
        is_sure = await self.app.push_screen_wait(Confirm(title, f"{names}{more}\n\n{action.asks}"))
        return is_sure is True

    async def _do_all(self, key: str, ids: Sequence[str], values: Values) -> None:
        done_ids, undo, texts = [], [], []
        for task_id in ids:
            try:
                done = await asyncio.to_thread(actions.do, self.board.store, task_id, key, **values)
            except (TaskstoreError, OSError) as error:
                self.board.complain(error)
                continue
            done_ids.append(done.task_id)
            texts.append(done.text)
            undo += [(done.task_id, done.undo)] if done.undo else []
            for note in done.notes:
                self.board.tell(note, is_warning=True)
        if undo:
            self.board.undoable.append(undo)
        if done_ids:
            head = texts[0] if len(set(texts)) == 1 else f"{actions.ACTIONS[key].label}: done"
            whose = f"{count(len(done_ids), 'task')}: " if len(ids) > 1 else ""
            self.board.tell(f"{whose}{head}" + ("; U undoes it" if undo else ""))
        await self.board.look(at_all=True)
        await self.acted(done_ids, key)

    def action_undo(self) -> None:
        """Undo what was done last."""
        begin(self, self._undo)

    async def _undo(self) -> None:
        if not self.board.undoable:
            self.board.tell("nothing to undo")
            return
        for task_id, key in self.board.undoable.pop():
            with self.board.telling():
                done = await asyncio.to_thread(actions.do, self.board.store, task_id, key)
                self.board.tell(done.text)
        await self.board.look(at_all=True)
        await self.acted([], "undo")

    async def may_run(self, rows: Sequence[Row]) -> bool:
        """Ask before a program from elsewhere is given to an agent; True where nothing is to be asked, or it may."""
        foreign = [row for row in rows if trust.is_needed(row.task)]
        if not foreign:
            return True
        text = f"from {trust.origin(foreign[0].task)}\nruns {trust.command(foreign[0].paths)}"
        may = await self.app.push_screen_wait(Confirm("It came from elsewhere. May its program run?", text))
        return may is True


async def _ask_queue(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    store = screen.board.store
    names = [each.name for each in await asyncio.to_thread(queues.listed, store)]
    name = await screen.app.push_screen_wait(
        Ask(
            f"Enqueue {count(len(rows), 'task')}",
            DEFAULT,
            hint=f"queues: {', '.join(names) or DEFAULT}",
            check=lambda text: queues.find(store, text),
            offers=names,
        )
    )
    if name is None or not await screen.may_run(rows):
        return None
    return {"queue": name.strip(), "is_trusted": any(trust.is_needed(row.task) for row in rows)}


async def _ask_name(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    if len(rows) > 1:
        raise BadValue("one task is renamed at a time: unmark the others")
    name = await screen.app.push_screen_wait(
        Ask("Rename", rows[0].task.name, check=lambda text: check_name("task", text))
    )
    return None if name is None else {"name": name}


async def _ask_tags(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    known = sorted({tag for row in screen.board.listing.rows for tag in row.task.tags})
    text = await screen.app.push_screen_wait(
        Ask(
            f"Tags of {count(len(rows), 'task')}",
            hint="with commas between; -NAME takes one off. Now: "
            + (", ".join(sorted({tag for row in rows for tag in row.task.tags}))[:300] or "none"),
            check=_tags,
            offers=known,
        )
    )
    if text is None:
        return None
    add, remove = _tags(text)
    return {"add": add, "remove": remove}


def _tags(text: str) -> tuple[list[str], list[str]]:
    """Read tags with commas between, and after a minus those that go. Raises BadValue, BadName."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise BadValue("no tag named; write them like baseline, -draft")
    add = [check_tag(word) for word in words if not word.startswith("-")]
    return add, [check_tag(word[1:]) for word in words if word.startswith("-")]


async def _ask_comment(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    text = await screen.app.push_screen_wait(Ask("Comment", rows[0].task.comment if len(rows) == 1 else ""))
    return None if text is None else {"text": text}


async def _ask_project(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    store = screen.board.store
    names = sorted({row.project for row in screen.board.listing.rows})
    text = await screen.app.push_screen_wait(
        Ask(
            f"Move {count(len(rows), 'task')}",
            rows[0].project,
            hint="to a project, which is made where it is new",
            check=lambda name: projects.parts_of(store, name),
            offers=names,
        )
    )
    return None if text is None else {"project": text}


async def _ask_clone(screen: ActingScreen, rows: Sequence[Row]) -> Values | None:
    if len(rows) > 1:
        raise BadValue("one task is cloned at a time: unmark the others")
    values = await screen.app.push_screen_wait(CloneDialog(screen.board.store, rows[0]))
    if values is None or (values.get("queue") is not None and not await screen.may_run(rows)):
        return None
    return {**values, "is_trusted": trust.is_needed(rows[0].task) and values.get("queue") is not None}


_ASKERS: dict[str, Callable[[ActingScreen, Sequence[Row]], Awaitable[Values | None]]] = {
    "enqueue": _ask_queue,
    "rename": _ask_name,
    "tag": _ask_tags,
    "comment": _ask_comment,
    "move": _ask_project,
    "clone": _ask_clone,
}
