"""Models, which have ClearML's names and arguments in taskstore too; here they also report by themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from .. import models
from ..logger import Logger
from ..schema.record import ARCHIVED
from .errors import refuse


def _reported(name: str) -> Callable[..., Any]:
    """Return a method that reports into the model's task, under the model's name."""

    @functools.wraps(getattr(Logger, name))
    def report(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the Logger's method takes and gives
        return getattr(self.get_logger(), name)(*args, **kwargs)

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
        refuse("Model.get_offline_mode_folder", "get_local_copy() returns the path of the weights")


class Model(_Reporting, models.Model):
    """A model of the store, by its id."""


class InputModel(_Reporting, models.InputModel):
    """A model that a task is given."""


class OutputModel(_Reporting, models.OutputModel):
    """A model that a task makes."""


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
