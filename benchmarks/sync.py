"""Syncing 10,000 unchanged tasks with a folder, in a fresh process; and the memory that moving a large file takes."""

from __future__ import annotations

import shutil
import sys

import _harness as harness
import _stores

TASKS, ROUNDS = 10_000, 7
FILE_MIB, MEMORY_MIB = 512, 150

# A task with one large file goes to a remote, and from there to another store; the peak is that of the whole process.
MOVE = """\
import json, os, resource, sys
from pathlib import Path
from taskstore.schema.artifact import Artifact
from taskstore.share.remotes.folder import FolderRemote
from taskstore.share.sync import opening
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.exchange import Stop, exchanged
from taskstore.share.sync.plan import Way
from taskstore.store import artifacts, blobs, store, tasks

class Nobody:
    begin = moved = finished = lambda *_: None

def fill(out):
    for _ in range(int(sys.argv[2])):
        out.write(os.urandom(1 << 20))

def peer(one, way, stop):
    if sys.argv[1] == "folder":
        return opening.at_folder(one, Path("folder").absolute(), way, stop.tick)
    Path("files").mkdir(exist_ok=True)
    return opening.at_remote(one, FolderRemote(Path("files").absolute()), stop.tick)

here, there = store.init("here"), store.init("there")
paths = tasks.create(here, "bench", "large")
with blobs.staged(here, paths.id, lambda at: at.artifact_folder("file"), fill) as blob:
    artifacts.put(here, paths.id, Artifact(key="file", type="custom"), blob, "file")
moved = 0
for one, way in ((here, Way.PUSH), (there, Way.PULL)):
    stop = Stop(Nobody())
    if sys.argv[1] == "folder":
        result = exchanged(one, peer(one, way, stop), way, Choice(), stop)
    else:
        with peer(one, way, stop) as opened:
            result = exchanged(one, opened, way, Choice(), stop)
    assert not result.failed, result.failed
    moved += sum(done.bytes_in + done.bytes_out for done in result.done)
print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, moved >> 20]))
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        _stores.fill_store(room.store, TASKS)
        folder = room.folder / "remote"
        shutil.copytree(room.store, folder)
        sync = [sys.executable, "-m", "taskstore_cli", "sync", folder]
        timing = harness.time_processes(room, {"sync": sync}, rounds=ROUNDS)["sync"]
        left = room.run([*sync, "--json", "--dry-run"])
    rows = [
        harness.seconds_row(f"sync {TASKS:,} unchanged tasks with a folder", timing, at_most=2.0),
        harness.count_row("tasks that a sync found the same", TASKS - len(left.splitlines()), TASKS),
    ]
    for kind in ("folder", "files"):
        with harness.scratch() as room:
            mib, moved = room.answer(room.script("move.py", MOVE), kind, str(FILE_MIB))
        bar = f"<= {MEMORY_MIB} MiB, with 2 x {FILE_MIB} MiB moved"
        is_met = mib <= MEMORY_MIB and moved >= 2 * FILE_MIB
        rows.append(harness.Row(f"memory to move a large file ({kind})", f"{mib:.0f} MiB", bar, is_met))
    return rows


if __name__ == "__main__":
    harness.main(measure)
