"""W&B's offline runs, and what it keeps of runs that were online: `wandb/` with many, a run's folder, or its file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ....core.errors import Damaged, NotFound, TaskstoreError
from ....disk.atomic import make_folders
from ....store.store import Store
from ...foreign import entering, folders
from ...foreign.draft import Draft, chunks_of, read_text
from ...foreign.logs import moment_of, text_of
from .. import base
from . import values
from .content import Content, seconds_of
from .datastore import is_datastore, records

KIND = "wandb"
_SUFFIX = ".wandb"
_FOLDER = re.compile(r"(offline-)?run-\d{8}_\d{6}-.+")
_TIME = re.compile(r"\d{8}_\d{6}")
_MAX_HEAD = 50
_MAX_TEXT = 16 << 20
_METADATA = "wandb-metadata.json"
_NOTED = (_METADATA, "config.yaml", "wandb-summary.json", "conda-environment.yaml")
"""Files of W&B's own, of what is in its records too."""
_CODE = "code/"


class Wandb:
    """Imports W&B's runs."""

    def recognises(self, path: Path) -> bool:
        """Tell whether a run of W&B's is at a path, or a folder of them."""
        with folders.readable(path):
            if path.is_dir():
                return any(map(is_datastore, _stores(path)))
        return path.suffix == _SUFFIX and is_datastore(path)

    def runs(self, store: Store, path: Path, options: base.Options) -> Iterator[base.Imported | base.LeftOut]:
        """Import the runs at a path. Raises NotFound, Damaged where there are none, Refused, ReadOnly."""
        if not path.exists():
            raise NotFound("file or folder", str(path))
        whole = path.absolute()
        with folders.readable(path):
            stores = _stores(whole) if whole.is_dir() else [whole]
        if not stores:
            raise Damaged(path, "it holds no run of W&B's: a folder like offline-run-20260131_120000-abcd1234")
        found = _found(stores, is_one=len(stores) == 1)
        yield from entering.bring_all(store, found, options, total=len(stores))


def _stores(path: Path) -> list[Path]:
    """Return the files of the runs in a run's folder, in a folder of those, or in one with a `wandb/` of them."""
    for homes in ([path], _runs_in(path), _runs_in(path / "wandb")):
        found = [file for each in homes for file in sorted(each.glob(f"*{_SUFFIX}")) if not file.is_symlink()]
        if found:
            return found
    return []


def _runs_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(each for each in path.iterdir() if _FOLDER.fullmatch(each.name) and not each.is_symlink())


def _found(stores: list[Path], *, is_one: bool) -> Iterator[WandbRun | base.LeftOut]:
    for store in stores:
        try:
            with folders.readable(store):
                run = WandbRun(store, "" if is_one else text_of(store.parent.name))
        except TaskstoreError as error:
            yield base.LeftOut(text_of(store.parent.name), error)
            continue
        yield run


def _named_time(name: str) -> float:
    """Return the time in a folder's name, which is of an unknown time zone and taken for UTC; 0 where there is none."""
    found = _TIME.search(name)
    if found is None:
        return 0.0
    with suppress(ValueError):
        return datetime.strptime(f"{found[0]}+0000", "%Y%m%d_%H%M%S%z").timestamp()
    return 0.0


class WandbRun:
    """One run: its file of records, and the folder that it is in."""

    kind = KIND

    def __init__(self, path: Path, source: str) -> None:
        self.notes = base.Notes()
        self.source = source
        self.path = path.parent
        self._file = path
        self._size = path.lstat().st_size
        self._files = path.parent / "files"
        head = self._head()
        began = seconds_of(head.start_time) or _named_time(path.parent.name)
        moment = moment_of(began)
        if moment is None:
            raise Damaged(path, "it has no time that can be")
        self.began: datetime = moment
        names = [name for name in (text_of(head.entity), text_of(head.project) or "uncategorized") if name]
        self.project = "/".join(names)
        self.name = text_of(head.display_name) or text_of(head.run_id)
        self.source_id = f"{self.project}/{text_of(head.run_id)}@{began!r}"
        sizes = folders.sizes(self._files)
        self.size_bytes = self._size + sum(sizes.values())
        self.state = hashlib.sha256(json.dumps([self._size, sizes]).encode("utf-8", "replace")).hexdigest()[:32]

    def _head(self) -> Any:  # noqa: ANN401 - a Run
        """Return the record of the run itself, which is among the first."""
        for count, record in enumerate(records(self._file, self._size, lambda _: None)):
            if record.WhichOneof("kind") == "run":
                return record.run
            if count > _MAX_HEAD:
                break
        raise Damaged(self._file, "it does not say which run it is: nothing was written to it before it was killed")

    def fill(self, draft: Draft) -> None:
        """Write what the run's file and folder hold."""
        content = Content(draft, self._files, self.began.timestamp())
        for record in records(self._file, self._size, self.notes.add):
            content.take(record)
        content.finish()
        ended = moment_of(draft.latest)
        draft.facts.ended = ended if ended is not None and ended >= self.began else self.began
        self._take_files(draft, content)

    def _take_files(self, draft: Draft, content: Content) -> None:
        self._metadata(content)
        for name, path in folders.walk(self._files, self.notes.add):
            with self.notes.of(f"{name} was left out", Damaged):
                if name == "requirements.txt":
                    draft.requirements(read_text(path, _MAX_TEXT))
                elif name == "output.log":
                    self._output(path, content)
                elif name.startswith(_CODE):
                    self._code(draft, name.removeprefix(_CODE), path)
                elif name == "diff.patch" and draft.script.repository:
                    draft.script.diff = draft.keep(draft.paths.diff, chunks_of(path))
                elif name not in _NOTED and name not in content.media.taken:
                    draft.artifact(name, path)

    def _metadata(self, content: Content) -> None:
        """Take what older versions say of the machine in a file."""
        path = folders.below(self._files, _METADATA)
        if path is None or content.machine.is_known:
            return
        with self.notes.of(f"{_METADATA} was left out", Damaged):
            found = values.parse(read_text(path, _MAX_TEXT))
            if isinstance(found, dict):
                content.machine.metadata(found)

    def _output(self, path: Path, content: Content) -> None:
        """Take the console from its file, where there is no record of it; the times of lines are lost."""
        if content.console.is_used or content.exit_code is None:
            return
        for line in read_text(path, _MAX_TEXT).splitlines():
            content.console.take("stdout", f"{line}\n", self.began.timestamp())
        self.notes.add("when a line was printed is not known")

    def _code(self, draft: Draft, name: str, path: Path) -> None:
        """Keep the program; other code as artifacts."""
        script = draft.script
        if name == script.entry_point and script.standalone is None:
            target = draft.paths.standalone(Path(name).name)
            make_folders(target.parent, until=draft.paths.home)
            script.standalone = draft.keep(target, chunks_of(path))
        else:
            draft.artifact(f"{_CODE}{name}", path)


IMPORTER = Wandb()
