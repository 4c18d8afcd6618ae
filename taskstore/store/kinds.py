"""Kinds of places that fsspec knows, and the packages that they need."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..core.errors import BadValue, Refused
from ..core.urls import strip_credentials

_EXTRAS = {"s3": "s3", "s3a": "s3", "ssh": "ssh", "sftp": "ssh"}


def library() -> ModuleType:
    """Import fsspec. Raises Refused, which says how to install it."""
    try:
        importlib.import_module("fsspec.core")
        return importlib.import_module("fsspec")
    except ImportError:
        raise Refused("places other than folders need fsspec; `pip install 'taskstore[remote]'` installs it") from None


def check(uri: str) -> None:
    """Raise BadValue for an address of a kind that nobody knows, Refused where a package that it needs is missing."""
    scheme = uri.partition("://")[0]
    kinds = library()
    try:
        if _EXTRAS.get(scheme) == "s3":
            importlib.import_module("s3fs")
        kinds.get_filesystem_class(scheme)
    except ValueError:
        raise BadValue(f"no kind of place is called {scheme!r}: {strip_credentials(uri)}") from None
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        what = f"`pip install 'taskstore[{extra}]'` installs it" if extra else str(error)
        raise Refused(f"{scheme}:// needs a package that is not installed: {what}") from None
