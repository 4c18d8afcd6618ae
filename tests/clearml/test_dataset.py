"""Datasets: versions of a folder, whose files are kept once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from taskstore import datasets
from taskstore.clearml import Dataset, Task
from taskstore.core.errors import Conflict, Damaged, Refused
from taskstore.store import artifacts, places
from taskstore.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "twin.txt").write_text("a")
    (made / "sub" / "b.csv").write_text("b")
    return made


@pytest.fixture
def first(folder: Path) -> Dataset:
    made = Dataset.create(dataset_name="pictures", dataset_project="examples/data", dataset_tags=["raw"])
    assert made.add_files(str(folder)) == 3
    made.upload()
    assert made.finalize()
    return made


def test_a_version_holds_the_files_of_a_folder(first: Dataset) -> None:
    assert first.is_final()
    assert (first.name, first.project, first.version, first.tags) == ("pictures", "examples/data", "1.0.0", ["raw"])
    assert first.list_files() == ["a.txt", "sub/b.csv", "twin.txt"]
    assert first.list_files("sub") == ["sub/b.csv"]
    copy = Path(first.get_local_copy())
    assert {path.relative_to(copy).as_posix(): path.read_text() for path in copy.rglob("*") if path.is_file()} == {
        "a.txt": "a",
        "twin.txt": "a",
        "sub/b.csv": "b",
    }
    assert first.get_local_copy() == str(copy)
    assert first.verify_dataset_hash() == []
    assert Task.get_task(first.id).task_type == "data_processing"


def test_equal_bytes_are_kept_once_and_parents_bytes_not_again(first: Dataset, folder: Path, store: Store) -> None:
    child = Dataset.create("pictures", "examples/data", parent_datasets=[first.id])
    (folder / "new.txt").write_text("new")
    (folder / "again.txt").write_text("a")
    assert child.add_files(folder) == 2
    child.finalize(auto_upload=True)
    record = artifacts.read(places.locate(store, child.id))
    packed = places.locate(store, child.id).home / record.artifacts["data_000"].file.path
    assert len(zipfile.ZipFile(packed).namelist()) == 1
    assert child.get_num_chunks() == 2
    assert child.version == "1.0.1"
    assert sorted(path.name for path in Path(child.get_local_copy()).iterdir()) == [
        "a.txt",
        "again.txt",
        "new.txt",
        "sub",
        "twin.txt",
    ]
    assert child.get_dependency_graph() == {child.id: [first.id], first.id: []}


def test_a_folder_is_synchronised_and_the_changes_are_told(first: Dataset, folder: Path) -> None:
    (folder / "sub" / "b.csv").unlink()
    (folder / "a.txt").write_text("changed")
    (folder / "c.txt").write_text("c")
    child = Dataset.create("pictures", "examples/data", parent_datasets=[first])
    assert child.sync_folder(folder) == (1, 1, 1)
    assert child.is_dirty()
    assert (child.list_added_files(), child.list_removed_files(), child.list_modified_files()) == (
        ["c.txt"],
        ["sub/b.csv"],
        ["a.txt"],
    )
    child.upload()
    assert not child.is_dirty()
    assert child.list_modified_files(first.id) == ["a.txt"]
    assert (Path(child.get_local_copy()) / "a.txt").read_text() == "changed"
    assert (Path(first.get_local_copy()) / "a.txt").read_text() == "a"


def test_what_fits_a_wildcard_is_added_and_taken_off(folder: Path) -> None:
    made = Dataset.create("pictures", "examples/data")
    assert made.add_files(folder, wildcard="*.csv", dataset_path="tables") == 1
    assert made.list_files() == ["tables/sub/b.csv"]
    made.add_files(folder / "a.txt", dataset_path="texts")
    assert made.add_files(folder, recursive=False) == 2
    assert made.remove_files("texts") == 1
    assert made.remove_files("*.txt") == 2
    assert made.list_files() == ["tables/sub/b.csv"]
    with pytest.raises(ValueError, match="leads out"):
        made.add_files(folder / "a.txt", dataset_path="../..")
    with pytest.raises(ValueError, match="no file or folder"):
        made.add_files(folder / "none")


def test_versions_are_found(first: Dataset) -> None:
    later = Dataset.create("pictures", "examples/data", parent_datasets=[first.id], dataset_version="2.5")
    assert Dataset.get(first.id).version == "1.0.0"
    assert Dataset.get(dataset_project="examples/data", dataset_name="pictures").id == later.id
    found = {"dataset_project": "examples/data", "dataset_name": "pictures"}
    assert Dataset.get(**found, only_completed=True).id == first.id
    assert Dataset.get(**found, dataset_version="1.0.0").id == first.id
    with pytest.raises(ValueError, match="no dataset"):
        Dataset.get(**found, dataset_version="9")
    with pytest.raises(ValueError, match="no dataset"):
        Dataset.get(**found, only_published=True)
    assert Dataset.get(dataset_project="new project", dataset_name="made", auto_create=True).list_files() == []
    writable = Dataset.get(first.id, writable_copy=True)
    assert (writable.id != first.id, writable.list_files()) == (True, first.list_files())
    assert [one["id"] for one in Dataset.list_datasets("examples", partial_name="pict")] == [first.id]
    with pytest.raises(ValueError, match="holds none"):
        Dataset.get(Task.import_task({"name": "no dataset", "project_name": "examples"}).id)


def test_a_closed_version_stays_as_it_is(first: Dataset, folder: Path) -> None:
    with pytest.raises(ValueError, match="Completed"):
        first.add_files(folder)
    open_one = Dataset.create("pictures", "examples/data")
    open_one.add_files(folder)
    with pytest.raises(ValueError, match="not uploaded"):
        open_one.finalize()
    assert not open_one.finalize(raise_on_error=False)
    (folder / "a.txt").write_text("changed meanwhile")
    (folder / "twin.txt").write_text("changed meanwhile")
    with pytest.raises(ValueError, match="changed since it was added"):
        open_one.upload()
    assert first.publish()


def test_a_mutable_copy_is_the_callers(first: Dataset, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert first.get_mutable_local_copy(target) == str(target)
    (target / "a.txt").write_text("mine")
    assert first.verify_dataset_hash(str(target)) == ["a.txt"]
    assert first.verify_dataset_hash() == []
    with pytest.raises(ValueError, match="overwrite"):
        first.get_mutable_local_copy(target)
    first.get_mutable_local_copy(target, overwrite=True)
    assert (target / "a.txt").read_text() == "a"
    with pytest.raises(Conflict):
        datasets.Dataset.get(first.id).get_mutable_local_copy(target)


def test_parts_together_are_all(first: Dataset) -> None:
    parts = [Path(first.get_local_copy(part=number, num_parts=2)) for number in range(2)]
    names = [path.relative_to(part).as_posix() for part in parts for path in part.rglob("*") if path.is_file()]
    assert sorted(names) == first.list_files()
    with pytest.raises(ValueError, match="part is 2"):
        first.get_local_copy(part=2, num_parts=2)


def test_a_copy_may_be_of_some_files_only(first: Dataset) -> None:
    copy = Path(first.get_local_copy(files=["sub/b.csv"]))
    assert [path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()] == ["sub/b.csv"]
    assert copy != Path(first.get_local_copy())
    with pytest.raises(ValueError, match="none.txt"):
        first.get_local_copy(files=["none.txt"])


def test_files_elsewhere_are_named_and_fetched_for_a_copy(first: Dataset, folder: Path) -> None:
    made = Dataset.create("links to files", "examples/data")
    assert made.add_external_files(folder.as_uri(), dataset_path="far") == 3
    assert set(made.link_entries_dict) == {"far/a.txt", "far/sub/b.csv", "far/twin.txt"}
    made.finalize(auto_upload=True)
    assert (Path(made.get_local_copy()) / "far" / "a.txt").read_text() == "a"


def test_metadata_goes_with_a_version(first: Dataset, folder: Path) -> None:
    made = Dataset.create("pictures", "examples/data")
    made.set_metadata({"classes": ["cat"]})
    assert made.get_metadata() == {"classes": ["cat"]}
    assert made.get_metadata("none") is None


def test_versions_are_squashed_renamed_moved_and_deleted(first: Dataset, folder: Path) -> None:
    (folder / "a.txt").write_text("later")
    other = Dataset.create("other files", "examples/data")
    other.add_files(folder / "a.txt")
    other.finalize(auto_upload=True)
    both = Dataset.squash("both of them", dataset_ids=[first.id, other.id])
    assert (Path(both.get_local_copy()) / "a.txt").read_text() == "later"
    assert both.is_final()
    Dataset.rename("renamed", "examples/data", "other files")
    Dataset.move_to_project("moved", "examples/data", "renamed")
    assert (other.name, other.project) == ("renamed", "moved")
    Dataset.delete(other.id)
    assert [one["name"] for one in Dataset.list_datasets("moved")] == []


def test_a_list_of_files_that_leads_out_of_the_copy_is_refused(first: Dataset) -> None:
    native = datasets.Dataset.get(first.id)
    native._state.files["../out.txt"] = native._state.files["a.txt"]
    with pytest.raises(Damaged, match="leads out"):
        native.get_local_copy()


def test_the_current_task_can_hold_a_dataset(task: Task, folder: Path) -> None:
    made = Dataset.create("pictures", "examples", use_current_task=True)
    assert made.id == task.id
    made.add_files(folder)
    made.upload()
    made.finalize()
    assert task.status == "in_progress"
    task.close()
    assert Dataset.get(task.id).list_files() == ["a.txt", "sub/b.csv", "twin.txt"]
    with pytest.raises(Refused):
        datasets.Dataset.get(task.id).add_files(folder)
