"""The models that a task is given: made by another one, or from outside of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import BadValue, NotFound
from ..core.ids import new_id
from ..core.names import check_name, check_tag
from ..core.urls import strip_credentials
from ..disk.atomic import sha256_of
from ..disk.layout import TaskPaths
from ..schema import model as records
from ..schema.record import ARCHIVED
from ..sections import models as section
from ..store import destination, lineage, models, settings
from ..store.store import Store
from .checked import design_of, labels_of
from .facts import Facts
from .model import Model
from .owner import HasModels, Owner, default_store, owner_for


class InputModel(Model):
    """A model to begin from. `connect` records that a task was given it."""

    def __init__(
        self,
        model_id: str | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str | None] | None = None,
        only_published: bool = False,
    ) -> None:
        """Take the model of an id, else the newest of those that fit all the rest. Raises NotFound, BadValue."""
        store = default_store()
        if model_id:
            self._become(store, lineage.find(store, model_id))
            return
        if not (name or project or tags):
            raise BadValue("which model? give model_id, or name, project or tags")
        wanted = section.Wanted(project=project, name=name, tags=tags or (), only_published=only_published, limit=1)
        found = section.query(store, wanted)
        if not found:
            what = ", ".join(f"{key} {value!r}" for key, value in (("project", project), ("tags", tags)) if value)
            raise NotFound("model", name or what, "Model.query_models() finds those that there are")
        self._become(store, found[0])

    @classmethod
    def import_model(
        cls,
        weights_url: str | Path,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        is_package: bool = False,
        create_as_published: bool = False,
        framework: str | None = None,
    ) -> InputModel:
        """Take weights from a file or an address as a model; the one that has them, where there is such in the store.

        Nothing is copied or fetched, and nothing recorded until it is connected to a task. Of a file the SHA-256 is
        kept, unless it is larger than `models.auto_copy_mib`. Raises BadValue where there is no such file, BadName.
        """
        known = cls.load_model(weights_url, load_archived=True)
        if known is not None:
            return known
        uri = _address(weights_url)
        record = records.Model(
            id=new_id(),
            name=check_name("model", name or f"{Path(destination.name_of(uri)).stem} model"[:4096]),
            framework=framework or "",
            labels=labels_of(label_enumeration) or {},
            design=design_of(config_text, config_dict) or "",
            tags=list(dict.fromkeys(check_tag(tag) for tag in tags or ())),
            comment=comment or "",
            uri=uri,
            is_package=is_package,
            ready=create_as_published,
        )
        store = default_store()
        _add_hash(store, record)
        return cls._outside(store, record, project or "")

    @classmethod
    def _outside(cls, store: Store, record: records.Model, project: str = "") -> InputModel:
        """Return a model that no task has yet."""
        record.created = record.last_update = store.clock.now()
        model = cls.__new__(cls)
        Facts.__init__(model, Owner(store, ""), record, project=project, maker="")
        return model

    @classmethod
    def empty(
        cls,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
    ) -> InputModel:
        """Return a model of labels and a design, without weights. Raises BadValue."""
        labels, design = labels_of(label_enumeration) or {}, design_of(config_text, config_dict) or ""
        return cls._outside(
            default_store(), records.Model(id=new_id(), name="empty model", labels=labels, design=design)
        )

    @classmethod
    def load_model(cls, weights_url: str | Path, load_archived: bool = False) -> InputModel | None:
        """Return the model whose weights are at an address, or are the bytes of a file; None where there is none."""
        store = default_store()
        uri = _address(weights_url, must_exist=False)
        found = lineage.by_address(store, uri)
        local = Path(weights_url).expanduser() if destination.is_local(str(weights_url)) else None
        if found is None and local is not None and local.is_file():
            configured, _ = settings.load_sound(store)
            if not section.is_large(store, local, configured.models.auto_copy_mib):
                found = lineage.by_file(store, sha256_of(local), str(local.absolute()))
        if found is None:
            return None
        model = cls.__new__(cls)
        model._become(store, found)
        return None if ARCHIVED in model.system_tags and not load_archived else model

    def connect(
        self, task: HasModels | str | None = None, name: str | None = None, ignore_remote_overrides: bool = False
    ) -> None:
        """Record that a task (else this process's open one) is given this model, under a name that it knows it by.

        The task takes its labels and design. In a task that is run again, what has that name in the stored task is
        used instead: this object is that model then, unless `ignore_remote_overrides` is true. Raises ReadOnly.
        """
        owner = owner_for(task)
        item = self.as_input(name)
        if owner.is_rerun and not ignore_remote_overrides:
            stored = owner.attempt(lambda: models.read(owner.paths()).input.get(item.slot))
            if stored is not None and stored.model != self.id:
                found = lineage.given(owner.store, owner.paths(), stored)
                if found is not None:
                    self._become(owner.store, found, slot=item.slot, user=owner.task_id)
                    return
                owner.warn(f"the model that is stored as {item.slot!r} is deleted; the program's own is used")
        labels, design = self.labels, self.config_text

        def action(paths: TaskPaths, record: records.ModelsRecord) -> None:
            item.timestamp = owner.store.clock.now()
            record.input[item.slot] = item
            record.labels = labels or record.labels
            record.design = design or record.design

        owner.attempt(lambda: models.change(owner.store, owner.task_id, action))
        self._slot, self._user = item.slot, owner.task_id
        if not self._owner.task_id:
            self._owner = owner


def _address(weights_url: str | Path, *, must_exist: bool = True) -> str:
    text = str(weights_url)
    if not text or text == ".":
        raise BadValue(f"weights_url must be a file or an address, not {text!r}")
    if not destination.is_local(text) or text.startswith("file://"):
        return strip_credentials(text)
    path = Path(text).expanduser()
    if must_exist and not path.exists():
        raise BadValue(f"there is no file {text!r}")
    return path.absolute().as_uri()


def _add_hash(store: Store, record: records.Model) -> None:
    """Keep the SHA-256 of a file of this machine, by which it is known again wherever it is."""
    path = destination.local_path(record.uri)
    configured, _ = settings.load_sound(store)
    if path is not None and path.is_file() and not section.is_large(store, path, configured.models.auto_copy_mib):
        record.uri_size, record.uri_hash = path.stat().st_size, sha256_of(path)
