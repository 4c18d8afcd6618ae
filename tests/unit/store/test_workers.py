from __future__ import annotations

import os

import msgspec
import pytest

from taskstore.core.errors import NotFound, Refused
from taskstore.disk.beacon import BEACON_BYTES, read_beacon
from taskstore.disk.process import ProcessIdentity
from taskstore.store import workers
from taskstore.store.store import Store


def test_a_worker_of_this_machine_is_known_by_its_process(store: Store) -> None:
    registered = workers.register(store, "gpu-1", ["default"], 1)
    assert workers.process_of(store, "gpu-1") == os.getpid()
    registered.leave()
    with pytest.raises(NotFound):
        workers.process_of(store, "gpu-1")


@pytest.mark.parametrize("change", [{"pid_space": "pid:[1]"}, {"boot_id": "another", "host": "another"}])
def test_the_pid_of_a_worker_in_a_container_or_elsewhere_is_not_taken_for_one_of_here(
    store: Store, change: dict[str, str]
) -> None:
    # A container on the host's network has the host's name too, and pids of its own.
    registered = workers.register(store, "gpu-1", ["default"], 1)
    path = store.paths.worker("gpu-1").beacon
    beacon = read_beacon(path)
    assert beacon is not None
    process: ProcessIdentity = msgspec.structs.replace(beacon.process, **change)
    text = msgspec.json.encode(msgspec.structs.replace(beacon, process=process))
    with path.open("r+b") as stream:
        stream.write(text.ljust(BEACON_BYTES - 1) + b"\n")
    with pytest.raises(Refused, match="stop it there"):
        workers.process_of(store, "gpu-1")
    registered.leave()
