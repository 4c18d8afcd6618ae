"""The record of a task's configuration objects. Their contents are files in `config/`, which people edit."""

from __future__ import annotations

import msgspec

DICTIONARY = "dictionary"
"""The type of a configuration object that was a dict or a list in the program."""


class ConfigurationItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One configuration object: its file's name in `config/`, what kind of text that is, and what it is for."""

    name: str
    type: str = ""
    description: str = ""
    file: str


class ConfigurationRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """config.json: configuration objects by name. A file that it does not name is one too, of its own name."""

    rev: int = 0
    configuration: dict[str, ConfigurationItem] = {}
