"""Tasks that have printed and reported something, as their logs are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from taskstore.core.clock import to_text
from taskstore.disk.layout import TaskPaths
from taskstore.schema.plot import MediaEvent, PlotEvent, encode_plot
from taskstore.schema.record import FileRef, Number, Scalar

WRITER = "host-1-00000000"
BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
BEGAN_MS = BEGAN.timestamp() * 1000


def scalars(paths: TaskPaths, metric: str, variant: str, values: Iterable[Number], first: int = 0) -> None:
    """Report a series, one value a second."""
    _append(
        paths,
        paths.scalars(WRITER).name,
        [Scalar(BEGAN_MS + 1000 * at, at, metric, variant, value) for at, value in enumerate(values, first)],
    )


def console(paths: TaskPaths, lines: Iterable[str], stream: str = "stdout", first: int = 0) -> None:
    """Print lines, one a second."""
    paths.events.mkdir(exist_ok=True)
    text = "".join(
        f"{to_text(BEGAN + timedelta(seconds=at))} {stream} F {line}\n" for at, line in enumerate(lines, first)
    )
    with (paths.events / f"console.{WRITER}.log").open("a", encoding="utf-8") as log:
        log.write(text)


def plot(
    paths: TaskPaths, title: str, series: str, figure: dict[str, Any], iteration: int = 0, image: str = ""
) -> None:
    """Report a plot; `image` names the file of one that is a picture."""
    event = PlotEvent(
        timestamp=BEGAN_MS + iteration,
        iter=iteration,
        metric=title,
        variant=series,
        plot=msgspec.Raw(encode_plot(figure)),
        file=FileRef(path=image, size=1, hash="0" * 64) if image else None,
    )
    _append(paths, f"plots.{WRITER}.jsonl", [event])


def sample(
    paths: TaskPaths,
    title: str,
    series: str,
    name: str,
    data: bytes | None,
    *,
    kind: str,
    iteration: int = 0,
    path: str = "",
) -> None:
    """Report a debug sample; without data its file is not there."""
    where = path or f"files/media/{title}/{series}/{iteration}-{name}"
    if data is not None:
        (paths.home / where).parent.mkdir(parents=True, exist_ok=True)
        (paths.home / where).write_bytes(data)
    event = MediaEvent(
        timestamp=BEGAN_MS + iteration,
        iter=iteration,
        metric=title,
        variant=series,
        media_type=kind,
        name=name,
        file=FileRef(path=where, size=len(data or b""), hash="0" * 64),
    )
    _append(paths, f"media.{WRITER}.jsonl", [event])


def _append(paths: TaskPaths, name: str, events: list[Any]) -> None:
    paths.events.mkdir(exist_ok=True)
    with (paths.events / name).open("ab") as log:
        log.write(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
