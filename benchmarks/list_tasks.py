"""Listing 10,000 tasks through the API in a fresh process: all of them, and with a filter over what they hold."""

from __future__ import annotations

import _harness as harness
import _stores

TASKS, ROUNDS = 10_000, 7

# The clock starts before taskstore is imported; reading a parameter, a metric and a tag of every row is inside.
LIST = """\
import json, sys, time

start = time.perf_counter()
from taskstore.store import query, store

where = None
if len(sys.argv) > 1:
    from taskstore.schema import filters
    where = filters.parse(sys.argv[1])
rows = query.find(store.open_default(), query.Query(where=where)).rows
for row in rows:
    row.hyperparams["Args"]["lr"].value, row.last_metrics["metric0"]["train"].value, row.task.tags[2]
taken = time.perf_counter() - start
whole = sum(
    len(row.hyperparams["Args"]) == 10 and len(row.last_metrics) == 5 and len(row.task.tags) == 3 for row in rows
)
print(json.dumps([taken, whole]))
"""


def measure() -> list[harness.Row]:
    where = "Args/lr < 0.002 and metric0/train < 0.1"
    with harness.scratch() as room:
        _stores.fill_store(room.store, TASKS)
        lister = room.script("list.py", LIST)
        first = harness.Timing((room.answer(lister)[0],))  # it reads every record, and remembers them for the next
        everything = [room.answer(lister) for _ in range(ROUNDS)]
        filtered = [room.answer(lister, where) for _ in range(ROUNDS)]
    wanted = sum(_stores.is_wanted(number) for number in range(TASKS))
    return [
        harness.seconds_row(f"list {TASKS:,} tasks", _timing(everything), at_most=0.5),
        harness.count_row("tasks listed whole", min(count for _, count in everything), TASKS),
        harness.seconds_row(f"list {TASKS:,} tasks with a filter", _timing(filtered), at_most=0.5),
        harness.count_row("tasks that the filter found", min(count for _, count in filtered), wanted),
        harness.Row(f"the first listing of {TASKS:,} tasks", str(first), "none set", None),
    ]


def _timing(answers: list[list[float]]) -> harness.Timing:
    return harness.Timing(tuple(answer[0] for answer in answers))


if __name__ == "__main__":
    harness.main(measure)
