"""Plots as plotly JSON: plain dicts, built without plotly and without numpy (arrays are known by their manners)."""

from __future__ import annotations

from .bars import histogram, vector
from .figures import of_matplotlib, of_plotly, of_png
from .grids import confusion_matrix, matrix, surface
from .layout import Figure
from .lines import line_plot, name_of, scatter2d, scatter3d
from .table import table

__all__ = [
    "Figure",
    "confusion_matrix",
    "histogram",
    "line_plot",
    "matrix",
    "name_of",
    "of_matplotlib",
    "of_plotly",
    "of_png",
    "scatter2d",
    "scatter3d",
    "surface",
    "table",
    "vector",
]
