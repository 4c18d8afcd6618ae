"""Controls that several tabs have; each keeps what is chosen in the page's address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import comparing

if TYPE_CHECKING:
    from .table import SideBySideTable
    from .view import View


def narrowing(view: View) -> Callable[[SideBySideTable], None]:
    """Build the field to search and the switch that hides what is the same. What is returned takes their table."""
    found: list[SideBySideTable] = []

    def narrow(_: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        search, is_hidden = str(field.value or ""), bool(switch.value)
        view.address.put("q", *([search] if search else []))
        view.address.put("hide", *(["1"] if is_hidden else []))
        for table in found:
            table.narrow(search, is_hidden=is_hidden)

    with ui.row().classes("items-center gap-3 cmp-controls"):
        field = ui.input("Search", value=view.address.one("q"), on_change=narrow)
        field.props('dense outlined clearable debounce=150 data-testid="search"').classes("cmp-search")
        switch = ui.switch("Only what differs", value=view.address.one("hide") == "1", on_change=narrow)
        switch.props('data-testid="only-differing"')
    view.on_key("/", "search", lambda: field.run_method("focus"))
    view.on_key("i", "hide or show what is the same", lambda: switch.set_value(not switch.value))
    return found.append


def metric(view: View, changed: Callable[[], Any]) -> Callable[[], str]:
    """Build the choice of a metric and of which of its values; return what tells the choice, named as in filters."""
    names = comparing.metric_names(view.comparison.ordered_rows())
    chosen = view.address.one("metric", names, names[0] if names else "")
    kind = view.address.one("kind", comparing.KINDS, "last")

    def choose(_: Any = None) -> Any:  # noqa: ANN401 - an event; what is to be awaited is
        view.address.put("metric", str(field.value))
        view.address.put("kind", str(kinds.value))
        return changed()

    field = select("Metric", names, chosen, choose, "metric")
    kinds = ui.select(list(comparing.KINDS), value=kind, label="Value", on_change=choose)
    kinds.props('dense outlined options-dense data-testid="kind"').classes("cmp-kinds")
    return lambda: str(field.value) + ("" if kinds.value == "last" else f".{kinds.value}") if field.value else ""


def select(label: str, names: Sequence[str], chosen: str, changed: Callable[..., Any], test_id: str) -> ui.select:
    """Build the choice of one of many names, which can be typed."""
    field = ui.select(list(names), value=chosen or None, label=label, with_input=True, on_change=changed)
    field.props(f'dense outlined options-dense data-testid="{test_id}"').classes("cmp-select")
    return field
