"""A task of many points and a large file, zipped beside Python's zipfile and imported beside unzip; and the memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import _harness as harness
import _stores as stores

from taskstore.core.states import Status
from taskstore.schema.artifact import Artifact
from taskstore.store import artifacts, blobs, store, tasks

POINTS, SIZE_MIB, LARGE_MIB, ROUNDS, MAX_MIB = 100_000, 100, 512, 5, 150

ZIP = """\
import json, sys, time, zipfile
from pathlib import Path
from taskstore.share import bundle
from taskstore.store import places, store

opened = store.open_at(sys.argv[1])
(home, task_id), = places.walk(opened)
home = Path(home, task_id)
out = Path(sys.argv[2])
start = time.perf_counter()
with zipfile.ZipFile(out / "stored.zip", "w") as packed:
    for path in sorted(home.rglob("*")):
        if path.is_file():
            packed.write(path, path.relative_to(opened.root))
stored = time.perf_counter() - start
start = time.perf_counter()
bundle.write(opened, [task_id], out / "bundle.zip", is_replaced=True)
print(json.dumps([stored, time.perf_counter() - start]))
"""

# A new store and a new folder in each round: nothing is there already.
IMPORT = """\
import json, shutil, subprocess, sys, time, zipfile
from pathlib import Path
from taskstore.share import bundle
from taskstore.store import store

path, out = Path(sys.argv[1]), Path(sys.argv[2])
opened = store.init(out / "other")
start = time.perf_counter()
if shutil.which("unzip"):
    subprocess.run(["unzip", "-q", path, "-d", out / "unzipped"], check=True)
else:
    zipfile.ZipFile(path).extractall(out / "unzipped")
unzipped = time.perf_counter() - start
start = time.perf_counter()
assert [each.outcome.kind for each in bundle.read(opened, path)] == ["new"]
taken = time.perf_counter() - start
shutil.rmtree(out / "other")
shutil.rmtree(out / "unzipped")
print(json.dumps([unzipped, taken]))
"""

MEMORY = """\
import json, resource, sys
from pathlib import Path
from taskstore.share import bundle
from taskstore.store import places, store

def peak():
    # Linux's ru_maxrss begins with that of the process that has started this one.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

if sys.argv[1] == "zip":
    opened = store.open_at(sys.argv[2])
    bundle.write(opened, [task_id for _, task_id in places.walk(opened)], Path(sys.argv[3]))
else:
    assert [each.outcome.kind for each in bundle.read(store.init(sys.argv[2]), Path(sys.argv[3]))] == ["new"]
print(json.dumps([peak()]))
"""


def _make(root: Path, size_mib: int) -> None:
    """Make a store of one task that has ended: its points, and a file that does not get smaller."""
    opened = store.init(root)
    curves = [(f"metric{number}", [float(step) / 7 for step in range(POINTS // 10)]) for number in range(10)]
    paths = tasks.create(opened, "benchmarks", "bundle", fill=lambda at, _: stores.write_scalars(at, curves))
    tasks.transition(opened, paths.id, Status.IN_PROGRESS)
    with blobs.staged(
        opened,
        paths.id,
        lambda at: at.artifact_folder("large"),
        lambda out: [out.write(os.urandom(1 << 20)) for _ in range(size_mib)],
    ) as blob:
        artifacts.put(opened, paths.id, Artifact(key="large", type="custom"), blob, "large.bin")
    tasks.transition(opened, paths.id, Status.COMPLETED)


def _memory(room: harness.Scratch) -> list[harness.Row]:
    _make(room.folder / "large", LARGE_MIB)
    child = room.script("memory.py", MEMORY)
    rows = []
    for verb, root in (("zip", "large"), ("import", "large again")):
        (peak_mib,) = room.answer(child, verb, room.folder / root, room.folder / "large.zip")
        what = f"memory of the process, {verb} of {LARGE_MIB} MiB"
        rows.append(harness.Row(what, f"{peak_mib:.1f} MiB", f"<= {MAX_MIB} MiB", peak_mib <= MAX_MIB))
    return rows


def measure() -> list[harness.Row]:
    zips: list[list[float]] = []
    imports: list[list[float]] = []
    with harness.scratch() as room:
        _make(room.store, SIZE_MIB)
        zipping, importing = room.script("zip.py", ZIP), room.script("import.py", IMPORT)
        for turn in range(ROUNDS + 1):
            found = room.answer(zipping, room.store, room.folder)
            taken = room.answer(importing, room.folder / "bundle.zip", room.folder)
            if turn:  # the first warms the page cache
                zips.append(found)
                imports.append(taken)
        rows = _memory(room)
    (stored, written), (unzipped, read) = (
        [harness.Timing(tuple(each)) for each in zip(*samples, strict=True)] for samples in (zips, imports)
    )
    what = f"of {POINTS:,} points and {SIZE_MIB} MiB"
    unzip = "unzip" if shutil.which("unzip") else "zipfile's extractall"
    return [
        harness.ratio_row(f"zip {what}", written, stored, at_most=1.3, unit="zipfile storing"),
        harness.ratio_row(f"import {what}", read, unzipped, at_most=2, unit=unzip),
        *rows,
    ]


if __name__ == "__main__":
    harness.main(measure)
