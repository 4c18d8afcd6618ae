"""Models as a program holds them: `Model`, `InputModel`, `OutputModel`, and `task.models`."""

from __future__ import annotations

from .given import InputModel
from .made import OutputModel
from .model import Model
from .noun import ModelList, Models

__all__ = ["InputModel", "Model", "ModelList", "Models", "OutputModel"]
