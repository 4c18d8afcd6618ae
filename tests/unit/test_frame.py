from __future__ import annotations

import sys

import pytest

import taskstore
from taskstore.core.errors import Refused


def test_without_pandas_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Refused, match="`pip install pandas`"):
        taskstore.to_frame()
