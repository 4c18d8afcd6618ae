"""The record of a bundle: what the zip, or the folder that it was unpacked to, says of itself."""

from __future__ import annotations

import msgspec

from ..disk.layout import ARTIFACT_FILES, EVENTS, MODEL_FILES, SAMPLES, SOURCE_FOLDER

PREFIXES: dict[str, str] = {
    "artifacts": f"{ARTIFACT_FILES}/",
    "models": f"{MODEL_FILES}/",
    "media": f"{SAMPLES}/",
    "source": f"{SOURCE_FOLDER}/",
    "console": f"{EVENTS}/console.",
}
"""What the names of these files begin with, within a task."""

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
