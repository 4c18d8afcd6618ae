from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from taskstore.core.errors import ReadOnly, Refused, RemoteError
from taskstore.share.sync import manifest, opening, tree
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.deciding import NEWER_HERE, NEWER_THERE
from taskstore.share.sync.exchange import Stop, exchanged
from taskstore.share.sync.plan import Way
from taskstore.store import places, published, query, tasks, trash
from taskstore.store.store import Store, init, open_at

from .worlds import Nobody, Watched, a_task, contents, exchange, keep, remote, report


@pytest.fixture
def other(tmp_path: Path, store: Store) -> Store:
    return init(tmp_path / "other", clock=store.clock)


def ids(store: Store) -> set[str]:
    return {task_id for _, task_id in places.walk(store)}


def test_what_is_pushed_is_pulled_elsewhere(store: Store, other: Store) -> None:
    made = [a_task(store, f"run {number}").id for number in range(3)]
    there = remote()
    assert [done.action for done in exchange(store, there, Way.PUSH).done] == ["pushed"] * 3
    result = exchange(other, there, Way.PULL)
    assert {(done.id, done.action, done.is_new) for done in result.done} == {(each, "pulled", True) for each in made}
    assert ids(other) == set(made)
    assert exchange(store, there).done == exchange(other, there).done == []


def test_between_two_stores_too(store: Store, other: Store) -> None:
    here, there = a_task(store, "here").id, a_task(other, "there").id
    result = exchange(store, other.root)
    assert {(done.id, done.action) for done in result.done} == {(here, "pushed"), (there, "pulled")}
    assert ids(store) == ids(other) == {here, there}
    assert exchange(store, other.root).same == exchange(other, store.root).same == 2


def test_of_unchanged_tasks_only_the_manifest_is_read(store: Store) -> None:
    for number in range(5):
        a_task(store, f"run {number}")
    there = remote()
    exchange(store, there)
    watched = Watched(there)
    assert exchange(store, watched).same == 5
    assert watched.calls == [("read", "sync/manifest.json")]


def test_what_both_have_changed_is_merged_and_comes_to_be_the_same_everywhere(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there)
    exchange(other, there)
    tasks.edit(store, paths.id, lambda record: setattr(record, "name", "another name"))
    tasks.edit(other, paths.id, lambda record: record.tags.append("good"))
    exchange(store, there)
    (done,) = exchange(other, there).done
    assert (done.action, done.conflicts) == ("merged", ())
    (done,) = exchange(store, there).done
    assert done.action == "pulled"
    assert exchange(store, there).same == exchange(other, there).same == 1
    for one in (store, other):
        record = tasks.read(places.locate(one, paths.id))
        assert (record.name, record.tags) == ("another name", ["good"])


def test_what_cannot_be_merged_is_kept_twice_and_named(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there)
    exchange(other, there)
    tasks.edit(store, paths.id, lambda record: setattr(record, "name", "one name"))
    tasks.edit(other, paths.id, lambda record: setattr(record, "name", "other name"))
    exchange(store, there)
    (preview,) = exchange(other, there, is_dry=True).done
    (done,) = exchange(other, there).done
    assert (preview.action, preview.conflicts) == (done.action, done.conflicts) == ("merged", ("name",))
    assert exchange(store, there).done[0].conflicts == ("name",)
    assert tasks.read(places.locate(store, paths.id)).name == tasks.read(places.locate(other, paths.id)).name


def test_a_push_merges_what_has_been_pushed_by_another(store: Store, other: Store) -> None:
    paths = a_task(store)
    for there in (remote(), other.root.parent / "a folder"):
        exchange(store, there, Way.PUSH)
        exchange(other, there, Way.PULL)
        tasks.edit(store, paths.id, lambda record: record.tags.append(f"mine {len(record.tags)}"))
        tasks.edit(other, paths.id, lambda record: setattr(record, "comment", f"theirs {record.comment}"))
        exchange(store, there, Way.PUSH)
        (done,) = exchange(other, there, Way.PUSH).done
        assert (done.action, done.conflicts) == ("pushed" if isinstance(there, Path) else "merged", ())
        exchange(store, there, Way.PULL)
        exchange(other, there, Way.PULL)
        mine, theirs = (tasks.read(places.locate(one, paths.id)) for one in (store, other))
        assert (mine.tags, mine.comment) == (theirs.tags, theirs.comment)
        assert mine.comment.startswith("theirs")


def test_where_the_other_side_is_ahead_nothing_goes_and_it_is_said(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there, Way.PUSH)
    exchange(other, there, Way.PULL)
    tasks.edit(other, paths.id, lambda record: record.tags.append("new"))
    (done,) = exchange(other, there, Way.PULL).done
    assert (done.action, done.reason) == ("", NEWER_HERE)
    exchange(other, there, Way.PUSH)
    (done,) = exchange(store, there, Way.PUSH).done
    assert (done.action, done.reason) == ("", NEWER_THERE)


def test_of_a_log_that_has_grown_only_the_end_comes(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    report(paths, 2000)
    exchange(store, there)
    exchange(other, there)
    report(paths, 1)
    exchange(store, there)
    (done,) = exchange(other, there).done
    log = paths.scalars("host-1-00")
    assert 0 < done.bytes_in < log.stat().st_size / 100
    assert places.locate(other, paths.id).scalars("host-1-00").read_bytes() == log.read_bytes()


def test_a_file_that_the_store_has_in_another_task_does_not_come_again(store: Store, other: Store) -> None:
    data = os.urandom(100_000)
    one, two = a_task(store, "one"), tasks.create(store, "vision", "two")
    keep(store, two, "same", data)
    there = remote()
    exchange(store, there)
    exchange(other, there)
    three = tasks.create(store, "vision", "three")
    keep(store, three, "again", data)
    keep(other, places.locate(other, tasks.create(other, "mine", "own").id), "own", data)
    exchange(store, there)
    (done,) = exchange(other, there, Way.PULL).done
    assert (done.id, done.bytes_in) == (three.id, 0)
    assert one.id != three.id


def test_deleted_here_it_is_deleted_there_and_in_each_store(store: Store, other: Store) -> None:
    kept, gone = a_task(store, "kept"), a_task(store, "gone")
    there = remote()
    exchange(store, there)
    exchange(other, there)
    trash.put(store, gone.id)
    exchange(store, there)
    assert not any(gone.id in name for name in there.files if name.startswith("projects/"))
    (done,) = exchange(other, there).done
    assert (done.id, done.action) == (gone.id, "pulled")
    assert ids(other) == {kept.id}
    assert trash.find(other, gone.id).id == gone.id
    trash.restore(other, gone.id)
    exchange(other, there)
    exchange(store, there)
    assert ids(store) == ids(other) == {kept.id, gone.id}
    assert exchange(store, there).same == exchange(other, there).same == 2


def test_a_task_that_was_removed_for_good_does_not_come_back(store: Store, other: Store) -> None:
    gone = a_task(store)
    there = remote()
    exchange(store, there)
    exchange(other, there)
    trash.put(store, gone.id)
    trash.purge(store, gone.id)
    exchange(store, there)
    exchange(other, there)
    exchange(store, there)
    assert ids(store) == ids(other) == set()
    third = init(other.root.parent / "third", clock=store.clock)
    assert exchange(third, there).done == []


def test_two_who_push_at_once_lose_nothing_for_good(store: Store, other: Store) -> None:
    one, two = a_task(store, "one"), a_task(other, "two")
    there = remote()
    racing = Watched(there)

    def between(name: str) -> None:
        if name == tree.MANIFEST and racing.of("read").count(tree.MANIFEST) > 1 and len(racing.of("write")) < 1000:
            racing.after_write = lambda name: None
            there.files[tree.MANIFEST] = old  # what the other has read before, and writes now

    exchange(other, there, Way.PUSH)
    old = there.files[tree.MANIFEST]
    racing.after_write = between
    exchange(store, racing, Way.PUSH)
    assert set(manifest.decode(there.files[tree.MANIFEST], "").tasks) == {two.id}  # the first one's is lost
    again = Watched(there)
    exchange(store, again)
    assert again.of("write") == [tree.MANIFEST]  # its files are all there
    exchange(other, there)
    assert ids(store) == ids(other) == {one.id, two.id}


def test_a_task_that_others_change_while_it_is_put_is_put_again(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there)
    exchange(other, there)
    tasks.edit(store, paths.id, lambda record: record.tags.append("mine"))
    tasks.edit(other, paths.id, lambda record: setattr(record, "comment", "theirs"))
    racing = Watched(there)

    def meanwhile(name: str) -> None:
        if name.startswith(tree.STATES):
            racing.after_write = lambda name: None
            exchange(other, there)

    racing.after_write = meanwhile
    exchange(store, racing)
    exchange(other, there)
    for one in (store, other):
        record = tasks.read(places.locate(one, paths.id))
        assert (record.tags, record.comment) == (["mine"], "theirs")


def test_nothing_is_done_in_a_dry_run(store: Store, other: Store, tmp_path: Path) -> None:
    a_task(store)
    there = remote()
    before = contents(store)
    for place in (there, tmp_path / "new folder", other.root):
        (done,) = exchange(store, place, is_dry=True).done
        assert (done.action, done.is_new) == ("pushed", True)
    assert there.files == {}
    assert not (tmp_path / "new folder").exists()
    assert ids(other) == set()
    assert contents(store) == before


def test_a_store_that_is_worked_in_is_no_remote(store: Store) -> None:
    there = remote()
    there.files["taskstore.json"] = (store.root / "taskstore.json").read_bytes()
    for way in Way:
        with pytest.raises(Refused, match="a store that is worked in"):
            exchange(store, there, way)


def test_the_files_of_a_remote_are_a_store(store: Store, tmp_path: Path) -> None:
    paths = a_task(store, project="a" * 200 + "/x")
    published.publish(store, paths.id)
    there = remote()
    exchange(store, there)
    for name, data in there.files.items():
        place = tmp_path / "copy" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    copy = open_at(tmp_path / "copy")
    (row,) = query.find(copy).rows
    assert (row.id, row.project, row.get("loss/train")) == (paths.id, "a" * 200 + "/x", 9 / 8)
    with pytest.raises(Refused, match="push to that address"):
        exchange(store, copy.root, Way.PUSH)
    third = init(tmp_path / "third", clock=store.clock)
    exchange(third, copy.root, Way.PULL)
    fourth = init(tmp_path / "fourth", clock=store.clock)
    exchange(fourth, there, Way.PULL)
    for one in (third, fourth):
        assert published.verify(places.locate(one, paths.id)) == []


def test_a_state_that_is_gone_is_put_again_by_who_has_the_task(store: Store, other: Store) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there)
    del there.files[next(name for name in there.files if name.startswith(tree.STATES))]
    with pytest.raises(RemoteError, match="are missing there"):
        exchange(other, there)
    tasks.edit(store, paths.id, lambda record: record.tags.append("new"))
    exchange(store, there)
    assert [done.id for done in exchange(other, there).done] == [paths.id]


def test_what_is_there_whole_is_told_of_when_a_person_ends_the_exchange(store: Store, other: Store) -> None:
    for number in range(12):
        a_task(store, f"run {number}")
    there = remote()

    class Impatient(Nobody):
        def finished(self) -> None:
            super().finished()
            if self.ended == 3:
                raise KeyboardInterrupt

    stop = Stop(Impatient())
    with pytest.raises(KeyboardInterrupt), opening.at_remote(store, there, stop.tick) as peer:
        exchanged(store, peer, Way.PUSH, Choice(), stop)
    assert 3 <= len(exchange(other, there, Way.PULL).done) < 12
    watched = Watched(there)
    exchange(store, watched, Way.PUSH)
    assert len(exchange(other, there, Way.PULL).done) + len(ids(other)) >= 12
    assert ids(other) == ids(store)


def test_files_go_and_come_several_at_once(store: Store, other: Store) -> None:
    a_task(store)
    there = remote()
    meeting = threading.Barrier(2, timeout=20)

    class Meeting(Watched):
        """Where a file has to wait for another one."""

        def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
            if name.endswith(".bin"):
                meeting.wait()
            return super().read(name, offset)

        def write(self, name: str, chunks: Iterable[bytes]) -> None:
            if name.endswith(".bin"):
                meeting.wait()
            super().write(name, chunks)

    exchange(store, Meeting(there), Way.PUSH)
    exchange(other, Meeting(there), Way.PULL)
    assert ids(other) == ids(store)


def test_from_a_remote_that_can_only_be_read_tasks_come_and_none_go(store: Store, other: Store) -> None:
    a_task(store)
    there = remote()
    exchange(store, there)
    watched = Watched(there)
    watched.is_writable = False
    exchange(other, watched)
    assert ids(other) == ids(store)
    assert exchange(other, watched).same == 1
    a_task(other)
    for way in (Way.PUSH, Way.SYNC):
        for is_dry in (True, False):  # a plan says so too
            with pytest.raises(ReadOnly, match="memory://there can only be read; `taskstore pull`"):
                exchange(other, watched, way, is_dry=is_dry)
    assert watched.of("write") == []


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_comes_is_marked_unless_its_remote_is_trusted(store: Store, other: Store, is_folder: bool) -> None:
    paths = a_task(store)
    there = store.root if is_folder else remote()
    if not isinstance(there, Path):
        exchange(store, there)
    exchange(other, there, Way.PULL)
    (mark,) = tasks.read(places.locate(other, paths.id)).imported
    assert (mark.kind, mark.path) == ("taskstore", str(there) if isinstance(there, Path) else there.address)
    third = init(other.root.parent / "third", clock=store.clock)
    exchange(third, there, Way.PULL, is_trusted=True)
    assert tasks.read(places.locate(third, paths.id)).imported == []


def test_a_pull_writes_nothing_there_even_if_others_have_left_something_to_be_removed(
    store: Store, other: Store
) -> None:
    paths = a_task(store)
    there = remote()
    exchange(store, there)
    there.files["projects/old"] = b"left by a push that was cut off"
    told = manifest.decode(there.files[tree.MANIFEST], "")
    there.files[tree.MANIFEST] = manifest.encode(manifest.Told(told.tasks, ["projects/old"]))
    watched = Watched(there)
    assert [done.id for done in exchange(other, watched, Way.PULL).done] == [paths.id]
    assert watched.of("write") == watched.of("remove") == []
    exchange(store, there)
    assert "projects/old" not in there.files
    assert manifest.decode(there.files[tree.MANIFEST], "") == manifest.Told(told.tasks)
