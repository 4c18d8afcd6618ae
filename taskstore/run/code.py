"""Recording what runs: entry point, git state, packages, host. The slow part is done beside the user's program."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import git, host, packages, source
from ..capture.base import contained
from ..core.errors import TaskstoreError
from ..core.secrets import Masker
from ..core.states import FINISHING
from ..disk.atomic import make_folders, write_blob
from ..disk.layout import StorePaths, TaskPaths, TreePaths
from ..schema.record import FileRef, Missing, ScriptRecord, Submodule, TaskRecord, Untracked
from ..store import tasks
from ..store.settings import Capture
from ..store.store import Store
from . import alias, requirements
from .bundles import store_bundle
from .sink import StoreSink

if TYPE_CHECKING:
    from ..capture.vcs.records import Snapshot
    from ..capture.vcs.records import Untracked as FoundUntracked


PENDING = "code: its capture has not come to an end"
"""A note that stands until it has, and so is true of a run that is killed before."""


KEPT_OF_REBUILT = frozenset(ScriptRecord.__struct_fields__) - {"binary", "executable", "python", "notes"}
"""What stands of the record of a program that runs in a tree built from the task's own code."""


def first_look(entry: source.Entry, masker: Masker) -> ScriptRecord:
    """Return what is known at once of the running program; `CodeCapture` fills in the rest."""
    argv, masked = masker.argv(entry.argv)
    notes = [f"arguments: masked {', '.join(sorted(set(masked)))}"] if masked else []
    return ScriptRecord(
        kind=entry.kind,
        entry_point=str(entry.path) if entry.path else "",
        module=entry.module or "",
        cwd=str(entry.working_directory),
        binary=entry.binary,
        executable=entry.executable,
        python=".".join(map(str, _version())),
        argv=argv,
        aliases=alias.active(),
        notes=[*notes, PENDING],
    )


def _version() -> tuple[int, int, int]:
    return sys.version_info[:3]


@dataclass(frozen=True)
class Seen:
    """A program's code as it was found: its repository's state, and its own text where git does not hold it."""

    snapshot: Snapshot | None
    is_text_kept: bool
    text: bytes | None
    notes: tuple[str, ...]


def look(entry: source.Entry, settings: Capture, *, with_repository: bool = True) -> Seen:
    """Read a program's code; nothing is written."""
    snapshot = None
    if with_repository:
        snapshot = git.snapshot(entry.own_path, entry.working_directory, limits=_limits(settings))
    notes = list(snapshot.notes) if snapshot else []
    is_in_git = snapshot is not None and snapshot.has_entry_point and bool(snapshot.version_num)
    is_installed = entry.kind == "module" and entry.own_path is None
    if is_installed and entry.path is not None:
        notes.append(f"source: {entry.module} is an installed module, whose package and version are recorded instead")
    is_text_kept = not is_in_git and not is_installed
    text = source.code(entry, note=notes.append) if is_text_kept else None
    return Seen(snapshot, is_text_kept, text, tuple(notes))


def keep(
    seen: Seen, entry: source.Entry, store: StorePaths, paths: TaskPaths, settings: Capture
) -> Callable[[ScriptRecord], None]:
    """Write a program's code into the task; return what names it in the record."""
    snapshot, notes = seen.snapshot, list(seen.notes)
    files = _store_snapshot(store, paths, snapshot, _limits(settings), notes) if snapshot else ScriptRecord()
    standalone = _store_source(paths, entry, seen.text)

    def change(script: ScriptRecord) -> None:
        if snapshot is not None:
            _describe(script, snapshot, files)
        script.standalone = standalone
        script.notes = list(dict.fromkeys([*(note for note in script.notes if note != PENDING), *notes]))

    return change


class CodeCapture:
    """Captures the code and its surroundings on a thread of its own, so that the user's code begins at once."""

    def __init__(
        self,
        store: Store,
        task_id: str,
        paths: Callable[[], TaskPaths],
        entry: source.Entry,
        settings: Capture,
        sink: StoreSink,
        *,
        rebuilt: Path | None = None,
        with_repository: bool = True,
    ) -> None:
        self._with_repository = with_repository
        self._store = store
        self._task_id = task_id
        self._paths = paths
        self._entry = entry
        self._settings = settings
        self._sink = sink
        self._root = rebuilt
        self._is_rebuilt = rebuilt is not None
        """Whether the code was built from what the task holds, and need not be captured."""
        self._source: bytes | None = None
        self._is_source_kept = True
        self._requirements: dict[str, str] = {}
        self._modules_known = 0
        self._thread = threading.Thread(target=self._run, name="taskstore-code", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait for the thread's part, but not for ever."""
        self._thread.join(timeout_s)

    def refresh(self, observed: packages.Observed) -> None:
        """Record what was imported and typed since the last look: a run that is killed has no end to tell it at."""
        if self._thread.is_alive():
            return
        self._contained("source", self._cells)
        if len(sys.modules) == self._modules_known:
            return
        self._contained("packages", lambda: self._packages(observed))

    def finish(self, observed: packages.Observed, *, wait_s: float) -> None:
        """Wait for the thread, but no longer than that; record what only the end can tell.

        That is the packages that the program has imported by now, and the cells that were run since the start.
        """
        self._thread.join(wait_s)
        if self._thread.is_alive():
            self._sink.note("code", f"not all of it was captured: git has not answered {wait_s:g} s after the end")
        self._contained("source", self._cells)
        self._contained("packages", lambda: self._packages(observed))

    def _run(self) -> None:
        self._contained("git", self._end_pending if self._is_rebuilt else self._code)
        self._contained("packages", lambda: self._packages(set()))
        self._contained("host", self._host)

    def _contained(self, name: str, capture: Callable[[], None]) -> None:
        """Run one capture; once more where the task was moved to another place meanwhile."""
        with contained(self._sink, name):
            for last in (False, False, True):
                before = None
                try:
                    before = self._paths()
                    capture()
                except (OSError, TaskstoreError) as error:
                    if last or before is None or before.record.exists():
                        self._sink.cannot_write(error)
                        return
                else:
                    return

    def _code(self) -> None:
        seen = look(self._entry, self._settings, with_repository=self._with_repository)
        if seen.snapshot is not None:
            self._root = seen.snapshot.root
        self._is_source_kept, self._source = seen.is_text_kept, seen.text
        # Files first, then the record that names them.
        paths = self._paths()
        change = keep(seen, self._entry, self._store.paths, paths, self._settings)
        _drop_unnamed(paths, tasks.edit_script(self._store, self._task_id, change, allowed=FINISHING))

    def _end_pending(self) -> None:
        self._is_source_kept = False

        def change(script: ScriptRecord) -> None:
            script.notes = [note for note in script.notes if note != PENDING]

        tasks.edit_script(self._store, self._task_id, change, allowed=FINISHING)

    def _host(self) -> None:
        facts = {name: str(value) for name, value in host.describe().items()}
        wanted = host.environment_variables(self._settings.environment_variables)
        facts |= {f"env/{name}": self._sink.masker.value(name, value) for name, value in wanted.items()}

        def change(record: TaskRecord) -> None:
            record.runtime = {**record.runtime, **facts}

        tasks.edit(self._store, self._task_id, change)

    def _cells(self) -> None:
        """Keep what was typed since the start as well: a notebook says Task.init in one of its first cells."""
        if self._entry.kind not in ("notebook", "interactive") or not self._is_source_kept:
            return
        text = source.code(self._entry)
        if text is None or text == self._source:
            return
        self._source = text
        standalone = _store_source(self._paths(), self._entry, text)

        def change(script: ScriptRecord) -> None:
            script.standalone = standalone

        tasks.edit_script(self._store, self._task_id, change)

    def _packages(self, observed: packages.Observed) -> None:
        """Record the packages, those too that the files imported as they were at the start; write what differs."""
        notes: list[str] = []
        self._modules_known = len(sys.modules)
        found = packages.imported(
            self._entry.path,
            self._root,
            source=self._source,
            observed=observed,
            stands=alias.active(),
            note=notes.append,
        )
        self._requirements = {**self._requirements, **found}
        found = requirements.chosen(self._requirements, self._task_id)
        paths = self._paths()
        make_folders(paths.source, until=paths.home)
        _renew(paths.requirements, packages.requirements_text(found))
        _renew(paths.environment, "\n".join([*packages.environment(), ""]))
        script = tasks.read_script(paths)
        if script.requirements == found and set(notes) <= set(script.notes):
            return

        def change(script: ScriptRecord) -> None:
            script.requirements = found
            script.notes = list(dict.fromkeys([*script.notes, *notes]))

        tasks.edit_script(self._store, self._task_id, change, allowed=FINISHING)


def _renew(path: Path, text: str) -> None:
    data = text.encode()
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass  # there is none yet, or none that can be read
    write_blob(path, [data])


def _limits(settings: Capture) -> git.Limits:
    mib = 1 << 20
    return git.Limits(
        diff_bytes=int(settings.diff_mib * mib),
        untracked_file_bytes=int(settings.untracked_file_mib * mib),
        untracked_total_bytes=int(settings.untracked_total_mib * mib),
        untracked_files=settings.untracked_files,
        bundle_bytes=int(settings.bundle_mib * mib),
    )


def _describe(script: ScriptRecord, snapshot: Snapshot, files: ScriptRecord) -> None:
    script.repository = snapshot.repository
    script.branch = snapshot.branch
    script.tag = snapshot.tag
    script.version_num = snapshot.version_num
    script.working_dir = snapshot.working_dir
    if snapshot.entry_point:
        script.entry_point = snapshot.entry_point
    script.root = str(snapshot.root)
    script.diff, script.bundle, script.untracked = files.diff, files.bundle, files.untracked
    script.missing, script.submodules = files.missing, files.submodules


def _store_snapshot(
    store: StorePaths, paths: TaskPaths, snapshot: Snapshot, limits: git.Limits, notes: list[str]
) -> ScriptRecord:
    """Write the diff, the bundle and the untracked files, those of submodules too; return a record that names them."""
    files = ScriptRecord()
    make_folders(paths.source, until=paths.home)
    _store_state(store, paths, paths.work_tree(), snapshot, limits, files, notes)
    for item in snapshot.submodules:
        module = Submodule(
            path=item.path,
            url=item.url,
            version_num=item.commit,
            checked_out=item.is_checked_out,
            dirty=item.is_dirty,
        )
        if item.state is not None:
            module.captured, said = True, list[str]()
            _store_state(store, paths, paths.work_tree(item.path), item.state, limits, module, said)
            notes += [f"submodule {item.path}: {note}" for note in said]
        files.submodules.append(module)
    return files


def _store_state(
    store: StorePaths,
    paths: TaskPaths,
    tree: TreePaths,
    snapshot: Snapshot,
    limits: git.Limits,
    files: ScriptRecord | Submodule,
    notes: list[str],
) -> None:
    """Write what one work tree has beyond its remote, and name it in `files`."""
    missing = snapshot.missing
    files.missing = Missing(**dataclasses.asdict(missing)) if missing else None
    if snapshot.diff:
        make_folders(tree.home, until=paths.home)
        files.diff = _blob(paths, tree.diff, [snapshot.diff])
    if snapshot.unpushed:
        make_folders(tree.home, until=paths.home)
        written, note = store_bundle(snapshot, tree.bundle, store, limits)
        if note:
            notes.append(note)
        if written is not None:
            files.bundle = _reference(paths, tree.bundle, *written)
    for item in snapshot.untracked:
        try:
            files.untracked.append(_store_untracked(paths, tree, item))
        except OSError as error:
            notes.append(f"untracked file {item.path!r} left out: {error.strerror or error}")
            files.missing = _one_more(files.missing, f"untracked files: {error.strerror or error}")


def _one_more(missing: Missing | None, reason: str) -> Missing:
    before = missing or Missing()
    reasons = dict.fromkeys([*filter(None, [before.reason]), reason])
    return Missing(changed=before.changed, untracked=before.untracked + 1, reason="; ".join(reasons))


def _store_untracked(paths: TaskPaths, tree: TreePaths, item: FoundUntracked) -> Untracked:
    path, path_bytes = _text_of(item.path, "backslashreplace")
    if item.link_target is not None:
        link, link_bytes = _text_of(item.link_target, "replace")
        return Untracked(path=path, path_bytes=path_bytes, link=link, link_bytes=link_bytes)
    target = tree.untracked(path)
    make_folders(target.parent, until=paths.home)
    file = _blob(paths, target, _read(item))
    return Untracked(path=path, path_bytes=path_bytes, file=file, executable=item.is_executable)


def _text_of(name: str, errors: str) -> tuple[str, str]:
    """Return a name as text that UTF-8 can hold, and its bytes in hex where that is not all of it."""
    raw = os.fsencode(name)
    text = raw.decode("utf-8", errors)
    return text, "" if text.encode() == raw else raw.hex()


def _read(item: FoundUntracked) -> Iterator[bytes]:
    """Read a file that may have been replaced by a link, or have grown, since it was listed."""
    descriptor = os.open(item.source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no regular file any more")
        left = 2 * item.size_bytes + (1 << 20)
        while left > 0 and (chunk := stream.read(min(left, 1 << 20))):
            left -= len(chunk)
            yield chunk


def _store_source(paths: TaskPaths, entry: source.Entry, text: bytes | None) -> FileRef | None:
    if text is None:
        return None
    names = {"notebook": "notebook.py", "command": "command.py", "interactive": "interactive.py"}
    name = names.get(entry.kind) or (entry.path.name if entry.path else "program.py")
    target = paths.standalone(name)
    make_folders(target.parent, until=paths.home)
    return _blob(paths, target, [text])


def _blob(paths: TaskPaths, target: Path, chunks: list[bytes] | Iterator[bytes]) -> FileRef:
    return _reference(paths, target, *write_blob(target, chunks))


def _reference(paths: TaskPaths, target: Path, digest: str, size_bytes: int) -> FileRef:
    return FileRef(path=target.relative_to(paths.home).as_posix(), size=size_bytes, hash=digest)


def _drop_unnamed(paths: TaskPaths, script: ScriptRecord) -> None:
    """Remove the code of an earlier run of the same task, which the record names no more."""
    named = {reference.path for reference in script.captured_files()}
    for folder, _, names in os.walk(paths.source):
        for name in names:
            path = Path(folder) / name
            is_list = path in (paths.requirements, paths.environment)
            if not is_list and path.relative_to(paths.home).as_posix() not in named:
                path.unlink(missing_ok=True)
