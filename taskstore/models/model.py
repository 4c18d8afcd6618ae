"""A model of the store: looked up by its id, found by a query, or one of a task's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..core.errors import BadValue, Conflict, Refused, TaskstoreError
from ..core.names import check_name, check_tag, decode
from ..disk.layout import TaskPaths
from ..schema import model as records
from ..schema.record import ARCHIVED
from ..sections import models as section
from ..store import copies, lineage, models, places
from ..store.store import Store
from .checked import metadatum
from .facts import Facts
from .owner import default_store, owner_of
from .reports import ModelLogger


class Model(Facts):
    """A model; its weights are with the task that made it, or where it says.

    Attributes are of the moment in which it was looked up; methods read and change what is stored.
    """

    def __init__(self, model_id: str) -> None:
        """Look a model up by its id. Raises NotFound."""
        store = default_store()
        self._become(store, lineage.find(store, model_id))

    def _become(self, store: Store, found: lineage.Found, *, slot: str = "", user: str = "") -> None:
        paths, record = found
        is_made_here = record.id in models.read(paths).output
        Facts.__init__(
            self,
            owner_of(store, paths.id),
            record,
            project=places.project_of(store, paths.home),
            is_published=is_made_here and models.is_published(paths, record),
            slot=slot,
            user=user,
            maker=None if is_made_here else "",
        )

    @classmethod
    def of(cls, store: Store, found: lineage.Found, *, slot: str = "", user: str = "") -> Model:
        """Return what was found as a model."""
        model = Model.__new__(Model)
        model._become(store, found, slot=slot, user=user)
        return model

    @classmethod
    def query_models(
        cls,
        project_name: str | None = None,
        model_name: str | None = None,
        tags: Sequence[str | None] | None = None,
        only_published: bool = False,
        include_archived: bool = False,
        max_results: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> list[Model]:
        """Return the models that fit all that is given, the newest first.

        Project and name are exact; tags are in ClearML's language; of metadata each entry must be there with that
        value. Raises BadValue.
        """
        if max_results is not None and (not isinstance(max_results, int) or max_results < 1):
            raise BadValue(f"max_results must be a number from 1 on, not {max_results!r}")
        store = default_store()
        wanted = section.Wanted(
            project=project_name,
            name=model_name,
            tags=tags or (),
            only_published=only_published,
            with_archived=include_archived,
            metadata=metadata or {},
            limit=max_results,
        )
        return [Model.of(store, found) for found in section.query(store, wanted)]

    @classmethod
    def remove(
        cls, model: Model | str, delete_weights_file: bool = True, force: bool = False, raise_on_errors: bool = False
    ) -> bool:
        """Delete a model and its weights, wherever they are; tell whether it is gone.

        Published ones, and those that other tasks were given, are refused unless `force` is true; one whose task is
        published always. With delete_weights_file=False it is refused where the weights are in the task's folder.
        """
        try:
            found = model if isinstance(model, Model) else Model(model)
            found._check_removable(delete_weights_file=delete_weights_file, force=force)
            owner = found._owner
            section.remove(owner.store, owner.task_id, found.id, keep_elsewhere=not delete_weights_file)
        except TaskstoreError:
            if raise_on_errors:
                raise
            return False
        return True

    def _check_removable(self, *, delete_weights_file: bool, force: bool) -> None:
        if self._record.file is not None and not delete_weights_file:
            raise Refused(
                f"the weights of model {self.name!r} are in its task's folder and go with it: get a copy first"
            )
        if force:
            return
        if self.published:
            raise Refused(f"model {self.name!r} is published; force=True deletes it all the same")
        users = [task for task in self.used_by() if task != self._maker]
        if users:
            raise Refused(f"task {users[0][:12]} was given model {self.name!r}; force=True deletes it all the same")

    def refresh(self) -> None:
        """Look it up again. Raises NotFound."""
        found = lineage.find(self._owner.store, self.id, self._owner.task_id)
        self._become(self._owner.store, found, slot=self._slot, user=self._user)

    def as_input(self, slot: str | None = None) -> records.ModelInput:
        """Return what is recorded of it where a task is given it: which it is, or else what it is."""
        about = None if self._maker else self._record
        uri = self._record.uri
        return records.ModelInput(
            slot=slot or self._slot or self.name,
            model=self.id,
            task=self._maker,
            source=self._record.source or uri,
            about=about,
        )

    def used_by(self) -> list[str]:
        """Return the ids of the tasks that were given this model, the newest first."""
        return lineage.users(self._owner.store, [self.id])[self.id]

    def get_weights(
        self, raise_on_error: bool = False, force_download: bool = False, extract_archive: bool = False
    ) -> str | None:
        """Return a path of its weights, read-only; of a package its archive, or unpacked the folder.

        None where they cannot be had, unless `raise_on_error` is true.
        """
        path = self._local(raise_on_error, lambda: self._weights(force_download, is_unpacked=extract_archive))
        return str(path) if path is not None else None

    def get_local_copy(
        self,
        extract_archive: bool | None = None,
        raise_on_error: bool = False,
        force_download: bool = False,
        *,
        folder: str | Path | None = None,
    ) -> str | None:
        """Return a path of its weights; a package is unpacked, unless told otherwise, and its folder returned.

        Without a folder it is the store's own and not to be written to; in a `folder` it is a copy that is the
        caller's. Weights that are elsewhere are fetched once, and checked. None where they cannot be had, unless
        `raise_on_error` is true.
        """
        is_unpacked = self._record.is_package and extract_archive is not False

        def get() -> Path:
            if folder is None:
                return self._weights(force_download, is_unpacked=is_unpacked)
            path = self._weights(force_download, is_unpacked=False)
            target = Path(folder).expanduser() / (decode(path.name) or path.name)
            return copies.copied(path, target.with_suffix("") if is_unpacked else target, is_unpacked=is_unpacked)

        found = self._local(raise_on_error or folder is not None, get)
        return str(found) if found is not None else None

    def get_weights_package(
        self,
        return_path: bool = False,
        raise_on_error: bool = False,
        force_download: bool = False,
        extract_archive: bool = True,
    ) -> str | list[str] | None:
        """Return the files of a package, or with `return_path` the folder that they are in."""
        path = self._local(raise_on_error, lambda: self._weights(force_download, is_unpacked=extract_archive))
        if path is None or return_path or not path.is_dir():
            return None if path is None else str(path) if return_path else [str(path)]
        return sorted(str(item) for item in path.rglob("*") if item.is_file())

    def _weights(self, is_forced: bool, *, is_unpacked: bool) -> Path:
        owner = self._owner
        path = section.local_path(owner.store, owner.task_id, self._record, is_forced=is_forced)
        if not (is_unpacked and self._record.is_package) or path.is_dir():
            return path
        digest = self._record.hash
        what = f"model {self.name!r}"
        return copies.unpacked(owner.store, path, copies.checked_hash(path, digest, what) if digest else what)

    def _local(self, raise_on_error: bool, get: Callable[[], Path]) -> Path | None:
        try:
            return get()
        except (OSError, TaskstoreError) as error:
            if raise_on_error or isinstance(error, Conflict):
                raise
            self._owner.warn(f"the weights of model {self.name!r} cannot be had: {error}")
            return None

    def edit(
        self,
        *,
        name: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
        system_tags: Sequence[str] | None = None,
    ) -> None:
        """Change what is said of it, in any status of its task. Raises BadName, NotFound."""
        checked = None if name is None else check_name("model", name)
        marks = None if tags is None else list(dict.fromkeys(check_tag(tag) for tag in tags))

        def change(record: records.Model) -> None:
            record.name = record.name if checked is None else checked
            record.comment = record.comment if comment is None else comment
            record.tags = record.tags if marks is None else marks
            record.system_tags = record.system_tags if system_tags is None else list(system_tags)

        self._edit(change, is_said=True)

    def _edit(self, change: Callable[[records.Model], None], *, is_said: bool) -> None:
        owner = self._owner

        def action(paths: TaskPaths, record: records.ModelsRecord) -> records.Model:
            model = models.find(record, self.id)
            if not is_said:
                models.check_unpublished(paths, model)
            change(model)
            model.last_update = owner.store.clock.now()
            return model

        changed = owner.attempt(lambda: models.change(owner.store, owner.task_id, action, is_said=is_said))
        if changed is not None:
            self._record = changed

    def set_metadata(self, key: str, value: object, v_type: str | None = None) -> bool:
        """Set one entry of its metadata, kept as text, with its type. Tells that it is done."""
        item = metadatum(value, v_type)
        self._edit(lambda record: record.metadata.update({str(key): item}), is_said=True)
        return str(key) in self._record.metadata

    def set_all_metadata(self, metadata: Mapping[str, Mapping[str, object]], replace: bool = True) -> bool:
        """Set entries: {key: {"value": …, "type": …}}; all others go, unless `replace` is false."""
        items = {}
        for key, entry in metadata.items():
            if not isinstance(entry, Mapping) or "value" not in entry:
                raise BadValue(f'metadata must be {{key: {{"value": …, "type": …}}}}, not {entry!r} for {key!r}')
            kind = entry.get("type")
            items[str(key)] = metadatum(entry["value"], None if kind is None else str(kind))

        def change(record: records.Model) -> None:
            record.metadata = items if replace else {**record.metadata, **items}

        self._edit(change, is_said=True)
        return items.keys() <= self._record.metadata.keys()

    def publish(self) -> None:
        """Make it final: its weights, labels and design change no more."""
        if self.published:
            return
        self._edit(lambda record: setattr(record, "ready", True), is_said=True)
        self._is_published = self._record.ready

    def archive(self) -> None:
        """Put it away: queries leave it out."""
        self.edit(system_tags=[*(tag for tag in self.system_tags if tag != ARCHIVED), ARCHIVED])

    def unarchive(self) -> None:
        """Bring it back."""
        self.edit(system_tags=[tag for tag in self.system_tags if tag != ARCHIVED])

    def get_logger(self) -> ModelLogger:
        """Return what reports into its task under the model's name. Raises ReadOnly where the task has ended."""
        return ModelLogger(self._owner.writer(), self.name)
