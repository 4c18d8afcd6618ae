"""ClearML's Dataset. Its methods stand in parts, by what they are about."""

from __future__ import annotations

from .about import Described
from .copies import Kept
from .files import Filed
from .finding import Finding


class Dataset(Finding, Described, Filed, Kept):
    """A version of a folder of files. Get one by `Dataset.create` or `Dataset.get`."""
