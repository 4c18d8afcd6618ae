"""What a rebuilt work tree is compared by: each way in which a file can differ is seen, and named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from taskstore.agent.source import comparing
from taskstore.agent.source.building import Builder, Limits
from taskstore.agent.source.comparing import Expected
from taskstore.core.errors import CodeDiffers

NAMES = ("plain.py", "a\nb.py", '"quoted".py', 'back\\slash".py', "naïve 日本.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    for name in NAMES:
        (root / name).write_text(f"# {name}\n")
    (root / "run.sh").write_text("true\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("plain.py")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.org", *words], cwd=root, check=True)
    return root


def found(root: Path) -> dict[str, str]:
    git = Builder(Limits()).at(root)
    commit = comparing.text(git.ask("rev-parse", "HEAD"))
    return dict(comparing.differences(git, root, Expected(commit, b""), comparing.read_index(git)))


def test_a_tree_as_it_was_checked_out_does_not_differ(root: Path) -> None:
    assert found(root) == {}


@pytest.mark.parametrize("name", NAMES)
def test_another_content_is_seen_whatever_the_name_and_the_times_are(root: Path, name: str) -> None:
    before = (root / name).stat()
    (root / name).write_text(f"# {name[::-1]}\n" if name[::-1] != name else "?\n")
    os.utime(root / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    differing = found(root)
    assert list(differing) == [name]
    assert differing[name].startswith("has the content ")


def test_a_file_that_is_gone_or_something_else_is_seen(root: Path) -> None:
    (root / "plain.py").unlink()
    (root / "a\nb.py").unlink()
    (root / "a\nb.py").mkdir()
    (root / '"quoted".py').unlink()
    (root / '"quoted".py').symlink_to("run.sh")
    assert found(root) == {"plain.py": "is not there", "a\nb.py": "is no file", '"quoted".py': "is no file"}


def test_another_mode_is_seen_where_modes_count(root: Path) -> None:
    (root / "run.sh").chmod(0o644)
    (root / "plain.py").chmod(0o755)
    assert found(root) == {"run.sh": "has another mode", "plain.py": "has another mode"}
    subprocess.run(["git", "config", "core.fileMode", "false"], cwd=root, check=True)
    assert found(root) == {}


@pytest.mark.parametrize("becomes", ["another text", "a file"])
def test_another_link_is_seen(root: Path, becomes: str) -> None:
    (root / "link").unlink()
    if becomes == "a file":
        (root / "link").write_text("plain.py")
    else:
        (root / "link").symlink_to("run.sh")
    assert found(root) == {"link": "is another link"}


def test_what_git_does_not_hash_is_never_taken_for_equal(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = Builder(Limits()).at(root)
    index = comparing.read_index(git)
    monkeypatch.setattr(comparing, "_line", lambda path: b"")
    with pytest.raises(CodeDiffers, match="has not hashed each file"):
        comparing.differences(git, root, Expected(comparing.text(git.ask("rev-parse", "HEAD")), b""), index)
