"""Where the files of one task go besides its folder: `output_destination` in its record, by ClearML's layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import RemoteError, TaskstoreError
from . import destination, places, settings, tasks
from .store import Store

Warn = Callable[[str], None]
_warned: set[str] = set()


@dataclass(frozen=True)
class Outputs:
    """The other place of a task's files; an empty `root` is none."""

    root: str = ""
    home: tuple[str, ...] = ()
    keeps_local: bool = True
    """Whether a file that is there stays in the task's folder too."""

    def address(self, parts: tuple[str, ...]) -> str:
        """Return the address that a file gets there."""
        return destination.address(self.root, (*self.home, *parts))

    def put(self, parts: tuple[str, ...], source: Path, warn: Warn) -> str:
        """Copy a file there; return its address, or nothing where there is no such place, or it does not answer.

        That is warned of once for each place: the file is in the task's folder then.
        """
        if not self.root:
            return ""
        try:
            return destination.put(self.root, (*self.home, *parts), source)
        except (OSError, TaskstoreError) as error:
            if self.root not in _warned:
                _warned.add(self.root)
                what = error if isinstance(error, RemoteError) else f"{self.root}: {error}"
                warn(f"files stay in the task's folder, for they cannot be put elsewhere: {what}")
            return ""


def of(store: Store, task_id: str, *, uri: str = "") -> Outputs:
    """Return where a task's files go; `uri` goes before what its record says. Raises BadValue, Refused."""
    paths = places.locate(store, task_id)
    record = tasks.read(paths)
    root = destination.recorded(uri) if uri else record.output_destination
    if not root:
        return Outputs()
    project = tuple(places.project_of(store, paths.home).split("/"))
    configured, _ = settings.load_sound(store)
    return Outputs(root, (*project, f"{record.name}.{record.id}"), configured.output.keep_local)
