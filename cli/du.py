"""`taskstore du`: what takes up space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render

if TYPE_CHECKING:
    from taskstore.store.store import Store
    from taskstore.store.usage import Size, Usage

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_SHOWN_TASKS = 20


@app.command()
def du(
    tasks: Annotated[bool, typer.Option("--tasks", help="Every task, the greatest first.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Show what takes up space: projects, the trash, what is derived, all.

    Sizes are what the files take up on the disk. A project's size counts its subprojects. What is in the trash is
    freed by `taskstore trash purge`, the cache may be deleted at any time. Piped, sizes are numbers of bytes.

    Example: taskstore du --tasks
    """
    from taskstore.store import usage

    store = context.open_store()
    found = usage.du(store)
    rows = _tasks(store, found) if tasks else _places(found)
    if as_json:
        for kind, name, size in rows:
            render.print_json(
                {
                    "kind": kind,
                    "name": name,
                    "disk_bytes": size.disk_bytes,
                    "apparent_bytes": size.apparent_bytes,
                    "file_count": size.file_count,
                }
            )
        return
    is_pretty = render.is_terminal()
    render.table(
        (
            (
                render.size(size.disk_bytes) if is_pretty else size.disk_bytes,
                size.file_count,
                kind,
                name,
            )
            for kind, name, size in rows
        ),
        [
            render.Column("size", is_fixed=True, is_right=True),
            render.Column("files", is_fixed=True),
            render.Column("kind", is_fixed=True),
            "name",
        ],
    )


Row = tuple[str, str, "Size"]


def _places(found: Usage) -> list[Row]:
    rows: list[Row] = [("project", name, size) for name, size in found.projects.items()]
    rows += [("trash", f"{len(found.trashed)} deleted", found.trash)] if found.trashed else []
    rows += [("cache", "", found.cache)] if found.cache.file_count else []
    rows += [("quarantine", "", found.quarantine)] if found.quarantine.file_count else []
    return [*rows, ("total", "", found.total)]


def _tasks(store: Store, found: Usage) -> list[Row]:
    rows: list[Row] = [("task", _title(store, task_id), size) for task_id, size in found.tasks.items()]
    rows += [("trashed", task_id, size) for task_id, size in found.trashed.items()]
    return sorted(rows, key=lambda row: -row[2].disk_bytes)


def _title(store: Store, task_id: str) -> str:
    from taskstore.core.errors import Damaged, NotFound
    from taskstore.store import places, tasks

    try:
        paths = places.locate(store, task_id)
        return f"{task_id}  {places.project_of(store, paths.home)}/{tasks.read(paths).name}"
    except (Damaged, NotFound, FileNotFoundError):
        return task_id
