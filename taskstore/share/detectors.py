"""What detect-secrets knows of tokens' forms, asked line by line. It is optional: `pip install 'taskstore[scan]'`.

Of its detectors those are left out that would find what tasks are full of (hashes and ids, by their entropy;
addresses), and the one by names of variables, which core/secrets.py is. None is let check a secret by asking the
service that it is of: nothing here uses the network.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from typing import Any

_LEFT_OUT = frozenset({"IPPublicDetector", "Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector"})
_MAX_CHARS = 4096
_RUN = r"[A-Za-z0-9_\-]{14}"
"""What every token has that is one, and the time before each line of a console has not."""


@functools.cache
def _plugins() -> tuple[Any, ...]:
    try:
        found = importlib.import_module("detect_secrets.core.plugins.util").get_mapping_from_secret_type_to_class()
    except ImportError:
        return ()
    return tuple(kind() for _, kind in sorted(found.items()) if kind.__name__ not in _LEFT_OUT)


def is_installed() -> bool:
    """Tell whether detect-secrets is there to be asked."""
    return bool(_plugins())


def secrets_in(line: str) -> Iterator[tuple[str, str]]:
    """Yield what looks like a secret in the first 4,096 characters of a line: what it is, and the secret.

    Longer ones may take some of the patterns a time that grows with the square of it.
    """
    if re.search(_RUN, line) is None:
        return
    for plugin in _plugins():
        for value in plugin.analyze_string(line[:_MAX_CHARS]):
            text = value if isinstance(value, str) else str(value)
            if text:
                yield plugin.secret_type, text
