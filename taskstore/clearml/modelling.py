"""Models of a task, its labels, and the place where its outputs go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..models import InputModel, Model, Models
from .errors import as_value_error, refuse
from .held import Held
from .model import TaskModels

_DESIGN = "OutputModel.update_design and task.connect_configuration keep a model's design"


class Modelling(Held):
    """Keeps and finds models."""

    @property
    def models(self) -> Models:
        """The models: `task.models["output"][-1]`, `task.models.input["name"]`."""
        return TaskModels(self._task.models.owner)

    def get_models(self) -> Mapping[str, Sequence[Model]]:
        """Return {'input': [...], 'output': [...]}."""
        return self.models

    @property
    def input_models_id(self) -> dict[str, str]:
        """The ids of the models that the task was given, by name."""
        return {model.name: model.id for model in self._task.models.input}

    @property
    def output_models_id(self) -> dict[str, str]:
        """The ids of the models that the task made, by name."""
        return {model.name: model.id for model in self._task.models.output}

    def update_output_model(
        self,
        model_path: str | Path,
        name: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
        model_name: str | None = None,
        iteration: int | None = None,
        auto_delete_file: bool = False,
    ) -> str | None:
        """Keep a file or folder as an output model; return its path."""
        with as_value_error():
            return self._task.models.update_output(
                model_path, name, comment, tags, model_name, iteration, auto_delete_file=auto_delete_file
            )

    def set_input_model(
        self,
        model_id: str | None = None,
        model_name: str | None = None,
        update_task_design: bool = True,  # noqa: ARG002 - the model has its own
        update_task_labels: bool = True,  # noqa: ARG002
        name: str | None = None,
    ) -> None:
        """Give the task a model, by its id or its name."""
        with as_value_error():
            self._task.models.set_input(model_id or InputModel(name=model_name), name)

    def remove_input_models(self, models_to_remove: Sequence[str | Model]) -> None:
        """Take models that the task was given off it, by their ids, names or themselves."""
        unwanted = {one if isinstance(one, str) else one.id for one in models_to_remove}
        for model in self._task.models.input:
            if unwanted & {model.id, model.name, model.slot}:
                self._task.models.remove_input(model.slot)

    def connect_label_enumeration(
        self,
        enumeration: dict[str, int],
        ignore_remote_overrides: bool = False,  # noqa: ARG002
    ) -> dict[str, int]:
        """Record the labels that models of the task have; in a task that is run again the stored ones."""
        return self._task.models.connect_label_enumeration(enumeration)

    def set_model_label_enumeration(self, enumeration: Mapping[str, int] | None = None) -> None:
        """Record the labels that models of the task have."""
        self._task.models.connect_label_enumeration(enumeration or {})

    def get_labels_enumeration(self) -> dict[str, int]:
        """Return the labels of the task's models."""
        return self._task.models.get_label_enumeration()

    def get_label_num_description(self) -> dict[int, list[str]]:
        """Return the names of each number among the labels."""
        labels = self.get_labels_enumeration()
        return {number: [name for name, each in labels.items() if each == number] for number in labels.values()}

    def get_num_of_classes(self) -> int:
        """Return the number of different labels."""
        return len(set(self.get_labels_enumeration().values()))

    @property
    def output_uri(self) -> str:
        """Where artifacts and models go besides the task's folder; empty for nowhere else."""
        return self._task.details.get_output_uri()

    @output_uri.setter
    def output_uri(self, uri: str | None) -> None:
        self._task.details.set_output_uri(uri)

    @property
    def storage_uri(self) -> str:
        """Where artifacts and models go, by ClearML's earlier name."""
        return self._task.details.get_output_uri()

    @storage_uri.setter
    def storage_uri(self, uri: str | None) -> None:
        self._task.details.set_output_uri(uri)

    def get_output_destination(self, extra_path: str | None = None, **kwargs: Any) -> str:  # noqa: ANN401, ARG002
        """Return where outputs go: the place of output_uri, else the task's folder; with a suffix."""
        place = self._task.details.get_output_uri() or str(self._task.path())
        return f"{place.rstrip('/')}/{extra_path}" if extra_path else place

    def save_exec_model_design_file(self, filename: str = "model_design.txt", use_cache: bool = False) -> NoReturn:
        """Raise NotSupported."""
        refuse("save_exec_model_design_file", _DESIGN)

    def update_model_desc(self, new_model_desc_file: str | None = None) -> NoReturn:
        """Raise NotSupported."""
        refuse("update_model_desc", _DESIGN)
