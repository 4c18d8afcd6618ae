"""A process that does Task.init and close in a git repository of 1,000 files, in an environment of 100 packages."""

from __future__ import annotations

import re
import sys
import venv
from importlib import metadata
from pathlib import Path

import _harness as harness

FILES, PACKAGES, ROUNDS = 1_000, 100, 15
SCRIPT = """\
from taskstore import Task

task = Task.init(project_name="benchmarks", task_name="init and close")
task.close()
"""


def measure() -> list[harness.Row]:
    with harness.scratch() as room:
        python = make_environment(room.folder / "environment")
        repository = make_repository(room, room.folder / "repository")
        commands = {"bare": (python, "-c", "pass"), "task": (python, repository / "train.py")}
        taken = harness.time_processes(room, commands, rounds=ROUNDS, cwd=repository)
    what = f"Task.init, close: {FILES:,} files, {PACKAGES} packages"
    return [harness.ratio_row(what, taken["task"], taken["bare"], at_most=25, unit="bare python")]


def make_repository(room: harness.Scratch, folder: Path) -> Path:
    for number in range(FILES - 1):
        path = folder / f"package{number % 40:02}" / f"module{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"value_{line} = {number * line}\n" for line in range(40)), encoding="utf-8")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    git = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    for words in (("init", "--quiet", "-b", "main"), ("add", "."), ("commit", "--quiet", "-m", "All files")):
        room.run([*git, *words], cwd=folder)
    return folder


def make_environment(folder: Path) -> Path:
    """Make an environment of exactly PACKAGES distributions, without a network; return its interpreter.

    taskstore and what it needs are links to the ones that run this; the rest are small packages made up here.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    python = folder / "bin" / "python"
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    needed = closure("taskstore")
    for distribution in needed:
        link_distribution(distribution, site)
    (site / "taskstore").symlink_to(harness.ROOT / "taskstore")
    (site / "taskstore_cli").symlink_to(harness.ROOT / "cli")
    for number in range(PACKAGES - len(needed)):
        make_distribution(site, f"filler_{number:02}")
    return python


def closure(name: str) -> list[metadata.Distribution]:
    """The distribution of this name and all that it needs and that is installed here."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        wanted = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if wanted in found:
            continue
        try:
            found[wanted] = metadata.distribution(wanted)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        required = [text for text in found[wanted].requires or () if "extra ==" not in text]
        waiting += [match[0] for text in required if (match := re.match(r"[\w.-]+", text))]
    return list(found.values())


def link_distribution(distribution: metadata.Distribution, site: Path) -> None:
    files = distribution.files or []
    heads = {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__", "bin")}
    if distribution.metadata["Name"] == "taskstore":
        heads = {head for head in heads if head.endswith(".dist-info")}  # the rest finds the checkout, as links do here
    for head in heads:
        if not (site / head).exists():
            (site / head).symlink_to(Path(str(distribution.locate_file(head))).resolve())


def make_distribution(site: Path, name: str) -> None:
    package, information = site / name, site / f"{name}-1.0.dist-info"
    package.mkdir()
    (package / "__init__.py").write_text('__version__ = "1.0"\n', encoding="utf-8")
    information.mkdir()
    about = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\nSummary: Fills an environment.\n\n"
    (information / "METADATA").write_text(about + "A line of a long description.\n" * 150, encoding="utf-8")
    (information / "INSTALLER").write_text("pip\n", encoding="utf-8")
    (information / "top_level.txt").write_text(f"{name}\n", encoding="utf-8")
    record = [f"{name}/__init__.py,,", *(f"{information.name}/{entry},," for entry in ("METADATA", "INSTALLER", "RECORD"))]
    (information / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    harness.main(measure)
