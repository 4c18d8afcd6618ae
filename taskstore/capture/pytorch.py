"""Capture of torch and safetensors: what they save and load, be it whole modules, state dicts or anything else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from .base import Sink
from .saving import Call, argument, watching

CAPTURE = "pytorch"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report torch's own saves and loads, TorchScript's included, or those of a module of another format.

    A folder that `torch.distributed.checkpoint` writes is one model, and so is a file of `safetensors.torch`, and what
    `torch.onnx` exports.
    """
    with watching(sink, CAPTURE, framework="PyTorch", key="pytorch") as watch:
        if module.__name__ == "safetensors.torch":
            watch.saves(module, "save_file", argument(1, "filename"))
            watch.loads(module, "load_file", argument(0, "filename"))
        elif module.__name__ == "torch.distributed.checkpoint":
            watch.saves(module, "save", argument(1, "checkpoint_id"))
            watch.loads(module, "load", argument(1, "checkpoint_id"))
        elif module.__name__ == "torch.onnx":
            watch.saves(module, "export", argument(2, "f"), _onnx)
            if hasattr(module, "ONNXProgram"):
                watch.saves(module.ONNXProgram, "save", argument(1, "destination"), _onnx)
        else:
            watch.saves(module, "save", argument(1, "f"))
            watch.loads(module, "load", argument(0, "f"))
            script = sys.modules.get("torch.jit")
            if script is not None:
                watch.saves(script, "save", argument(1, "f"))
                watch.loads(script, "load", argument(0, "f"))
                watch.saves(script.ScriptModule, "save", argument(1, "f"))
                watch.saves(script.RecursiveScriptModule, "save", argument(1, "f"))
        yield


def _onnx(_: Call) -> str:
    return "ONNX"
