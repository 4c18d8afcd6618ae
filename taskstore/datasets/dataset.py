"""Datasets: versions of a folder of files, each a task whose files are kept once, however many versions have them.

A version is a draft of type data_processing until `finalize`. Its artifact `state` names every file by SHA-256; the
bytes lie in archives that are artifacts of the version which brought them first. Nothing is sent anywhere.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..core.errors import BadValue, Conflict, NotFound, Refused
from ..core.states import Status
from ..disk import archive
from ..disk.atomic import sha256_of
from ..disk.layout import TaskPaths
from ..schema.dataset import DatasetFile, DatasetLink, DatasetState, Names, difference, merged
from ..sections import dataset as section
from ..sections import find
from ..sections.artifacts import Artifacts
from ..store import places, tasks
from ..store.query import Row
from ..task import Task
from . import copies, making
from .making import STATE, SYSTEM_TAG, VERSION

CHUNK_MIB = 512


class Dataset:
    """One version of a dataset. `task` is its task: name, project, tags, publish and delete hang off that."""

    def __init__(self, task: Task, state: DatasetState) -> None:
        self.task = task
        self._store = task._store
        self._state = state
        self._sources: dict[str, tuple[Path, int, int]] = {}
        """Where the bytes of a SHA-256 that is not kept yet lie, with size and time of change when it was read."""
        self._is_stored = True

    def __repr__(self) -> str:
        return f"Dataset({self.task.id!r})"

    @property
    def id(self) -> str:
        """The id, which is the task's."""
        return self.task.id

    @property
    def version(self) -> str:
        """The version, such as 1.0.0."""
        return self._state.version

    @property
    def parents(self) -> list[str]:
        """The ids of the versions that this one was made from."""
        return list(self._state.parents)

    @property
    def files(self) -> dict[str, DatasetFile]:
        """The files by name."""
        return dict(self._state.files)

    @property
    def links(self) -> dict[str, DatasetLink]:
        """The files that lie elsewhere, by name."""
        return dict(self._state.links)

    @classmethod
    def create(
        cls,
        name: str,
        project: str,
        *,
        parents: Sequence[Dataset | str] = (),
        version: str | None = None,
        tags: Sequence[str] = (),
        description: str = "",
        task: Task | None = None,
    ) -> Dataset:
        """Begin a version with the files of its parents; of two of one name the later parent's. Raises NotFound.

        Without a version it is the one after the last of that name, or 1.0.0. With a `task`, an open one, it is kept in
        that.
        """
        above = [each if isinstance(each, Dataset) else cls.get(each) for each in parents]
        state = merged([each._state for each in above])
        state.parents = [each.id for each in above]
        state.version = version or making.next_version(cls.find(project=project, name=name))
        if task is None:
            task = making.begun(name, project, tags, description, state)
        else:
            mark = [*dict.fromkeys([*task.details.get_system_tags(), SYSTEM_TAG])]
            task.details.set_system_tags(mark)
            task.details.add_tags(tags)
        made = cls(task, state)
        made._keep_state()
        return made

    @classmethod
    def get(
        cls,
        dataset_id: str | None = None,
        *,
        project: str | None = None,
        name: str | None = None,
        version: str | None = None,
        tags: Sequence[str] = (),
        only_completed: bool = False,
        only_published: bool = False,
        with_archived: bool = False,
    ) -> Dataset:
        """Return a version by id, or the last made of those that fit the rest. Raises NotFound."""
        if dataset_id is not None:
            found = Task.get_task(dataset_id)
            assert found is not None  # noqa: S101 - an id that is not there raises
            return cls(found, making.state_of(found))
        rows = cls.find(project=project, name=name, tags=tags, with_archived=with_archived)
        for row in rows:
            is_fit = version in (None, row.task.runtime.get(VERSION))
            is_fit &= not only_completed or row.task.status in (Status.COMPLETED, Status.PUBLISHED)
            is_fit &= not only_published or row.task.status is Status.PUBLISHED
            if is_fit:
                return cls.get(row.id)
        what = "/".join(part for part in (project, name) if part) + (f" {version}" if version else "")
        raise NotFound("dataset", what, "Dataset.find() has those that there are")

    @classmethod
    def find(
        cls,
        *,
        project: str | None = None,
        name: str | None = None,
        partial_name: str | None = None,
        tags: Sequence[str] = (),
        with_archived: bool = True,
        with_subprojects: bool = False,
    ) -> list[Row]:
        """Return the versions that fit, the last made first."""
        wanted = find.Wanted(
            projects=find.names(project),
            with_subprojects=with_subprojects,
            name=name if name is not None else (re.escape(partial_name) if partial_name else None),
            is_name_exact=name is not None,
            tags=tags,
            with_archived=with_archived,
            task_filter={"system_tags": [SYSTEM_TAG], "order_by": ["-created", "-id"]},
        )
        from ..finding import default_store

        return find.find(default_store(), wanted, lambda _: None)

    def add_files(
        self,
        path: str | Path,
        wildcard: str | Sequence[str] | None = None,
        *,
        local_base_folder: str | Path | None = None,
        dataset_path: str = "",
        recursive: bool = True,
    ) -> int:
        """Add a file, or those below a folder that fit a wildcard; return how many are new or different.

        Names are relative to the folder (or to `local_base_folder`), below `dataset_path`. `upload` keeps the bytes;
        until then the files must not change. Raises NotFound, ReadOnly, BadValue.
        """
        self._check_open()
        changed = 0
        for name, source in section.found(Path(path), wildcard, local_base_folder, recursive):
            facts = source.stat()
            digest = sha256_of(source)
            full = section.joined(dataset_path, name)
            before = self._state.files.get(full)
            if before is not None and before.hash == digest:
                continue
            changed += 1
            self._state.links.pop(full, None)
            self._state.files[full] = self._known(digest) or DatasetFile(digest, facts.st_size)
            if not self._state.files[full].archive:
                self._sources[digest] = (source.absolute(), facts.st_size, facts.st_mtime_ns)
        self._is_stored &= not changed
        return changed

    def _known(self, digest: str) -> DatasetFile | None:
        """Return the file of these bytes that this version has already, or that a parent brought."""
        if not hasattr(self, "_by_hash"):
            above = [Dataset.get(each)._state for each in self._state.parents]
            self._by_hash = {item.hash: item for state in above for item in state.files.values()}
            self._by_hash |= {item.hash: item for item in self._state.files.values()}
        return self._by_hash.get(digest)

    def add_external_files(
        self, urls: str | Sequence[str], wildcard: str | None = None, *, dataset_path: str = "", recursive: bool = True
    ) -> int:
        """Add files that stay where they are; of a folder those below it. Return how many are new."""
        self._check_open()
        count = 0
        for url in [urls] if isinstance(urls, str) else urls:
            for name, link, size in making.external(url, recursive=recursive):
                if wildcard and not fnmatch.fnmatch(name, wildcard):
                    continue
                full = section.joined(dataset_path, name)
                count += full not in self._state.links
                self._state.files.pop(full, None)
                self._state.links[full] = DatasetLink(link, size)
        self._is_stored &= not count
        return count

    def remove_files(self, dataset_path: str, *, recursive: bool = True) -> int:
        """Take files off by name or wildcard (`images/*`), or all below a folder; return how many."""
        self._check_open()
        gone = [
            name for name in (*self._state.files, *self._state.links) if section.fits(name, dataset_path, recursive)
        ]
        for name in gone:
            self._state.files.pop(name, None)
            self._state.links.pop(name, None)
        self._is_stored &= not gone
        return len(gone)

    def sync_folder(self, path: str | Path, *, dataset_path: str = "") -> tuple[int, int, int]:
        """Make the files below `dataset_path` those of a folder; return how many are removed, added and modified."""
        before = msgspec.convert(msgspec.to_builtins(self._state), DatasetState)
        there = {
            section.joined(dataset_path, name) for name, _ in section.found(Path(path), None, None, recursive=True)
        }
        prefix = f"{dataset_path.strip('/')}/" if dataset_path.strip("/") else ""
        for name in [name for name in self._state.files if name.startswith(prefix) and name not in there]:
            self.remove_files(name)
        self.add_files(path, dataset_path=dataset_path)
        changes = difference(before, self._state)
        return len(changes.removed), len(changes.added), len(changes.modified)

    def upload(self, *, chunk_mib: float = CHUNK_MIB) -> None:
        """Keep the bytes that no version has yet, and the list of files. Raises BadValue where a file has changed."""
        self._check_open()
        artifacts = Artifacts(self._store, self.id)
        for files in section.chunks(self._waiting(), chunk_mib * (1 << 20)):
            for digest, source in files.items():
                self._check_unchanged(digest, source)
            key = f"data_{sum(name.startswith('data_') for name in artifacts):03}"
            artifacts.upload(key, archive.Packing(files))
            for item in self._state.files.values():
                if item.hash in files and not item.archive:
                    item.task, item.archive = self.id, key
        self._sources.clear()
        self._keep_state()

    def _waiting(self) -> dict[str, tuple[Path, int, int]]:
        wanted = {item.hash for item in self._state.files.values() if not item.archive}
        return {digest: facts for digest, facts in self._sources.items() if digest in wanted}

    def _check_unchanged(self, digest: str, source: Path) -> None:
        _, size, changed = self._sources[digest]
        facts = source.stat()
        if (facts.st_size, facts.st_mtime_ns) != (size, changed):
            raise BadValue(f"{source} has changed since it was added; add it again")

    def _keep_state(self) -> None:
        Artifacts(self._store, self.id).upload(STATE, msgspec.to_builtins(self._state))
        self._is_stored = True

    def finalize(self, *, auto_upload: bool = False) -> None:
        """Close the version: from now on it stays as it is. Raises Refused where something has not been uploaded."""
        if self.is_dirty():
            if not auto_upload:
                raise Refused("the dataset has files that are not uploaded; call upload() first, or auto_upload=True")
            self.upload()
        status = tasks.read(self._paths()).status
        if status is Status.CREATED:
            tasks.transition(self._store, self.id, Status.IN_PROGRESS, reason="finalizing")
            tasks.transition(self._store, self.id, Status.COMPLETED, reason="finalized")

    def is_dirty(self) -> bool:
        """Tell whether something has been changed since the last upload."""
        return not self._is_stored or bool(self._waiting())

    def is_final(self) -> bool:
        """Tell whether the version is closed."""
        return tasks.read(self._paths()).status in (Status.COMPLETED, Status.PUBLISHED)

    def list_files(self, dataset_path: str | None = None, *, recursive: bool = True) -> Sequence[str]:
        """Return the names of all files, or of those that fit."""
        names = sorted((*self._state.files, *self._state.links))
        return [name for name in names if not dataset_path or section.fits(name, dataset_path, recursive)]

    def changes(self, since: str | None = None) -> Names:
        """Return the names that are new, gone or different, compared with the parents or with another version."""
        ids = [since] if since else self._state.parents
        return difference(merged([Dataset.get(each)._state for each in ids]), self._state)

    def get_local_copy(
        self, *, part: int | None = None, num_parts: int | None = None, files: Sequence[str] | None = None
    ) -> Path:
        """Return a folder of the cache with all files, which must not be written to; of several parts that one's.

        With `files` it has those only, by name. Raises NotFound where there is no such file, BadValue, Refused.
        """
        suffix = "" if num_parts is None else f".{part or 0}-of-{num_parts}"
        names = section.chosen(self.list_files(), files)
        suffix += "" if files is None else f".{section.hash_of_names(names)[:12]}"
        if self.is_dirty():
            raise Refused("the dataset has files that are not uploaded; call upload() first")
        digest = section.hash_of(self._state)
        target = self._store.paths.dataset(f"{self.id}.{digest[:12]}{suffix}")
        if not target.is_dir():
            copies.build(self._store, self._state, target, section.part_of(names, part, num_parts), is_linked=True)
        return target

    def get_mutable_local_copy(
        self, folder: str | Path, *, overwrite: bool = False, part: int | None = None, num_parts: int | None = None
    ) -> Path:
        """Copy all files to a folder, which is new or empty unless `overwrite` is given. Raises Conflict."""
        target = Path(folder).expanduser().absolute()
        if target.exists() and any(target.iterdir()):
            if not overwrite:
                raise Conflict(f"there is something in {target} already; overwrite=True deletes it")
            shutil.rmtree(target)
        if target.exists():
            target.rmdir()
        copies.build(
            self._store, self._state, target, section.part_of(self.list_files(), part, num_parts), is_linked=False
        )
        return target

    def verify(self, folder: str | Path | None = None, *, skip_hash: bool = False) -> Sequence[str]:
        """Return the names of the files that are not, in a copy (else the cached one), what the version says."""
        root = Path(folder) if folder is not None else self.get_local_copy()

        def is_same(name: str, item: DatasetFile) -> bool:
            path = root / name
            if not path.is_file() or path.stat().st_size != item.size:
                return False
            return skip_hash or sha256_of(path) == item.hash

        return [name for name, item in sorted(self._state.files.items()) if not is_same(name, item)]

    def set_metadata(self, metadata: object, name: str = "metadata") -> None:
        """Keep an object that tells of the dataset: a DataFrame, a dictionary, an array. Raises ReadOnly."""
        Artifacts(self._store, self.id).upload(f"metadata_{name}", metadata)

    def get_metadata(self, name: str = "metadata") -> Any:  # noqa: ANN401 - what was kept
        """Return that object; None where there is none of that name."""
        found = Artifacts(self._store, self.id).get(f"metadata_{name}")
        return found.get() if found is not None else None

    def _paths(self) -> TaskPaths:
        return places.locate(self._store, self.id)

    def _check_open(self) -> None:
        from ..store.artifacts import check_open

        check_open(tasks.read(self._paths()))
