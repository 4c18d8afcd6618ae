"""What every test may use, and the guard that keeps tests away from the real home and any real store."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from taskstore.capture import early
from taskstore.core.clock import FixedClock
from taskstore.store.store import Store, init

settings.register_profile(
    "ci", max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_REAL_HOME = str(Path.home())
_OURS = (".taskstore", ".config/taskstore", ".cache/taskstore", ".local/share/taskstore", ".local/state/taskstore")
_FORBIDDEN = tuple(os.path.join(_REAL_HOME, *part.split("/")) for part in _OURS)  # noqa: PTH118 - audited as text
_WATCHED = frozenset({"open", "os.mkdir", "os.listdir", "os.scandir", "os.rename", "os.remove"})


def _refuse_the_real_store(event: str, arguments: tuple[object, ...]) -> None:
    if event in _WATCHED and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.fsdecode(arguments[0])
        if path.startswith(_FORBIDDEN):
            raise AssertionError(f"a test touched the real home: {event} {path}")


sys.addaudithook(_refuse_the_real_store)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder without anything of its user; its default store is a file, so that making one there fails."""
    home = tmp_path_factory.mktemp("home")
    (home / ".taskstore").write_text("tests name the store that they use")
    return home


@pytest.fixture(autouse=True)
def _without_what_other_tests_parsed() -> Iterator[None]:
    yield
    early.forget()  # or the next run of this process would record it


@pytest.fixture(autouse=True)
def _away_from_home(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TASKSTORE_", "XDG_", "CLEARML_", "TRAINS_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(empty_home))
    for name, folder in (("CONFIG", ".config"), ("CACHE", ".cache"), ("DATA", ".local/share"), ("STATE", ".state")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(empty_home / folder))
    # Not merely unset: a developer may have a .taskstore above the working directory.
    monkeypatch.setenv("TASKSTORE_ROOT", str(empty_home / ".taskstore"))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def store(tmp_path: Path, clock: FixedClock) -> Store:
    return init(tmp_path / "store", clock=clock)


@pytest.fixture
def plain_user(tmp_path: Path) -> Iterator[Path]:
    """A folder of a user whom permissions bind: root, as in containers, gives up its powers for the test."""
    if os.name != "posix" or os.geteuid() != 0:
        yield tmp_path
        return
    import filelock  # noqa: F401 - what is imported late may lie where only root reads
    import yaml  # noqa: F401

    nobody = 65534
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)
