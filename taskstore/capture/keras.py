"""Capture of Keras 3: models and weights that are saved and loaded, by name, method or callback.

What the public names lead to is hooked: there is one function behind many of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "keras"
FILES = "keras.src.saving.saving_lib"
LEGACY_FILES = "keras.src.legacy.saving.legacy_h5_format"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report whole models and weights, in Keras's own format and in HDF5."""
    files, legacy = sys.modules[FILES], sys.modules[LEGACY_FILES]
    with watching(sink, CAPTURE, framework="Keras", key="tensorflow") as watch:
        watch.saves(module.Model, "save", argument(1, "filepath"))
        watch.saves(module.Model, "save_weights", argument(1, "filepath"))
        watch.loads(module.Model, "load_weights", argument(1, "filepath"))
        watch.saves(module.Model, "export", argument(1, "filepath"), _exported)
        watch.saves(files, "save_model", argument(1, "filepath"))
        watch.loads(files, "load_model", argument(0, "filepath"))
        watch.saves(files, "save_weights_only", argument(1, "filepath"))
        watch.loads(files, "load_weights_only", argument(1, "filepath"))
        watch.saves(legacy, "save_model_to_hdf5", argument(1, "filepath"))
        watch.loads(legacy, "load_model_from_hdf5", argument(0, "filepath"))
        yield


def _exported(call: Call) -> str:
    return {"onnx": "ONNX", "tflite": "TensorFlowLite"}.get(str(call.argument(2, "format")), "TensorFlow")
