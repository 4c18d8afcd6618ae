"""ClearML's `task_filter`, a dictionary of conditions that must all hold, made one function over a task's fields.

    {"status": ["completed"], "tags": ["nlp", "-old"], "last_iteration": [1000, None], "order_by": ["-last_update"]}

What a value may be depends on the key; docs/reference/query.md has the table. A task is seen as `Fields`, which knows
the dotted names of ClearML (`hyperparams.Args.lr`, `last_metrics.loss.train.min_value`, `runtime.progress`) too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..core import states
from ..core.clock import SYSTEM, UTC
from ..core.errors import BadValue
from . import tagging
from .conditions import ORDER, Fields, number_in, regex, span_of

Matcher = Callable[[Fields], bool]
LISTS = (
    *("id", "user", "tags", "system_tags", "type", "status", "project", "parent"),
    *("execution.queue", "models.input.model", "models.output.model"),
)
TIMES = ("created", "started", "completed", "status_changed", "last_update", "last_change")
NUMBERS = ("active_duration", "last_iteration")
PATTERNS = ("name", "comment")
SCRIPT = ("repository", "branch", "version_num", "working_dir", "entry_point", "binary", "diff")
SAID = ("status_reason", "status_message", "host", *(f"script.{name}" for name in SCRIPT))
"""What else `_all_`, `_any_` and `order_by` may name."""
DOTTED = ("hyperparams.", "runtime.", "last_metrics.")
REST = ("search_text", "_all_", "_any_", "filters", "order_by", "page", "page_size", "only_fields")
KEYS = (*LISTS, *TIMES, *NUMBERS, *PATTERNS, *(f"{prefix}*" for prefix in DOTTED), *REST)
_SEARCHED = ("id", "name", "comment")
_COMPARED = re.compile(r"\s*(>=|<=|>|<|==?)?\s*(.+)", re.DOTALL)
_MOST_ON_A_PAGE = 500


@dataclass(frozen=True)
class TaskFilter:
    """A filter that has been read. `page` counts from 0; a `page_size` of None is everything."""

    conditions: tuple[Matcher, ...] = ()
    order_by: tuple[str, ...] = ()
    page: int = 0
    page_size: int | None = None
    only_fields: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    """The keys that it was made of: a search by id or by text also finds what is hidden."""

    def matches(self, fields: Fields) -> bool:
        """Tell whether a task is wanted."""
        return all(condition(fields) for condition in self.conditions)


def parse(task_filter: Mapping[str, object] | None, now: datetime | None = None) -> TaskFilter:
    """Read a filter. A condition of None is none. Raises BadValue naming the key, and the keys that there are."""
    if task_filter is None:
        return TaskFilter()
    if not isinstance(task_filter, Mapping):
        raise BadValue(f"task_filter is a dictionary of conditions, not {type(task_filter).__name__}")
    given = {key: value for key, value in task_filter.items() if value is not None}
    conditions = [_condition(key, value, now or SYSTEM.now()) for key, value in given.items()]
    return TaskFilter(
        conditions=tuple(condition for condition in conditions if condition is not None),
        order_by=tuple(_sortable(name) for name in _texts("order_by", given.get("order_by", ()))),
        page=_count("page", given.get("page", 0), at_least=0),
        page_size=_page_size(given),
        only_fields=tuple(_texts("only_fields", given.get("only_fields", ()))),
        names=frozenset(map(str, given)),
    )


def _page_size(given: Mapping[str, object]) -> int | None:
    if "page_size" in given:
        return _count("page_size", given["page_size"], at_least=1)
    return _MOST_ON_A_PAGE if "page" in given else None


def _condition(key: object, value: object, now: datetime) -> Matcher | None:
    """Return what one key asks for; None for one that orders or pages."""
    if not isinstance(key, str) or (key not in KEYS and not key.startswith(DOTTED)):
        raise BadValue(f"task_filter has no key {key!r}; there are {', '.join(KEYS)}")
    if key in ("_all_", "_any_"):
        return _over_fields(key, value, now)
    if key == "filters":
        return _by_groups(value)
    if key == "search_text":
        return _search(_SEARCHED, _pattern(key, value, re.IGNORECASE), any)
    if key in REST:
        return None
    if key in TIMES:
        return _in_time(key, value, now)
    if key in NUMBERS or key.startswith("last_metrics."):
        return _in_range(key, value)
    if key in PATTERNS and isinstance(value, str):
        return _search((key,), _pattern(key, value), any)
    if key.startswith(("hyperparams.", "runtime.")):
        return _among(key, value)
    return _in_list(key, value)


def _in_list(key: str, value: object) -> Matcher:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple, set, frozenset)):
        raise BadValue(f"task_filter[{key!r}] is a list of texts, not {type(value).__name__}")
    if key == "status":
        texts = [_status(text) for text in texts]
    wanted = tagging.parse(texts, f"task_filter[{key!r}]")
    return lambda fields: wanted.matches(_held(fields.get(key)))


def _held(found: object) -> list[str]:
    if isinstance(found, list):
        return found
    return [] if found is None or found == "" else [str(found)]


def _status(text: object) -> object:
    """Check a status by its stored or its shown name; operators are left as they are."""
    if not isinstance(text, str) or text.startswith("__$"):
        return text
    minus = "-" if text.startswith("-") else ""
    status = states.parse(text[len(minus) :])
    if status is None:
        known = ", ".join(status.value for status in states.Status)
        raise BadValue(f"task_filter['status'] has {text!r}; there are {known}")
    return minus + status.value


def _among(key: str, value: object) -> Matcher:
    """Any of some values: numbers as numbers, so that 0.10 is 0.1. A minus is a sign here."""
    values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
    texts = {str(item) for item in values if item is not None}
    numbers = {number for text in texts if (number := number_in(text)) is not None}

    def matches(fields: Fields) -> bool:
        found = fields.get(key)
        if found is None or found == "":
            return None in values
        return str(found) in texts or (bool(numbers) and number_in(str(found)) in numbers)

    return matches


def _in_range(key: str, value: object) -> Matcher:
    """[min, max], either of which may be None; one number is that very one."""
    ends = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(ends) != 2 or not all(end is None or _is_number(end) for end in ends):
        raise BadValue(f"task_filter[{key!r}] is [min, max], numbers or None, not {value!r}")
    low, high = ends

    def matches(fields: Fields) -> bool:
        found = fields.get(key)
        return _is_number(found) and (low is None or found >= low) and (high is None or found <= high)  # type: ignore[operator]

    return matches


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _in_time(key: str, value: object, now: datetime) -> Matcher:
    """[min, max], or one or more of ">=2026-01-31"; a date means all of its day."""
    is_range = isinstance(value, (list, tuple)) and len(value) == 2 and not any(map(_is_compared, value))
    if is_range:
        bounds = [(op, end) for op, end in zip((">=", "<="), value, strict=True) if end is not None]  # type: ignore[call-overload]
    else:
        bounds = [_compared(key, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    tests = [_bound(key, op, end, now) for op, end in bounds]

    def matches(fields: Fields) -> bool:
        found = fields.get(key)
        return isinstance(found, datetime) and all(test(found) for test in tests)

    return matches


def _is_compared(item: object) -> bool:
    return isinstance(item, str) and item.lstrip()[:1] in ("<", ">", "=")


def _compared(key: str, item: object) -> tuple[str, object]:
    if isinstance(item, datetime):
        return "=", item
    found = _COMPARED.fullmatch(item) if isinstance(item, str) else None
    if found is None:
        raise BadValue(f"task_filter[{key!r}] is [from, to] or like '>=2026-01-31', not {item!r}")
    return (found[1] or "=").replace("==", "="), found[2]


def _bound(key: str, op: str, end: object, now: datetime) -> Callable[[datetime], bool]:
    span = (end, end) if isinstance(end, datetime) else span_of(str(end).strip(), now)
    if span is None:
        raise BadValue(f"task_filter[{key!r}] has {end!r}, which is no time; write it like 2026-01-31 or 2d ago")
    first, last = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in span)
    if op == "=":
        return lambda found: first <= found <= last
    compare, moment = ORDER[op], last if op in (">", "<=") else first
    return lambda found: compare(found, moment)


def _search(names: Sequence[str], pattern: re.Pattern[str], how: Callable[..., bool]) -> Matcher:
    def matches(fields: Fields) -> bool:
        return how(any(pattern.search(text) for text in _held(fields.get(name))) for name in names)

    return matches


def _pattern(key: str, value: object, flags: int = 0) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise BadValue(f"task_filter[{key!r}] is a regular expression, not {type(value).__name__}")
    try:
        return re.compile(regex(value).pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadValue(f"task_filter[{key!r}]: {value!r} is no regular expression: {error}") from None


def _over_fields(key: str, value: object, now: datetime) -> Matcher:
    """`{"fields": [...], "pattern": "..."}`, or with `datetime` for a time: in all of the fields, or in any."""
    if not isinstance(value, Mapping) or set(value) not in ({"fields", "pattern"}, {"fields", "datetime"}):
        raise BadValue(f"task_filter[{key!r}] is {{'fields': [...], 'pattern': '...'}} or with 'datetime'")
    how = all if key == "_all_" else any
    names = list(_texts(f"{key}']['fields", value["fields"]))
    for name in names:
        _check_field(f"{key}']['fields", name, name)
    if "pattern" in value:
        return _search(names, _pattern(key, value["pattern"], re.IGNORECASE), how)
    tests = [_in_time(name, value["datetime"], now) for name in names]
    return lambda fields: how(test(fields) for test in tests)


def _by_groups(value: object) -> Matcher:
    """`{"tags": {"any": {"include": [...], "exclude": [...]}, "all": {...}, "op": "or"}}`."""
    if not isinstance(value, Mapping) or not set(value) <= set(LISTS):
        raise BadValue(f"task_filter['filters'] is a dictionary over {', '.join(LISTS)}")
    tests = [_grouped(name, groups) for name, groups in value.items()]
    return lambda fields: all(test(fields) for test in tests)


def _grouped(name: str, groups: object) -> Matcher:
    where = f"task_filter['filters'][{name!r}]"
    if not isinstance(groups, Mapping) or not set(groups) <= {"any", "all", "op"}:
        raise BadValue(f"{where} is a dictionary of 'any', 'all' and 'op'")
    if groups.get("op", "and") not in ("and", "or"):
        raise BadValue(f"{where}['op'] is 'and' or 'or', not {groups['op']!r}")
    parts: list[tuple[Callable[[list[bool]], bool], Sequence[str], Sequence[str]]] = []
    for word, how in (("any", any), ("all", all)):
        group = groups.get(word) or {}
        if not isinstance(group, Mapping) or not set(group) <= {"include", "exclude"}:
            raise BadValue(f"{where}[{word!r}] is a dictionary of 'include' and 'exclude'")
        if group:
            included, excluded = (_texts(f"filters']['{name}", group.get(side, ())) for side in ("include", "exclude"))
            parts.append((how, included, excluded))
    join = any if groups.get("op") == "or" else all

    def matches(fields: Fields) -> bool:
        held = _held(fields.get(name))
        return not parts or join(
            how([*(text in held for text in included), *(text not in held for text in excluded)])
            for how, included, excluded in parts
        )

    return matches


def _texts(key: str, value: object) -> Sequence[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise BadValue(f"task_filter['{key}'] is a list of texts, not {value!r}")
    return texts


def _sortable(name: str) -> str:
    _check_field("order_by", name, name.lstrip("+-"))
    return name


def _check_field(where: str, given: str, name: str) -> None:
    """Refuse a name that no task can have, before it finds nothing without a word."""
    known = (*LISTS, *TIMES, *NUMBERS, *PATTERNS, *SAID)
    if name not in known and not name.startswith(DOTTED) and "/" not in name:
        raise BadValue(f"task_filter['{where}'] has {given!r}; there are {', '.join(known)} and {'*, '.join(DOTTED)}*")


def _count(key: str, value: object, *, at_least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise BadValue(f"task_filter[{key!r}] is a whole number from {at_least} on, not {value!r}")
    return value
