"""What argument libraries call the types of their arguments, and ClearML after them: as our own names of types."""

from __future__ import annotations

WORDS = {
    # absl
    "string": "str",
    "string enum": "str",
    "comma separated list of strings": "list",
    "whitespace separated list of strings": "list",
    "multi string": "list",
    "multi string enum": "list",
    "multi int": "list",
    "multi float": "list",
    # click
    "STRING": "str",
    "INT": "int",
    "FLOAT": "float",
    "BOOL": "bool",
}
