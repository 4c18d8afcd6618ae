"""What a program says of a model, checked, as it is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..core.errors import BadValue
from ..core.values import to_text
from ..schema import model as records


def metadatum(value: object, kind: str | None) -> records.Metadatum:
    """Return a value as metadata holds it: as text, with its type where none is given."""
    text, own = (value, "str") if isinstance(value, str) else to_text(value)
    return records.Metadatum(value=text, type=own if kind is None else kind)


def design_of(config_text: str | None, config_dict: Mapping[str, Any] | None) -> str | None:
    """Return a design as text; None where none is given. Raises BadValue where both are, or it is no JSON."""
    if config_text is not None and config_dict is not None:
        raise BadValue("give config_text or config_dict, not both")
    if config_dict is None:
        return config_text
    try:
        return json.dumps(config_dict, indent=4)
    except (TypeError, ValueError) as error:
        raise BadValue(f"config_dict must be what JSON holds: {error}") from None


def labels_of(labels: Mapping[str, int] | None) -> dict[str, int] | None:
    """Return labels as they are stored. Raises BadValue where they are not texts with whole numbers."""
    if labels is None:
        return None
    try:
        found = {str(key): int(value) for key, value in labels.items()}
    except (AttributeError, TypeError, ValueError):
        raise BadValue(f"labels must be a dictionary of whole numbers, not {labels!r}") from None
    return found
