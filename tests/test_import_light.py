"""`import taskstore` costs a user's script next to nothing, and a listing does not pay for what only a run needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    *("git", "typer", "click", "rich", "yaml", "pandas", "numpy", "psutil", "filelock", "platformdirs", "pydantic"),
    *("torch", "tensorflow", "matplotlib", "multiprocessing", "asyncio", "importlib.metadata", "unittest"),
)


def loaded_by(code: str) -> set[str]:
    probe = f"import sys; before = set(sys.modules); {code}; print('\\n'.join(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "code",
    ["import taskstore", "import taskstore.clearml", "from taskstore.core import errors, states, ids, names, clock"],
)
def test_importing_pulls_in_nothing_heavy(code: str) -> None:
    assert loaded_by(code).intersection(HEAVY) == set()


def test_opening_and_reading_a_store_pulls_in_nothing_heavy(tmp_path) -> None:
    from taskstore.store import store, tasks

    tasks.create(store.init(tmp_path / "s"), "vision", "a task")
    code = (
        "from taskstore.store import store, places, tasks, events, liveness; "
        f"opened = store.open_at({str(tmp_path / 's')!r}); paths = places.resolve(opened, '@last'); "
        "liveness.settle(opened, paths, tasks.read(paths)); events.read_summary(paths)"
    )
    assert loaded_by(code).intersection(HEAVY) == set()


def test_importing_prints_nothing_and_starts_no_thread() -> None:
    code = "import taskstore, threading; assert threading.active_count() == 1"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")
