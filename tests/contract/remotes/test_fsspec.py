"""The laws of remotes on fsspec's memory://, which stands for all kinds that write beside and move."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from taskstore.core.errors import BadValue, Refused, RemoteError
from taskstore.share.remotes.filesystems import FsspecRemote

from .laws import Laws


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    yield f"memory://{tmp_path.name}/re mote"
    MemoryFileSystem.store.clear()


@pytest.fixture
def remote(address: str) -> FsspecRemote:
    return FsspecRemote(address)


@pytest.fixture
def other(address: str) -> FsspecRemote:
    return FsspecRemote(address)


class TestFsspec(Laws):
    @pytest.mark.parametrize("name", ["a\\b", "a/../../up", "line\nend", "../up"])
    def test_a_hostile_name_in_a_listing_is_refused(self, remote: FsspecRemote, tmp_path: Path, name: str) -> None:
        MemoryFileSystem().pipe_file(f"/{tmp_path.name}/re mote/x", b"x")
        MemoryFileSystem.store[f"/{tmp_path.name}/re mote/{name}"] = MemoryFileSystem.store.pop(
            f"/{tmp_path.name}/re mote/x"
        )
        with pytest.raises(RemoteError, match="is refused") as caught:
            remote.names()
        assert ascii(name) in str(caught.value)


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadValue, match="no kind of place is called 'gopher'"):
        FsspecRemote("gopher://x/y")


def test_without_a_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(Refused, match=r"pip install 'taskstore\[s3\]'"):
        FsspecRemote("s3://bucket/x")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(Refused, match=r"pip install 'taskstore\[remote\]'"):
        FsspecRemote("memory://x")
