"""What a capture reports before there is a task, and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from taskstore.capture import early
from taskstore.capture.base import Found
from taskstore.capture.relay import MAX_NOTES, Relay


class Sink:
    def __init__(self, stored=()) -> None:
        self.stored = dict(stored)
        self.calls: list[tuple[str, object]] = []

    def parameters(self, section, found):
        self.calls += [(section, {name: one.value for name, one in found.items()})] if found else []
        return self.stored

    def correct(self, section, found):
        self.calls.append(("correct", {name: one.value for name, one in found.items()}))

    def note(self, capture, message):
        self.calls.append((capture, message.splitlines()[0]))

    def configuration(self, name, text, kind="yaml"):
        self.calls.append((name, (text, kind)))
        return "stored"


class Stored:
    def parameters(self, section):
        return {"lr": f"of {section}"}

    def configuration(self, name, text, kind):
        return f"{name} of {text}"


@contextmanager
def hooked(module: ModuleType) -> Iterator[None]:
    module.hooks = [*getattr(module, "hooks", []), "in"]
    yield
    module.hooks.append("out")


def make(hooks=hooked):
    return Relay("lib", hooks), ModuleType("lib.core")


def test_what_was_reported_before_a_task_is_told_to_each_task_once() -> None:
    relay, module = make()
    relay.install(module)
    relay.parameters("Args", {"lr": Found(1), "steps": Found(2)})
    relay.parameters("Args", {"lr": Found(3)})
    relay.correct("Args", {"steps": Found(2)})
    relay.configuration("conf", "a: 1")
    relay.note("lib", "odd")
    expected = [("Args", {"lr": 3, "steps": 2}), ("correct", {"steps": 2}), ("conf", ("a: 1", "yaml"))]
    first, second = Sink(), Sink()
    with relay.patched(module, first), relay.patched(module, first):
        assert first.calls == [*expected, ("lib", "odd")]
    with relay.patched(module, second):
        assert second.calls == expected
    assert module.hooks == ["in"]
    relay.uninstall()
    assert module.hooks == ["in", "out"]


def test_within_a_task_its_sink_is_told_at_once_and_answers() -> None:
    relay, module = make()
    sink = Sink({"lr": "5"})
    with relay.patched(module, sink):
        assert relay.stored("Args") == {"lr": "5"}
        assert relay.parameters("Args", {"lr": Found(1)}) == {"lr": "5"}
        assert relay.configuration("conf", "a: 1", "json") == "stored"
    assert sink.calls == [("Args", {"lr": 1}), ("conf", ("a: 1", "json"))]
    assert module.hooks == ["in", "out"]
    other = Sink()
    with relay.patched(module, other):
        assert other.calls == []  # hooked for one task only, it remembers nothing for the next


def test_before_a_task_the_one_that_is_run_again_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    relay, _ = make()
    assert relay.stored("Args") == {}
    assert relay.configuration("conf", "own") is None
    monkeypatch.setattr(early, "_ahead", Stored)
    assert relay.parameters("Args", {"lr": Found(1)}) == {"lr": "of Args"}
    assert relay.configuration("conf", "own") == "conf of own"


def test_a_hook_that_fails_early_is_told_to_the_task_and_not_tried_again() -> None:
    tries = []

    @contextmanager
    def failing(module: ModuleType) -> Iterator[None]:
        tries.append(module)
        raise AttributeError("no such method")
        yield

    relay, module = make(failing)
    relay.install(module)
    relay.install(module)
    sink = Sink()
    with relay.patched(module, sink):
        pass
    assert sink.calls == [("lib", "AttributeError: no such method")]
    assert tries == [module]


def test_a_misfit_names_both_values_and_no_credential() -> None:
    relay, module = make()
    sink = Sink()
    with relay.patched(module, sink):
        relay.misfit("lr", "many", 0.1, "no number")
        relay.misfit("api_key", "abc", "hidden-in-code", "hidden-in-code is short")
    assert sink.calls == [
        ("lib", "lr: the stored value 'many' does not fit, kept '0.1' (no number)"),
        ("lib", "api_key: the stored value '********' does not fit, kept '********'"),
    ]


def test_no_more_than_a_few_notes_wait_for_a_task() -> None:
    relay, module = make()
    for number in range(MAX_NOTES + 5):
        relay.note("lib", str(number))
    sink = Sink()
    with relay.patched(module, sink):
        pass
    assert len(sink.calls) == MAX_NOTES
