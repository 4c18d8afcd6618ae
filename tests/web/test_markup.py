"""What is left of Markdown that another has written."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("nicegui")

from taskstore.web.markup import MAX_LENGTH, rendered

from .hostile import DESCRIPTION


@pytest.mark.parametrize(
    "tag",
    [
        "<style>body{display:none}</style>",
        '<form action="http://evil.example/"><input name="password"></form>',
        '<video src="http://evil.example/v" autoplay></video>',
        "<script>alert(1)</script>",
        "<svg onload=alert(1)></svg>",
        '<div style="position:fixed;inset:0">over all</div>',
        "x <!-- y --> <?php x ?> <![CDATA[<img src=x>]]>",
    ],
)
def test_html_is_text(tag: str) -> None:
    assert rendered(tag) == f"<p>{tag}</p>\n".replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace(
        "&lt;p&gt;", "<p>", 1
    ).replace("&lt;/p&gt;", "</p>")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"])
def test_a_link_that_would_run_something_is_text(address: str) -> None:
    assert "<a" not in rendered(f"[x]({address}) ![x]({address}) <{address}>")


def test_looks_and_links_to_the_web_are_kept_and_a_picture_is_a_link() -> None:
    assert rendered("# A\n*b* `c`") == "<h1>A</h1>\n<p><em>b</em> <code>c</code></p>\n"
    assert rendered("[x](https://example.org)") == '<p><a href="https://example.org">x</a></p>\n'
    assert rendered("![x](https://example.org/a.png)") == '<p>!<a href="https://example.org/a.png">x</a></p>\n'


def test_of_all_that_harms_at_once_no_tag_is_left() -> None:
    for tag in ("<img", "<script", "<style", "<form", "<div", "<svg", "<math", "<iframe", "<meta", "<base"):
        assert tag not in rendered(DESCRIPTION)


@pytest.mark.parametrize("part", ["[", "![a](", "> ", "`", "[a](<", "**a", "| a | b |\n|--|--|\n"])
def test_no_text_takes_long(part: str) -> None:
    began = time.process_time()
    assert len(rendered(part * MAX_LENGTH)) < 100 * MAX_LENGTH
    assert time.process_time() - began < 5
