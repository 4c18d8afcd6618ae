"""Tasks exchanged by a real OpenSSH server on loopback, with connections that are cut in the middle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote
from taskstore.share.sync import tree
from taskstore.share.sync.plan import Way
from taskstore.store import tasks
from taskstore.store.store import Store, init

from ...unit.share.sync.worlds import Watched, a_task, contents, exchange, keep
from .servers import DOWN, UP, Proxy
from .test_sftp import _fresh, home, proxy, remote, root, server  # noqa: F401 - fixtures


def test_tasks_go_there_and_come_back(store: Store, remote: Remote, tmp_path: Path) -> None:  # noqa: F811
    made = {a_task(store, f"run {number}", "vision/größe: 1").id for number in range(5)}
    assert {done.id for done in exchange(store, remote).done} == made
    watched = Watched(remote)
    assert exchange(store, watched).same == 5
    assert watched.calls == [("read", tree.MANIFEST)]
    other = init(tmp_path / "other", clock=store.clock)
    assert {done.id for done in exchange(other, remote).done} == made
    assert contents(other).keys() == contents(store).keys()


@pytest.mark.parametrize("after", [0, 20_000, 600_000])
def test_connections_that_are_cut_now_and_then_are_not_noticed(
    store: Store,
    remote: Remote,  # noqa: F811
    proxy: Proxy,  # noqa: F811
    tmp_path: Path,
    after: int,
) -> None:
    paths = tasks.create(store, "vision", "large")
    keep(store, paths, "large", os.urandom(1_000_000))
    proxy.cut(UP, after)
    exchange(store, remote)
    proxy.cut(DOWN, after)
    other = init(tmp_path / "other", clock=store.clock)
    exchange(other, remote)
    assert contents(other).keys() == contents(store).keys()


def test_a_server_that_is_gone_for_good_is_said_and_all_goes_on_when_it_is_back(
    store: Store,
    remote: Remote,  # noqa: F811
    proxy: Proxy,  # noqa: F811
    tmp_path: Path,
) -> None:
    a_task(store, "one")
    exchange(store, remote)
    paths = tasks.create(store, "vision", "large")
    keep(store, paths, "large", os.urandom(1_000_000))
    proxy.cut(UP, 100_000, times=1000)
    with pytest.raises(RemoteError) as caught:
        exchange(store, remote, Way.PUSH)
    assert str(caught.value).startswith(remote.address)
    proxy.cut(UP, 0, times=0)
    exchange(store, remote, Way.PUSH)
    other = init(tmp_path / "other", clock=store.clock)
    assert len(exchange(other, remote).done) == 2
