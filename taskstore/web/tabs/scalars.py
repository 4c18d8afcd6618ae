"""The scalars of one task: charts of its curves, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from nicegui import ui

from ...board.curves import XAxis
from ...core.errors import TaskstoreError
from ...schema.record import MONITOR
from .. import charts
from ..frame import empty
from .address import Chosen
from .panel import Key, Panel, View

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame

_AXES = {"iteration": "Iteration", "relative": "Relative time", "wall": "Wall time"}
_GROUPS = {"metric": "By metric", "series": "Each series alone"}
_DEFAULTS = {"x": "iteration", "smooth": "0", "log": "0", "group": "metric", "find": ""}
MOST_SMOOTH = 0.99


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Build the tab."""
    charts.style()
    chosen = Chosen("scalars", _DEFAULTS)
    controls = ui.row().classes("ts-controls items-center gap-3")

    def group(keys: Sequence[Key]) -> list[tuple[str, list[Key]]]:
        return grouped(keys, by=chosen.one_of("group", *_GROUPS), find=chosen["find"])

    panel = Panel(desk, frame, task_id, group)
    panel.view = _view(chosen)
    await panel.start()
    if not any(not metric.startswith(MONITOR) for metric, _ in panel.keys):
        empty(
            "This task has reported no scalars.", 'task.get_logger().report_scalar("loss", "train", 0.5, iteration=1)'
        )
    with controls:
        _build(controls, chosen, panel, frame, task_id)


def grouped(keys: Sequence[Key], *, by: str, find: str) -> list[tuple[str, list[Key]]]:
    """Return titles with their series: of each metric, or each series alone; `find` is words that all must be there."""
    words = find.lower().split()
    wanted = [
        key
        for key in keys
        if not key[0].startswith(MONITOR) and all(word in f"{key[0]}/{key[1]}".lower() for word in words)
    ]
    if by == "series":
        return [
            (f"{metric}/{variant}" if variant != metric else metric, [(metric, variant)]) for metric, variant in wanted
        ]
    found: dict[str, list[Key]] = {}
    for key in wanted:
        found.setdefault(key[0], []).append(key)
    return list(found.items())


def _view(chosen: Chosen) -> View:
    x = cast("XAxis", chosen.one_of("x", *_AXES))
    return View(x, chosen["log"] == "1", chosen.number("smooth", 0.0, MOST_SMOOTH))


def _build(controls: ui.row, chosen: Chosen, panel: Panel, frame: Frame, task_id: str) -> None:
    async def changed(name: str, value: Any) -> None:  # noqa: ANN401 - of whichever control
        chosen.set(name, str(value))
        try:
            await panel.look_as(_view(chosen))
        except TaskstoreError as error:
            frame.feedback.fail(error)

    def arranged(name: str, value: Any) -> None:  # noqa: ANN401
        chosen.set(name, str(value or ""))
        panel.rebuild()

    ui.input("Find metrics", value=chosen["find"], on_change=lambda event: arranged("find", event.value)).props(
        'dense clearable debounce=250 data-testid="find-metrics"'
    )
    ui.select(
        _AXES,
        value=chosen.one_of("x", *_AXES),
        label="Horizontal axis",
        on_change=lambda event: changed("x", event.value),
    ).props('dense options-dense data-testid="axis"').classes("ts-select")
    ui.select(
        _GROUPS,
        value=chosen.one_of("group", *_GROUPS),
        label="Charts",
        on_change=lambda event: arranged("group", event.value),
    ).props('dense options-dense data-testid="group"').classes("ts-select")
    with ui.column().classes("gap-0 ts-slider"):
        weight = chosen.number("smooth", 0.0, MOST_SMOOTH)
        said = ui.label(_smoothness(weight)).classes("ts-note")
        slider = ui.slider(min=0, max=MOST_SMOOTH, step=0.01, value=weight)
        slider.props('dense aria-label="Smoothing" data-testid="smoothing"')
        slider.on_value_change(lambda event: said.set_text(_smoothness(event.value)))
        slider.on("change", lambda event: changed("smooth", event.args), throttle=0.1)
    ui.switch("Log scale", value=chosen["log"] == "1", on_change=lambda event: changed("log", int(event.value))).props(
        'dense data-testid="log"'
    )
    with ui.link(target=f"/files/{task_id}/scalars.csv").props('data-testid="csv" download').classes("ts-download"):
        ui.icon("download").props("aria-hidden=true")
        ui.label("CSV")


def _smoothness(weight: float) -> str:
    return f"Smoothing {weight:.2f}" if weight else "Smoothing: none"
