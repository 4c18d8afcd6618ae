"""A task's page in words: what it is, what ran, what became of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime

from rich.text import Text

from ..core.spelling import STYLES, ago, count, safe_lines, size
from ..disk import mounts
from ..disk.layout import TaskPaths
from ..run import trust
from ..schema.record import ScriptRecord
from ..sections import compare
from ..store import ancestry
from ..store.query import Row
from . import cells

_LABEL = 12
_LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}
Fact = tuple[str, str]


def info(row: Row, now: datetime) -> list[Text]:
    """Return what the task is and what became of it."""
    task = row.task
    runtime = task.runtime
    memory = runtime.get("memory_bytes", "")
    machine = [runtime.get("os", ""), runtime.get("cpu_model", ""), runtime.get("gpus", "")]
    machine.append(f"{size(int(memory))} memory" if memory.isdigit() else "")
    return facts(
        [
            ("id", task.id),
            ("name", task.name),
            ("project", row.project),
            ("type", task.type),
            ("tags", ", ".join(task.tags)),
            ("status", cells.status(row)),
            ("reason", task.status_reason),
            ("message", task.status_message.strip()),
            ("created", moment(task.created, now)),
            ("started", moment(task.started, now)),
            ("ended", moment(task.completed, now)),
            ("ran", cells.how_long(row, now)),
            ("iteration", "" if row.last_iteration is None else f"{row.last_iteration:,}"),
            ("queue", task.execution.queue if task.execution else ""),
            ("worker", task.last_worker),
            ("where", "@".join(part for part in (task.user, task.host) if part)),
            ("machine", ", ".join(part for part in machine if part)),
            ("parent", task.parent or ""),
            ("comment", task.comment),
            ("archived", "yes" if row.is_archived else ""),
            *(("imported", trust.came_from(mark)) for mark in task.imported),
            ("conflicts", ", ".join(ancestry.open_conflicts(row.paths))),
            ("path", mounts.shown(str(row.paths.home))),
        ],
        {"status": STYLES[task.status], "name": "bold"},
    )


def execution(paths: TaskPaths, script: ScriptRecord) -> list[Text]:
    """Return what ran, of which code, with which packages; the uncommitted changes in full."""
    program = ["-m", script.module] if script.module else script.argv[:1] or [script.entry_point]
    command = shlex.join([script.binary or "python", *filter(None, program), *script.argv[1:]])
    lines = facts(
        [
            ("command", command if script.argv or script.entry_point or script.module else ""),
            ("in", script.cwd),
            ("python", " ".join(part for part in (script.python, script.executable) if part)),
            ("repository", script.repository),
            ("branch", script.branch),
            ("tag", script.tag),
            ("commit", script.version_num),
            ("untracked", count(len(script.untracked), "file") if script.untracked else ""),
            *(("note", note) for note in script.notes),
        ]
    )
    if script.requirements:
        lines += heading("Packages")
        lines += facts(sorted(script.requirements.items()))
    for name, reference in script.code_files():
        lines += heading(f"{name} ({size(reference.size)})")
        lines += _source(paths, name, compare.read_source(paths, reference))
    return lines or [Text("nothing is recorded of what ran", style="dim")]


def _source(paths: TaskPaths, name: str, data: bytes | None) -> list[Text]:
    if data is None or b"\0" in data:
        return [Text("large, not text, or gone", style="dim")]
    is_diff = name.startswith("uncommitted")
    return [
        Text(line, style=_LINE_STYLES.get(line[:1], "") if is_diff else "")
        for line in safe_lines(data.decode("utf-8", "replace")).split("\n")
    ]


def heading(text: str) -> list[Text]:
    """Return an empty line and a title."""
    return [Text(), Text(safe_lines(text).replace("\n", " "), style="bold")]


def facts(pairs: Iterable[Fact], styles: dict[str, str] | None = None) -> list[Text]:
    """Return lines of a label and a text each; what has no text is left out, and a long text goes on below."""
    lines = []
    for label, text in pairs:
        if not text:
            continue
        first, *more = safe_lines(text[:100_000]).split("\n")
        head = f"{safe_lines(label)[:40]:{_LABEL}} "
        lines.append(Text.assemble((head, "dim"), (first, (styles or {}).get(label, ""))))
        lines += [Text(" " * len(head) + line) for line in more]
    return lines


def moment(time: datetime | None, now: datetime) -> str:
    """Spell a time, and how long ago it was."""
    return "" if time is None else f"{time.astimezone():%Y-%m-%d %H:%M:%S} ({ago(time, now)})"
