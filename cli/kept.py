"""What a task has kept, as parts of a page: artifacts, models, plots and debug samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskstore.schema.artifact import OUTPUT

from . import page, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths


_COUNTED = (render.Column("count", is_fixed=True), render.Column("last iteration", is_fixed=True))


def artifacts(paths: TaskPaths) -> None:
    """Print a task's artifacts as a part of a page."""
    from taskstore.store import artifacts as store

    found = list(store.read(paths).artifacts.values())
    if not found:
        return
    page.heading("Artifacts")
    page.grid(
        [
            (
                page.short(item.key),
                item.type if item.mode == OUTPUT else f"{item.type} ({item.mode})",
                render.size(item.file.size) if item.file else "",
                page.short(item.file.path if item.file else item.uri),
            )
            for item in found[: page.MAX_ROWS]
        ],
        [
            render.Column("name"),
            "type",
            render.Column("size", is_fixed=True),
            render.Column("where", style="dim"),
        ],
    )
    page.say_rest(len(found))


def models(paths: TaskPaths) -> None:
    """Print the models that a task made, and those that it was given, as a part of a page."""
    from taskstore.store import models as store

    record = store.read(paths)
    found = [
        (
            page.short(model.name),
            model.framework,
            "" if model.iteration is None else f"{model.iteration:,}",
            render.size(model.size) if model.hash else "",
            page.short(model.file.path if model.file else model.uri),
        )
        for model in record.output.values()
    ]
    found += [
        (
            page.short(slot),
            item.about.framework if item.about else "",
            "",
            "",
            page.short(f"given by task {item.task[:12]}" if item.task else f"given: {item.source}"),
        )
        for slot, item in record.input.items()
    ]
    if not found:
        return
    page.heading("Models")
    columns = [render.Column("iteration", is_fixed=True), render.Column("size", is_fixed=True)]
    page.grid(
        found[: page.MAX_ROWS],
        [render.Column("name"), "framework", *columns, render.Column("where", style="dim")],
    )
    page.say_rest(len(found))


def plots(paths: TaskPaths) -> None:
    """Print which plots a task has reported, as a part of a page."""
    from taskstore.store import plots as store

    found = store.count_plots(paths)
    if not found:
        return
    page.heading("Plots")
    page.grid(
        [
            (page.short(f"{title}/{series}"), f"{seen.count:,}", f"{seen.iteration:,}")
            for (title, series), seen in list(found.items())[: page.MAX_ROWS]
        ],
        [render.Column("name"), *_COUNTED],
    )
    page.say_rest(len(found))


def samples(paths: TaskPaths) -> None:
    """Print which debug samples of a task are kept, as a part of a page."""
    from taskstore.store import plots as store

    found = store.count_samples(paths)
    if not found:
        return
    page.heading("Debug samples")
    page.grid(
        [
            (page.short(f"{title}/{series}"), f"{seen.count:,}", f"{seen.iteration:,}", page.short(seen.where))
            for (title, series), seen in list(found.items())[: page.MAX_ROWS]
        ],
        [render.Column("name"), *_COUNTED, render.Column("the last", style="dim")],
    )
    page.say_rest(len(found))
