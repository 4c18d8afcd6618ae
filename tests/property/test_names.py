"""The laws of name encoding, over all of Unicode, lone surrogates too."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import assume, example, given
from hypothesis import strategies as st

from taskstore.core.ids import is_id
from taskstore.core.names import decode, encode

ANY = st.characters(codec=None, exclude_categories=())
# What the rules are about comes up by itself too rarely.
TRICKY = st.sampled_from(
    'aAbBsSkKiIzZ%~+. /\\:*?"<>|0f19éÉÅÅΩΩſßẞςσΣİıǅǆǄΐΰᾳἈ가각각ꭰᎠ'
    "\u0301\u0323\u0345\u200d\ufe0f\x00\x7f\u00a0\ud800\udfff🚀𐐀𐐨"
)
PIECES = st.sampled_from(
    ["con", "CON", "aux.", "com¹", "%2F", "%~1", "%+", "project.yaml", "0" * 32, "F" * 32, "..", "%"]
)
NAMES = st.lists(ANY | TRICKY | PIECES, min_size=1, max_size=40).map("".join)
LONG = st.builds(lambda name, times: name * times, NAMES, st.integers(1, 300))
ASCII = st.text(st.characters(min_codepoint=0, max_codepoint=127), min_size=1, max_size=40)
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def folded_forms(text: str) -> set[str]:
    """The component as every kind of filesystem may compare it: case folded, normalised, both, in either order."""
    normal = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    changes = (str.casefold, str.lower, str.upper)
    cased = {change(each) for each in {text, *normal} for change in changes}
    return {unicodedata.normalize("NFD", each).casefold() for each in normal | cased}


@given(NAMES | ASCII)
@example("ΣΑΣ")
@example("aΣ.Σ")
def test_a_name_comes_back_from_its_component(name: str) -> None:
    component = encode(name)
    assert decode(component) == (None if re.search(r"%\+[0-9a-f]{32}$", component) else name)


@given(NAMES | LONG, st.data())
def test_two_names_never_meet_on_any_filesystem(name: str, data: st.DataObject) -> None:
    twins = [
        name.upper(),
        name.lower(),
        name.casefold(),
        name.swapcase(),
        name + " ",
        name + ".",
        " " + name,
        unicodedata.normalize("NFC", name),
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFKC", name),
        encode(name),
        name[:-1],
        name + name[-1],
    ]
    other = data.draw(st.sampled_from(twins) | NAMES)
    assume(other and other != name)
    assert not folded_forms(encode(name)) & folded_forms(encode(other))


@given(NAMES | LONG | ASCII)
@example("con")
@example("AUX.txt")
@example("com¹")
@example("nul .x")
@example("x.")
@example(" x")
def test_a_component_is_legal_on_every_system(name: str) -> None:
    component = encode(name)
    for form in (component, unicodedata.normalize("NFC", component), unicodedata.normalize("NFD", component)):
        assert 0 < len(form.encode("utf-8")) <= 255
        assert not set(form) & set('<>:"/\\|?*')
        assert all(char.isprintable() for char in form)
        assert form[0] not in ". "
        assert form[-1] not in ". "
        assert not DEVICES.match(form)


@given(NAMES | LONG)
def test_a_component_is_never_taken_for_a_task_or_a_record(name: str) -> None:
    for component in (encode(name), encode(name).lower()):
        assert not is_id(component)
        assert component != "project.yaml"


@given(st.text(st.sampled_from("0123456789abcdefABCDEF"), min_size=32, max_size=32))
def test_a_name_that_looks_like_a_task_id_does_not_become_one(name: str) -> None:
    assert not is_id(encode(name).lower())
    assert decode(encode(name)) == name


@given(NAMES)
def test_a_listing_in_another_normal_form_gives_the_same_name(name: str) -> None:
    component = encode(name)
    assert decode(unicodedata.normalize("NFD", component)) == decode(component)


@given(NAMES | st.text(st.sampled_from("%~+aA2fF019 .")))
def test_any_text_decodes_to_nothing_or_to_a_name_of_that_component(component: str) -> None:
    name = decode(component)
    if name is not None:
        assert encode(name).casefold() == unicodedata.normalize("NFC", component).casefold()
