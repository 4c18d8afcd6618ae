"""`taskstore top`: what goes on in the store, redrawn as it changes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, frames, render

if TYPE_CHECKING:
    from rich.console import RenderableType

    from taskstore.board.listing import WatchedListing
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_LEAST_INTERVAL_S = 0.1
_INTERVAL_S = 2.0
_TERMINATED = 128 + 15

Wait = Callable[[float], bool]
"""Waits so many seconds, or until a person wants to leave; tells whether one does."""


def _interval(text: str | float) -> float:
    seconds = context.seconds(text)
    if seconds < _LEAST_INTERVAL_S:
        raise typer.BadParameter(f"{text!r} is less than {_LEAST_INTERVAL_S} s")
    return seconds


@app.command()
def top(
    interval: Annotated[
        float,
        typer.Option("--interval", "-i", parser=_interval, metavar="TIME", help="How often it is redrawn."),
    ] = _INTERVAL_S,
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Watch what runs, what waits, who works, and what has ended last; q ends it.

    Piped, or in a terminal that cannot be redrawn, it is printed once.

    Example: taskstore top
    """
    from taskstore.board.listing import WatchedListing

    store = context.open_store()
    listing = WatchedListing(store)
    if as_json:
        render.print_json(_as_object(store, listing))
    elif once or not render.is_terminal() or os.environ.get("TERM") in ("dumb", "unknown"):
        _print_once(store, listing)
    else:
        with contextlib.suppress(KeyboardInterrupt), _ended_by_signal(), pressed() as wait:
            watch(store, listing, wait, interval)


def watch(store: Store, listing: WatchedListing, wait: Wait, interval_s: float) -> None:
    """Draw frame after frame on a screen of its own, until a person wants to leave."""
    from rich.live import Live

    from taskstore.board.overview import overview

    out = render.console()
    short = context.short_ids(store)

    def frame() -> RenderableType:
        nonlocal short
        if listing.look():
            short = context.short_ids(store)
        return frames.frame(
            overview(store, listing.rows), short, frames.Room(out.width, out.height), place=context.place(store.root)
        )

    live = Live(console=out, screen=True, auto_refresh=False, get_renderable=frame)
    try:  # not by `with`: who leaves while the first frame is drawn would leave the terminal without its screen
        live.start(refresh=True)
        while not wait(interval_s):
            live.refresh()
    finally:
        live.stop()


def _print_once(store: Store, listing: WatchedListing) -> None:
    from taskstore.board.overview import overview

    out = render.console(None if render.is_terminal() else frames.PIPED_WIDTH)
    room = frames.Room(out.width, None)
    out.print(
        frames.frame(overview(store, listing.rows), context.short_ids(store), room, place=context.place(store.root))
    )


def _as_object(store: Store, listing: WatchedListing) -> dict[str, object]:
    from taskstore.board.overview import overview

    from . import agent, ls

    found = overview(store, listing.rows)
    return {
        "time": found.time,
        "running": [ls.as_object(row) for row in found.running],
        "queues": [{"name": each.queue, "waiting": each.waiting, "claimed": each.taken} for each in found.queues],
        "workers": [agent.as_object(seen) for seen in found.workers],
        "ended": [ls.as_object(row) for row in found.ended],
    }


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Have SIGTERM leave the terminal as it was."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def pressed() -> Iterator[Wait]:
    """Yield what waits for `q` on the keyboard; where stdin is no keyboard, it waits only."""
    try:
        import termios
        import tty
    except ImportError:
        yield _wait_on_windows
        return
    if not sys.stdin.isatty():
        yield _only_wait
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield lambda seconds: _wait_for_key(keyboard, seconds)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _only_wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _wait_for_key(keyboard: int, seconds: float) -> bool:
    import select

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([keyboard], [], [], left)[0]:
            keys = os.read(keyboard, 64)
            if not keys or b"q" in keys.lower():  # the terminal is gone, or a person wants to leave
                return True
    return False


def _wait_on_windows(seconds: float) -> bool:
    import msvcrt

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if msvcrt.kbhit() and msvcrt.getwch().lower() == "q":  # type: ignore[attr-defined]  # Windows only
            return True
        time.sleep(0.05)
    return False
