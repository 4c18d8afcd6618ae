"""The captures of libraries: which there are, which a program wants, and when each is loaded and entered.

A capture is a module of `taskstore.capture` with one function, `patched(module, sink)`: a context manager that hooks
into the library's module and out again. It is imported when the library is: a run pays for none that it does not use.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, cast

from ..capture.base import Found, Sink, contained
from ..capture.imports import on_import


class Framework(NamedTuple):
    """One capture: its name in `auto_connect_frameworks`, its module, and the library modules that it hooks into."""

    key: str
    capture: str
    libraries: tuple[str, ...]


ARGUMENTS: tuple[Framework, ...] = (
    Framework("click", "click", ("click.core", "typer.core")),
    Framework("fire", "fire", ("fire.core",)),
    Framework("jsonargparse", "jsonargparse", ("jsonargparse._core",)),
)
"""Captures of command lines, which `auto_connect_arg_parser` turns off."""

FRAMEWORKS: tuple[Framework, ...] = (
    Framework("matplotlib", "matplotlib", ("matplotlib.figure", "matplotlib.pyplot")),
    Framework("plotly", "plotly", ("plotly.io",)),
    Framework(
        "tensorboard",
        "tensorboard",
        (
            "tensorboard.summary.writer.event_file_writer",
            "tensorboardX.event_file_writer",
            "tensorflow.python.summary.writer.event_file_writer",
            "tensorflow.python.ops.gen_summary_ops",
        ),
    ),
    Framework("pytorch", "pytorch", ("torch", "torch.onnx", "safetensors.torch", "torch.distributed.checkpoint")),
    Framework(
        "pytorch",
        "lightning",
        (
            "lightning.fabric.plugins.io.torch_io",
            "lightning_fabric.plugins.io.torch_io",
            "lightning.pytorch.trainer.trainer",
            "pytorch_lightning.trainer.trainer",
        ),
    ),
    Framework("pytorch", "transformers", ("transformers.modeling_utils", "transformers.trainer")),
    Framework("joblib", "scikit_joblib", ("joblib",)),
    Framework("scikit", "scikit", ("sklearn.base",)),
    Framework("xgboost", "xgboost", ("xgboost",)),
    Framework("lightgbm", "lightgbm", ("lightgbm",)),
    Framework("catboost", "catboost", ("catboost",)),
    Framework("tensorflow", "keras", ("keras",)),
    Framework("tensorflow", "tensorflow", ("tensorflow",)),
    Framework("fastai", "fastai", ("fastai.learner",)),
    Framework("hydra", "hydra", ("hydra._internal.hydra",)),
    Framework("tfdefines", "absl", ("absl.flags",)),
)
"""Captures of what programs report and save, which `auto_connect_frameworks` chooses among."""


def is_wanted(choice: bool | Mapping[str, object], key: str) -> bool:
    """Tell whether a capture is chosen: what is not named is, an empty mapping (here, or of its key) chooses none."""
    if isinstance(choice, Mapping):
        return bool(choice) and bool(choice.get(key, True))
    return choice


def is_repository_wanted(choice: bool | Mapping[str, object]) -> bool:
    """Tell whether the repository is recorded: it is, unless its key says no. What turns all off is of libraries."""
    return not isinstance(choice, Mapping) or bool(choice.get("detect_repository", True))


SECTIONS = {"TB_hparams": ("tensorboard", "report_hparams")}
"""Sections of parameters that a program may leave out: the key, and what says so in the mapping that is its value."""


def is_section_wanted(choice: Mapping[str, object], section: str) -> bool:
    """Tell whether a capture's parameters of this section are chosen: `{"tensorboard": {"report_hparams": False}}`."""
    key, option = SECTIONS.get(section, ("", ""))
    chosen = choice.get(key, True)
    return is_wanted(chosen, option) if isinstance(chosen, Mapping) else True


KEYS = {
    "ScikitLearn": ("scikit", "joblib"),
    "XGBoost": ("xgboost", "joblib"),
}
"""The other keys that speak for a framework, as in ClearML."""


def is_model_wanted(choice: bool | Mapping[str, object], framework: str, path: Path, key: str) -> bool:
    """Tell whether a model's file is chosen: where its keys have wildcards, its name or path matches one of them.

    A wildcard such as `*.pt` is of the name, or of the whole path, of which it may also be the end (`models/*.pt`).
    """
    if not isinstance(choice, Mapping):
        return choice
    if not is_wanted(choice, key) or (key == "joblib" and not is_wanted(choice, "scikit")):
        return False
    given = [choice.get(each) for each in {key, *KEYS.get(framework, ())}]
    wildcards = [text for each in given for text in _wildcards(each)]
    full = path.as_posix()
    return not wildcards or any(
        fnmatch(text, pattern)
        for wildcard in wildcards
        for text, pattern in ((path.name, wildcard), (full, wildcard), (full, f"*/{wildcard}"))
    )


def _wildcards(given: object) -> list[str]:
    if isinstance(given, str):
        return [given]
    return [str(each) for each in given] if isinstance(given, list | tuple) else []


@contextmanager
def connected(rows: tuple[Framework, ...], choice: bool | Mapping[str, object], sink: Sink) -> Iterator[None]:
    """Capture, within the block, what the wanted ones of `rows` see; libraries that are imported later too."""
    if isinstance(choice, Mapping):
        sink = cast("Sink", _Chosen(sink, choice))
    with ExitStack() as hooks:
        for row in rows:
            if not is_wanted(choice, row.key):
                continue
            for library in row.libraries:
                hooks.enter_context(on_import(library, partial(_enter, row, sink, hooks)))
        yield


class _Chosen:
    """A sink that leaves out models that match no wildcard of their framework, and sections that are not chosen."""

    def __init__(self, sink: Sink, choice: Mapping[str, object]) -> None:
        self._sink = sink
        self._choice = choice

    def __getattr__(self, name: str) -> object:
        return getattr(self._sink, name)

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        return self._sink.parameters(section, found) if is_section_wanted(self._choice, section) else {}

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        if is_model_wanted(self._choice, framework, path, key):
            self._sink.model_saved(framework, path, key=key, name=name)

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        if is_model_wanted(self._choice, framework, path, key):
            self._sink.model_loaded(framework, path, key=key, name=name)


def _enter(row: Framework, sink: Sink, hooks: ExitStack, module: ModuleType) -> None:
    with contained(sink, row.capture):
        capture = importlib.import_module(f"taskstore.capture.{row.capture}")
        hooks.enter_context(capture.patched(module, sink))
