"""What is installed is what stands in the checkout."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def test_every_package_of_the_checkout_is_installed() -> None:
    listed = re.search(r"^packages = \[(.*?)^\]", (_ROOT / "pyproject.toml").read_text(), re.M | re.S)
    assert listed is not None
    inits = (_ROOT / "taskstore").rglob("__init__.py")
    packages = {".".join(path.parent.relative_to(_ROOT).parts) for path in inits} | {"taskstore_cli"}
    assert set(re.findall(r'"([\w.]+)"', listed[1])) == packages
