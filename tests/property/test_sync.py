"""Whatever two stores do, and wherever their exchanges are cut off: once all is quiet, they hold the same."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock
from taskstore.core.errors import NotFound, RemoteError, TaskstoreError
from taskstore.share.remotes.base import Remote
from taskstore.share.sync import stored, tree
from taskstore.share.sync.plan import Way
from taskstore.store import places, tasks, trash
from taskstore.store.store import Store, init

from ..unit.share.sync.test_cut import told_files
from ..unit.share.sync.worlds import Watched, a_task, exchange, keep, remote, report

stores = st.integers(0, 1)
numbers = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("create"), stores, numbers),
    st.tuples(st.just("tag"), stores, numbers),
    st.tuples(st.just("rename"), stores, numbers),
    st.tuples(st.just("move"), stores, numbers),
    st.tuples(st.just("log"), stores, numbers),
    st.tuples(st.just("keep"), stores, numbers),
    st.tuples(st.just("delete"), stores, numbers),
    st.tuples(st.just("restore"), stores, numbers),
    st.tuples(st.just("purge"), stores, numbers),
    st.tuples(st.sampled_from(["sync", "push", "pull"]), stores, st.integers(0, 25)),
)


class World:
    """Two stores, and a remote or a folder between them."""

    def __init__(self, root: Path, *, is_folder: bool) -> None:
        self.clock = FixedClock()
        self.stores = [init(root / name, clock=self.clock) for name in ("one", "other")]
        self.memory = remote()
        self.place: Remote | Path = root / "folder" if is_folder else self.memory
        self.made = [a_task(self.stores[0], f"run {number}", data=b"").id for number in range(2)]
        for store in self.stores:
            exchange(store, self.place)

    def do(self, step: tuple[str, int, int]) -> None:
        """Do one thing in one store, if it can be done there now."""
        verb, which, number = step
        store = self.stores[which]
        self.clock.advance(1)
        if verb in ("sync", "push", "pull"):
            self.exchange(store, Way(verb), number)
        elif verb == "create":
            self.made.append(a_task(store, f"run {len(self.made)}", data=b"").id)
        elif number < len(self.made):
            with contextlib.suppress(NotFound):
                getattr(self, verb)(store, self.made[number])

    def exchange(self, store: Store, way: Way, cut_at: int) -> None:
        """Exchange, cut off at a call where the number is small."""
        place = self.place
        if not isinstance(place, Path):
            place = Watched(place, cut_at if cut_at < 20 else None)
        with contextlib.suppress(RemoteError, *((NotFound,) if way is Way.PULL else ())):
            exchange(store, place, way)
        told_files(self.memory)

    def tag(self, store: Store, task_id: str) -> None:
        tasks.edit(store, task_id, lambda record: record.tags.append(f"{self.clock.monotonic()}"))

    def rename(self, store: Store, task_id: str) -> None:
        tasks.edit(store, task_id, lambda record: setattr(record, "name", f"name {self.clock.monotonic()}"))

    def move(self, store: Store, task_id: str) -> None:
        tasks.move(store, task_id, f"project {int(self.clock.monotonic()) % 3}")

    def log(self, store: Store, task_id: str) -> None:
        report(places.locate(store, task_id), 3, f"host-{self.stores.index(store)}-00")

    def keep(self, store: Store, task_id: str) -> None:
        with contextlib.suppress(TaskstoreError):
            keep(store, places.locate(store, task_id), "extra", f"{self.clock.monotonic()}".encode())

    def delete(self, store: Store, task_id: str) -> None:
        trash.put(store, task_id)

    def restore(self, store: Store, task_id: str) -> None:
        trash.restore(store, task_id)

    def purge(self, store: Store, task_id: str) -> None:
        trash.purge(store, task_id)

    def settle(self) -> None:
        """Exchange until both are quiet."""
        for _ in range(3):
            for store in self.stores:
                exchange(store, self.place)


@settings(max_examples=20)
@given(st.booleans(), st.lists(steps, min_size=4, max_size=16))
def test_in_the_end_both_stores_hold_the_same(is_folder: bool, done: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), is_folder=is_folder)
        for step in done:
            world.do(step)
        world.settle()
        one, other = (
            {key: value.digest for key, value in stored.store_manifest(each, []).items()} for each in world.stores
        )
        alive = {key for store in world.stores for _, key in places.walk(store)}
        for task_id in alive:
            assert one[task_id] == other[task_id], task_id
        if not is_folder:
            watched = Watched(world.memory)
            assert exchange(world.stores[0], watched).done == []
            assert watched.calls[:1] == [("read", tree.MANIFEST)]
            assert len(watched.of("write")) == 0
