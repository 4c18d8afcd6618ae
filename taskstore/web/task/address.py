"""What a tab keeps in the page's address, so that a link shows the same again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from nicegui import ui

if TYPE_CHECKING:
    from nicegui import Client

_kept: WeakKeyDictionary[Client, dict[str, str]] = WeakKeyDictionary()
_KEEP = """((name, value) => {
  const at = new URL(location);
  if (value) at.searchParams.set(name, value); else at.searchParams.delete(name);
  history.replaceState(null, '', at);
})"""


def given(name: str) -> str:
    """Return what the page's address holds by a name, empty where it holds nothing."""
    client = ui.context.client
    known = _kept.get(client, {})
    if name in known:
        return known[name]
    return client.request.query_params.get(name, "") if client.request is not None else ""


def keep(**values: str) -> None:
    """Keep values in the page's address; an empty one is left out."""
    known = _kept.setdefault(ui.context.client, {})
    for name, value in values.items():
        if given(name) != value:
            known[name] = value
            ui.run_javascript(f"{_KEEP}({json.dumps(name)}, {json.dumps(value)})")


def only(**values: str) -> None:
    """Have the page's address hold these values and no others."""
    client = ui.context.client
    names = client.request.query_params if client.request is not None else {}
    _kept[client] = {**dict.fromkeys(names, ""), **values}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    ui.run_javascript(f"history.replaceState(null, '', {json.dumps('?' + query)})")
