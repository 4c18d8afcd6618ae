"""`task.models`: the models that a task was given, and those that it made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

from ..core.errors import BadValue, NotFound
from ..disk.layout import TaskPaths
from ..schema import model as records
from ..store import lineage, models
from .checked import labels_of
from .made import OutputModel
from .model import Model
from .owner import Owner

INPUT = "input"
OUTPUT = "output"


class ModelList(Sequence[Model]):
    """Models in the order in which they came; by number, or by slot or name (of several the last)."""

    def __init__(self, found: Sequence[Model]) -> None:
        self._found = tuple(found)

    def __repr__(self) -> str:
        return f"ModelList({list(self._found)!r})"

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, key: int | str) -> Model: ...

    @overload
    def __getitem__(self, key: slice) -> ModelList: ...

    def __getitem__(self, key: int | str | slice) -> Model | ModelList:
        if isinstance(key, slice):
            return ModelList(self._found[key])
        if not isinstance(key, str):
            return self._found[key]
        for model in reversed(self._found):
            if key in (model.slot, model.name):
                return model
        raise KeyError(key)

    def get(self, name: str, default: Model | None = None) -> Model | None:
        """Return the model of that slot or name, else the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> list[str]:
        """Return the slots."""
        return [model.slot for model in self._found]


class Models(Mapping[str, ModelList]):
    """A task's models: `task.models["output"][-1]`. Every look reads the record anew."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def __repr__(self) -> str:
        return f"Models(task {self._owner.task_id!r})"

    def __getitem__(self, key: str) -> ModelList:
        if key not in (INPUT, OUTPUT):
            raise KeyError(key)
        return self.input if key == INPUT else self.output

    def __iter__(self) -> Iterator[str]:
        return iter((INPUT, OUTPUT))

    def __len__(self) -> int:
        return 2

    @property
    def owner(self) -> Owner:
        """The task in whose hands the models are."""
        return self._owner

    @property
    def output(self) -> ModelList:
        """The models that the task made. This reads the disk."""
        store, paths = self._owner.store, self._owner.paths()
        made = models.read(paths).output.values()
        return ModelList([Model.of(store, lineage.Found(paths, record)) for record in made])

    @property
    def input(self) -> ModelList:
        """The models that the task was given. This reads the disk, also of the tasks that made them."""
        given = models.read(self._owner.paths()).input
        return ModelList([self._given(slot, item) for slot, item in given.items()])

    def _given(self, slot: str, item: records.ModelInput) -> Model:
        owner = self._owner
        found = lineage.given(owner.store, owner.paths(), item)
        if found is None:
            gone = lineage.Found(owner.paths(), lineage.missing(item))
            return Model.of(owner.store, gone, slot=slot, user=owner.task_id)
        return Model.of(owner.store, found, slot=slot, user=owner.task_id)

    def set_input(self, model: Model | str, name: str | None = None) -> None:
        """Give a task a model, under a name that it knows it by (else the model's); what had that name is replaced.

        A draft that is given another model than it was run with is run with that one. Raises ReadOnly, NotFound.
        """
        owner = self._owner
        given = model if isinstance(model, Model) else Model.of(owner.store, lineage.find(owner.store, model))
        item = given.as_input(name)
        owner.attempt(lambda: models.give(owner.store, owner.task_id, item))

    def remove_input(self, name: str) -> None:
        """Take a model that the task was given off it. Raises NotFound, ReadOnly."""
        owner = self._owner

        def action(paths: TaskPaths, record: records.ModelsRecord) -> None:
            if record.input.pop(name, None) is None:
                raise NotFound("input model", name, f"the task was given {', '.join(record.input) or 'none'}")

        owner.attempt(lambda: models.change(owner.store, owner.task_id, action))

    def get_label_enumeration(self) -> dict[str, int]:
        """Return the task's labels, which its models have where they say nothing else."""
        return dict(models.read(self._owner.paths()).labels)

    def connect_label_enumeration(self, enumeration: Mapping[str, int]) -> dict[str, int]:
        """Record the task's labels; in a task that is run again the stored ones are returned. Raises BadValue."""
        labels = labels_of(enumeration) or {}
        owner = self._owner

        def action(paths: TaskPaths, record: records.ModelsRecord) -> dict[str, int]:
            if not (owner.is_rerun and record.labels):
                record.labels = labels
            return dict(record.labels)

        stored = owner.attempt(lambda: models.change(owner.store, owner.task_id, action))
        return labels if stored is None else stored

    def update_output(
        self,
        model_path: str | Path,
        name: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
        model_name: str | None = None,
        iteration: int | None = None,
        auto_delete_file: bool = False,
    ) -> str | None:
        """Keep a file or folder as an output model: of the slot `name` (else its file's stem), new or with new weights.

        Returns its path; None where the store of a running program refuses. Raises BadValue, ReadOnly.
        """
        path = Path(model_path)
        slot = name or path.stem
        if not slot:
            raise BadValue(f"model_path must name a file or a folder, not {str(model_path)!r}")
        owner = self._owner
        made = owner.attempt(lambda: list(models.read(owner.paths()).output.values())) or []
        record = next((item for item in reversed(made) if item.slot == slot and not item.ready), None)
        if record is not None:
            model = OutputModel.of_record(owner, record)
        else:
            model = OutputModel.begun(owner, slot, model_name)
        if tags is not None or (record is not None and model_name is not None):
            model.edit(name=model_name, tags=tags)
        kept = model.update_weights(path, iteration=iteration, auto_delete_file=auto_delete_file)
        if comment is not None:
            model.edit(comment=comment)
        return kept
