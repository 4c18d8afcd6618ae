"""Each key of ClearML's task_filter, and what is refused."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from taskstore.core.errors import BadValue
from taskstore.schema import task_filter

NOW = datetime(2026, 2, 1, 12, tzinfo=timezone.utc)
TASK: dict[str, Any] = {
    "id": "0" * 32,
    "name": "Train cats",
    "user": "ada",
    "tags": ["nlp", "new"],
    "system_tags": [],
    "type": "training",
    "status": "completed",
    "project": "vision/cats",
    "parent": None,
    "comment": "the Best of all",
    "created": datetime(2026, 1, 31, 8, tzinfo=timezone.utc),
    "started": None,
    "last_update": datetime(2026, 2, 1, 11, tzinfo=timezone.utc),
    "active_duration": 90.0,
    "last_iteration": 100,
    "hyperparams.Args.lr": "0.10",
    "hyperparams.Args.shift": "-5",
    "runtime.progress": "40",
    "last_metrics.loss.train.value": 0.25,
}

FITTING: list[dict[str, Any]] = [
    {},
    {"status": None},
    {"id": ["0" * 32]},
    {"name": "cats$"},
    {"name": ["Train cats", "other"]},
    {"user": ["ada"]},
    {"tags": ["nlp", "-old"]},
    {"system_tags": ["-archived"]},
    {"type": "training"},
    {"status": ["completed", "published"]},
    {"status": ["Completed"]},
    {"status": ["-failed"]},
    {"project": ["vision/cats"]},
    {"parent": [None]},
    {"comment": "Best"},
    {"created": ["2026-01-31", "2026-01-31"]},
    {"created": [None, NOW]},
    {"created": [datetime(2026, 1, 1), None]},  # noqa: DTZ001 - what people write
    {"last_update": ">=2026-02-01T11:00"},
    {"last_update": [">=2026-02-01", "<2026-02-02"]},
    {"last_change": None},
    {"last_update": "> 2h ago"},
    {"active_duration": [60, 120]},
    {"last_iteration": [None, 100]},
    {"last_iteration": 100},
    {"hyperparams.Args.lr": ["0.1"]},
    {"hyperparams.Args.lr": 0.1},
    {"hyperparams.Args.shift": ["-5"]},
    {"hyperparams.Args.gone": [None]},
    {"runtime.progress": ["40"]},
    {"last_metrics.loss.train.value": [0, 0.3]},
    {"search_text": "CATS|dogs"},
    {"search_text": "best of"},
    {"_any_": {"fields": ["name", "comment"], "pattern": "BEST"}},
    {"_all_": {"fields": ["name", "comment"], "pattern": "t"}},
    {"_any_": {"fields": ["started", "last_update"], "datetime": ">=2026-02-01"}},
    {"filters": {"tags": {"any": {"include": ["x", "nlp"]}, "all": {"exclude": ["old"]}}}},
    {"filters": {"tags": {"any": {"include": ["x"]}, "all": {"include": ["new"]}, "op": "or"}}},
]
OTHERS: list[dict[str, Any]] = [
    {"id": ["1" * 32]},
    {"name": "^cats"},
    {"name": "CATS"},
    {"name": ["Train"]},
    {"user": ["-ada"]},
    {"tags": ["nlp", "-new"]},
    {"status": ["failed"]},
    {"status": ["completed"], "type": ["testing"]},
    {"project": ["vision"]},
    {"parent": ["__$not", None]},
    {"comment": "worst"},
    {"created": ["2026-02-01", None]},
    {"created": [None, "2026-01-30"]},
    {"started": [None, NOW]},
    {"last_update": ">2026-02-01"},
    {"last_update": "2026-01-31"},
    {"active_duration": [91, None]},
    {"hyperparams.Args.lr": ["1"]},
    {"hyperparams.Args.gone": ["x"]},
    {"last_metrics.loss.train.value": [0.3, None]},
    {"last_metrics.gone.x.value": [None, None]},
    {"search_text": "vision"},
    {"_all_": {"fields": ["name", "comment"], "pattern": "cats"}},
    {"_all_": {"fields": ["started", "last_update"], "datetime": ">=2026-02-01"}},
    {"filters": {"tags": {"any": {"include": ["x"]}, "all": {"include": ["new"]}}}},
]


@pytest.mark.parametrize("given", FITTING, ids=str)
def test_a_task_that_fits_is_found(given: dict[str, Any]) -> None:
    assert task_filter.parse(given, NOW).matches(TASK)


@pytest.mark.parametrize("given", OTHERS, ids=str)
def test_a_task_that_does_not_is_left_out(given: dict[str, Any]) -> None:
    assert not task_filter.parse(given, NOW).matches(TASK)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"stauts": ["completed"]}, "'stauts'"),
        ({3: "x"}, "no key 3"),
        ({"status": ["done"]}, "'done'"),
        ({"tags": ["a", "__$not"]}, "task_filter['tags']"),
        ({"tags": 3}, "task_filter['tags']"),
        ({"created": ["yesteday", None]}, "'yesteday'"),
        ({"last_update": ">=soon"}, "'soon'"),
        ({"last_iteration": [1, 2, 3]}, "[min, max]"),
        ({"active_duration": ["1", None]}, "[min, max]"),
        ({"comment": "("}, "task_filter['comment']"),
        ({"search_text": 3}, "task_filter['search_text']"),
        ({"_any_": {"fields": ["name"]}}, "task_filter['_any_']"),
        ({"_any_": {"fields": [3], "pattern": "x"}}, "fields"),
        (
            {"_any_": {"fields": ["name", "coment"], "pattern": "x"}},
            "task_filter['_any_']['fields'] has 'coment'; there",
        ),
        ({"_all_": {"fields": ["lastupdate"], "datetime": ">=2026-01-01"}}, "has 'lastupdate'; there are"),
        ({"filters": {"nmae": {}}}, "filters"),
        ({"filters": {"tags": {"any": ["x"]}}}, "['any']"),
        ({"filters": {"tags": {"op": "xor"}}}, "'xor'"),
        ({"order_by": ["-lost_update"]}, "'-lost_update'"),
        ({"page": -1}, "task_filter['page']"),
        ({"page_size": 0}, "task_filter['page_size']"),
        ([], "dictionary"),
    ],
)
def test_what_means_nothing_is_refused_by_name(given: Any, named: str) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(BadValue) as caught:
        task_filter.parse(given, NOW)
    assert named in str(caught.value)


def test_an_unknown_key_is_answered_by_the_keys_that_there_are() -> None:
    with pytest.raises(BadValue, match="last_metrics") as caught:
        task_filter.parse({"statuses": []})
    assert all(key in str(caught.value) for key in task_filter.KEYS)


def test_order_and_page_are_read_and_ask_nothing_of_a_task() -> None:
    read = task_filter.parse({"order_by": "-last_update", "page": 2, "page_size": 10, "only_fields": ["id"]})
    assert (read.order_by, read.page, read.page_size, read.only_fields) == (("-last_update",), 2, 10, ("id",))
    assert read.matches(TASK)
