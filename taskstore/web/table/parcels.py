"""Zips that were made for a browser, each to be fetched once: in a folder of their own, gone when they were sent."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response
from starlette.background import BackgroundTask

from ..files import attachment

_KEPT_S = 600.0


@dataclass
class Parcels:
    """What waits to be fetched, by a key that nobody guesses."""

    monotonic: Callable[[], float] = time.monotonic
    _waiting: dict[str, tuple[Path, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, name: str) -> Path:
        """Return where to write a file; what nobody has fetched in ten minutes goes."""
        self._drop(before=self.monotonic() - _KEPT_S)
        return Path(tempfile.mkdtemp(prefix="taskstore-zip-")) / (name.replace("/", "_") or "tasks.zip")

    def offer(self, path: Path) -> str:
        """Let a file be fetched once; return the address."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._waiting[key] = (path, self.monotonic())
        return f"/zips/{key}"

    def take(self, key: str) -> Path | None:
        """Return what waits, for the one who fetches it."""
        with self._lock:
            found = self._waiting.pop(key, None)
        return found[0] if found is not None else None

    def close(self) -> None:
        """Remove all that was not fetched."""
        self._drop(before=float("inf"))

    def _drop(self, *, before: float) -> None:
        with self._lock:
            old = [key for key, (_, at) in self._waiting.items() if at <= before]
            paths = [self._waiting.pop(key)[0] for key in old]
        for path in paths:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file that was offered, with its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)


def router(parcels: Parcels) -> APIRouter:
    """Return the route by which they are fetched."""
    made = APIRouter()

    @made.get("/zips/{key}")
    def fetch(key: str) -> Response:
        path = parcels.take(key)
        if path is None or not path.is_file():
            return PlainTextResponse("taskstore: this zip was fetched already, or is too old\n", status_code=404)
        headers = {"content-disposition": attachment(path.name), "cache-control": "no-store"}
        gone = BackgroundTask(remove, path)
        return FileResponse(path, media_type="application/zip", headers=headers, background=gone)

    return made
