"""What the laws of remotes need besides a remote."""

from __future__ import annotations

import pytest

from taskstore.share.remotes.base import Remote

from .laws import Put


@pytest.fixture
def put(other: Remote) -> Put:
    """Have a file be there by another connection than the one that is tested."""
    return lambda name, data: other.write(name, [data])


@pytest.fixture
def pauses() -> list[float]:
    """How long a remote would have waited between its attempts."""
    return []
