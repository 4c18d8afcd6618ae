"""The record of a bundle: what the zip, or the folder that it was unpacked to, says of itself."""

from __future__ import annotations

import msgspec

KINDS: dict[str, str] = {
    "artifacts": "the files of artifacts",
    "models": "the weights of models",
    "media": "debug samples and plots that are pictures",
    "source": "captured code",
    "console": "what was printed",
}
"""What may be left out of a bundle, and what that is."""


class BundleRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """taskstore-bundle.json. `format` is that of the store, `store` its id, `without` what was left out (KINDS)."""

    format: int
    store: str = ""
    tasks: list[str] = []
    without: list[str] = []
