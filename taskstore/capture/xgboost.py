"""Capture of XGBoost: its model files, and what a training evaluates: a scalar for each data set and metric."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "xgboost"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report saves and loads of boosters and of XGBoost's scikit-learn models, and the evaluations of trainings.

    The titles of the second training and later ones have its number in them, as ClearML's do.
    """
    count = itertools.count()
    numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def evaluated(call: Call) -> None:
        container, iteration = call.args[0], call.argument(2, "epoch")
        if container.is_cv:
            return
        if container not in numbers:
            numbers[container] = next(count)
        number = numbers[container]
        for data, metrics in container.history.items():
            title = f"{data} - {number}" if number else data
            for metric, values in metrics.items():
                sink.reporter.report_scalar(title, metric, values[-1], iteration)

    with watching(sink, CAPTURE, framework="XGBoost", key="xgboost") as watch:
        models = [module.Booster, getattr(module, "XGBModel", None)]
        for model in filter(None, models):
            watch.saves(model, "save_model", argument(1, "fname"))
            watch.loads(model, "load_model", argument(1, "fname"))
        watch.after(module.callback.CallbackContainer, "after_iteration", evaluated)
        yield
