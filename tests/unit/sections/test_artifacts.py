"""Artifacts: what goes in comes out again, and a stranger's pickle does not without a word."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.errors import BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused
from taskstore.core.states import Status
from taskstore.disk import seal
from taskstore.disk.layout import TaskPaths
from taskstore.sections.artifacts import Artifacts
from taskstore.sections.artifacts.prepared import MAX_PREVIEW_BYTES
from taskstore.store import artifacts as record
from taskstore.store import blobs, tasks
from taskstore.store import store as stores
from taskstore.store.store import Store


@pytest.fixture
def task(store: Store) -> TaskPaths:
    return tasks.create(store, "some project", "some task")


@pytest.fixture
def kept(store: Store, task: TaskPaths) -> Artifacts:
    return Artifacts(store, task.id)


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "given"
    (made / "deep").mkdir(parents=True)
    (made / "a.txt").write_text("A")
    (made / "deep" / "b.bin").write_bytes(b"B" * 5000)
    (made / "run.sh").write_text("#!/bin/sh\n")
    (made / "run.sh").chmod(0o755)
    return made


class _Leaving(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """A task's folder that is moved away right after somebody has found the task in it."""

    def is_file(self, **given: Any) -> bool:
        found = super().is_file(**given)
        if found:
            target = self.parent.parent.parent / "moved"
            target.mkdir()
            self.parent.rename(target / self.parent.name)
        return found


def test_an_artifact_is_begun_wherever_its_task_is_being_moved_to(store: Store, task: TaskPaths) -> None:
    store.places[task.id] = _Leaving(task.home)
    Artifacts(store, task.id).upload("name", {"x": 1})
    assert not task.home.exists()
    assert store.places[task.id].parent.name == "moved"
    assert Artifacts(store, task.id)["name"].get() == {"x": 1}


def round_trip(kept: Artifacts, value: object, type_: str, suffix: str, **options: Any) -> Any:
    found = kept.upload("name", value, **options)
    assert (found.type, Path(found.url).name) == (type_, f"name{suffix}")
    assert found.size > 0
    assert found.preview
    return kept["name"].get()


# the table


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, None, True, "ü"], "b": {"c": {}}}, {}, [1, "two", [3]], [], {"nan": float("inf")}]
)
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_document_comes_back_as_it_was(kept, value, suffix):
    assert round_trip(kept, value, type(value).__name__, suffix, extension_name=suffix) == value


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {2, 3}}, {"a": b"bytes"}, 3.5, None, {"deep": {(1, 2): 3}}])
def test_what_no_document_holds_is_pickled_and_says_so(kept, value):
    assert round_trip(kept, value, "pickle", ".pkl") == value


def test_without_auto_pickle_nothing_is_pickled(kept):
    with pytest.raises(BadValue, match="auto_pickle is off"):
        kept.upload("name", {1, 2}, auto_pickle=False)
    assert len(kept) == 0


def test_a_text_is_a_text_file(kept):
    text = "not a file\nof any kind \udcff"
    assert round_trip(kept, text, "string", ".txt") == text


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_an_array_comes_back_as_it_was(kept, suffix):
    np = pytest.importorskip("numpy")
    value = np.arange(12, dtype="float32").reshape(3, 4)
    found = round_trip(kept, value, "numpy", suffix, extension_name=suffix)
    assert found.dtype == value.dtype
    assert (found == value).all()


def test_an_array_of_objects_is_a_pickle(kept):
    np = pytest.importorskip("numpy")
    assert kept.upload("name", np.array([{}, None])).type == "pickle"


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet", ".feather"])
def test_a_pandas_table_comes_back_as_it_was(kept, suffix):
    pd = pytest.importorskip("pandas")
    if suffix != ".csv.gz":
        pytest.importorskip("pyarrow")
    value = pd.DataFrame({"a": [1, 2], "b": [1.5, None], "c": ["x", "y"]})
    found = round_trip(kept, value, "pandas", suffix, extension_name=suffix)
    pd.testing.assert_frame_equal(found, value)


def test_columns_of_every_type_come_back_from_csv(kept):
    pd = pytest.importorskip("pandas")
    value = pd.DataFrame(
        {
            "id": ["001", "NA", None],
            "day": pd.to_datetime(["2020-01-01T00:00:00.000000", None, "2020-01-02T03:04:05.000001"]),
            "zone": pd.to_datetime(["2020-01-01", "2020-01-02", None]).tz_localize("UTC"),
            "took": pd.to_timedelta(["1 days", None, "2 hours"]),
            "kind": pd.Categorical(["a", "b", "a"]),
            "small": pd.array([1, 2, 3], dtype="int8"),
            "maybe": pd.array([1, None, 3], dtype="Int64"),
            "is": [True, False, True],
            "third": [1 / 3, None, float("inf")],
            5: [1, 2, 3],
        },
        index=pd.Index(["007", "008", "009"], name="agent"),
    )
    value = pd.concat([value, value[["is"]]], axis=1)  # a label that is there twice
    found = round_trip(kept, value, "pandas", ".csv.gz")
    pd.testing.assert_frame_equal(found, value, check_exact=True)


def test_a_column_of_a_type_that_no_text_is_read_as_comes_back_as_its_values(kept):
    pd = pytest.importorskip("pandas")
    value = pd.DataFrame(
        {
            "id": ["001", "002"],
            "thin": pd.arrays.SparseArray([0, 1]),
            "span": pd.IntervalIndex.from_breaks([0, 1, 2]),
            "month": pd.period_range("2020-01", periods=2, freq="M"),
            "mixed": [{"a": 1}, [1]],
        }
    )
    found = round_trip(kept, value, "pandas", ".csv.gz")
    assert list(found["id"]) == ["001", "002"]
    assert list(found["thin"]) == [0, 1]
    assert [str(item) for item in found["month"]] == ["2020-01", "2020-02"]
    assert list(found["mixed"]) == ["{'a': 1}", "[1]"]


def test_labels_of_a_table_come_back_and_equal_tables_are_equal_bytes(kept):
    pd = pytest.importorskip("pandas")
    value = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    pd.testing.assert_frame_equal(round_trip(kept, value, "pandas", ".csv.gz"), value)
    before = kept["name"].hash
    assert kept.upload("name", value.copy()).hash == before


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".feather"])
def test_a_polars_table_comes_back_as_it_was(kept, suffix):
    pl = pytest.importorskip("polars")
    value = pl.DataFrame({"a": [1, 2], "c": ["x", "y"]})
    assert round_trip(kept, value, "polars", suffix, extension_name=suffix).equals(value)


def test_an_image_comes_back_as_it_was(kept):
    image = pytest.importorskip("PIL.Image")
    value = image.new("RGB", (3, 2), (10, 20, 30))
    found = round_trip(kept, value, "image", ".png")
    assert (found.size, found.tobytes()) == (value.size, value.tobytes())
    assert kept["name"].preview == "3 x 2 RGB"


def test_a_matplotlib_figure_is_a_picture(kept):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=50)
    figure.add_subplot().set_title("loss")
    assert round_trip(kept, figure, "image", ".png").size == (100, 50)
    assert kept["name"].preview == "loss"


def test_a_plotly_figure_comes_back_as_it_was(kept):
    go = pytest.importorskip("plotly.graph_objects")
    value = go.Figure(data=[go.Bar(y=[1, 2])])
    assert round_trip(kept, value, "plotly", ".json") == value


def test_tensors_come_back_without_running_code(kept):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(2, 3)
    found = round_trip(kept, layer.state_dict(), "torch", ".pt")
    assert all(torch.equal(found[name], value) for name, value in layer.state_dict().items())
    assert torch.equal(round_trip(kept, torch.ones(3), "torch", ".pt"), torch.ones(3))
    assert kept.upload("whole", layer).type == "pickle"


def test_the_uploaders_own_function_writes_and_the_readers_reads(kept):
    kept.upload("name", 5, serialization_function=lambda value: b"x" * value, extension_name=".x")
    assert (kept["name"].type, Path(kept["name"].url).name) == ("custom", "name.x")
    assert kept["name"].get(deserialization_function=len) == 5
    with pytest.raises(BadValue, match="has to return bytes, not int"):
        kept.upload("name", 5, serialization_function=lambda value: value)


def test_a_suffix_that_does_not_fit_names_those_that_do(kept):
    with pytest.raises(BadValue, match=r"\.json, \.pkl, \.yaml"):
        kept.upload("name", {"a": 1}, extension_name=".csv")


# files


@pytest.mark.parametrize("spelled", [str, Path])
def test_a_file_is_copied_under_its_own_name(kept, folder, spelled):
    kept.upload("name", spelled(folder / "deep" / "b.bin"))
    shutil.rmtree(folder)
    assert (kept["name"].type, kept["name"].get().name) == ("custom", "b.bin")
    assert kept["name"].get().read_bytes() == b"B" * 5000


def test_a_path_that_is_not_there_is_no_text(kept, tmp_path):
    with pytest.raises(BadValue, match="no file or folder"):
        kept.upload("name", tmp_path / "missing")
    with pytest.raises(BadValue, match="no file or folder"):
        kept.upload("name", [tmp_path / "missing"])


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_folder_comes_back_with_its_executables(kept, folder, tmp_path):
    kept.upload("name", folder)
    assert kept["name"].type == "archive"
    assert contents(kept["name"].get()) == contents(folder)
    copy = kept["name"].get_local_copy(tmp_path / "out")
    assert contents(copy) == contents(folder)
    assert os.access(copy / "run.sh", os.X_OK)
    assert kept["name"].preview.splitlines()[0] == "a.txt - 1 bytes"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_wildcard_through_links_that_lead_back_ends_and_takes_each_file_once(kept, folder):
    for number in range(3):
        (folder / "deep" / f"up{number}").symlink_to("..")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "c.bin").write_bytes(b"C")
    kept.upload("found", str(folder / "**" / "*.bin"))
    assert [path.name for path in kept["found"].get().rglob("*") if path.is_file()] == ["b.bin"]
    kept.upload("all", str(folder / "**"))
    assert kept["all"].preview.splitlines() == ["a.txt - 1 bytes", "deep/b.bin - 5,000 bytes", "run.sh - 10 bytes"]


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="there every name is UTF-8")
def test_a_file_whose_name_no_archive_can_hold_is_named(kept, folder):
    (folder / os.fsdecode(b"bad\xff")).write_text("x")
    for given in (folder, str(folder / "b*")):
        with pytest.raises(BadValue, match="name of the file 'bad.*rename it"):
            kept.upload("name", given)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_neither_a_file_nor_a_folder(kept, folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(BadValue, match="neither a file nor a folder"):
        kept.upload("name", folder / "pipe")


def test_of_a_file_that_grows_meanwhile_is_kept_what_was_there_at_first(store, kept, folder, monkeypatch):
    monkeypatch.setattr(blobs, "reflink", lambda *_: False)
    growing = folder / "growing.log"
    growing.write_bytes(b"1" * 100)
    write = blobs.Stream.write

    def write_and_grow(stream: blobs.Stream, data: Any) -> int:
        assert stream.tell() < 1000, "it goes on as long as the file does"
        with growing.open("ab") as file:
            file.write(b"2" * 100)
        return write(stream, data)

    monkeypatch.setattr(blobs.Stream, "write", write_and_grow)
    assert kept.upload("log", growing).get().read_bytes() == b"1" * 100


def test_a_file_is_handed_out_under_the_name_that_it_had(kept, folder, tmp_path):
    given = folder / "Best Model.KERAS"  # capitals are spelled otherwise on the disk, and libraries look at suffixes
    given.write_bytes(b"weights")
    found = kept.upload("Best", given)
    for path in (found.get(), found.get_local_copy(), found.get_local_copy(tmp_path / "mine")):
        assert (path.name, path.read_bytes()) == ("Best Model.KERAS", b"weights")
    assert given.stat().st_nlink == 1


@pytest.mark.parametrize("value", [lambda: None, (number for number in ()), open])
def test_what_cannot_be_pickled_is_refused_by_the_name_of_its_class(kept, value):
    if value is open:
        value = open(os.devnull)  # noqa: SIM115, PTH123 - closed below
    with pytest.raises(
        BadValue, match=f"artifact 'name': {type(value).__name__} cannot be pickled .*serialization_function"
    ):
        kept.upload("name", value)
    assert list(kept) == []
    getattr(value, "close", lambda: None)()


class Unready:
    def __repr__(self) -> str:
        raise AttributeError("not set up")


def test_an_object_without_a_repr_is_kept(kept):
    assert kept.upload("name", Unready()).preview == "<Unready>"
    assert isinstance(kept["name"].get(), Unready)


def test_metadata_that_is_no_dictionary_is_refused(kept):
    with pytest.raises(BadValue, match="artifact 'name': metadata must be a dictionary, not list"):
        kept.upload("name", {"a": 1}, metadata=["a"])
    assert list(kept) == []


def test_an_extension_may_be_given_without_its_dot(kept):
    assert Path(kept.upload("name", {"a": 1}, extension_name="yaml").url).name == "name.yaml"


def test_wildcards_and_lists_are_archives_too(kept, folder):
    kept.upload("some", str(folder / "*" / "*.bin"))
    assert contents(kept["some"].get()) == {"deep/b.bin": b"B" * 5000}
    kept.upload("two", [folder / "a.txt", str(folder / "deep")])
    assert contents(kept["two"].get()) == {"a.txt": b"A", "deep/b.bin": b"B" * 5000}


def test_equal_folders_are_equal_archives_whenever_they_were_written(kept, folder):
    first = kept.upload("one", folder).hash
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert kept.upload("two", folder).hash == first


def test_a_folder_with_the_store_in_it_leaves_the_store_out(kept, store):
    (store.root.parent / "beside.txt").write_text("x")
    kept.upload("name", store.root.parent)
    assert not any(name.startswith("store/") for name in contents(kept["name"].get()))


def test_an_address_is_recorded_without_its_password_and_not_fetched(kept):
    found = kept.upload("name", "https://ada:secret@example.org/data.bin?x=1")
    assert (found.url, found.size) == ("https://example.org/data.bin?x=1", 0)
    with pytest.raises(Refused, match="without being fetched"):
        found.get()


@pytest.mark.parametrize("member", ["../outside", "/outside", "a/../../outside"])
def test_an_archive_that_leads_elsewhere_is_refused(kept, tmp_path, member):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr(member, "x")
    kept.upload("name", tmp_path / "x.zip")
    found = kept["name"]
    found._record.type = "archive"
    with pytest.raises(Damaged, match="outside of itself"):
        found.get_local_copy(tmp_path / "out")
    assert not list(tmp_path.rglob("outside"))


def test_a_copy_is_the_callers_and_nothing_is_overwritten(kept, folder, tmp_path):
    kept.upload("name", folder / "a.txt")
    copy = kept["name"].get_local_copy(tmp_path / "out")
    copy.write_text("changed")
    assert kept["name"].get().read_text() == "A"
    with pytest.raises(Conflict):
        kept["name"].get_local_copy(tmp_path / "out")
    assert copy.read_text() == "changed"


# pickles


class Marker:
    loaded: list[str] = []

    def __reduce__(self) -> tuple[object, ...]:
        return (_loaded, ("loaded",))


def _loaded(word: str) -> None:
    Marker.loaded.append(word)


@pytest.fixture
def marked(kept: Artifacts) -> Artifacts:
    Marker.loaded.clear()
    kept.upload("name", Marker())
    return kept


def test_the_pickle_of_this_account_is_loaded(marked):
    marked["name"].get()
    assert Marker.loaded == ["loaded"]


def test_a_pickle_that_came_from_elsewhere_needs_the_users_word(marked, store, tmp_path, monkeypatch):
    """The whole store is copied to another account: its id, its hosts and its records are the same there."""
    moved = shutil.copytree(store.root, tmp_path / "copy")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    seal._key_at.cache_clear()
    there = Artifacts(stores.open_at(moved), marked._task_id)["name"]
    with pytest.raises(Refused, match="trust=True"):
        there.get()
    assert Marker.loaded == []
    there.get(trust=True)
    assert Marker.loaded == ["loaded"]


def test_other_bytes_under_the_seal_of_a_pickle_are_not_loaded(marked, task):
    path = marked["name"].get_local_copy()
    path.chmod(0o644)
    path.write_bytes(pickle.dumps([Marker()]))
    with pytest.raises(Damaged):
        marked["name"].get()
    assert Marker.loaded == []


def test_a_seal_is_of_one_file_and_does_not_fit_another(marked, task):
    other = marked.upload("other", {1})
    value = json.loads(task.artifacts.read_bytes())
    value["artifacts"]["name"]["type_data"]["seal"] = value["artifacts"]["other"]["type_data"]["seal"]
    task.artifacts.write_text(json.dumps(value))
    with pytest.raises(Refused, match="trust=True"):
        marked["name"].get()
    assert (Marker.loaded, other.get()) == ([], {1})


def test_the_key_of_an_account_is_its_own_to_read(marked, tmp_path):
    (key,) = (tmp_path / "state").rglob("*.key")
    assert key.stat().st_mode & 0o077 == 0


def test_without_a_place_for_a_key_every_pickle_needs_the_users_word(kept, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    seal._key_at.cache_clear()
    kept.upload("name", {1, 2})
    with pytest.raises(Refused):
        kept["name"].get()
    assert kept["name"].get(trust=True) == {1, 2}


# the record


def test_names_of_any_kind_are_kept_apart(kept):
    names = ["a/b", "a", "A", "..", "con", "x" * 3000, "ü ", "a:b"]
    for name in names:
        kept.upload(name, {"name": name})
    assert list(kept) == names
    assert [kept[name].get() for name in names] == [{"name": name} for name in names]


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_a_name_is_a_text(kept, name):
    with pytest.raises(BadValue):
        kept.upload(name, 1)


def test_metadata_and_preview_are_the_callers(kept):
    kept.upload("name", {"a": 1}, metadata={"rows": 3, "of": "cats"}, preview="look")
    assert (kept["name"].metadata, kept["name"].preview) == ({"rows": "3", "of": "cats"}, "look")


def test_a_preview_is_bounded(kept):
    kept.upload("name", "ü" * 200_000)
    assert MAX_PREVIEW_BYTES - 4 <= len(kept["name"].preview.encode()) <= MAX_PREVIEW_BYTES


def test_what_is_uploaded_again_replaces_what_was_there(kept, task):
    kept.upload("name", {"a": 1})
    before = kept["name"]
    kept.upload("name", [1, 2])
    assert (kept["name"].get(), before.type) == ([1, 2], "dict")
    assert [path.name for path in task.files.rglob("*") if path.is_file()] == ["name.json"]


def test_what_is_deleted_is_gone_with_its_file(kept, task):
    kept.upload("one", {"a": 1})
    kept.upload("two", {"a": 2})
    with pytest.raises(NotFound, match="the task has one, two"):
        kept.delete("one", "three")
    assert len(kept) == 2
    kept.delete("one")
    assert list(kept) == ["two"]
    assert [path.parent.name for path in task.files.rglob("*") if path.is_file()] == ["two"]
    with pytest.raises(NotFound):
        kept.find("one")


def test_what_an_ended_task_has_stays_as_it_is(kept, store, task):
    kept.upload("name", {"a": 1})
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    kept.upload("late", {"a": 2})
    tasks.transition(store, task.id, Status.COMPLETED)
    for attempt in (lambda: kept.upload("more", 1), lambda: kept.delete("name")):
        with pytest.raises(ReadOnly, match="taskstore clone"):
            attempt()
    assert list(kept) == ["name", "late"]
    assert kept["name"].get() == {"a": 1}


def test_a_task_that_ends_while_an_artifact_is_written_does_not_get_it(kept, store, task):
    def write(_: object) -> bytes:
        tasks.transition(store, task.id, Status.IN_PROGRESS)
        tasks.transition(store, task.id, Status.COMPLETED)
        return b"late"

    with pytest.raises(ReadOnly):
        kept.upload("name", 1, serialization_function=write)
    assert (list(kept), [path for path in task.files.rglob("*") if path.is_file()]) == ([], [])


def test_what_a_later_program_wrote_survives(kept, task):
    kept.upload("name", {"a": 1})
    value = json.loads(task.artifacts.read_bytes())
    value["artifacts"]["name"]["from_later"] = {"x": 1}
    task.artifacts.write_text(json.dumps(value))
    kept.upload("other", {"a": 2})
    assert json.loads(task.artifacts.read_bytes())["artifacts"]["name"]["from_later"] == {"x": 1}


def test_a_record_that_names_a_file_outside_of_its_task_is_not_followed(kept, task, tmp_path):
    (tmp_path / "secret").write_text('{"a": 1}')
    kept.upload("name", {"a": 1})
    value = json.loads(task.artifacts.read_bytes())
    value["artifacts"]["name"]["file"]["path"] = os.path.relpath(tmp_path / "secret", task.home)
    task.artifacts.write_text(json.dumps(value))
    with pytest.raises(Damaged, match="outside"):
        kept["name"].get()
    kept.delete("name")
    assert (tmp_path / "secret").exists()


def test_looking_changes_nothing_on_the_disk(kept, task):
    assert (len(kept), record.read(task).artifacts) == (0, {})
    assert not task.artifacts.exists()
    assert repr(kept) == f"Artifacts(task {task.id!r})"


def test_keeping_and_reading_an_object_imports_no_library_that_the_program_has_not(store, task):
    import subprocess
    import sys

    code = (
        "import sys; from taskstore.sections.artifacts import Artifacts; from taskstore.store import store; "
        f"kept = Artifacts(store.open_at({str(store.root)!r}), {task.id!r}); kept.upload('name', {{'a': [1]}}); "
        "assert kept['name'].get() == {'a': [1]}; print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "polars", "PIL", "matplotlib", "plotly", "torch", "pyarrow", "rich", "yaml"}
    assert heavy.intersection(ended.stdout.split()) == set()
