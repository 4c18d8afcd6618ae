"""What begins in a container, in its image's own Python: it makes taskstore importable there, and becomes the child.

`within.py FACTS OPTIONS…`, where FACTS is JSON of container.py's. It is run by its path and imports nothing of ours.
The agent's own taskstore comes first on PYTHONPATH, because that knows the store's format. Of what it needs, only
what the image does not have is lent: the program's own packages are not to be replaced by the agent's.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

_PROBE = "import taskstore.run.child, taskstore.run.session"


def main() -> None:
    """Change to the program's folder, make taskstore importable, and run what follows. Exits where that cannot be."""
    facts = json.loads(sys.argv[1])
    os.chdir(facts["cwd"])
    links = Path(facts["links"])
    _lend(Path(facts["needed"]), links)
    own = os.environ.get("PYTHONPATH", "")
    paths = [*facts["pythonpath"], *filter(None, [own]), facts["ours"], str(links)]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    sys.path[0:1] = paths[-2:]
    _check()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])  # noqa: S606 - no shell is wanted


def _lend(needed: Path, links: Path) -> None:
    """Link what this Python has not, in a folder that is new each time: another image has other things."""
    links.mkdir(exist_ok=True)
    for old in links.iterdir():
        old.unlink()
    for source in sorted(needed.iterdir()):
        if not _has(source.name):
            (links / source.name).symlink_to(source)


def _has(name: str) -> bool:
    if name.endswith(".dist-info"):
        try:
            metadata.distribution(name.partition("-")[0])
        except metadata.PackageNotFoundError:
            return False
        return True
    return find_spec(name.partition(".")[0]) is not None


def _check() -> None:
    try:
        exec(_PROBE, {})  # noqa: S102 - a text of ours
    except (ImportError, SyntaxError) as error:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.stderr.write(
            f"taskstore agent: taskstore does not work with the Python {version} of this image ({error}); "
            "install it by the task's set-up script (pip install taskstore), or take an image with the agent's Python\n"
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
