"""Capture of fastai's trainings: losses, metrics, hyperparameters of the optimiser and statistics of gradients.

Its models go through torch. The titles end in the number of the fit, from 0, as ClearML's do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .base import Sink, contained
from .saving import watching

CAPTURE = "fastai"
ORDER = 55
"""After fastai's own Recorder, which has 50."""


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report what each `Learner.fit` records, after each batch and each epoch."""
    count = itertools.count()

    def observer(arguments: Mapping[str, Any]) -> object:
        fit = _Fit(sink, arguments["self"], next(count))
        events = {name: _event(sink, getattr(fit, name)) for name in ("before_train", "after_batch", "after_epoch")}
        return type("TaskstoreCallback", (module.Callback,), {"order": ORDER, **events})()

    with watching(sink, CAPTURE, framework="PyTorch", key="fastai") as watch:
        watch.adds_callback(module.Learner, "fit", observer, parameter="cbs")
        yield


def _event(sink: Sink, report: Callable[[], None]) -> Callable[[object], None]:
    def event(_: object) -> None:
        with contained(sink, CAPTURE):
            report()

    return event


class _Fit:
    """One fit of a learner. Metrics that are means are also taken of the training batches, where fastai does not."""

    def __init__(self, sink: Sink, learner: Any, number: int) -> None:  # noqa: ANN401 - fastai's Learner
        self._sink = sink
        self._learner = learner
        self._number = number
        self._iteration = 0

    def before_train(self) -> None:
        for metric in self._own_metrics():
            metric.reset()

    def after_batch(self) -> None:
        learner = self._learner
        if not learner.training:
            return
        self._iteration += 1
        own = self._own_metrics()
        for metric in own:
            metric.accumulate(learner)
        for metric in [*learner.recorder._train_mets, *own]:
            self._report("metrics", f"train_{metric.name}", metric.value)
        for name, value in learner.opt.hypers[-1].items():
            self._report(name, name, value)

    def after_epoch(self) -> None:
        for metric in self._learner.recorder._valid_mets:
            self._report("metrics", f"valid_{metric.name}", metric.value)
        for name, value in _statistics(self._learner.model).items():
            title = "model_stats_gradients"
            self._report(f"{title}_num_zeros" if name == "num_zeros" else title, name, value)

    def _own_metrics(self) -> list[Any]:
        if self._learner.recorder.train_metrics:
            return []
        return [metric for metric in self._learner.metrics if type(metric).__name__ == "AvgMetric"]

    def _report(self, title: str, series: str, value: Any) -> None:  # noqa: ANN401 - a number or a tensor of one
        if value is not None:
            self._sink.reporter.report_scalar(f"{title}_{self._number}", series, float(value), self._iteration)


def _statistics(model: Any) -> dict[str, float]:  # noqa: ANN401 - torch's Module
    """Describe the gradients, each parameter's with the same weight."""
    gradients = [each.grad.detach().float() for each in model.parameters() if each.grad is not None]
    if not gradients:
        return {}
    norms = sorted(float(each.norm()) for each in gradients)
    medians = sorted(float(each.median()) for each in gradients)
    return {
        "avg_norm": sum(norms) / len(norms),
        "median_norm": norms[len(norms) // 2],
        "max_norm": norms[-1],
        "min_norm": norms[0],
        "num_zeros": float(sum(int((each == 0).sum()) for each in gradients)),
        "avg_gradient": sum(float(each.mean()) for each in gradients) / len(gradients),
        "median_gradient": medians[len(medians) // 2],
        "max_gradient": max(float(each.max()) for each in gradients),
        "min_gradient": min(float(each.min()) for each in gradients),
    }
