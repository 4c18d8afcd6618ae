"""The dialogs of the table: what a person is asked before something is done to many tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from ...board.several import Failure

_MAX_NAMED = 10
_MAX_FAILED = 200


@contextmanager
def dialog(title: str) -> Iterator[ui.dialog]:
    """Build a dialog within the block; it goes away when it is closed."""
    with ui.dialog() as made, ui.card().classes("tt-dialog"):
        made.props["aria-label"] = title
        ui.label(title).classes("text-h6").props("role=heading aria-level=2")
        yield made
    made.on("hide", made.delete)


def buttons(made: ui.dialog, label: str, *, is_danger: bool = False) -> ui.button:
    """Add Cancel, and the button that goes on."""
    with ui.row().classes("w-full justify-end"):
        ui.button("Cancel", on_click=lambda: made.submit(None), color=None).props("flat no-caps")
        go = ui.button(label, on_click=lambda: made.submit(True)).props('no-caps unelevated data-testid="go"')
        return go.props(f"color={'negative' if is_danger else 'primary'}")


def named(names: Sequence[str]) -> None:
    """List names of tasks, the first of them."""
    with ui.element("ul").classes("tt-names"):
        for name in names[:_MAX_NAMED]:
            with ui.element("li"):
                ui.label(name)
        if len(names) > _MAX_NAMED:
            with ui.element("li"):
                ui.label(f"and {len(names) - _MAX_NAMED:,} more")


async def confirm(title: str, text: str, names: Sequence[str], label: str) -> bool:
    """Ask before something is lost."""
    with dialog(title) as made:
        ui.label(text)
        named(names)
        buttons(made, label, is_danger=True)
    return bool(await made)


async def tags() -> tuple[list[str], list[str]] | None:
    """Ask which tags to add and to take off."""
    with dialog("Tags") as made:
        added = (
            ui.input("Add (commas between)").props('dense outlined autofocus data-testid="add-tags"').classes("w-full")
        )
        removed = ui.input("Take off (commas between)").props("dense outlined").classes("w-full")
        buttons(made, "Change tags")
    return (_words(added.value), _words(removed.value)) if await made else None


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


async def project(known: Sequence[str], count: int) -> str | None:
    """Ask for a project, one of those or a new one."""
    with dialog(f"Move {count} task{'s' * (count != 1)}") as made:
        field = ui.input("Project", autocomplete=list(known)).classes("w-full")
        field.props('dense outlined autofocus data-testid="project"')
        buttons(made, "Move")
    return (field.value or "").strip() or None if await made else None


async def queue(queues: Sequence[str], title: str, *, may_be_none: bool) -> tuple[str | None, bool] | None:
    """Ask for a queue, and whether programs from elsewhere may run; of a clone there need be no queue."""
    with dialog(title) as made:
        options = {"": "none: a draft"} | {name: name for name in queues} if may_be_none else {q: q for q in queues}
        first = "" if may_be_none else next(iter(options), "")
        field = (
            ui.select(options, value=first, label="Queue").props('dense outlined data-testid="queue"').classes("w-full")
        )
        trusted = ui.checkbox("Programs that came from elsewhere may run: I have looked at them")
        buttons(made, "Clone" if may_be_none else "Enqueue")
    return (field.value or None, bool(trusted.value)) if await made else None


async def without(kinds: Sequence[str], count: int) -> list[str] | None:
    """Ask what to leave out of a zip."""
    with dialog(f"Zip {count} task{'s' * (count != 1)}") as made:
        ui.label("Leave out:")
        boxes = {kind: ui.checkbox(kind) for kind in kinds}
        buttons(made, "Zip")
    return [kind for kind, box in boxes.items() if box.value] if await made else None


async def secrets(found: Sequence[str], count: int) -> str | None:
    """Say what looks like a secret; return `mask`, `let out` or None."""
    with dialog(f"{count} of what would leave looks like a secret") as made:
        with ui.element("ul").classes("tt-names"):
            for text in found:
                with ui.element("li"):
                    ui.label(text)
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: made.submit(None), color=None).props("flat no-caps")
            ui.button("Let it out", on_click=lambda: made.submit("let out"), color=None).props(
                "flat no-caps color=negative"
            )
            ui.button("Mask it", on_click=lambda: made.submit("mask")).props('no-caps unelevated data-testid="mask"')
    answer = await made
    return answer if answer in ("mask", "let out") else None


def failures(title: str, failed: Sequence[Failure], names: dict[str, str]) -> None:
    """List what failed, task by task."""
    with dialog(title) as made:
        with ui.element("dl").classes("tt-failures").props('data-testid="failures"'):
            for failure in failed[:_MAX_FAILED]:
                with ui.element("dt"):
                    ui.label(f"{names.get(failure.task_id, '')} ({failure.task_id[:12]})")
                with ui.element("dd"):
                    ui.label(failure.text)
        if len(failed) > _MAX_FAILED:
            ui.label(f"and {len(failed) - _MAX_FAILED:,} more")
        ui.button("Close", on_click=made.close, color=None).props("flat no-caps")
    made.open()
