"""A configuration of OmegaConf as a configuration object: stored as YAML, and made anew from what is stored."""

from __future__ import annotations

import pytest

from taskstore.core.secrets import Masker
from taskstore.run.sink import StoreSink
from taskstore.sections import clone
from taskstore.sections.configuration import connect
from taskstore.store import configuration, places, tasks
from taskstore.store.store import Store


def _sink(store: Store, task_id: str, *, is_rerun: bool) -> StoreSink:
    return StoreSink(store, task_id, lambda: places.locate(store, task_id), Masker(), is_rerun=is_rerun)


def test_interpolations_are_kept_and_a_rerun_gets_the_stored_configuration(store: Store) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    content = {"lr": 0.1, "net": {"twice": "${lr}", "sizes": [1, 2]}, "token": "in-the-code", "must": "???"}
    paths = tasks.create(store, "examples", "a run")
    config = omegaconf.OmegaConf.create(content)
    sink = _sink(store, paths.id, is_rerun=False)
    assert connect(config, "OmegaConf", sink) is config
    item = configuration.read(paths)["OmegaConf"]
    assert item.path.read_text() == (
        "lr: 0.1\nnet:\n  twice: ${lr}\n  sizes:\n  - 1\n  - 2\ntoken: '********'\nmust: ???\n"
    )
    config.lr = 7
    sink.finish()
    assert "lr: 7\n" in item.path.read_text()
    copy = clone.clone(store, paths, name="again")
    path = configuration.read(copy)["OmegaConf"].path
    path.write_text(path.read_text().replace("lr: 7", "lr: 1"))
    found = connect(config, "OmegaConf", _sink(store, copy.id, is_rerun=True))
    assert (found.lr, found.net.twice, found.net.sizes, found.token) == (1, 1, [1, 2], "in-the-code")
    assert isinstance(found, omegaconf.DictConfig)
    assert omegaconf.OmegaConf.is_missing(found, "must")
