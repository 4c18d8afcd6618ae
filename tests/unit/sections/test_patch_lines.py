from __future__ import annotations

from taskstore.sections.patch import ADDED, HEADER, HUNK, KEPT, REMOVED, parse

DIFF = b"""diff --git a/x b/y.py b/x b/y.py
index 1..2 100644
--- a/x b/y.py
+++ b/x b/y.py
@@ -1,3 +1,3 @@ def f
 kept
--- a/looks like a header
+++ b/as does this
 kept
diff --git a/new b/new
new file mode 100644
"""


def test_lines_are_told_by_their_hunks_and_not_by_how_they_look() -> None:
    found = parse(DIFF, max_lines=100)
    first, second = found.files
    assert [(run.kind, len(run.lines)) for run in first.runs] == [
        (HEADER, 4),
        (HUNK, 1),
        (KEPT, 1),
        (REMOVED, 1),
        (ADDED, 1),
        (KEPT, 1),
    ]
    assert (first.name, first.added, first.removed) == ("x b/y.py", 1, 1)
    assert (second.name, second.added, second.removed) == ("new", 0, 0)


def test_what_is_cut_is_counted() -> None:
    diff = b"diff --git a/x b/x\n@@ -0,0 +1,5000 @@\n" + b"+line\n" * 5000
    found = parse(diff, max_lines=100, max_characters=3)
    assert (found.lines, found.total, found.files[0].added) == (100, 5002, 5000)
    assert found.files[0].runs[-1].lines[0] == "+li…"


def test_bytes_that_are_no_text_do_not_break_it() -> None:
    assert parse(b"\xff\xfe\n+\xff", max_lines=10).total == 2
    assert parse(b"", max_lines=10).files == []
