"""What a program says of its packages goes over what is seen of its imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.capture.packages import requirements_text
from taskstore.core.errors import BadValue, NotFound
from taskstore.run import requirements


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    requirements.forget()


def test_without_a_word_it_is_what_is_imported() -> None:
    assert requirements.chosen({"numpy": "2.0", "a": "1"}) == {"a": "1", "numpy": "2.0"}


def test_packages_are_added_pinned_and_left_out_whatever_their_spelling() -> None:
    requirements.add("My_Package", "1.2")
    requirements.add("numpy", ">=2")
    requirements.add("seen")
    requirements.ignore("left.out")
    found = requirements.chosen({"my-package": "1.0", "numpy": "1.9", "seen": "3", "left-out": "1"})
    assert found == {"my-package": "1.2", "numpy": ">=2", "seen": "3"}


def test_a_list_replaces_what_is_seen_of_that_task_only() -> None:
    requirements.replace("one", {"only": "1"})
    assert requirements.chosen({"seen": "3"}, "one") == {"only": "1"}
    assert requirements.chosen({"seen": "3"}, "two") == {"seen": "3"}


def test_every_installed_package_can_be_asked_for() -> None:
    requirements.freeze()
    assert {"pytest", "msgspec"} <= set(requirements.chosen({}))
    requirements.freeze(False)
    assert requirements.chosen({}) == {}


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("# a comment\n-r other.txt\n\na==1.0\nb[extra]>=2,<3  # why\nc\n")
    requirements.freeze(True, path)
    assert requirements.chosen({"seen": "3"}) == {"a": "1.0", "b": ">=2,<3", "c": ""}
    assert requirements_text(requirements.chosen({})).splitlines()[2:] == ["a==1.0", "b>=2,<3", "c"]
    with pytest.raises(NotFound):
        requirements.add(str(tmp_path / "none.txt"))
    with pytest.raises(BadValue, match="no requirement"):
        requirements.parse(["!!"])
