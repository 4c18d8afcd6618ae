"""`taskstore config`: the settings that hold here."""

from __future__ import annotations

import typer

from taskstore.disk import mounts

from . import context, render

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def config(project: context.ProjectOption = None, as_json: context.JsonOption = False) -> None:
    """Show every setting with its value, and where that comes from.

    With --project, as it holds for the runs of that project. The settings are
    changed in an editor: config.yaml in the store or your own, project.yaml.

    Example: taskstore config --project examples
    """
    from taskstore.store import projects, settings

    store = context.open_store()
    folder = projects.find(store, project) if project is not None else None
    found = settings.explain(store, project=folder)
    if as_json:
        for item in found:
            render.print_json(
                {"name": item.name, "value": item.value, "origin": item.origin, "place": mounts.shown(item.place)}
            )
        return
    rows = [(item.name, _shown(item.value), item.origin, mounts.shown(item.place)) for item in found]
    render.table(rows, ["setting", "value", "origin", "place"])


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
