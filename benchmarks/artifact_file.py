"""A file of 1 GiB kept as an artifact, beside a plain cp and a sha256sum of it; and the memory that it takes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import _harness as harness

SIZE_MIB, ROUNDS, MAX_GROWTH_MIB = 1024, 3, 64

# The file differs in each round, so that nothing is found to be there already.
UPLOAD = """\
import json, resource, sys, time
from pathlib import Path
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="artifact")
source = Path(sys.argv[1])
with source.open("r+b") as stream:
    stream.write(time.time_ns().to_bytes(8, "big"))
task.upload_artifact("warm", {"a": 1})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
task.upload_artifact("large", source)
seconds = time.perf_counter() - start
grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
task.artifacts.delete("large")
task.close()
print(json.dumps([seconds, grown_kib]))
"""


def _plain(source: Path, target: Path) -> float:
    start = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def measure() -> list[harness.Row]:
    kept, plain, grown_kib = [], [], []
    with harness.scratch() as room:
        source = room.folder / "large.bin"
        piece = bytes(range(256)) * 4096
        with source.open("wb") as stream:
            for number in range(SIZE_MIB):
                stream.write(number.to_bytes(8, "big") + piece[8:])
        child = room.script("upload.py", UPLOAD)
        for _ in range(ROUNDS):
            plain.append(_plain(source, room.folder / "copy.bin"))
            seconds, grown = room.answer(child, source)
            kept.append(seconds)
            grown_kib.append(grown)
    upload, yardstick = harness.Timing(tuple(kept)), harness.Timing(tuple(plain))
    growth_mib = max(grown_kib) / 1024
    return [
        harness.ratio_row(
            f"artifact of {SIZE_MIB:,} MiB, durable", upload, yardstick, at_most=1.5, unit="cp + sha256sum"
        ),
        harness.Row(
            "memory it takes", f"{growth_mib:.1f} MiB", f"<= {MAX_GROWTH_MIB} MiB", growth_mib <= MAX_GROWTH_MIB
        ),
    ]


if __name__ == "__main__":
    harness.main(measure)
