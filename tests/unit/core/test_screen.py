import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock
from taskstore.core.rows import ROW_CHARS
from taskstore.core.screen import SNAPSHOT_GROWTH, Entry, Screen


def lines(entries):
    """Read entries as a reader of the log does: parts belong to the next whole entry."""
    out, open_text = [], ""
    for text, is_whole in entries:
        open_text += text
        if is_whole:
            out.append(open_text)
            open_text = ""
    return [*out, open_text] if open_text else out


def shown(*texts, step_s=0.0):
    clock = FixedClock()
    screen, out = Screen(clock), []
    for text in texts:
        out += screen.feed(text)
        clock.advance(step_s)
    return out + screen.close()


def test_a_whole_line_is_an_entry_at_once():
    assert Screen(FixedClock()).feed("one\ntwo\n") == [Entry("one", True), Entry("two", True)]


def test_text_without_an_end_is_a_part_at_once_and_the_rest_ends_it():
    screen = Screen(FixedClock())
    assert screen.feed("load") == [Entry("load", False)]
    assert screen.feed("ing") == [Entry("ing", False)]
    assert screen.feed(" done\n") == [Entry(" done", True)]
    assert screen.close() == []


def test_blank_lines_and_windows_line_ends_are_kept():
    assert lines(shown("a\r\n\n b \r\n")) == ["a", "", " b "]
    assert lines(shown("a", "\r", "\n", "b\n")) == ["a", "b"]


def test_no_entry_holds_a_newline_and_other_controls_survive():
    text = "a\vb\fc\x1cd\x1ee\x85f\u2028g\x00h\ti"
    assert shown(text + "\n") == [Entry(text, True)]


def test_lone_surrogates_are_spelled_out():
    assert shown("a\ud800b\n") == [Entry("a\\ud800b", True)]


def test_a_line_without_end_is_cut_into_parts_of_at_most_64_kib():
    text = "\ud800é" * (ROW_CHARS * 3)
    screen = Screen(FixedClock())
    at_once = screen.feed(text)
    assert max(len(entry.text.encode()) for entry in at_once) <= 64 * 1024
    assert lines(at_once + screen.feed("\n")) == [text.encode("utf-8", "backslashreplace").decode()]
    assert lines(shown(text + "\nx\n"))[1:] == ["x"]


def test_a_screen_keeps_little_of_a_line_without_end():
    screen = Screen(FixedClock())
    for _ in range(50):
        screen.feed("x" * 100_000)
    assert sum(len(row.text) + len(row.cells) for row in screen._rows) <= 2 * ROW_CHARS
    assert len(screen.feed("\r" + "y" * 100_000)) >= 10, "nor is it lost when a carriage return came before"


def test_colours_are_kept_and_other_sequences_dropped():
    text = "\x1b]0;title\x07\x1b[?25l\x1b[1;31mred\x1b[0m\x1b[K \x1b]8;;http://x\x1b\\link\x07\x1b(B\n"
    assert lines(shown(text)) == ["\x1b[1;31mred\x1b[0m link"]


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_sequence_cut_between_writes_is_still_one(cut):
    text = "\x1b]0;title\x07\x1b[1;31mred\x1b[0m!\n"
    assert lines(shown(text[:cut], text[cut:])) == ["\x1b[1;31mred\x1b[0m!"]


def test_a_long_string_for_the_terminal_is_not_hoarded():
    screen = Screen(FixedClock())
    screen.feed("\x1b]1337;")
    for _ in range(100):
        screen.feed("A" * 10_000)
    assert len(screen._carry) < 10
    assert lines(screen.feed("\x07ok\n")) == ["ok"]


def test_a_bar_is_persisted_at_first_and_in_its_last_state():
    assert lines(shown(*(f"\r{n}%" for n in range(101)), "\n", "next\n")) == ["0%", "100%", "next"]


def test_a_bar_is_final_at_its_newline():
    screen = Screen(FixedClock())
    screen.feed("\r50%")
    screen.feed("\r100%")
    assert screen.feed("\n") == [Entry("100%", True)]


def test_a_bar_that_is_wiped_leaves_no_line():
    assert lines(shown("\r50%", "\r60%", "\r   ", "\r", "next\n")) == ["50%", "next"]


def test_what_a_shorter_redraw_leaves_standing_stays():
    assert lines(shown("\rabcdef", "\rxyz", "\n"))[-1] == "xyzdef"
    assert lines(shown("\rabcdef", "\r\x1b[Kxyz", "\n"))[-1] == "xyz"


def test_snapshots_come_at_most_once_a_second_and_ever_more_seldom():
    clock = FixedClock()
    screen, times = Screen(clock), []
    for n in range(200_000):
        times += [clock.monotonic()] * len(screen.feed(f"\r{n:7}"))
        clock.advance(0.01)
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert min(gaps) >= 0.999
    assert all(gap >= before * (SNAPSHOT_GROWTH - 1) * 0.99 for before, gap in zip(times, gaps, strict=False))
    assert times[-1] > 0.95 * clock.monotonic(), "and yet what is on disk is never older than a few per cent"


def test_bars_in_a_row_are_not_each_persisted_twice():
    texts = [text for epoch in range(100) for text in (f"\repoch {epoch}: 0%", f"\repoch {epoch}: 99%", "\n")]
    assert len(shown(*texts)) == 101


def test_a_bar_that_ends_as_the_one_before_it_did_is_a_line_of_its_own():
    epoch = ["\rworking", "\rdone", "\n"]
    assert lines(shown(*epoch * 3)) == ["working", "doneing", "doneing", "doneing"]
    in_rows = ["\r  0% |    |", "\r100% |####|", "\n"]
    assert lines(shown(*in_rows * 3, step_s=0.1)).count("100% |####|") == 3
    assert lines(shown(*["\rdone"] * 3, "\n", "\rdone", "\n")) == ["done", "done"]


def test_a_million_refreshes_are_little_also_where_every_bar_ends_alike():
    epochs = [[*(f"\r{n:4}/1000" for n in range(0, 1001, 10)), "\n"] for _ in range(100)]
    out = shown(*(text for epoch in epochs for text in epoch), step_s=0.01)
    assert lines(out).count("1000/1000") == 100
    assert len(out) < 300


BARS = {
    "carriage return": lambda n: [f"\rbar {n}"],
    "carriage return after": lambda n: [f"bar {n}\r"],
    "erase": lambda n: [f"\r\x1b[Kbar {n}"],
    "erase, apart": lambda n: ["\r\x1b[K", f"bar {n}"],
    "erase first": lambda n: [f"\x1b[2K\rbar {n}"],
    "keras": lambda n: ["\b" * 19 + "\r" + f"bar {n:6}", " [===] loss"],
    "spinner": lambda n: ["\b" + "|/-\\"[n % 4]],
    "coloured": lambda n: [f"\r\x1b[32mbar\x1b[0m {n}"],
    "one row up": lambda n: ["\x1b[1A\x1b[2K" if n else "", f"bar {n}", "\n"],
    "one line up": lambda n: ["\x1b[F" if n else "", f"bar {n}\n"],
    "two rows up": lambda n: ["\x1b[2A" if n else "", f"a {n}", "\n", f"b {n}", "\n"],
    "two rows up, erased": lambda n: ["\x1b[2A\x1b[J" if n else "", f"a {n}", "\n", f"b {n}", "\n"],
    "two rows up, at once": lambda n: [("\x1b[2A\r\x1b[J" if n else "") + f"a {n}\nb {n}\n"],
    "dashboard": lambda n: ["\x1b[2J\x1b[H" + "".join(f"row {row} {n}\n" for row in range(5))],
    "dashboard, line by line": lambda n: ["\x1b[H\x1b[J", *(f"row {row} {n}\n" for row in range(5))],
    "saved cursor": lambda n: [f"\x1b[s bar {n}\x1b[u"],
    "saved cursor, old": lambda n: [f"\x1b7\rbar {n}\x1b8"],
    "tqdm nested": lambda n: [f"\router {n}", "\n", f"\rinner {n}", "\x1b[A"],
    "rich, one row": lambda n: [("\r\x1b[2K" if n else "") + f"bar {n}"],
    "rich, two rows": lambda n: [("\r\x1b[2K\x1b[1A\x1b[2K" if n else "") + f"a {n}\nb {n}"],
}


@pytest.mark.parametrize("name", BARS)
def test_every_way_to_draw_a_bar_is_thinned_and_ends_in_its_last_state(name):
    count = 5_000
    texts = [text for n in range(count) for text in BARS[name](n)]
    out = lines(shown(*texts, step_s=0.02))
    assert len(out) < 120 * (6 if "dash" in name else 2)
    if name != "spinner":
        assert str(count - 1) in out[-1]


def test_a_message_above_one_bar_is_whole_at_once():
    screen = Screen(FixedClock())
    for text in ("\rbar 10%", "\r       ", "\r"):
        screen.feed(text)
    assert lines(screen.feed("message 1") + screen.feed("\n")) == ["message 1"]
    for text in ("\rbar 20%", "\r       ", "\r"):
        screen.feed(text)
    assert lines(screen.feed("message 1") + screen.feed("\n")) == ["message 1"], "the same text again is not dropped"


def test_a_message_above_nested_bars_is_persisted_with_the_bars_redraw():
    screen = Screen(FixedClock())
    for text in ("\router 1", "\n", "\rinner 1", "\x1b[A", "\r       ", "\r", "\n", "\r       ", "\r", "\x1b[A"):
        screen.feed(text)
    out = []
    for text in ("message", "\n", "\router 1", "\n", "\rinner 1", "\x1b[A"):
        out += screen.feed(text)
    assert lines(out) == ["message"]


def test_messages_above_a_live_display_are_persisted_once_and_bars_not_with_each():
    frame = "\r\x1b[2K\x1b[1A\x1b[2K"
    messages = [f"{frame}note {n}\na {n}%\nb {n}%" for n in range(50)]
    out = lines(shown("a 0%\nb 0%", *messages, "\n", "end\n"))
    assert [line for line in out if line.startswith("note")] == [f"note {n}" for n in range(50)]
    assert len(out) < 50 + 8
    assert out[-3:] == ["a 49%", "b 49%", "end"]


def test_lines_after_nested_bars_are_whole_at_once():
    screen = Screen(FixedClock())
    for text in ("\router 1", "\n", "\rinner 1", "\x1b[A", "\n", "\r       ", "\r", "\x1b[A", "\router 2", "\n"):
        screen.feed(text)
    assert lines(screen.feed("done\n")) == ["outer 2", "done"]
    assert screen.feed("more\n") == [Entry("more", True)]


def test_a_part_and_the_bar_that_replaces_it_do_not_run_together():
    assert lines(shown("Loading", "\rLoading 50%", "\n")) == ["Loading", "Loading 50%"]


PIECES = ["a", "bar 10%", "é日", "\n", "\r", "\r\n", "\b\b", "\x1b[31m", "\x1b[0m", "\x1b", "[", "\x1b]0;t", "\x07",
          "\x1b[A", "\x1b[2A", "\x1b[5B", "\x1b[E", "\x1b[2F", "\x1b[K", "\x1b[2K", "\x1b[1K", "\x1b[J", "\x1b[2J",
          "\x1b[1J", "\x1b[H", "\x1b[3;4H", "\x1b[;H", "\x1b[999;999H", "\x1b[999C", "\x1b[3D", "\x1b[9G", "\x1b[s",
          "\x1b[u", "\x1b7", "\x1b8", "\x1bM", "\x1bc", "\ud800", "\x00", "x" * 11_000]  # fmt: skip
WRITES = st.lists(st.lists(st.sampled_from(PIECES), max_size=5), max_size=40)


@settings(deadline=None)
@given(WRITES)
def test_nothing_that_a_program_prints_breaks_the_screen(writes):
    clock = FixedClock()
    screen, out = Screen(clock), []
    for pieces in writes:
        out += screen.feed("".join(pieces))
        clock.advance(0.4)
        assert len(screen._rows) <= 450
    for text, _ in out + screen.close():
        assert "\n" not in text
        assert "\r" not in text
        text.encode()


@given(st.lists(st.text(st.characters(exclude_characters="\r\b\a\x1b"), max_size=20), max_size=20))
def test_plain_text_comes_back_as_it_was(texts):
    whole = "".join(texts).encode("utf-8", "backslashreplace").decode()
    expected = whole.split("\n")
    assert lines(shown(*texts)) == (expected if expected[-1] else expected[:-1])
