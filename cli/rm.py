"""`taskstore rm`: tasks to the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def rm(
    tasks: context.TasksArgument,
    force: Annotated[bool, typer.Option("--force", "-f", help="Running and published tasks too.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Remove them for good, and from this store alone: copies elsewhere stay.")
    ] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Move tasks to the trash, from which they can be restored until it is purged.

    A deletion goes on to other stores by `taskstore push` and `sync`. With --forget it does not, there is no way back
    from the trash, and `taskstore pull` brings a copy here again.

    Example: taskstore rm 01a2b3c4 01a2b3d5
    """
    from taskstore.store import liveness, trash
    from taskstore.store import tasks as library

    def action(store: Store, paths: TaskPaths) -> None:
        liveness.settle(store, paths, library.read(paths))
        if forget:
            facts = several.brief(store, paths)
            trash.forget(store, paths.id, force=force)
            several.told(paths.id, facts, "removed for good; a copy elsewhere stays", as_json=as_json)
            return
        deleted = trash.put(store, paths.id, force=force)
        restore = f"taskstore trash restore {paths.id[:12]}"
        several.tell(store, deleted, f"in the trash; `{restore}` brings it back", as_json=as_json, restore=restore)

    several.for_each(tasks, action)
