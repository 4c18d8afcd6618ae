"""The laws of remotes on the twin in memory."""

from __future__ import annotations

import pytest

from taskstore.core.errors import RemoteError
from taskstore.share.remotes.base import Remote
from taskstore.share.remotes.memory import MemoryRemote

from .laws import HOSTILE, Laws


@pytest.fixture
def remote() -> MemoryRemote:
    return MemoryRemote()


@pytest.fixture
def other(remote: Remote) -> Remote:
    return remote


class TestMemory(Laws):
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_name_in_a_listing_is_refused(self, remote: MemoryRemote, name: str) -> None:
        remote.files[name] = b"x"
        with pytest.raises(RemoteError, match="refused") as caught:
            remote.names()
        assert ascii(name) in str(caught.value)
