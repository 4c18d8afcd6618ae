"""The record of the remotes that a store knows by name."""

from __future__ import annotations

import msgspec

from .record import Moment


class RemoteRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One remote: its address, without credentials. What comes from one that is trusted is not marked as foreign."""

    url: str
    trusted: bool = False
    added: Moment | None = None


class RemotesRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """remotes.json: the remotes by their names."""

    rev: int = 0
    remotes: dict[str, RemoteRecord] = {}
