"""Models: weights that a run keeps or was given, with what is said of them; store/models.py has the record."""

from __future__ import annotations

from .found import Wanted, query
from .weights import Kept, files_below, is_large, keep, local_path, parts_of, register, remove

__all__ = ["Kept", "Wanted", "files_below", "is_large", "keep", "local_path", "parts_of", "query", "register", "remove"]
