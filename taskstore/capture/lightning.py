"""Capture of Lightning's checkpoints, which torch only sees as bytes in memory before they are moved to their place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "lightning"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report checkpoints: a file where it is written, in whichever thread that is, a folder after the whole of it.

    Loads go through torch's own, with the file at its place.
    """
    with watching(sink, CAPTURE, framework="PyTorch", key="pytorch") as watch:

        def saved(call: Call) -> None:
            path = call.argument(1, "filepath")
            if call.args[0].is_global_zero and Path(path).is_dir():
                watch.saved(path)

        if module.__name__.endswith("torch_io"):
            watch.saves(module.TorchCheckpointIO, "save_checkpoint", argument(2, "path"))
        else:
            watch.after(module.Trainer, "save_checkpoint", saved)
        yield
