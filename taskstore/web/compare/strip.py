"""The tasks that are compared, above every tab: which is the base, where each is, and another one to add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...sections.compare.many import MAX_TASKS, MIN_TASKS
from ...store.query import Query, Row

if TYPE_CHECKING:
    from .view import View

_FOUND = 15


def show(view: View) -> None:
    """Build the strip."""
    with ui.element("section").classes("cmp-strip").props('aria-label="Tasks that are compared"'):
        with ui.element("ul").classes("cmp-tasks"):
            for place in range(len(view.comparison.ids)):
                _task(view, place)
        add = ui.button("Add a task", icon="add", on_click=lambda: _ask(view)).props("flat dense no-caps")
        add.props('data-testid="add-task"')
        if len(view.comparison.ids) >= MAX_TASKS:
            add.disable()
            add.tooltip(f"no more than {MAX_TASKS} tasks are compared")
    view.frame.on_key("a", "add a task", lambda: _ask(view))


def _task(view: View, place: int) -> None:
    task_id, name = view.comparison.ids[place], view.comparison.names[place]
    row = view.comparison.rows[task_id]
    with ui.element("li").classes("cmp-task").style(f"--cmp-colour: {view.colours[place]}"):
        ui.element("span").classes(view.dot(place)).props("aria-hidden=true")
        ui.label(view.letters[place]).classes("cmp-letter")
        link = ui.link(name or task_id[:12], f"/task/{task_id}").classes("cmp-name")
        link.props["title"] = f"{row.project}/{name} ({task_id[:12]})"
        if place == 0:
            ui.label("base").classes("cmp-base")
        else:
            others = [each for each in view.comparison.ids if each != task_id]
            _button("vertical_align_top", f"Make {name} the base", "make-base", view, [task_id, *others])
        if len(view.comparison.ids) > MIN_TASKS:
            rest = [each for each in view.comparison.ids if each != task_id]
            _button("close", f"Remove {name}", "remove-task", view, rest)


def _button(icon: str, label: str, test_id: str, view: View, ids: list[str]) -> None:
    button = ui.button(icon=icon, on_click=lambda: ui.navigate.to(view.address.link(ids)))
    button.props(f'flat dense round size=sm data-testid="{test_id}"')
    button.props["aria-label"] = label
    button.props["title"] = label


def _ask(view: View) -> None:
    """Ask for one more task: what is typed is looked for in names, projects, ids and comments."""
    if len(view.comparison.ids) >= MAX_TASKS:
        view.frame.feedback.fail(f"no more than {MAX_TASKS} tasks are compared")
        return
    with ui.dialog() as dialog, ui.card().classes("cmp-add").props('role=dialog aria-label="Add a task"'):
        ui.label("Add a task").classes("text-h6").props("role=heading aria-level=2")
        field = ui.input("Search by name, project or id").props("autofocus clearable").classes("w-full")
        field.props('data-testid="add-search"')
        found = ui.column().classes("w-full gap-0 cmp-found").props('role=list aria-label="Tasks found"')
        ui.button("Cancel", on_click=dialog.close).props("flat no-caps")

    def search() -> list[Row]:
        wanted = Query(text=str(field.value or "").strip() or None, with_archived=True)
        return [row for row in view.desk.listing.find(wanted) if row.id not in view.comparison.ids]

    def fill(_: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        rows = search()
        found.clear()
        with found:
            for row in rows[:_FOUND]:
                _offer(view, row)
            if not rows:
                ui.label("No other task has this in its name, project, id or comment.")
            elif len(rows) > _FOUND:
                ui.label(f"and {len(rows) - _FOUND:,} more: type on to narrow it down").classes("cmp-dim")

    def take_first() -> None:
        rows = search()
        if rows:
            _add(view, rows[0])

    field.on_value_change(fill)
    field.on("keydown.enter", take_first)
    dialog.on("hide", dialog.delete)
    fill()
    dialog.open()


def _offer(view: View, row: Row) -> None:
    with ui.element("div").props("role=listitem").classes("w-full"):
        button = ui.button(on_click=lambda: _add(view, row)).props("flat no-caps align=left").classes("w-full")
        button.props('data-testid="found-task"')
        with button, ui.column().classes("gap-0 cmp-offer"):
            ui.label(row.task.name or row.id[:12])
            ui.label(f"{row.project} · {row.task.status.label} · {row.task.created:%Y-%m-%d %H:%M}").classes("cmp-dim")


def _add(view: View, row: Row) -> None:
    ui.navigate.to(view.address.link([*view.comparison.ids, row.id]))
