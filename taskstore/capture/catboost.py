"""Capture of CatBoost: its model files, and a scalar for each data set and metric that a training evaluates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .base import Sink, contained
from .saving import Call, argument, watching

CAPTURE = "catboost"
MODELS = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report saves and loads of models, and evaluations: on a GPU, where CatBoost takes no callback, at the end.

    The titles of the second training and later ones have its number in them, as ClearML's do.
    """
    count = itertools.count()

    def observer(arguments: Mapping[str, Any]) -> object:
        return None if _is_on_gpu(arguments["self"]) else _Evaluations(sink, next(count))

    def trained(call: Call) -> None:
        model = call.args[0]
        if _is_on_gpu(model):
            _Evaluations(sink, next(count)).report_all(model.evals_result_)

    with watching(sink, CAPTURE, framework="CatBoost", key="catboost") as watch:
        watch.saves(module.CatBoost, "save_model", argument(1, "fname"))
        watch.loads(module.CatBoost, "load_model", argument(1, "fname"))
        for model in (getattr(module, name) for name in MODELS if hasattr(module, name)):
            watch.adds_callback(model, "fit", observer)
            watch.after(model, "fit", trained)
        yield


def _is_on_gpu(model: Any) -> bool:  # noqa: ANN401 - a CatBoost model
    return str(model.get_param("task_type")).upper() == "GPU"


class _Evaluations:
    def __init__(self, sink: Sink, number: int) -> None:
        self._sink = sink
        self._number = number

    def after_iteration(self, info: Any) -> bool:  # noqa: ANN401 - CatBoost's own
        """Report one iteration; true means to go on."""
        with contained(self._sink, CAPTURE):
            for data, metrics in (info.metrics or {}).items():
                for metric, values in metrics.items():
                    self._sink.reporter.report_scalar(self._title(data), metric, values[-1], info.iteration)
        return True

    def report_all(self, results: Mapping[str, Mapping[str, list[float]]]) -> None:
        """Report what a training has evaluated that is over."""
        for data, metrics in results.items():
            for metric, values in metrics.items():
                for iteration, value in enumerate(values, 1):
                    self._sink.reporter.report_scalar(self._title(data), metric, value, iteration)

    def _title(self, data: str) -> str:
        return f"{data} - {self._number}" if self._number else data
