"""Datasets: versions of a folder of files, each a task whose files are kept once, however many versions have them."""

from __future__ import annotations

from .dataset import CHUNK_MIB, Dataset
from .making import STATE, SYSTEM_TAG, VERSION

__all__ = ["CHUNK_MIB", "STATE", "SYSTEM_TAG", "VERSION", "Dataset"]
