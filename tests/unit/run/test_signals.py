from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from taskstore.run.signals import SIGNALS, Signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _true_handler(number: int) -> object:
    """What the kernel's side of Python has, past what `signal.getsignal` tells."""
    import _signal

    return _signal.getsignal(number)


def test_nobody_seems_to_handle_what_is_taken() -> None:
    with Signals(lambda number: None).taken():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert callable(_true_handler(signal.SIGTERM))


def test_a_handler_of_the_program_has_precedence_and_what_it_puts_back_is_ours_again() -> None:
    heard: list[int] = []
    with Signals(lambda number: None).taken():
        ours = _true_handler(signal.SIGTERM)
        assert signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number)) is signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        assert callable(signal.signal(signal.SIGTERM, signal.SIG_DFL))
        assert _true_handler(signal.SIGTERM) == ours


def test_what_the_program_handles_or_ignores_already_is_left_to_it() -> None:
    def own(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Signals(lambda number: None).taken():
        assert signal.getsignal(signal.SIGTERM) is own
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert _true_handler(signal.SIGHUP) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is own


def test_everything_is_undone() -> None:
    before = signal.signal, signal.getsignal
    with Signals(lambda number: None).taken():
        assert signal.signal is not before[0]
    assert (signal.signal, signal.getsignal) == before
    assert [_true_handler(number) for number in SIGNALS] == [signal.SIG_DFL] * len(SIGNALS)


def test_other_signals_and_bad_arguments_are_as_ever() -> None:
    with Signals(lambda number: None).taken():
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert signal.signal(signal.SIGUSR1, before) is signal.SIG_IGN
        with pytest.raises(ValueError, match="out of range"):
            signal.signal(10_000, signal.SIG_DFL)
        with pytest.raises(TypeError):
            signal.signal(signal.SIGTERM, "no handler")  # type: ignore[arg-type]  # the program's mistake


def test_off_the_main_thread_nothing_is_taken() -> None:
    seen: list[object] = []

    def take() -> None:
        with Signals(lambda number: None).taken():
            seen.append(_true_handler(signal.SIGTERM))

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]  # as a number
