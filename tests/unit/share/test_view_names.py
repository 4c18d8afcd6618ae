from __future__ import annotations

import sys
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.ids import new_id
from taskstore.share.view_names import MAX_BYTES, key, link_paths, readable

ID = "01a2223da9db768487c0191a5a0dea43"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a run", "a run"),
        ("MNIST, 3 layers", "MNIST, 3 layers"),
        ("lr=0.1/bs=32", "lr=0.1_bs=32"),
        ("größe 模型 🚀", "größe 模型 🚀"),
        ("👩\u200d🔬 lab", "👩\u200d🔬 lab"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("..", "_"),
        (".hidden", "_hidden"),
        ("-rf", "_-rf"),
        ("  spaces  ", "spaces"),
        ("a.", "a"),
        ("con.txt", "_con.txt"),
        ("tab\there\nand\x1b[31mthere", "tab_here_and_[31mthere"),
        ("\u202eevil", "_evil"),
        ("\ud800lone", "_lone"),
        ("C:\\Windows", "C__Windows"),
        ("\x00", "_"),
    ],
)
def test_a_name_stays_readable(name: str, shown: str) -> None:
    assert readable(name) == shown


def test_a_long_name_is_cut_between_characters() -> None:
    assert readable("ä" * 300) == "ä" * (MAX_BYTES // 2)
    assert readable("🚀" * 100) == "🚀" * (MAX_BYTES // 4)


@given(st.text(st.characters(), max_size=400))
def test_any_name_becomes_one_component_that_leads_nowhere(name: str) -> None:
    shown = readable(name)
    assert shown
    assert len(shown.encode()) <= MAX_BYTES + 1
    assert PurePosixPath(shown).parts == (shown,)
    assert PureWindowsPath(shown).parts == (shown,)
    if sys.version_info < (3, 13):  # from then on it is deprecated, and there for Windows only
        assert not PureWindowsPath(f"{shown}-{ID}").is_reserved()
    assert shown[0] not in ".-"
    assert all(each.isprintable() or each == "\u200d" or unicodedata.category(each) == "Zs" for each in shown)


NAMES = st.sampled_from(["run", "Run", "RUN", "a/b", "a_b", "straße", "strasse", "é", "e\u0301", "x" * 300])


@given(st.lists(st.tuples(st.sampled_from(["p", "P", "p/run-01a2223d", "q/r"]), NAMES), max_size=30))
def test_no_two_links_meet_on_any_filesystem(named: list[tuple[str, str]]) -> None:
    tasks = [(f"{ID[:28]}{number:04x}", project, name) for number, (project, name) in enumerate(named)]
    found = link_paths(tasks)
    assert found.keys() == {task_id for task_id, _, _ in tasks}
    keys = {key(path) for path in found.values()}
    assert len(keys) == len(tasks)
    folders = {
        key("/".join(path.split("/")[:depth])) for path in found.values() for depth in range(1, path.count("/") + 1)
    }
    assert not keys & folders


def test_a_link_is_named_as_the_task_and_by_the_begin_of_its_id() -> None:
    assert link_paths([(ID, "vision/cats: all", "lr=0.1")]) == {ID: "vision/cats_ all/lr=0.1-01a2223d"}


def test_what_comes_later_does_not_rename_what_is_there() -> None:
    first = (new_id(), "demo", "a run")
    before = link_paths([first])
    others = [(new_id(), "demo", "a run") for _ in range(5)]
    assert link_paths([*others, first])[first[0]] == before[first[0]]
