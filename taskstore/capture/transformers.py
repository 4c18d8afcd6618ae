"""Capture of Hugging Face's transformers: a folder of a model or a checkpoint is one model. Names of a hub are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from .base import Sink
from .saving import Call, Watch, argument, watching

CAPTURE = "transformers"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Report `save_pretrained` and `from_pretrained` of models, or the checkpoints of a Trainer."""
    with watching(sink, CAPTURE, framework="PyTorch", key="pytorch") as watch:
        if module.__name__.endswith("trainer"):
            _watch_trainer(watch, module.Trainer)
        else:
            watch.saves(module.PreTrainedModel, "save_pretrained", _pretrained)
            watch.loads(module.PreTrainedModel, "from_pretrained", _folder)
        yield


def _watch_trainer(watch: Watch, trainer: Any) -> None:  # noqa: ANN401 - transformers' class
    watch.saves(trainer, "_save_checkpoint", _checkpoint)
    watch.saves(trainer, "save_model", _saved)
    watch.loads(trainer, "_load_from_checkpoint", argument(1, "resume_from_checkpoint"))
    watch.loads(trainer, "_load_best_model", lambda call: call.args[0].state.best_model_checkpoint)
    for name in ("_load_optimizer_and_scheduler", "_load_rng_state", "_load_scaler"):
        if hasattr(trainer, name):  # of the checkpoint that is loaded anyway
            watch.quiet(trainer, name)


def _pretrained(call: Call) -> object:
    is_main = call.argument(2, "is_main_process")
    return call.argument(1, "save_directory") if is_main or is_main is None else None


def _folder(call: Call) -> object:
    given = call.argument(1, "pretrained_model_name_or_path")
    return given if given is not None and Path(given).is_dir() else None


def _checkpoint(call: Call) -> object:
    trainer = call.args[0]
    if not trainer.args.should_save:
        return None
    return Path(trainer._get_output_dir(call.argument(2, "trial")), f"checkpoint-{trainer.state.global_step}")


def _saved(call: Call) -> object:
    trainer = call.args[0]
    return (call.argument(1, "output_dir") or trainer.args.output_dir) if trainer.args.should_save else None
