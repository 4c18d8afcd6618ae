"""What a program asks of `Task.init`, checked: every mistake is named before anything is begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from .core import checks
from .core.errors import BadValue
from .details import check_type
from .run import streams
from .run.again import earlier_of
from .run.session import Wanted
from .store import destination

T = TypeVar("T")


def wanted(
    *,
    project_name: str | None,
    task_name: str | None,
    task_type: str,
    tags: Sequence[str],
    output_uri: str | bool | None,
    reuse_last_task_id: bool | str | None,
    continue_last_task: bool | str | int,
    auto_connect_arg_parser: bool | Mapping[str, object],
    auto_connect_frameworks: bool | Mapping[str, object],
    auto_connect_streams: bool | Mapping[str, object],
    auto_resource_monitoring: bool | Mapping[str, float],
) -> Wanted:
    """Return what a session begins with. Raises BadValue and Refused, naming the argument."""
    check_type(task_type)
    checks.texts(project_name=project_name, task_name=task_name)
    checks.kinds(bool, str, reuse_last_task_id=reuse_last_task_id)
    checks.kinds(bool, str, int, continue_last_task=continue_last_task)
    checks.kinds(
        *(bool, Mapping),
        auto_connect_arg_parser=auto_connect_arg_parser,
        auto_connect_frameworks=auto_connect_frameworks,
        auto_connect_streams=auto_connect_streams,
        auto_resource_monitoring=auto_resource_monitoring,
    )
    return Wanted(
        project=project_name,
        name=task_name,
        type=task_type,
        tags=_checked_tags(tags),
        output_uri=_checked_place(output_uri),
        with_streams=_checked_choice("auto_connect_streams", auto_connect_streams, streams.KEYS),
        with_arguments=auto_connect_arg_parser,
        with_frameworks=auto_connect_frameworks,
        with_resources=_checked_monitoring(auto_resource_monitoring),
        earlier=earlier_of(reuse_last_task_id, continue_last_task),
    )


def _checked_choice(name: str, choice: bool | Mapping[str, T], keys: Sequence[str]) -> bool | Mapping[str, T]:
    unknown = [key for key in choice if key not in keys] if isinstance(choice, Mapping) else []
    if unknown:
        raise BadValue(f"{name} has no key {unknown[0]!r}; there are {', '.join(keys)}")
    return choice


def _checked_monitoring(choice: bool | Mapping[str, float]) -> bool | Mapping[str, float]:
    name = "auto_resource_monitoring"
    checked = _checked_choice(name, choice, ("start_after_s", "interval_s"))
    for key, seconds in checked.items() if isinstance(checked, Mapping) else ():
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not is_number or not (seconds > 0 or (key == "start_after_s" and seconds == 0)):
            raise BadValue(f"{name}[{key!r}] must be a number of seconds, not {type(seconds).__name__} {seconds!r}")
    return checked


def _checked_place(output_uri: object) -> str | bool | None:
    if output_uri is None or isinstance(output_uri, bool):
        return output_uri
    return destination.recorded(str(output_uri) if isinstance(output_uri, Path) else output_uri)  # type: ignore[arg-type]  # checked there


def _checked_tags(tags: object) -> tuple[str, ...]:
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise BadValue(f"tags must be a list of texts; write [{tags!r}]")
    found = tuple(tags)
    if not all(isinstance(tag, str) for tag in found):
        raise BadValue(f"tags must be a list of texts, not {found!r}")
    return found
