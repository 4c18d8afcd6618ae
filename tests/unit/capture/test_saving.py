"""One report for each save and load of a library's, whatever it goes through."""

from __future__ import annotations

import gzip
import importlib
import inspect
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from taskstore.capture.base import Sink
from taskstore.capture.saving import Call, Watch, argument, path_of, watching

SOURCE = '''
class Model:
    def save(self, path, *, twice=False):
        """Write it."""
        return write(self, path)

    @classmethod
    def load(cls, path):
        return read(path)

    @staticmethod
    def check(path):
        return read(path)

def write(model, path, callbacks=None):
    if hasattr(path, "write"):
        path.write(b"model")
        return path
    with open(path, "wb") as file:
        file.write(b"model")
    for callback in callbacks or ():
        callback("written")
    return path

def read(path):
    with open(path, "rb") as file:
        return file.read()
'''


class Kept:
    def __init__(self) -> None:
        self.models: list[tuple[str, ...]] = []
        self.notes: list[str] = []

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        self.models.append(("saved", framework, path.name, key))

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        self.models.append(("loaded", framework, path.name, key))

    def note(self, capture: str, message: str) -> None:
        self.notes.append(f"{capture}: {message.splitlines()[0]}")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "site-packages" / "a_library_of_models.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    yield importlib.import_module(path.stem)
    del sys.modules[path.stem]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def watch(kept: Kept, library: Any) -> Iterator[Watch]:
    with hooked(kept, library) as watch:
        yield watch


def hooked(kept: Kept, library: Any) -> Any:
    return watching(cast("Sink", kept), "some", framework="Some", key="some")


def test_a_save_that_goes_through_another_is_reported_once(library: Any, kept: Kept, watch: Watch) -> None:
    watch.saves(library.Model, "save", argument(1, "path"))
    watch.saves(library, "write", argument(1, "path"))
    assert library.Model().save("outer") == "outer"
    assert library.write(None, path="inner") == "inner"
    assert kept.models == [("saved", "Some", "outer", "some"), ("saved", "Some", "inner", "some")]


def test_a_library_that_is_installed_nowhere_is_none_of_the_program(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "vendored" / "a_vendored_library"
    package.mkdir(parents=True)
    (package / "engine.py").write_text(SOURCE)
    (package / "__init__.py").write_text("from .engine import write\n")
    monkeypatch.syspath_prepend(package.parent)
    top, engine = importlib.import_module(package.name), importlib.import_module(f"{package.name}.engine")
    told: list[object] = []
    with hooked(kept, top) as watch:
        for owner in (top, engine):
            watch.adds_callback(owner, "write", lambda _: told.append)
        top.write(None, tmp_path / "a")
        engine.write(None, tmp_path / "b")
    assert told == ["written", "written"]
    assert top.write is engine.write
    for name in (top.__name__, engine.__name__):
        del sys.modules[name]


def test_each_thread_has_its_own_outermost_call(library: Any, kept: Kept, watch: Watch) -> None:
    def save_in_a_thread(_: Call) -> object:
        thread = threading.Thread(target=library.write, args=(None, "inner"))
        thread.start()
        thread.join()
        return None

    watch.saves(library, "write", argument(1, "path"))
    watch.saves(library.Model, "save", save_in_a_thread)
    library.Model().save("outer")
    assert kept.models == [("saved", "Some", "inner", "some")]


def test_class_methods_and_static_ones_stay_what_they_are(library: Any, kept: Kept, watch: Watch) -> None:
    watch.loads(library.Model, "load", argument(1, "path"))
    watch.loads(library.Model, "check", argument(0, "path"))
    Path("model").write_bytes(b"model")
    assert [library.Model.load("model"), library.Model().check("model")] == [b"model", b"model"]
    assert isinstance(vars(library.Model)["load"], classmethod)
    assert isinstance(vars(library.Model)["check"], staticmethod)
    assert kept.models == [("loaded", "Some", "model", "some")] * 2


def test_a_call_that_fails_is_not_reported_and_shows_no_frame_of_ours(library: Any, kept: Kept, watch: Watch) -> None:
    def frames(call: Callable[[], object]) -> list[tuple[str, int | None]]:
        with pytest.raises(FileNotFoundError) as caught:
            call()
        return [(each.name, each.lineno) for each in traceback.extract_tb(caught.value.__traceback__)][2:]

    before = frames(lambda: library.Model.load("missing"))
    watch.loads(library.Model, "load", argument(1, "path"))
    watch.loads(library, "read", argument(0, "path"))
    assert frames(lambda: library.Model.load("missing")) == before
    assert kept.models == []
    Path("missing").write_bytes(b"here now")
    library.Model.load("missing")
    assert kept.models == [("loaded", "Some", "missing", "some")]


def test_name_signature_and_document_are_the_originals(library: Any, watch: Watch) -> None:
    before = inspect.signature(library.Model.save), library.Model.save.__doc__, library.Model.save.__qualname__
    watch.saves(library.Model, "save", argument(1, "path"))
    assert (
        inspect.signature(library.Model.save),
        library.Model.save.__doc__,
        library.Model.save.__qualname__,
    ) == before


def test_a_hooked_function_can_be_pickled(library: Any, watch: Watch) -> None:
    watch.saves(library, "write", argument(1, "path"))
    assert pickle.loads(pickle.dumps(library.write)) is library.write  # noqa: S301 - of this test's own making


def test_after_the_block_all_is_put_back_and_what_is_held_says_nothing(library: Any, kept: Kept) -> None:
    before = library.write, dict(vars(library.Model))
    with hooked(kept, library) as watch:
        watch.saves(library, "write", argument(1, "path"))
        watch.loads(library.Model, "load", argument(1, "path"))
        held = library.write
    assert (library.write, dict(vars(library.Model))) == before
    held(None, "late")
    assert kept.models == []


def test_a_name_that_the_program_imported_before_is_hooked_and_put_back(
    library: Any, kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, other = ModuleType("a_program_of_nobody"), ModuleType("another_library")
    program.__file__, other.__file__ = str(tmp_path / "program.py"), str(tmp_path / "site-packages" / "other.py")
    for module in (program, other):
        vars(module)["keep"] = library.write
        monkeypatch.setitem(sys.modules, module.__name__, module)
    original = library.write
    with hooked(kept, library) as watch:
        watch.saves(library, "write", argument(1, "path"))
        assert vars(other)["keep"] is original
        vars(program)["keep"](None, "model")
    assert kept.models == [("saved", "Some", "model", "some")]
    assert vars(program)["keep"] is original


def test_calls_of_our_own_are_not_reported(library: Any, kept: Kept, watch: Watch) -> None:
    watch.saves(library, "write", argument(1, "path"))
    ours = {"__name__": "taskstore.sections.artifacts", "write": library.write}
    exec("write(None, 'artifact')", ours)  # noqa: S102 - the caller is told by the module that it is in
    assert Path("artifact").is_file()
    assert kept.models == []


def test_what_is_quiet_lets_nothing_through(library: Any, kept: Kept, watch: Watch) -> None:
    watch.quiet(library.Model, "save")
    watch.saves(library, "write", argument(1, "path"))
    library.Model().save("model")
    assert kept.models == []


def test_what_follows_a_call_may_be_reported_within_another(library: Any, kept: Kept, watch: Watch) -> None:
    seen: list[object] = []
    watch.after(library, "write", lambda call: seen.append(call.result))
    watch.saves(library.Model, "save", argument(1, "path"))
    library.Model().save("model")
    assert seen == ["model"]
    assert kept.models == [("saved", "Some", "model", "some")]


def test_a_part_of_ours_that_fails_is_noted_and_the_call_returns(library: Any, kept: Kept, watch: Watch) -> None:
    def fails(_: object) -> object:
        raise RuntimeError("ours")

    watch.saves(library, "write", fails)
    assert library.write(None, "model") == "model"
    assert kept.notes == ["some: RuntimeError: ours"]


def test_a_callback_is_added_to_the_programs_own_whose_list_stays_as_it_was(library: Any, watch: Watch) -> None:
    seen: list[str] = []
    own = [lambda text: seen.append(f"own {text}")]
    watch.adds_callback(library, "write", lambda arguments: lambda text: seen.append(f"{arguments['path']} {text}"))
    library.write(None, "model", own)
    library.write(None, "other")
    assert seen == ["own written", "model written", "other written"]
    assert len(own) == 1


def test_a_wrong_call_fails_in_the_original(library: Any, kept: Kept, watch: Watch) -> None:
    watch.adds_callback(library, "write", lambda _: print)
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        library.write()
    assert kept.notes == []


def test_an_open_file_is_flushed_before_it_is_reported(library: Any, kept: Kept, watch: Watch) -> None:
    sizes: list[int] = []
    kept.model_saved = lambda *_, **__: sizes.append(Path("model").stat().st_size)  # type: ignore[method-assign] # seen
    watch.saves(library, "write", argument(1, "path"))
    with Path("model").open("wb") as file:
        library.write(None, file)
        assert sizes == [5]


def test_a_compressed_file_is_reported_when_it_is_closed(library: Any, kept: Kept, watch: Watch) -> None:
    watch.saves(library, "write", argument(1, "path"))
    with gzip.open("model.gz", "wb") as file:
        library.write(None, file)
        assert kept.models == []
    assert kept.models == [("saved", "Some", "model.gz", "some")]
    with gzip.open("model.gz") as file:
        assert file.read() == b"model"


@pytest.mark.parametrize("target", [None, 3, "", "s3://bucket/model", "missing", b"missing", object()])
def test_what_is_not_on_this_disk_has_no_path(target: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_of(target) is None


def test_a_path_is_absolute_and_may_be_a_folder_or_the_start_of_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("ckpt-1.index").touch()
    Path("file").touch()
    assert [path_of(each) for each in ("folder", b"file", Path("ckpt-1"))] == [
        tmp_path / "folder",
        tmp_path / "file",
        tmp_path / "ckpt-1",
    ]
    with Path("file").open("rb") as file:
        assert path_of(file) == tmp_path / "file"
