"""Capture of fastai's trainings: losses, metrics, hyperparameters of the optimiser, statistics of gradients, weights.

Its models go through torch. The titles end in the number of the fit, from 0, as ClearML's do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from .base import Sink, contained
from .saving import watching

CAPTURE = "fastai"
ORDER = 55
"""After fastai's own Recorder, which has 50."""
EVENTS = ("before_train", "after_batch", "after_train", "after_epoch")
WEIGHTS_EVERY = 100
"""Training batches from one histogram of the weights to the next, as in ClearML."""
BINS = 32
MAX_VALUES = 1 << 24
"""How many numbers a metric may gather of an epoch's training batches."""


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report what each `Learner.fit` records, after each batch and each epoch."""
    count = itertools.count()

    def observer(arguments: Mapping[str, Any]) -> object:
        fit = _Fit(sink, arguments["self"], next(count))
        events = {name: _event(sink, getattr(fit, name)) for name in EVENTS}
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
    """One fit of a learner. All metrics are also taken of the training batches, where fastai does not.

    A metric that gathers all outputs is worth asking for ever more seldom: each batch at first, 32 times from there to
    twice as many batches. One that fails on training batches, or gathers too much, is noted and left out.
    """

    def __init__(self, sink: Sink, learner: Any, number: int) -> None:  # noqa: ANN401 - fastai's Learner
        self._sink = sink
        self._learner = learner
        self._number = number
        self._iteration = 0
        self._batch = 0
        self._left_out: set[int] = set()

    def before_train(self) -> None:
        self._batch = 0
        for metric in self._own_metrics():
            self._try(metric, metric.reset)

    def after_batch(self) -> None:
        learner = self._learner
        if not learner.training:
            return
        self._iteration += 1
        self._batch += 1
        for metric in self._own_metrics():
            self._try(metric, partial(metric.accumulate, learner))
        self._report_training([each for each in self._training_metrics() if self._is_due() or not _gathers(each)])
        for name, value in learner.opt.hypers[-1].items():
            self._report(name, name, value)
        if self._iteration % WEIGHTS_EVERY == 0:
            self._report_weights()

    def after_train(self) -> None:
        if not self._is_due():
            self._report_training([each for each in self._training_metrics() if _gathers(each)])

    def after_epoch(self) -> None:
        for metric in self._learner.recorder._valid_mets:
            self._report_one("valid", metric)
        for name, value in _statistics(self._learner.model).items():
            title = "model_stats_gradients"
            self._report(f"{title}_num_zeros" if name == "num_zeros" else title, name, value)

    def _is_due(self) -> bool:
        return self._batch % (1 << max(0, self._batch.bit_length() - 6)) == 0

    def _own_metrics(self) -> list[Any]:
        if self._learner.recorder.train_metrics:
            return []
        return [metric for metric in self._learner.metrics if id(metric) not in self._left_out]

    def _training_metrics(self) -> list[Any]:
        return [*self._learner.recorder._train_mets, *self._own_metrics()]

    def _report_training(self, metrics: list[Any]) -> None:
        own = self._own_metrics()
        for metric in metrics:
            if metric in own and _gathers(metric) and sum(each.numel() for each in metric.preds) > MAX_VALUES:
                metric.reset()
                self._left_out.add(id(metric))
                self._sink.note(CAPTURE, f"train_{metric.name} is left out: it gathers more than {MAX_VALUES} numbers")
            else:
                self._try(metric, partial(self._report_one, "train", metric))

    def _try(self, metric: Any, action: Callable[[], object]) -> None:  # noqa: ANN401 - fastai's Metric
        self._left_out.add(id(metric))
        with contained(self._sink, CAPTURE):
            action()
            self._left_out.discard(id(metric))

    def _report_one(self, kind: str, metric: Any) -> None:  # noqa: ANN401 - fastai's Metric
        self._report("metrics", f"{kind}_{metric.name}", metric.value)

    def _report(self, title: str, series: str, value: Any) -> None:  # noqa: ANN401 - a number or a tensor of one
        if value is not None:
            self._sink.reporter.report_scalar(f"{title}_{self._number}", series, float(value), self._iteration)

    def _report_weights(self) -> None:
        title = f"model_weights_{self._number}"
        for name, weights in self._learner.model.named_parameters():
            series = f"model_weights/{name}"
            figure = _histogram(title, series, weights.detach().float())
            if figure:
                self._sink.reporter.report_plotly(title, series, figure, self._iteration)


def _gathers(metric: Any) -> bool:  # noqa: ANN401 - fastai's Metric
    return hasattr(metric, "preds")


def _histogram(title: str, series: str, values: Any) -> dict[str, Any]:  # noqa: ANN401 - torch's Tensor
    """Return the plotly figure of how finite values are spread; nothing where there are none."""
    finite = values[values.isfinite()]
    if not finite.numel():
        return {}
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / BINS
    trace = {
        "type": "bar",
        "name": series,
        "x": [low + (each + 0.5) * width for each in range(BINS)],
        "y": finite.histc(BINS, low, high).tolist(),
        "width": [width] * BINS,
    }
    layout = {"title": {"text": title}, "bargap": 0, "yaxis": {"title": {"text": "count"}}}
    return {"data": [trace], "layout": layout}


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
