"""The models that a task makes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..core.errors import BadValue, Refused
from ..core.ids import new_id
from ..core.names import check_name, check_tag
from ..core.urls import strip_credentials
from ..schema import model as records
from ..sections import models as section
from ..store import destination, lineage, models, places, settings, tasks
from .checked import design_of, labels_of
from .facts import Facts
from .model import Model
from .owner import HasModels, Owner, owner_for


class OutputModel(Model):
    """A model that a task makes: recorded when this is made, with weights from `update_weights` on."""

    _default_uri: ClassVar[str] = ""

    def __init__(
        self,
        task: HasModels | str | None = None,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        framework: str | None = None,
        base_model_id: str | None = None,
    ) -> None:
        """Record a model of the task, else of this process's open one. What is not said of it is the task's.

        Raises Refused where no task is open, ReadOnly for one that has ended, BadName, BadValue.
        """
        owner = owner_for(task)
        record = records.Model(
            id=new_id(),
            name=check_name("model", name) if name is not None else "",
            slot=name or "",
            framework=framework or "",
            labels=labels_of(label_enumeration) or {},
            design=design_of(config_text, config_dict) or "",
            tags=list(dict.fromkeys(check_tag(tag) for tag in tags or ())),
            comment=comment or "",
            parent=base_model_id or "",
        )
        self._begin(owner, record)

    def _begin(self, owner: Owner, record: records.Model) -> None:
        self._upload_uri = self._default_uri
        project = owner.attempt(lambda: places.project_of(owner.store, owner.paths().home))
        added = owner.attempt(lambda: models.add(owner.store, owner.task_id, record))
        record.name = record.name or "model"
        Facts.__init__(self, owner, added or record, project=project or "")

    @classmethod
    def begun(cls, owner: Owner, slot: str, name: str | None) -> OutputModel:
        """Return a new model of a task, known to it by a slot."""
        model = cls.__new__(cls)
        task_name = owner.attempt(lambda: tasks.read(owner.paths()).name)
        model._begin(owner, records.Model(id=new_id(), name=name or f"{task_name} - {slot}", slot=slot))
        return model

    @classmethod
    def of_record(cls, owner: Owner, record: records.Model) -> OutputModel:
        """Return a model that a task has made, to be gone on with."""
        model = cls.__new__(cls)
        model._upload_uri = cls._default_uri
        model._become(owner.store, lineage.Found(owner.paths(), record))
        return model

    def connect(self, task: HasModels | str, name: str | None = None, **_: object) -> None:
        """Give it another name in its task. Raises Refused for any other task: a model is of the one that made it."""
        if owner_for(task).task_id != self._owner.task_id:
            raise Refused(
                f"model {self.name!r} is of task {self._owner.task_id[:12]}; "
                f'another task is given it by InputModel("{self.id}").connect(task)'
            )
        if name:
            self._edit(lambda record: setattr(record, "slot", name), is_said=False)
            self._slot = self._record.slot

    def update_weights(
        self,
        weights_filename: str | Path | None = None,
        upload_uri: str | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = False,
        register_uri: str | None = None,
        iteration: int | None = None,
        update_comment: bool = True,
        is_package: bool = False,
        async_enable: bool = True,
        *,
        snapshots: int | None = None,
    ) -> str | None:
        """Keep a file (or a folder, as an archive) as the model's weights; whole and durable when this returns.

        With an iteration they are a snapshot, of which the latest `snapshots` stay (None: as the settings say, 0: all).
        With `register_uri` they are recorded where they are. `auto_delete_file` deletes a file that was put at
        `upload_uri`. `async_enable` is ClearML's, and means nothing here.

        Returns the file's path or the address; None where the store of a running program refuses. Raises BadValue
        where there is no such file, Refused for a published model, ReadOnly for a task that has ended.
        """
        if (weights_filename is None) == (register_uri is None):
            raise BadValue("give weights_filename, or register_uri for weights that stay where they are")
        if register_uri is not None:
            return self._register(register_uri, iteration, update_comment=update_comment)
        path = Path(weights_filename).expanduser()  # type: ignore[arg-type]  # not None: see above
        if path.is_dir():
            files, source = section.files_below(self._owner.store, path), None
        else:
            files, source = {}, path
        kept = section.Kept(
            path=source,
            files=files,
            name=target_filename or path.name if source else _zip_name(target_filename or path.resolve().name),
            is_package=is_package or source is None,
            iteration=_checked_iteration(iteration),
            snapshots=self._limit(snapshots),
            source=str(path.absolute()),
            place=f"saved as {path}" if update_comment else "",
            upload_uri=upload_uri or self._upload_uri,
        )
        is_kept = self._keep(kept)
        if is_kept and auto_delete_file and upload_uri and source is not None and self._record.uri:
            with contextlib.suppress(OSError):
                source.unlink()
        return str(path) if is_kept else None

    def update_weights_package(
        self,
        weights_filenames: Sequence[str | Path] | None = None,
        weights_path: str | Path | None = None,
        upload_uri: str | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = False,
        iteration: int | None = None,
        async_enable: bool = True,
        *,
        snapshots: int | None = None,
    ) -> str | None:
        """Keep several files, or a folder, as the model's weights: one archive of equal bytes for equal files.

        Files of several folders keep what of their paths tells them apart. Returns the name of the archive; all else is
        as for `update_weights`.
        """
        if (weights_filenames is None) == (weights_path is None):
            raise BadValue("give weights_filenames, or weights_path for a folder")
        if weights_path is not None:
            folder = Path(weights_path).expanduser()
            files = section.files_below(self._owner.store, folder)
            source, stem = str(folder.absolute()), folder.resolve().name
        else:
            files = _by_relative_name([Path(name).expanduser() for name in weights_filenames or ()])
            source, stem = "", self.name
        kept = section.Kept(
            files=files,
            name=_zip_name(target_filename or stem),
            is_package=True,
            iteration=_checked_iteration(iteration),
            snapshots=self._limit(snapshots),
            source=source,
            upload_uri=upload_uri or self._upload_uri,
        )
        is_kept = self._keep(kept)
        if is_kept and auto_delete_file and upload_uri and self._record.uri:
            for path in files.values():
                with contextlib.suppress(OSError):
                    path.unlink()
        return kept.name if is_kept else None

    def _limit(self, snapshots: int | None) -> int:
        if snapshots is not None:
            return snapshots
        configured, _ = settings.load_sound(self._owner.store)
        return configured.models.snapshots

    def _keep(self, kept: section.Kept) -> bool:
        kept.check()
        owner = self._owner
        changed = owner.attempt(lambda: section.keep(owner.store, owner.task_id, self.id, kept, warn=owner.warn))
        self._record = changed or self._record
        return changed is not None

    def _register(self, uri: str, iteration: int | None, *, update_comment: bool) -> str | None:
        owner, bare = self._owner, strip_credentials(uri)
        changed = owner.attempt(
            lambda: section.register(
                owner.store,
                owner.task_id,
                self.id,
                bare,
                iteration=_checked_iteration(iteration),
                place=f"weights at {bare}" if update_comment else "",
            )
        )
        self._record = changed or self._record
        return bare if changed is not None else None

    def update_labels(self, labels: Mapping[str, int]) -> None:
        """Replace its labels. Raises BadValue, Refused for a published one."""
        checked = labels_of(labels) or {}
        self._edit(lambda record: setattr(record, "labels", checked), is_said=False)

    def update_design(self, config_text: str | None = None, config_dict: Mapping[str, Any] | None = None) -> bool:
        """Replace its design. Tells that it is done. Raises BadValue, Refused for a published one."""
        design = design_of(config_text, config_dict)
        if design is None:
            raise BadValue("give config_text or config_dict")
        self._edit(lambda record: setattr(record, "design", design), is_said=False)
        return self._record.design == design

    def set_framework(self, framework: str) -> None:
        """Say what its weights are of. Raises Refused for a published one."""
        self._edit(lambda record: setattr(record, "framework", framework), is_said=False)

    @property
    def upload_storage_uri(self) -> str:
        """Where weights go besides the task's folder, where it was said for this model."""
        return destination.recorded(self._upload_uri) if self._upload_uri else ""

    def set_upload_destination(self, uri: str) -> None:
        """Say where this model's weights go besides the task's folder. Raises BadValue, Refused."""
        destination.recorded(uri)
        self._upload_uri = uri

    @classmethod
    def set_default_upload_uri(cls, output_uri: str | None) -> None:
        """Say where the weights of models that are made from now on go besides their tasks' folders."""
        if output_uri is not None:
            destination.recorded(output_uri)
        OutputModel._default_uri = output_uri or ""

    @classmethod
    def wait_for_uploads(cls, timeout: float | None = None, max_num_uploads: int | None = None) -> None:
        """Return at once: weights are where they belong when `update_weights` has returned."""


def _zip_name(name: str) -> str:
    return name if name.lower().endswith(".zip") else f"{name}.zip"


def _checked_iteration(iteration: object) -> int | None:
    if iteration is None:
        return None
    try:
        return int(iteration)  # type: ignore[call-overload,no-any-return]  # whatever counts as a number
    except (TypeError, ValueError):
        raise BadValue(f"iteration must be a whole number, not {iteration!r}") from None


def _by_relative_name(paths: Sequence[Path]) -> dict[str, Path]:
    import os

    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise BadValue(f"there is no file {str(missing[0])!r}")
    whole = [path.absolute() for path in paths]
    base = os.path.commonpath([path.parent for path in whole]) if whole else ""
    return {path.relative_to(base).as_posix(): path for path in whole}
