"""What a task has kept and was given: artifacts to look at and to save, models with where they come from and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import kept
from ...core.spelling import count, safe, size
from ...schema.artifact import OUTPUT
from ...sections.artifacts import look as looking
from ..frame import empty
from ..task import parts

if TYPE_CHECKING:
    from ...board.kept import Given, Kept, Made
    from ...schema.artifact import Artifact
    from ...sections.artifacts.look import Look
    from ...store.query import Row
    from ..desk import Desk
    from ..frame import Frame

_MAX_ROWS = 200
_MAX_USERS = 20


async def show(desk: Desk, frame: Frame, task_id: str) -> None:  # noqa: ARG001 - all tabs are given it
    """Show a task's artifacts and models."""
    found = await asyncio.to_thread(kept.read, desk.store, task_id)
    if not (found.artifacts or found.made or found.given):
        empty("It has no artifacts and no models.", 'task.upload_artifact("stats", {"accuracy": 0.9})')
        return
    if found.artifacts:
        _artifacts(desk, task_id, found.artifacts)
    rows = kept.by_id(desk.listing.rows, _related(found))
    if found.made:
        _made(task_id, found.made, rows)
    if found.given:
        _given(found.given, rows)


def _artifacts(desk: Desk, task_id: str, found: list[Artifact]) -> None:
    parts.heading("Artifacts", note=f"{len(found):,}")
    place = ui.element("div").classes("tk-part")

    def fill() -> None:
        wanted = str(field.value or "").casefold() if field is not None else ""
        shown = [each for each in found if wanted in each.key.casefold() or wanted in each.type.casefold()]
        place.clear()
        with place, ui.element("div").classes("tk-list").props("role=list data-testid=artifacts"):
            for each in shown[:_MAX_ROWS]:
                _artifact(desk, task_id, each)
        if len(shown) > _MAX_ROWS:
            with place:
                ui.label(f"The first {_MAX_ROWS:,} of {len(shown):,}; search for the others.").classes("tk-quiet")

    field = None
    if len(found) > 12:
        field = parts.search("Search artifacts", fill, name="search-artifacts")
        field.move(target_index=1)
    fill()


def _artifact(desk: Desk, task_id: str, each: Artifact) -> None:
    async def preview() -> None:
        await parts.show_once(place, lambda: _preview(desk, task_id, each.key))
        button.set_text("Hide" if place.default_slot.children else "Preview")

    with ui.element("div").classes("tk-item").props("role=listitem"):
        with ui.row().classes("items-center tk-line"):
            ui.label(safe(each.key)).classes("tk-strong tk-break")
            ui.label(safe(each.type) + ("" if each.mode == OUTPUT else f" ({safe(each.mode)})"))
            if each.hash:
                ui.label(size(each.content_size)).props("data-testid=size")
                _hash(each.hash)
            ui.label(parts.moment(each.timestamp)).classes("tk-quiet")
            button = ui.button("Preview", on_click=preview).props("flat dense no-caps size=sm")
            button.props["aria-label"] = f"Preview {safe(each.key)}"
            button.props["data-testid"] = f"preview-{each.key}"
            if each.file is not None:
                parts.download("Download", parts.file_address(task_id, "artifact", key=each.key), about=each.key)
        if each.uri:
            parts.outside(each.uri)
        said = [(pair[0], pair[1]) for pair in each.display_data if len(pair) == 2]
        parts.facts(said)
        place = ui.element("div").classes("tk-part")


def _hash(digest: str) -> None:
    ui.label(digest[:12]).classes("ts-mono tk-quiet").props(f"title={digest if digest.isalnum() else ''}")


async def _preview(desk: Desk, task_id: str, key: str) -> None:
    artifact, seen = await asyncio.to_thread(kept.look_at, desk.store, task_id, key)
    address = parts.file_address(task_id, "artifact", key=key, show="1")
    with ui.element("div").classes("tk-part").props("data-testid=preview"):
        if seen.note:
            ui.label(parts.safe_lines(seen.note)).classes("tk-quiet")
        _seen(seen, address, key)
        if seen.kind == looking.NOTHING:
            if artifact.type_data.preview:
                ui.label("What was noted of it when it was kept:").classes("tk-quiet")
                parts.text(artifact.type_data.preview, label=f"Preview of {safe(key)}")
            else:
                ui.label("Nothing of it can be shown; download it to see it.").classes("tk-quiet")


def _seen(seen: Look, address: str, key: str) -> None:
    label = f"Preview of {safe(key)}"
    if seen.kind == looking.TEXT:
        parts.text(seen.text, label=label)
    elif seen.kind == looking.TABLE:
        parts.table(seen.columns, seen.rows, label=label)
    elif seen.kind == looking.IMAGE:
        with ui.element("div").classes("tk-preview"):
            made = ui.element("img").props("loading=lazy")
            made.props["src"], made.props["alt"] = address, label
    elif seen.kind in (looking.AUDIO, looking.VIDEO):
        made = ui.element(seen.kind).props("controls preload=metadata").classes("tk-preview")
        made.props["src"], made.props["aria-label"] = address, label
    elif seen.kind == looking.PAGE:
        made = ui.element("iframe").props('sandbox="" referrerpolicy=no-referrer').classes("tk-frame")
        made.props["src"], made.props["title"] = address, label


def _related(found: Kept) -> set[str]:
    return {user for made in found.made for user in made.users} | {given.maker for given in found.given}


def _task(task_id: str, rows: Mapping[str, Row]) -> None:
    row = rows.get(task_id)
    parts.link(row.task.name if row is not None else task_id[:12], parts.task_address(task_id))


def _made(task_id: str, found: list[Made], rows: Mapping[str, Row]) -> None:
    parts.heading("Output models", note=f"{len(found):,}")
    with ui.element("div").classes("tk-list").props("role=list data-testid=output-models"):
        for each in found[:_MAX_ROWS]:
            _made_one(task_id, each, rows)


def _made_one(task_id: str, each: Made, rows: Mapping[str, Row]) -> None:
    model = each.model
    with ui.element("div").classes("tk-item").props("role=listitem"):
        with ui.row().classes("items-center tk-line"):
            ui.label(safe(model.name)).classes("tk-strong tk-break")
            ui.label(safe(model.framework))
            if model.hash:
                ui.label(size(model.size))
                _hash(model.hash)
            ui.label(parts.moment(model.last_update)).classes("tk-quiet")
            if each.is_published:
                ui.badge("published").props("outline")
            for tag in model.tags:
                ui.label(safe(tag)).classes("tk-tag")
            if model.file is not None:
                parts.download("Download", parts.file_address(task_id, "model", id=model.id), about=model.name)
        parts.facts(
            [
                ("id", model.id),
                ("iteration", "" if model.iteration is None else f"{model.iteration:,}"),
                ("at", partial(parts.outside, model.uri) if model.uri else ""),
                ("comment", model.comment),
                ("labels", ", ".join(f"{name} = {number}" for name, number in model.labels.items())),
                *((name, item.value) for name, item in model.metadata.items()),
                ("used by", partial(_users, each.users, rows) if each.users else "no task of this store"),
            ]
        )
        _snapshots(task_id, each)
        if model.design:
            _details("Design", lambda: parts.text(model.design, label=f"Design of {safe(model.name)}"))


def _users(users: list[str], rows: Mapping[str, Row]) -> None:
    with ui.row().classes("gap-3").props("data-testid=used-by"):
        for user in users[:_MAX_USERS]:
            _task(user, rows)
        if len(users) > _MAX_USERS:
            ui.label(f"and {len(users) - _MAX_USERS:,} more")


def _snapshots(task_id: str, each: Made) -> None:
    found = each.model.snapshots
    if not found:
        return

    def saved(iteration: int) -> Callable[[], None]:
        address = parts.file_address(task_id, "model", id=each.model.id, iteration=str(iteration))
        return lambda: parts.download("Download", address, about=f"iteration {iteration}")

    def rows() -> None:
        parts.table(
            ["Iteration", "Size", "Time", ""],
            [
                (
                    f"{one.iteration:,}",
                    size(one.file.size if one.file else one.uri_size) if one.hash else "",
                    parts.moment(one.timestamp),
                    saved(one.iteration) if one.file else one.uri,
                )
                for one in found[-_MAX_ROWS:]
            ],
            label=f"Snapshots of {safe(each.model.name)}",
        )

    _details(count(len(found), "snapshot"), rows)


def _details(title: str, build: Callable[[], None]) -> None:
    with ui.element("details").classes("tk-file"):
        with ui.element("summary"):
            parts.Text("span", title)
        build()


def _given(found: list[Given], rows: Mapping[str, Row]) -> None:
    parts.heading("Input models", note=f"{len(found):,}")
    with ui.element("div").classes("tk-list").props("role=list data-testid=input-models"):
        for each in found[:_MAX_ROWS]:
            model = each.model
            with ui.element("div").classes("tk-item").props("role=listitem"):
                with ui.row().classes("items-center tk-line"):
                    ui.label(safe(each.slot)).classes("tk-strong tk-break")
                    ui.label(safe(model.name))
                    ui.label(safe(model.framework))
                    if model.hash:
                        ui.label(size(model.size))
                        _hash(model.hash)
                    if each.maker and model.file is not None:
                        address = parts.file_address(each.maker, "model", id=model.id)
                        parts.download("Download", address, about=model.name)
                parts.facts(
                    [
                        ("id", model.id),
                        ("made by", partial(_task, each.maker, rows) if each.maker else _origin(each)),
                        ("at", partial(parts.outside, model.uri) if model.uri else ""),
                        ("comment", model.comment),
                    ]
                )


def _origin(each: Given) -> str:
    if each.is_gone:
        return "a task that is deleted, or its model is"
    return f"no task of this store{': ' + each.item.source if each.item.source else ''}"
