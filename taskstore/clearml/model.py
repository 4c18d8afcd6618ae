"""Models, which have ClearML's names and arguments in taskstore too; here they also report by themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from .. import models
from ..disk import mounts
from ..schema.record import ARCHIVED
from .errors import refuse
from .logger import Logger


def _reported(name: str) -> Callable[..., Any]:
    """Return a method that reports into the model's task, under the model's name."""

    @functools.wraps(getattr(Logger, name))
    def report(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the Logger's method takes and gives
        return getattr(Logger(self.get_logger()._writer), name)(*args, **kwargs)

    return report


class _Reporting:
    archived_tag = ARCHIVED
    report_confusion_matrix = _reported("report_confusion_matrix")
    report_histogram = _reported("report_histogram")
    report_line_plot = _reported("report_line_plot")
    report_matrix = _reported("report_matrix")
    report_scalar = _reported("report_scalar")
    report_scatter2d = _reported("report_scatter2d")
    report_scatter3d = _reported("report_scatter3d")
    report_single_value = _reported("report_single_value")
    report_surface = _reported("report_surface")
    report_table = _reported("report_table")
    report_vector = _reported("report_vector")

    def get_offline_mode_folder(self) -> NoReturn:
        """Raise NotSupported."""
        refuse("Model.get_offline_mode_folder", "Model.get_local_copy returns the path of the weights")


def _of_ours(function: Callable[..., list[models.Model]]) -> Any:  # noqa: ANN401 - a method of the same arguments
    @functools.wraps(function)
    def query(cls: type[object], *args: Any, **kwargs: Any) -> list[Model]:  # noqa: ANN401, ARG001 - as it takes
        return [ours(model) for model in function(models.Model, *args, **kwargs)]

    return classmethod(query)


class _Said(_Reporting, models.Model):
    """What is said of a model is set by attributes too; that writes to the disk."""

    query_models = _of_ours(models.Model.query_models.__func__)  # type: ignore[attr-defined]  # a classmethod's

    @property
    def name(self) -> str:
        """The model's name."""
        return super().name

    @name.setter
    def name(self, name: str) -> None:
        self.edit(name=name)

    @property
    def comment(self) -> str:
        """What is said of it."""
        return super().comment

    @comment.setter
    def comment(self, comment: str) -> None:
        self.edit(comment=comment)

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return super().tags

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self.edit(tags=tags)

    @property
    def url(self) -> str:
        """The address of its weights: elsewhere, or where they lie in the task's folder at the moment."""
        file = self._record.file
        if self._record.uri or file is None:
            return self._record.uri
        path = self._owner.paths().home / file.path
        mounts.bring(path)
        return path.as_uri()

    @property
    def system_tags(self) -> list[str]:
        """The marks that programs set."""
        return super().system_tags

    @system_tags.setter
    def system_tags(self, tags: Sequence[str]) -> None:
        self.edit(system_tags=tags)


class Model(_Said):
    """A model of the store, by its id."""


def ours(model: models.Model) -> Model:
    """Return a model of taskstore's as one of ClearML's names."""
    made = Model.__new__(Model)
    made.__dict__.update(model.__dict__)
    return made


class TaskModels(models.Models):
    """A task's models: `task.models["output"][-1]`. Every look reads the record anew."""

    @property
    def output(self) -> models.ModelList:
        """The models that the task made. This reads the disk."""
        return models.ModelList([ours(model) for model in super().output])

    @property
    def input(self) -> models.ModelList:
        """The models that the task was given. This reads the disk."""
        return models.ModelList([ours(model) for model in super().input])


class InputModel(_Said, models.InputModel):
    """A model that a task is given."""


class OutputModel(_Said, models.OutputModel):
    """A model that a task makes."""

    @property
    def labels(self) -> dict[str, int]:
        """Its labels, and the number that stands for each."""
        return super().labels

    @labels.setter
    def labels(self, labels: Mapping[str, int]) -> None:
        self.update_labels(labels)

    @property
    def config_text(self) -> str:
        """Its design, as text."""
        return super().config_text

    @config_text.setter
    def config_text(self, text: str) -> None:
        self.update_design(config_text=text)

    @property
    def config_dict(self) -> dict[str, Any] | None:
        """Its design, as a dictionary."""
        return super().config_dict

    @config_dict.setter
    def config_dict(self, value: Mapping[str, Any]) -> None:
        self.update_design(config_dict=value)


class Framework:
    """ClearML's words for what weights are of."""

    tensorflow = "TensorFlow"
    tensorflowjs = "TensorFlow_js"
    tensorflowlite = "TensorFlow_Lite"
    pytorch = "PyTorch"
    torchscript = "TorchScript"
    caffe = "Caffe"
    caffe2 = "Caffe2"
    onnx = "ONNX"
    keras = "Keras"
    mxnet = "MXNet"
    cntk = "CNTK"
    torch = "Torch"
    darknet = "Darknet"
    paddlepaddle = "PaddlePaddle"
    scikitlearn = "ScikitLearn"
    xgboost = "XGBoost"
    lightgbm = "LightGBM"
    parquet = "Parquet"
    megengine = "MegEngine"
    catboost = "CatBoost"
