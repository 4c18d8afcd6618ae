"""Finding models among the tasks of a store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...core.errors import BadValue
from ...schema import tagging
from ...schema.model import Model
from ...schema.record import ARCHIVED
from ...store import lineage, models, places
from ...store.lineage import Found
from ...store.store import Store


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which models are wanted; what is not given asks for nothing. The project is exact, and so the name may be."""

    project: str | None = None
    name: str | None = None
    is_name_exact: bool = False
    tags: Sequence[str | None] = ()
    only_published: bool = False
    with_archived: bool = False
    metadata: Mapping[str, object] = field(default_factory=dict)
    limit: int | None = None


def query(store: Store, wanted: Wanted) -> list[Found]:
    """Return the models that fit, the last changed first. Raises BadValue for what cannot be understood."""
    tags = tagging.parse(wanted.tags)
    is_named = _named(wanted)
    found: dict[str, Found] = {}
    projects: dict[object, str] = {}
    for paths, record in lineage.records(store):
        folder = paths.home.parent
        if wanted.project is not None:
            if folder not in projects:
                projects[folder] = places.project_name(store, folder)
            if projects[folder] != wanted.project:
                continue
        for model in models.every(record):
            if model.id not in found and is_named(model.name) and _fits(wanted, tags, model):
                if wanted.only_published and not models.is_published(paths, model):
                    continue
                found[model.id] = Found(paths, model)
    ordered = sorted(found.values(), key=_moment, reverse=True)
    return ordered[: wanted.limit] if wanted.limit is not None else ordered


def _fits(wanted: Wanted, tags: tagging.Tagging, model: Model) -> bool:
    return (
        (wanted.with_archived or ARCHIVED not in model.system_tags)
        and tags.matches(model.tags)
        and all(
            key in model.metadata and model.metadata[key].value == str(value) for key, value in wanted.metadata.items()
        )
    )


def _named(wanted: Wanted) -> Callable[[str], bool]:
    if wanted.name is None:
        return lambda name: True
    if wanted.is_name_exact:
        return lambda name: name == wanted.name
    try:
        pattern = re.compile(wanted.name)
    except re.error as error:
        raise BadValue(f"model_name {wanted.name!r} is no regular expression: {error}") from None
    return lambda name: pattern.search(name) is not None


def _moment(found: Found) -> tuple[float, str]:
    moment = found.model.last_update or found.model.created
    return (moment.timestamp() if moment else 0.0, found.model.id)
