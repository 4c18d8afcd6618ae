"""Capture of TensorFlow: saved models, which are folders, and checkpoints, which are files of one beginning."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "tensorflow"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report `tf.saved_model`, `tf.train.Checkpoint` and what a CheckpointManager saves.

    A checkpoint's path is what its files' names begin with: `ckpt-1` where there is `ckpt-1.index`.
    """
    with watching(sink, CAPTURE, framework="TensorFlow", key="tensorflow") as watch:
        watch.saves(module.saved_model, "save", argument(1, "export_dir"))
        watch.loads(module.saved_model, "load", argument(0, "export_dir"))
        for name in ("save", "write"):
            watch.saves(module.train.Checkpoint, name, _written)
        for name in ("restore", "read"):
            watch.loads(module.train.Checkpoint, name, argument(1, "save_path"))
        watch.saves(module.train.CheckpointManager, "save", _written)
        saver = getattr(sys.modules.get("tensorflow.python.training.saver"), "Saver", None)
        if saver is not None:  # of TensorFlow 1, and still there
            watch.saves(saver, "save", _written)
            watch.loads(saver, "restore", argument(2, "save_path"))
        yield


def _written(call: Call) -> object:
    return call.result
