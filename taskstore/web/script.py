"""Texts within the JavaScript that a page runs."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """Return a text as a JavaScript literal, which is one within a script element too."""
    return json.dumps(text).replace("<", "\\u003c")


def at_address(address: str) -> str:
    """Return the script that has the browser show an address of ours without going there."""
    return f"history.replaceState(null, '', {quoted(address)})"
