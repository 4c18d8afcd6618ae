"""What a diff says that its files become is what git says that they became."""

from __future__ import annotations

import pytest

from taskstore.agent.source.patches import Becomes, read
from tests.unit.capture.changes import CHANGES
from tests.unit.capture.gitrepo import GitRepo


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_diff_is_read_as_git_tells_it_file_by_file(change, repo: GitRepo) -> None:
    change(repo)
    taken = repo.snapshot()
    # What `git diff` has seen in the work tree is to be in the index, for `git diff-index` to tell of it.
    forgotten = repo.git("diff", "--cached", "--name-only", "--diff-filter=D", "-z").split("\0")
    repo.git("add", "-u")
    repo.git("add", "-A", "--", *[name for name in repo.git("ls-files", "-z").split("\0") if name])
    raw = repo.git("diff-index", "--cached", "--no-renames", "--no-abbrev", "-z", "HEAD").split("\0")
    told = {path: fact.split(" ") for fact, path in zip(raw[::2], raw[1::2], strict=False) if path not in forgotten}
    listing = [line.partition("\t") for line in repo.git("ls-tree", "-r", "-z", "HEAD").split("\0")]
    before = {path: fact.split(" ")[::2] for fact, _, path in listing}
    found = {path: each for path, each in read(taken.diff).items() if path not in forgotten}
    assert found.keys() == told.keys()
    for path, becomes in found.items():
        _, mode, _, name, _ = told[path]
        assert becomes.is_gone is (set(name) == {"0"}), path
        if not becomes.is_gone:
            old_mode, old_name = before.get(becomes.of, ["", ""])
            assert (becomes.mode or old_mode) == mode, path
            assert name.startswith(becomes.name or old_name), path
            assert becomes.name or old_name


def part(name: str, *lines: str) -> bytes:
    return "\n".join([f"diff --git {name}", *lines, ""]).encode()


@pytest.mark.parametrize(
    ("diff", "becomes"),
    [
        (part("a/x b/x", "old mode 100644", "new mode 100755"), {"x": Becomes("100755", "", "x")}),
        (part("a/a b/a b/a b/a", "index 1234567..89abcde 100644"), {"a b/a": Becomes("100644", "89abcde", "a b/a")}),
        (
            part("a/x b/y", "similarity index 100%", "rename from x", "rename to y"),
            {"x": Becomes(is_gone=True), "y": Becomes("", "", "x")},
        ),
        (
            part('"a/\\303\\251\\n" "b/\\303\\251\\n"', "deleted file mode 100644", "index 1234567..0000000"),
            {"é\n": Becomes("", "0000000", "é\n", is_gone=True)},
        ),
        (part("a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "-index 1..2", "+index 3..4"), {"x": Becomes()}),
        (b"no diff at all\n", {}),
        (part("a/x b/y"), {}),
    ],
)
def test_each_kind_of_header_is_understood(diff: bytes, becomes: dict[str, Becomes]) -> None:
    assert read(diff) == becomes
