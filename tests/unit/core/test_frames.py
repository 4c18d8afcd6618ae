from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from taskstore.core import frames


def _as_ours(text: str) -> dict[str, Callable[..., object]]:
    """Return what a module of ours would define."""
    space: dict[str, object] = {"leave_no_frame": frames.leave_no_frame}
    exec(compile(text, frames.__file__, "exec"), space)  # noqa: S102 - a text of this test
    return {name: value for name, value in space.items() if callable(value)}


_OURS = _as_ours(
    "def inner(call, *args):\n    return call(*args)\n"
    "def outer(call, *args):\n"
    "    try:\n        return inner(call, *args)\n"
    "    except BaseException as error:\n        leave_no_frame(error)\n        raise\n"
    "def direct(call, *args):\n"
    "    try:\n        return call(*args)\n"
    "    except BaseException as error:\n        leave_no_frame(error)\n        raise\n"
)


def _names(error: BaseException) -> list[str]:
    return [line.name for line in traceback.extract_tb(error.__traceback__)][1:]


def _raise() -> None:
    raise ValueError


def _again() -> None:
    _OURS["direct"](_raise)


@pytest.mark.parametrize("name", ["outer", "direct"])
def test_an_exception_that_passes_through_us_shows_no_frame_of_ours(name: str) -> None:
    with pytest.raises(ValueError) as seen:  # noqa: PT011 - it has no text
        _OURS[name](_raise)
    assert _names(seen.value) == ["_raise"]
    assert seen.value.__cause__ is seen.value.__context__ is None


def test_it_may_pass_through_us_more_than_once() -> None:
    with pytest.raises(ValueError) as seen:  # noqa: PT011 - it has no text
        _OURS["direct"](_again)
    assert _names(seen.value) == ["_again", "_raise"]


def test_what_a_function_in_c_raises_shows_where_it_was_called_for() -> None:
    with pytest.raises(ZeroDivisionError) as seen:
        _OURS["direct"](divmod, 1, 0)
    assert _names(seen.value) == []


def test_an_error_of_our_own_keeps_its_frames() -> None:
    with pytest.raises(ZeroDivisionError) as seen:
        _OURS["outer"](divmod, 1, 0)
    assert _names(seen.value) == ["outer", "inner"]
