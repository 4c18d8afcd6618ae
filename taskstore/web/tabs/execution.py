"""What ran: repository and commit, what was not committed, packages, command, container."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import program
from ...core.spelling import count, safe, size
from ..frame import empty
from ..task import parts

if TYPE_CHECKING:
    from ...board.program import Captured, Program
    from ...sections.patch import FilePatch
    from ..desk import Desk
    from ..frame import Frame

_MAX_LISTED = 200
_MAX_PACKAGES = 150


async def show(desk: Desk, frame: Frame, task_id: str) -> None:  # noqa: ARG001 - all tabs are given it
    """Show a task's program."""
    found = await asyncio.to_thread(program.read, desk.store, task_id)
    script = found.script
    if not (program.command(script) or script.version_num or script.code_files() or script.requirements):
        empty("Nothing is known of its program.", "taskstore run train.py")
        return
    _command(found)
    _repository(found)
    for captured in found.diffs:
        _diff(task_id, captured)
    _others(desk, task_id, found.others)
    _submodules(found)
    _container(found)
    if found.variables:
        parts.heading("Environment variables")
        parts.facts(found.variables.items(), name="variables")
    _packages(task_id, found)
    if script.notes:
        parts.heading("Notes")
        for note in script.notes:
            ui.label(parts.safe_lines(note)).classes("tk-break")


def _command(found: Program) -> None:
    script = found.script
    parts.heading("Command")
    spelled = program.command(script)
    if spelled:
        parts.text(spelled, label="Command")
    parts.facts(
        [
            ("entry point", script.entry_point),
            ("module", script.module),
            ("working directory", script.working_dir),
            ("started in", script.cwd),
            ("interpreter", " ".join(part for part in (script.python, script.executable) if part)),
        ],
        name="command",
    )


def _repository(found: Program) -> None:
    script = found.script
    if not (script.repository or script.version_num):
        return
    parts.heading("Repository")
    commits = "its commits, which no remote had, are kept with the task" if script.bundle else ""
    parts.facts(
        [
            ("repository", partial(parts.outside, script.repository) if script.repository else ""),
            ("branch", script.branch),
            ("tag", script.tag),
            ("commit", script.version_num),
            ("not pushed", commits),
            ("changes", "" if found.diffs or script.missing else "none that are not committed"),
            ("left out", program.missing(script)),
        ],
        name="repository",
    )


def _diff(task_id: str, captured: Captured) -> None:
    found = captured.patch
    address = parts.file_address(task_id, "source", path=captured.file.path)
    if found is None:
        parts.heading(safe(captured.name).capitalize(), note=size(captured.file.size))
        ui.label(captured.why)
        parts.download("Download all", address, about=captured.name)
        return
    added, removed = sum(file.added for file in found.files), sum(file.removed for file in found.files)
    note = f"+{added:,} −{removed:,} in {count(len(found.files), 'file')}"
    parts.heading(safe(captured.name).capitalize(), note=note)
    parts.download("Download all", address, about=captured.name)
    with ui.element("div").classes("tk-diff").props("data-testid=diff"):
        for file in [file for file in found.files if file.runs][:_MAX_LISTED]:
            _file(file)
    if found.lines < found.total:
        ui.label(f"The first {found.lines:,} of {found.total:,} lines; the rest is in the file.").classes("tk-quiet")


def _file(file: FilePatch) -> None:
    with ui.element("details").props("open") as place:
        with ui.element("summary"):
            parts.Text("span", safe(file.name) or "changes").classes("ts-mono tk-break")
            parts.Text("span", f"+{file.added:,}").classes("tk-plus")
            parts.Text("span", f"−{file.removed:,}").classes("tk-minus")
        with ui.element("div").classes("tk-lines") as lines:
            lines.props["tabindex"] = 0
            lines.props["role"] = "region"
            lines.props["aria-label"] = f"Changes in {safe(file.name)}"
            with ui.element("div").classes("tk-lines-in"):
                for run in file.runs:
                    ui.label("\n".join(map(_line, run.lines))).classes(f"tk-run tk-{run.kind}")
    place.classes("tk-file")


def _line(text: str) -> str:
    return parts.safe_lines(text) or " "


def _others(desk: Desk, task_id: str, others: list[Captured]) -> None:
    if not others:
        return
    parts.heading("Captured files", note=count(len(others), "file"))

    def viewed(captured: Captured) -> Callable[[], None]:
        return lambda: _file_cell(desk, task_id, captured)

    parts.table(
        ["File", "Size", ""],
        [(captured.name, size(captured.file.size), viewed(captured)) for captured in others[:_MAX_LISTED]],
        label="Captured files",
        name="untracked",
    )
    if len(others) > _MAX_LISTED:
        ui.label(f"and {len(others) - _MAX_LISTED:,} more").classes("tk-quiet")


def _file_cell(desk: Desk, task_id: str, captured: Captured) -> None:
    async def view() -> None:
        with place:
            await parts.show_once(place, lambda: _view(desk, task_id, captured))

    with ui.row().classes("items-center gap-3"):
        button = ui.button("View", on_click=view).props("flat dense no-caps size=sm")
        button.props["aria-label"] = f"View {safe(captured.name)}"
        parts.download(
            "Download", parts.file_address(task_id, "source", path=captured.file.path), about=safe(captured.name)
        )
    place = ui.element("div")


async def _view(desk: Desk, task_id: str, captured: Captured) -> None:
    found = await asyncio.to_thread(program.text_of, desk.store, task_id, captured.file.path)
    if found.text is None:
        ui.label(found.why)
    else:
        parts.text(found.text, label=safe(captured.name))


def _submodules(found: Program) -> None:
    modules = found.script.submodules
    if not modules:
        return
    parts.heading("Submodules", note=f"{len(modules):,}")

    def address(url: str) -> Callable[[], None]:
        return lambda: parts.outside(url)

    rows = []
    for module in modules[:_MAX_LISTED]:
        state = "not checked out" if not module.checked_out else "changed" if module.dirty else "as committed"
        lost = program.missing(module)
        rows.append((module.path, address(module.url), module.version_num[:12], "; ".join(filter(None, (state, lost)))))
    parts.table(["Path", "Repository", "Commit", "State"], rows, label="Submodules", name="submodules")


def _container(found: Program) -> None:
    asked = found.container
    if asked is None or not (asked.image or asked.arguments or asked.setup_shell_script):
        return
    parts.heading("Container")
    parts.facts([("image", asked.image), ("arguments", asked.arguments)], name="container")
    if asked.setup_shell_script.strip():
        parts.text(asked.setup_shell_script, label="Set-up script")


def _packages(task_id: str, found: Program) -> None:
    required = found.script.requirements
    if required:
        parts.heading("Packages", note=f"{len(required):,} that the program imports")
        parts.download("requirements.txt", parts.file_address(task_id, "packages", of="program"))
        parts.filtered(
            ["Package", "Version"], list(required.items()), label="Packages", name="packages", max_rows=_MAX_PACKAGES
        )
    if found.environment:
        with ui.element("details").classes("tk-file"):
            with ui.element("summary"):
                parts.Text("span", f"Everything that was installed: {count(len(found.environment), 'package')}")
            parts.download("environment.txt", parts.file_address(task_id, "packages", of="environment"))
            parts.text("\n".join(found.environment), label="Everything that was installed")
