"""What differs between tasks: parameters, code, packages, metrics, the machine. Reads; changes nothing.

Two are compared pair by pair by `compare`; 2 to 20 side by side by `many.side_by_side`.
"""

from __future__ import annotations

from .files import SourcePair
from .sides import MAX_SOURCE_BYTES, Side, Source, read, read_source
from .two import Comparison, Pair, compare

__all__ = [
    "MAX_SOURCE_BYTES",
    "Comparison",
    "Pair",
    "Side",
    "Source",
    "SourcePair",
    "compare",
    "read",
    "read_source",
]
