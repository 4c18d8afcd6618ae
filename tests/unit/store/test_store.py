import os
from pathlib import Path

import msgspec
import pytest

from taskstore.core.errors import BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused, TooNew
from taskstore.disk.atomic import temporary_beside
from taskstore.disk.lock import LockKind
from taskstore.schema import migrate
from taskstore.schema.record import FORMAT
from taskstore.store import doctor, tasks
from taskstore.store.store import find_root, init, open_at, open_default


def rewrite(root: Path, **changes: object) -> None:
    record = root / "taskstore.json"
    record.write_bytes(msgspec.json.encode(msgspec.json.decode(record.read_bytes()) | changes))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path / "store")
    return tmp_path / "store"


class TestFinding:
    def test_what_is_named_comes_first_then_the_variable_then_the_nearest_then_home(self, tmp_path: Path) -> None:
        home, above = tmp_path / "home", tmp_path / "project"
        below = above / "a" / "b"
        below.mkdir(parents=True)
        nearest = init(above / ".taskstore").root
        environ = {"TASKSTORE_ROOT": str(tmp_path / "named")}
        assert find_root(tmp_path / "x", environ=environ, cwd=below, home=home) == tmp_path / "x"
        assert find_root(environ=environ, cwd=below, home=home) == tmp_path / "named"
        assert find_root(environ={}, cwd=below, home=home) == nearest
        assert find_root(environ={"TASKSTORE_ROOT": ""}, cwd=tmp_path, home=home) == home / ".taskstore"

    def test_a_folder_of_the_right_name_that_is_no_store_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "a" / ".taskstore").mkdir(parents=True)
        assert find_root(environ={}, cwd=tmp_path / "a", home=tmp_path) == tmp_path / ".taskstore"

    def test_the_default_store_is_made_on_first_use(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.delenv("TASKSTORE_ROOT")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        assert open_default().root == tmp_path / ".taskstore"
        assert open_default().id == open_at(tmp_path / ".taskstore").id

    def test_a_store_that_was_named_and_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="taskstore init"):
            open_default(tmp_path / "typo")
        assert not (tmp_path / "typo").exists()

    def test_tests_cannot_use_the_default_store(self) -> None:
        with pytest.raises((ReadOnly, Refused, NotFound, Damaged)):
            open_default()


class TestMaking:
    def test_a_new_store_is_made_with_its_parents_and_opens(self, tmp_path: Path) -> None:
        made = init(tmp_path / "a" / "b")
        opened = open_at(str(tmp_path / "a" / "b"))
        assert (opened.id, opened.locks) == (made.id, LockKind.FLOCK)
        assert len(made.id) == 32

    def test_making_it_twice_opens_what_is_there(self, root: Path) -> None:
        before = (root / "taskstore.json").read_bytes()
        assert init(root).id == open_at(root).id
        assert (root / "taskstore.json").read_bytes() == before

    def test_the_kind_of_locks_is_the_stores_and_does_not_change(self, tmp_path: Path) -> None:
        assert init(tmp_path / "s", locks="lease").locks is LockKind.LEASE
        assert init(tmp_path / "s").locks is LockKind.LEASE
        assert init(tmp_path / "s", locks="lease").locks is LockKind.LEASE
        with pytest.raises(Conflict, match="lease"):
            init(tmp_path / "s", locks="flock")
        with pytest.raises(BadValue, match="flock or lease"):
            init(tmp_path / "s", locks="hope")

    def test_a_folder_with_other_things_in_it_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(Refused, match=r"thesis\.tex"):
            init(tmp_path)
        assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]

    def test_what_another_maker_or_a_crash_left_is_no_stranger(self, tmp_path: Path) -> None:
        temporary_beside(tmp_path / "taskstore.json").touch()
        (tmp_path / ".lock").touch()
        (tmp_path / "projects").mkdir()
        assert open_at(init(tmp_path).root)

    def test_a_file_in_the_way_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for path in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(ReadOnly):
                init(path)

    def test_a_folder_that_cannot_be_written_is_refused(self, plain_user: Path) -> None:
        plain_user.chmod(0o500)
        with pytest.raises(ReadOnly):
            init(plain_user / "store")
        plain_user.chmod(0o700)


class TestOpening:
    def test_where_there_is_none_the_error_says_how_to_make_one(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for path in (tmp_path / "no", tmp_path / "file", tmp_path):
            with pytest.raises(NotFound, match="taskstore init"):
                open_at(path)

    def test_it_opens_wherever_it_is_moved(self, root: Path) -> None:
        moved = root.rename(root.with_name("elsewhere"))
        assert open_at(moved).root == moved

    def test_it_opens_read_only(self, plain_user: Path) -> None:
        made = init(plain_user / "s")
        for folder, _, files in os.walk(made.root):
            for name in files:
                (Path(folder) / name).chmod(0o400)
            Path(folder).chmod(0o500)
        assert open_at(made.root).id == made.id
        made.root.chmod(0o700)

    def test_a_relative_root_does_not_depend_on_where_one_goes_later(self, root: Path, monkeypatch, tmp_path) -> None:
        monkeypatch.chdir(root.parent)
        assert open_at("store").root == root

    @pytest.mark.parametrize("rest", [b"", b', "id": 7, "locks": {}'])
    def test_a_later_format_is_refused_whatever_else_it_holds(self, root: Path, rest: bytes) -> None:
        (root / "taskstore.json").write_bytes(b'{"format": %d%s}' % (FORMAT + 1, rest))
        with pytest.raises(TooNew, match="upgrade"):
            open_at(root)

    @pytest.mark.parametrize(
        "data", [b"", b"{", b"[]", b'{"format": "1"}', b'{"format": 1}', b'{"format": 0, "id": "x"}']
    )
    def test_a_damaged_record_is_named(self, root: Path, data: bytes) -> None:
        (root / "taskstore.json").write_bytes(data)
        with pytest.raises(Damaged, match=r"taskstore\.json|no format"):
            open_at(root)

    def test_an_unknown_kind_of_locks_is_damage(self, root: Path) -> None:
        rewrite(root, locks="prayer")
        with pytest.raises(Damaged, match="prayer"):
            open_at(root)

    def test_an_older_store_is_migrated_once_and_keeps_what_is_not_known(self, root: Path, monkeypatch) -> None:
        ran = []
        monkeypatch.setattr(migrate, "STEPS", {0: ran.append})
        monkeypatch.setattr(migrate.migrate, "__kwdefaults__", {"steps": {0: ran.append}})
        rewrite(root, format=0, note="mine")
        assert open_at(root).root == root
        assert open_at(root).root == root
        assert ran == [root]
        record = msgspec.json.decode((root / "taskstore.json").read_bytes())
        assert (record["format"], record["note"]) == (1, "mine")

    @pytest.mark.parametrize("locks", ["flock", "lease"])
    def test_one_that_lost_its_record_is_not_made_anew_but_repaired(self, tmp_path: Path, locks, monkeypatch) -> None:
        made = init(tmp_path / "lost", locks=locks)
        tasks.create(made, "kept", "a task")
        (made.root / "taskstore.json").unlink()
        monkeypatch.setenv("TASKSTORE_ROOT", str(made.root))
        with pytest.raises(Damaged, match="missing"):
            open_default()
        doctor.repair_record(made.root)
        assert open_at(made.root).locks.value == locks
