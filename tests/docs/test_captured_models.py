"""The page of captured models names the keys that there are, and each of them that captures models."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from taskstore.run.frameworks import FRAMEWORKS

ROOT = Path(__file__).resolve().parents[2]


def keys_of_captures_that_watch_models() -> set[str]:
    found = set()
    for row in FRAMEWORKS:
        origin = importlib.util.find_spec(f"taskstore.capture.{row.capture}").origin
        if "watching(" in Path(origin).read_text("utf-8"):
            found.add(row.key)
    return found


def test_the_page_names_each_key_of_a_capture_of_models_and_no_other() -> None:
    page = (ROOT / "docs" / "reference" / "captured-models.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \|", page, re.M)
    assert len(rows) > len(set(rows)) > 0
    assert set(rows) == keys_of_captures_that_watch_models()
