from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import pytest

from taskstore.core.errors import BadValue
from taskstore.disk.layout import TaskPaths
from taskstore.logger import Logger
from taskstore.sections.reports import Writer
from taskstore.store import events
from taskstore.store.store import Store
from taskstore.store.tasks import create


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return create(store, "examples", "a run")


@pytest.fixture
def logger(paths: TaskPaths) -> Logger:
    return Logger(Writer(lambda: paths, _raise))


def _console(paths: TaskPaths) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in events.read_console(paths)]


def test_a_scalar_and_a_single_value_are_series_of_the_task(logger: Logger, paths: TaskPaths) -> None:
    logger.report_scalar(title="loss", series="train", value=0.5, iteration=3)
    logger.report_single_value(name="best", value=0.25)
    found = {(series.metric, series.variant): series.values for series in events.read_scalars(paths)}
    assert found == {("loss", "train"): [0.5], ("Summary", "best"): [0.25]}


def test_a_text_is_printed_and_logged(logger: Logger, paths: TaskPaths, capsys: pytest.CaptureFixture[str]) -> None:
    logger.report_text("one\ntwo\n")
    logger.report_text("")
    logger.report_text("grave", level=logging.WARNING)
    assert capsys.readouterr() == ("one\ntwo\n\n", "grave\n")
    assert _console(paths) == [("stdout", "one"), ("stdout", "two"), ("stdout", ""), ("stderr", "grave")]


def test_a_text_may_be_logged_alone(logger: Logger, paths: TaskPaths, capsys: pytest.CaptureFixture[str]) -> None:
    logger.report_text("quiet", print_console=False)
    assert capsys.readouterr() == ("", "")
    assert _console(paths) == [("stdout", "quiet")]


def test_a_program_without_a_terminal_logs_all_the_same(
    logger: Logger, paths: TaskPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    logger.report_text("nowhere")
    assert _console(paths) == [("stdout", "nowhere")]


@pytest.mark.parametrize("msg", [None, 5, b"text", ["text"]])
def test_what_is_no_text_is_refused_by_its_name(msg: object, logger: Logger) -> None:
    with pytest.raises(BadValue, match="^msg must be a text"):
        logger.report_text(msg)  # type: ignore[arg-type]  # the caller's mistake


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (lambda logger: logger.report_single_value(None, 1.0), "^name must be a text, not NoneType"),
        (lambda logger: logger.report_text("%s of %d", 20, True, 5), "^args do not fit '%s of %d': not enough"),
        (lambda logger: logger.report_text("%d", 20, True, "a"), "^args do not fit '%d': "),
        (lambda logger: logger.report_table("a", "b", csv=5), "^csv must be a path, not int"),
        (
            lambda logger: logger.report_image("a", "b", matrix=[[0]], max_image_history="few"),
            "^max_image_history must be a whole number",
        ),
        (
            lambda logger: logger.report_media("a", "b", stream=b"x", file_extension=".b", max_history="few"),
            "^max_history must be a whole number",
        ),
        (
            lambda logger: logger.report_media("a", "b", stream=b"x", file_extension=5),
            "^file_extension must be a text such as '.wav', not int 5",
        ),
    ],
)
def test_an_argument_that_does_not_fit_is_refused_by_its_own_name(
    report: Callable[[Logger], None], message: str, logger: Logger
) -> None:
    with pytest.raises(BadValue, match=message):
        report(logger)
