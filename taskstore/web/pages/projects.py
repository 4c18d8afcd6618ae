"""Projects: the list of all, and the overview of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from ...board import projects as overview
from ...core.errors import NotFound, TaskstoreError
from ...schema.record import ProjectRecord
from ...store import projects
from ...store.query import Row
from .. import grid, markup, moments, script
from ..frame import Frame, empty, frame

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:  # noqa: ARG001 - all pages are registered alike
    """Answer at `/projects`, and with `?name=` the overview of one."""

    @ui.page("/projects")
    async def page(name: str = "", metric: str = "", greatest: str = "") -> None:
        with frame(desk, name or "Projects", at="/projects") as made:
            if name:
                await _Overview(desk, made, name, metric, is_least=not greatest).build()
            else:
                await _list(desk)


def link_to(name: str) -> str:
    """Return the address of a project's overview."""
    return f"/projects?name={quote(name, safe='')}"


def tasks_of(name: str) -> str:
    """Return the address of the table of a project's tasks."""
    return f"/?project={quote(name, safe='')}"


async def _list(desk: Desk) -> None:
    found = await asyncio.to_thread(projects.list_all, desk.store)
    ui.label("Projects").classes("text-h6").props("role=heading aria-level=1")
    if not found:
        empty("No projects yet: a project is made with its first task.", "taskstore run train.py --project vision")
        return
    rows = desk.listing.rows
    with grid.table("All projects", ("Project", "Tasks", "Running", "Last change")):
        for project in found:
            within = [row for row in rows if overview.is_within(row, project.name)]
            told = overview.summary(within, project.name, recent=1)
            with grid.row():
                grid.cell(project.name, link=link_to(project.name))
                grid.cell(told.count, link=tasks_of(project.name))
                grid.cell(sum(count for status, count in told.by_status.items() if status.value == "in_progress") or "")
                grid.cell(moments.moment(told.recent[0].task.last_update) if told.recent else "")


class _Overview:
    def __init__(self, desk: Desk, made: Frame, name: str, metric: str, *, is_least: bool) -> None:
        self._desk = desk
        self._frame = made
        self._name = name
        self._metric = metric
        self._is_least = is_least

    async def build(self) -> None:
        found = await asyncio.to_thread(projects.list_all, self._desk.store)
        names = [project.name for project in found]
        if self._name not in names:
            raise NotFound("project", self._name, "the page of projects lists them")
        record = await asyncio.to_thread(projects.read, projects.find(self._desk.store, self._name))
        rows = [row for row in self._desk.listing.rows if overview.is_within(row, self._name)]
        with ui.row().classes("items-center w-full"):
            ui.label(self._name).classes("text-h6").props("role=heading aria-level=1")
            ui.link("All its tasks", tasks_of(self._name))
        self._draw_counts(rows)
        self._draw_children(names)
        self._place = ui.column().classes("w-full")
        await self._draw_description(record)
        self._draw_best(rows)
        self._draw_recent(rows)

    def _draw_counts(self, rows: list[Row]) -> None:
        told = overview.summary(rows, self._name)
        words = [f"{count} {status.label.lower()}" for status, count in told.by_status.items()]
        ui.label(f"{told.count} tasks: {', '.join(words)}" if words else "No tasks yet.")

    def _draw_children(self, names: list[str]) -> None:
        below = overview.children(names, self._name)
        if below:
            with ui.row().classes("gap-3"):
                ui.label("Below it:")
                for name in below:
                    ui.link(name.rpartition("/")[2], link_to(name))

    async def _draw_description(self, record: ProjectRecord) -> None:
        html = await asyncio.to_thread(markup.rendered, record.description)
        self._place.clear()
        with self._place, ui.card().classes("w-full").props("flat bordered"):
            if html:
                markup.show(html)
            else:
                ui.label("No description yet.").classes("opacity-80")
            if not self._desk.why_read_only:
                ui.button("Edit the description", on_click=lambda: self._edit(record)).props("flat dense no-caps")

    def _edit(self, record: ProjectRecord) -> None:
        self._place.clear()
        with self._place, ui.card().classes("w-full").props("flat bordered"):
            text = ui.textarea("Description, in Markdown", value=record.description).props("outlined autogrow")
            text.classes("w-full").props["data-testid"] = "description"
            with ui.row():
                ui.button("Save", on_click=lambda: self._save(text.value or "")).props("no-caps")
                ui.button("Leave it", on_click=lambda: self._draw_description(record)).props("flat no-caps")

    async def _save(self, text: str) -> None:
        def change(record: ProjectRecord) -> None:
            record.description = text

        try:
            self._desk.check()
            record = await asyncio.to_thread(projects.edit, self._desk.store, self._name, change)
        except TaskstoreError as error:
            self._frame.feedback.fail(error)
            return
        await self._draw_description(record)
        self._frame.feedback.say("description saved")

    def _draw_best(self, rows: list[Row]) -> None:
        names = overview.metrics(rows)
        if not names:
            return
        ui.label("Best tasks").classes("text-subtitle1").props("role=heading aria-level=2")
        chosen = self._metric if self._metric in names else names[0]
        with ui.row().classes("items-center gap-4"):
            metric = ui.select(names, value=chosen, label="By metric", with_input=True).props("dense outlined")
            least = ui.toggle({True: "least first", False: "greatest first"}, value=self._is_least).props(
                "no-caps dense"
            )
        place = ui.column().classes("w-full")

        def draw() -> None:
            place.clear()
            with place, grid.table(f"Best by {metric.value}", ("", "Task", "Value", "Project", "Status")):
                found = overview.best(rows, str(metric.value), is_least=bool(least.value))
                for rank, (row, value) in enumerate(found, 1):
                    with grid.row():
                        grid.cell(rank)
                        grid.task_cell(row.task.name, row.id)
                        grid.cell(f"{value:.6g}", is_mono=True)
                        grid.cell(row.project)
                        grid.cell(row.task.status.label)
            address = f"{link_to(self._name)}&metric={quote(str(metric.value), safe='')}"
            address += "" if least.value else "&greatest=1"
            ui.run_javascript(script.at_address(address))

        metric.on_value_change(draw)
        least.on_value_change(draw)
        draw()

    def _draw_recent(self, rows: list[Row]) -> None:
        recent = overview.summary(rows, self._name).recent
        if not recent:
            empty("No task stands here.", f"taskstore run train.py --project '{self._name}'")
            return
        ui.label("Recent activity").classes("text-subtitle1").props("role=heading aria-level=2")
        with grid.table("Last changed tasks", ("Task", "What happened", "By", "When")):
            for row in recent:
                last = row.task.history[-1] if row.task.history else None
                with grid.row():
                    grid.task_cell(row.task.name, row.id)
                    grid.cell(f"{last.status.label}: {last.reason}" if last and last.reason else row.task.status.label)
                    grid.cell(last.who if last else row.task.user)
                    grid.cell(moments.moment(last.time if last else row.task.last_update))
