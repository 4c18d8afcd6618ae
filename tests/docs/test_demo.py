"""The demo: it shows the whole loop, again and again, and leaves nothing outside of its scratch folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a shell script"),
]


def test_the_demo_clones_changes_enqueues_and_compares_within_its_scratch_folder(tmp_path: Path) -> None:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    home.mkdir()
    shutil.copytree(ROOT / "examples", checkout / "examples")
    (checkout / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    left = checkout / ".demo" / "store" / "published"
    left.mkdir(parents=True)
    left.chmod(0o500)
    before = {path.relative_to(checkout) for path in checkout.rglob("*") if ".demo" not in path.parts}
    done = subprocess.run(
        [checkout / "examples" / "demo.sh"],
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            # What lies outside of the scratch folder is not used, whatever the shell says; nor is the network.
            "TASKSTORE_ROOT": str(home / "store"),
            "GIT_DIR": str(home / "git"),
            "https_proxy": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verbs = re.findall(r"^\$ (?:taskstore )?(.+?)(?: examples/iris| --|$)", done.stdout, re.M)
    assert verbs[2:] == ["python train.py", "ls", "show", "logs", "clone", "agent start", "ls", "diff"]
    assert re.search(r"^Args/lr +0\.1 +0\.01$", done.stdout, re.M)
    assert list(home.iterdir()) == []
    assert {path.relative_to(checkout) for path in checkout.rglob("*") if ".demo" not in path.parts} == before
    assert not left.exists()
