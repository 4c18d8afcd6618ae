"""Tensors of every kind are reported as what they hold, against the real torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numpy")

from taskstore.disk.layout import TaskPaths  # noqa: E402 - after the skip
from taskstore.logger import Logger  # noqa: E402
from taskstore.reports import Reports  # noqa: E402
from taskstore.sections import media  # noqa: E402
from taskstore.sections.reports import Writer  # noqa: E402


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("needs_gradient", [False, True])
def test_a_tensor_of_floats_is_a_picture_whatever_its_precision(kind: str, needs_gradient: bool) -> None:
    pixels = torch.tensor([[0.0, 0.5], [0.25, 1.0]], dtype=torch.float32)
    picture = pixels.expand(3, 2, 2).to(getattr(torch, kind)).requires_grad_(needs_gradient)
    stored = b"".join(media.of_image("image", picture).chunks)
    assert stored == b"".join(media.of_image("image", pixels.expand(3, 2, 2).tolist()).chunks)


@pytest.mark.parametrize("kind", ["float16", "float64", "bfloat16", "int8", "int64"])
def test_scalars_and_plots_are_of_any_precision(kind: str, tmp_path: Path) -> None:
    paths = TaskPaths(tmp_path)
    paths.events.mkdir()
    logger, reports = Logger(Writer(lambda: paths, _raise)), Reports(lambda: paths)
    given: Any = torch.tensor([[1, 2], [3, 4]], dtype=getattr(torch, kind))
    logger.report_scalar("loss", "train", given[1, 1], given[0, 0].long())
    logger.report_confusion_matrix("confusion", "test", given)
    logger.report_histogram("weights", "all", given[0])
    loss = reports.scalars()["loss"]["train"]
    assert (loss.iterations, loss.values) == ([1], [4.0])
    matrix, bars = reports.plots()
    assert (matrix.figure["data"][0]["z"], bars.figure["data"][0]["y"]) == ([[1, 2], [3, 4]], [1, 2])
