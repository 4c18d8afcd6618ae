"""An environment of a known size to measure in: what runs this may be installed in a way that starts slowly."""

from __future__ import annotations

import re
import sys
import venv
from importlib import metadata
from pathlib import Path

import _harness as harness

PACKAGES = 100

# What pip writes for an entry point.
COMMAND = """\
#!{python}
import sys
from taskstore_cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


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
    command = python.with_name("taskstore")
    command.write_text(COMMAND.format(python=python), encoding="utf-8")
    command.chmod(0o755)
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
    record = [
        f"{name}/__init__.py,,",
        *(f"{information.name}/{entry},," for entry in ("METADATA", "INSTALLER", "RECORD")),
    ]
    (information / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")
