"""A remote's files may say anything: what cannot be true is refused by name, and this store is as it was."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from taskstore.core.errors import RemoteError, TaskstoreError
from taskstore.share.merging import digest
from taskstore.share.remotes.memory import MemoryRemote
from taskstore.share.sync import manifest, opening, tree
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.exchange import Result, Stop, exchanged
from taskstore.share.sync.manifest import Entry, Told
from taskstore.share.sync.plan import Way
from taskstore.store.store import Store, init

from .worlds import Nobody, a_task, contents, exchange, remote


@pytest.fixture
def there(store: Store) -> MemoryRemote:
    made = remote()
    a_task(store)
    exchange(store, made, Way.PUSH)
    return made


@pytest.fixture
def victim(store: Store) -> Store:
    return init(store.root.parent / "victim", clock=store.clock)


def pulled(store: Store, there: MemoryRemote) -> Result:
    stop = Stop(Nobody())
    with opening.at_remote(store, there, stop.tick) as peer:
        return exchanged(store, peer, Way.PULL, Choice(), stop)


def state_file(there: MemoryRemote) -> str:
    return next(name for name in there.files if name.startswith(tree.STATES))


def altered(there: MemoryRemote, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]  # JSON
    """Change the state that is there, and name it as an honest one would be."""
    name = state_file(there)
    value = json.loads(there.files.pop(name))
    change(value)
    data = json.dumps(value).encode()
    task_id = name.rpartition("/")[2][:32]
    try:
        told = digest(tree.decode_state_file(data, tree.Path(name)).state)
    except TaskstoreError:
        told = "a" * 64
    there.files[tree.state_name(task_id, told)] = data
    there.files[tree.MANIFEST] = manifest.encode(Told({task_id: Entry("vision/cats", "a run", told)}))


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "a/../../b", "a\\..\\b", ".lock", "x\0y", "", "a//b"])
def test_files_outside_of_a_task_are_refused(there: MemoryRemote, victim: Store, name: str) -> None:
    altered(there, lambda value: value["files"].update({name: {"size": 1, "hash": "a" * 64}}))
    ((_, error),) = pulled(victim, there).failed
    assert isinstance(error, RemoteError)
    assert "memory://there: sync/tasks/" in str(error)
    assert contents(victim) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(state=[]),
        lambda value: value.update(files=[]),
        lambda value: value["files"].update({"files/x": {"size": -1, "hash": "a" * 64}}),
        lambda value: value["files"].update({"files/x": {"size": 1, "hash": "../../x"}}),
        lambda value: value["state"].update(id="../../x"),
        lambda value: value["state"]["units"]["project"]["heads"][0].update(value="a//b"),
        lambda value: value["state"]["units"]["project"]["heads"][0].update(value=[1]),
        lambda value: value["state"]["units"]["status"]["heads"][0].update(value={}),
    ],
)
def test_states_that_cannot_be_true_are_refused(
    there: MemoryRemote, victim: Store, change: Callable[..., None]
) -> None:
    altered(there, change)
    ((_, error),) = pulled(victim, there).failed
    assert isinstance(error, RemoteError)
    assert contents(victim) == {}


def test_a_state_of_another_task_is_refused(there: MemoryRemote, victim: Store) -> None:
    name = state_file(there)
    wrong = name.replace(name.rpartition("/")[2][:32], "f" * 32)
    there.files[wrong] = there.files[name]
    entry = Entry("vision/cats", "x", wrong.rpartition("-")[2].removesuffix(".json"))
    there.files[tree.MANIFEST] = manifest.encode(Told({"f" * 32: entry}))
    ((task_id, error),) = pulled(victim, there).failed
    assert (task_id, "does not hold the state that it is named by" in str(error)) == ("f" * 32, True)


@pytest.mark.parametrize("ending", ["weights.bin", ".jsonl"])
def test_a_file_that_is_not_what_it_was_is_refused_and_the_others_come(
    store: Store, there: MemoryRemote, victim: Store, ending: str
) -> None:
    name = next(name for name in there.files if name.endswith(ending))
    there.files[name] = b"y" + there.files[name][1:]
    whole = a_task(store, "whole")
    exchange(store, there, Way.PUSH)
    result = pulled(victim, there)
    ((_, error),) = result.failed
    assert name in str(error)
    assert [done.id for done in result.done] == [whole.id]
    assert all(whole.id in name for name in contents(victim))


def test_a_file_that_is_missing_is_said_and_does_not_stop_the_others(
    store: Store, there: MemoryRemote, victim: Store
) -> None:
    del there.files[next(name for name in there.files if name.endswith("weights.bin"))]
    whole = a_task(store, "whole")
    exchange(store, there, Way.PUSH)
    result = pulled(victim, there)
    ((_, error),) = result.failed
    assert "are missing there" in str(error)
    assert [done.id for done in result.done] == [whole.id]


def test_a_state_larger_than_any_is_not_read_to_its_end(
    there: MemoryRemote, victim: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskstore.share.sync import at_remote

    monkeypatch.setattr(at_remote, "_MAX_STATE_BYTES", 100)
    ((_, error),) = pulled(victim, there).failed
    assert "is larger than" in str(error)
