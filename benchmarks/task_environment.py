"""The environment of a task with 30 packages: as it is in the cache, and built anew when the packages are at hand."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import _harness as harness

PACKAGES, ROUNDS = 30, 5

SCRIPT = """\
import json, os, shutil, sys, time
from pathlib import Path
from taskstore.agent.environment import Mode, prepared
from taskstore.store import settings, store, tasks

wheels, installer, rounds, is_built_anew = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "anew"
os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1"}
environments = Path("environments")
opened = store.open_at(Path("store")) if Path("store").exists() else store.init(Path("store"))
paths = tasks.create(opened, "benchmarks", "environment")
paths.source.mkdir()
lines = "".join(f"{path.name.split('-')[0]}==1.0\\n" for path in sorted(wheels.iterdir()))
paths.requirements.write_text(lines)
paths.environment.write_text(lines)
agent = settings.Agent(environments=str(environments.absolute()), installer=installer)
taken = []
for turn in range(rounds + 1):
    if is_built_anew:
        shutil.rmtree(environments, ignore_errors=True)
    start = time.perf_counter()
    with prepared(paths, tasks.read_script(paths), Mode.VENV, agent, tell=lambda text: None) as environment:
        taken.append(time.perf_counter() - start)
        assert len(environment.installed) == len(list(wheels.iterdir()))
print(json.dumps(taken[1:]))
"""


def measure() -> list[harness.Row]:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    installers = (["uv"] if uv else []) + ["pip"]
    with harness.scratch() as room:
        wheels = _make_wheels(room.folder / "wheels")
        script = room.script("task_environment.py", SCRIPT)
        anew = {
            name: harness.Timing(tuple(room.answer(script, wheels, name, str(ROUNDS), "anew"))) for name in installers
        }
        cached = harness.Timing(tuple(room.answer(script, wheels, installers[0], str(ROUNDS), "cached")))
    rows = [harness.seconds_row(f"an environment of {PACKAGES} packages, cached", cached, at_most=2)]
    if uv:
        rows.append(harness.seconds_row("... built anew by uv, packages at hand", anew["uv"], at_most=2))
    rows.append(harness.Row("... built anew by pip", str(anew["pip"]), "no bar: it is uv's", None))
    return rows


def _make_wheels(folder: Path) -> Path:
    folder.mkdir()
    for number in range(PACKAGES):
        name = f"tiny_{number:02}"
        info = f"{name}-1.0.dist-info"
        files = {
            f"{name}/__init__.py": '__version__ = "1.0"\n',
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: benchmark\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
            for member, text in files.items():
                archive.writestr(member, text)
            archive.writestr(f"{info}/RECORD", "".join(f"{member},,\n" for member in (*files, f"{info}/RECORD")))
    return folder


if __name__ == "__main__":
    harness.main(measure)
