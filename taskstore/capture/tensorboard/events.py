"""The events of a live run, reported to its task."""

from __future__ import annotations

import sys
from typing import Any

from ...core.summaries import events
from ..base import Found, Sink

CAPTURE = "tensorboard"
HPARAMS_SECTION = events.HPARAMS_SECTION
_HPARAMS_CLASSES = ("tensorboard.plugins.hparams.plugin_data_pb2", "tensorboardX.proto.plugin_hparams_pb2")


class Events(events.Events):
    """Reports the events of one run, of all its writers. Any thread may call."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink.reporter, self._hyperparameters)
        self._sink = sink

    def _hyperparameters(self, tag: str, content: bytes) -> None:
        if tag != "session_start_info":
            return
        modules = (sys.modules.get(name) for name in _HPARAMS_CLASSES)
        message: Any = next(module for module in modules if module is not None)
        values = message.HParamsPluginData.FromString(content).session_start_info.hparams
        found = {name: Found(getattr(values[name], values[name].WhichOneof("kind"))) for name in values}
        if found:
            self._sink.parameters(HPARAMS_SECTION, found)
