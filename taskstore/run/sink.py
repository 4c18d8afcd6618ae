"""What the captures of one run report to: the store, as long as it can be written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import console
from ..capture.base import Found, Stream, contained
from ..core.command_line import without
from ..core.errors import BadValue, Damaged, NotFound, TaskstoreError
from ..core.secrets import Masker
from ..core.states import FINISHING, MAY_BE_MISSING
from ..disk.layout import TaskPaths
from ..reporting import Reporting
from ..schema.record import Parameter, ScriptRecord
from ..sections import parameters
from ..sections.reports import Writer
from ..store import configuration as objects
from ..store import tasks
from ..store.configuration import Content, Stored, as_text
from ..store.store import Store
from . import given
from .heartbeat import FileSync

if TYPE_CHECKING:
    from .checkpoints import Checkpoints


MOST_NOTES = 100
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


class StoreSink:
    """A Sink over one task. It never raises for the store's sake: it warns once, and the program goes on."""

    def __init__(
        self,
        store: Store,
        task_id: str,
        paths: Callable[[], TaskPaths],
        masker: Masker,
        *,
        is_rerun: bool,
        library_arguments: bool = False,
    ) -> None:
        self.writer = Writer(paths, self.cannot_write)
        self.masker = masker
        self._store = store
        self._task_id = task_id
        self._paths = paths
        self.is_rerun = is_rerun
        self._library_arguments = library_arguments
        self._has_warned = False
        self._has_said_gone = False
        self.gap = ""
        """Since when, and why, what was reported may be missing; empty where nothing is."""
        self._noted: dict[str, set[str]] = {}
        self._checkpoints: Checkpoints | None = None
        """What the program wants of the captures of libraries; by wildcards, also of which files."""
        self._at_end: list[Callable[[], None]] = []
        self._sync_record = FileSync()

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        """Append one console entry."""
        self.writer.console(stream, self.masker.hidden(text), is_whole=is_whole)

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        """Record parameters; in a task that is run again, return what overrides them (all, where none is found)."""
        if not found:
            return parameters.overrides(self.stored(section)) if self.is_rerun else {}
        before = self.record_parameters(section, self._as_stored(found))
        self.hide_arguments(found)
        return parameters.overrides(before) if self.is_rerun else {}

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        """Record the values that the program has kept, in place of stored ones that do not fit."""
        self.replace_parameters(section, self._as_stored(found))

    def _as_stored(self, found: Mapping[str, Found]) -> dict[str, Parameter]:
        return {
            name: parameters.parameter_of(
                self._telling_name(name, item),
                item.value,
                self.masker,
                kind=(item.told if self._library_arguments else None) or item.type,
                about=item.description or "",
            )
            for name, item in found.items()
            if self._library_arguments or not item.is_of_library
        }

    def _telling_name(self, name: str, item: Found) -> str:
        """Return what says that it is a credential: the name, or else a spelling of it."""
        return next((one for one in (name, *item.spellings) if self.masker.masks(one)), name)

    def hide_arguments(self, found: Mapping[str, Found]) -> None:
        """Mask in the recorded command line what a parser has found to be credentials, by whatever option they came."""
        secrets = {
            name: item.value for name, item in found.items() if self.masker.masks(self._telling_name(name, item))
        }
        if not secrets:
            return

        def change(script: ScriptRecord) -> None:
            script.argv = without(script.argv, secrets.values())
            script.notes = list(dict.fromkeys([*script.notes, f"arguments: masked {', '.join(sorted(secrets))}"]))

        try:
            argv = tasks.read_script(self._paths()).argv
            if without(argv, secrets.values()) != argv:
                tasks.edit_script(self._store, self._task_id, change, allowed=FINISHING)
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)

    def stored(self, section: str) -> dict[str, Parameter]:
        """Return the parameters of a section, as they are recorded."""
        try:
            return self._complete(section, tasks.read_params(self._paths()).hyperparams.get(section, {}))
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)
            return {}

    def record_parameters(self, section: str, found: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """Merge parameters into a section; return what the section held before."""
        try:
            before = parameters.record(
                self._store, self._task_id, section, found, keep_stored=self.is_rerun, allowed=FINISHING
            )
            return self._complete(section, before)
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)
            return {}

    def _complete(self, section: str, found: dict[str, Parameter]) -> dict[str, Parameter]:
        return given.here().complete(section, found) if self.is_rerun else found

    def replace_parameters(
        self, section: str, found: Mapping[str, Parameter | None], *, is_durable: bool = True
    ) -> None:
        """Set what a section of the running program holds now; None for what it holds no more.

        What is not durable survives a SIGKILL, and a power cut once `sync` has run.
        """
        try:
            parameters.record(
                self._store,
                self._task_id,
                section,
                found,
                keep_stored=False,
                allowed=FINISHING,
                is_durable=is_durable,
            )
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)

    def sync(self) -> None:
        """Take parameters to the disk that were written without waiting for it. Raises OSError, NotFound."""
        self._sync_record(self._paths().params)

    def at_end(self, call: Callable[[], None]) -> None:
        """Have something done when the run ends, before its final state is written; the last asked for comes first."""
        self._at_end.append(call)

    def finish(self) -> None:
        """Do what was asked for at the end, once; a call that fails is noted, and the others come all the same."""
        while self._at_end:
            with contained(self, "connect"):
                self._at_end.pop()()
        try:
            self.sync()
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)

    @property
    def reporter(self) -> Reporting:
        """What captures report scalars, plots and pictures by."""
        return Reporting(self.writer)

    def configuration(self, name: str, text: str, kind: str = "yaml") -> str | None:
        """Record a configuration object; return the stored text that overrides it in a task that is run again."""
        from ..sections import configuration  # most runs have none

        content = configuration.content_of_text(text, self.masker, kind=kind)
        stored = self.put_configuration(name, content, keep_stored=self.is_rerun)
        if stored is None:
            return None
        try:
            found = as_text(stored.read())
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)
            return None
        return None if found is None else configuration.restored(found, text, content.suffix, self.masker)[0]

    def put_configuration(self, name: str, content: Content, *, keep_stored: bool) -> Stored | None:
        """Store a configuration object; with `keep_stored` only where there is none, and return the one there is.

        What is masked in it is noted.
        """
        try:
            found = objects.read(self._paths()).get(name) if keep_stored else None
            if found is None:
                objects.put(self._store, self._task_id, name, content, allowed=FINISHING)
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)
            return None
        if found is None and content.masked:
            names = ", ".join(content.masked[:20])
            self.note("configuration", f"{name}: masked what looks like a credential: {names}")
        return found

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Keep what the program has just written as an output model."""
        self._with_checkpoints(lambda found: found.saved(framework, path, name=name))

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Record what the program has just read as an input model."""
        self._with_checkpoints(lambda found: found.loaded(framework, path, name=name))

    def _with_checkpoints(self, action: Callable[[Checkpoints], None]) -> None:
        if self._checkpoints is None:
            from .checkpoints import Checkpoints  # most runs save no model

            self._checkpoints = Checkpoints(self._store, self._task_id, self.note)
        try:
            action(self._checkpoints)
        except (BadValue, Damaged) as error:
            self.note("models", str(error))
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)

    def note(self, capture: str, message: str) -> None:
        """Record in the task, and warn once of its first line, that something was left out or failed.

        What fails again and again, but for the numbers in its message, is noted once; of one capture MOST_NOTES are.
        Of a task that is run again it is in the console too: at an agent's terminal nobody sits.
        """
        text = self.masker.text(f"{capture}: {message}")
        first, _, trace = text.partition("\n")
        alike = _NUMBER.sub("#", first) if trace else text
        known = self._noted.setdefault(capture, set())
        if alike in known or len(known) > MOST_NOTES:
            return
        known.add(alike)
        if len(known) > MOST_NOTES:
            text = f"{capture}: there is more of that, which is not noted"
        told = text.partition("\n")[0].rstrip(": ")
        warn(told)
        if self.is_rerun:
            self.writer.console("stderr", f"taskstore: {told}", is_whole=True)

        def change(script: ScriptRecord) -> None:
            script.notes = [*script.notes, text]

        try:
            tasks.edit_script(self._store, self._task_id, change, allowed=FINISHING)
        except (OSError, TaskstoreError) as error:
            self.cannot_write(error)

    def silence(self) -> None:
        """Say nothing of what cannot be written: that has been said already."""
        self._has_warned = True

    def cannot_write(self, error: BaseException) -> None:
        """Warn once that the store cannot be written, and once that the task is gone from where it was.

        `gap` says from then on since when what is reported may be lost. What is gone loses nothing that is open: a log
        is written on wherever its file is now.
        """
        if isinstance(error, (NotFound, FileNotFoundError, NotADirectoryError)) and self._is_gone():
            if not (self._has_said_gone or self._has_warned):
                self._has_said_gone = True
                where = f"task {self._task_id[:12]} is no longer in the store at {self._store.root}"
                logs = "writes on in the logs that it has open, wherever they are"
                warn(f"{where}: it was deleted, or the store moved; the program goes on, and {logs}")
            return
        if not self.gap:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            self.gap = f"{why} at {self._store.clock.now():%H:%M} UTC, and {MAY_BE_MISSING}"
        if self._has_warned:
            return
        self._has_warned = True
        warn(f"the store at {self._store.root} cannot be written ({error}); the program goes on, unrecorded")

    def _is_gone(self) -> bool:
        try:
            return not self._paths().record.exists()
        except (OSError, TaskstoreError):
            return True


def warn(message: str) -> None:
    """Say something to the person at the terminal, past the capture of it."""
    stream = sys.__stderr__
    if stream is None:
        return
    try:
        with console.unseen():
            stream.write(f"taskstore: {message}\n")
            stream.flush()
    except (OSError, ValueError, RuntimeError):
        return  # closed, or (RuntimeError) a signal's handler has come in between a write of the program's
