"""One folder of environments and several processes: one builds, whoever is killed holds nothing and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.agent.shelf import Builder, Complete, Shelf

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]

# arguments: the folder of environments, what is done: `build` waits within the build, `hold` after it
CHILD = """\
import os, subprocess, sys
from pathlib import Path
from taskstore.agent.shelf import Builder, Complete, Shelf

root, what = Path(sys.argv[1]), sys.argv[2]

def wait():
    print("there", flush=True)
    sys.stdin.read()

def build(folder):
    folder.mkdir()
    with (root / "built").open("a") as log:
        log.write("1")
    (folder / "package").write_text("half")
    if what == "build":
        wait()
    (folder / "package").write_text("whole")
    return Complete()

builder = Builder(build, lambda folder: "", lambda folder: 1)
with Shelf(root, limit_bytes=0, tell=lambda text: None).held("one", builder) as held:
    folder = held.folder
    print((folder / "package").read_text(), flush=True)
    if what == "hold":
        wait()
    if what == "hand on":
        code = "import sys; print('child', flush=True); sys.stdin.read()"
        subprocess.run([sys.executable, "-c", code], pass_fds=[held.descriptor])
"""


def start(root: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def whole(folder: Path) -> Complete:
    folder.mkdir()
    (folder / "package").write_text("whole")
    return Complete()


BUILDER = Builder(whole, lambda folder: "", lambda folder: 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    return folder


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_one_whose_builder_was_killed_is_built_anew(root: Path) -> None:
    process = start(root, "build")
    assert line(process) == "there"
    half = next(root.glob("one-*"))
    kill(process)
    with Shelf(root, limit_bytes=1e9, tell=print).held("one", BUILDER) as held:
        folder = held.folder
        assert (folder / "package").read_text() == "whole"
        assert folder != half
    assert not half.exists()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_one_is_kept_as_long_as_its_user_lives(root: Path) -> None:
    process = start(root, "hold")
    assert [line(process), line(process)] == ["whole", "there"]
    cache = Shelf(root, limit_bytes=0, tell=print)
    cache.clean()
    assert len(list(root.glob("one-*"))) == 1
    kill(process)
    cache.clean()
    assert list(root.glob("one-*")) == []


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL, inherited descriptors")
def test_one_is_kept_as_long_as_a_process_lives_that_its_user_has_handed_it_to(root: Path) -> None:
    process = start(root, "hand on")
    assert [line(process), line(process)] == ["whole", "child"]
    cache = Shelf(root, limit_bytes=0, tell=print)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    cache.clean()
    assert len(list(root.glob("one-*"))) == 1
    process.communicate()  # which ends the child: it reads what we write
    assert list(root.glob("one-*")) != []
    cache.clean()
    assert list(root.glob("one-*")) == []


def test_of_many_who_want_it_at_once_one_builds(root: Path) -> None:
    processes = [start(root, "use") for _ in range(6)]
    answers = [process.communicate()[0].strip() for process in processes]
    assert answers == ["whole"] * 6
    assert (root / "built").read_text() == "1"
