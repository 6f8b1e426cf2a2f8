"""The dataflow as a picture, in the form that its width has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.report.layer_list import draw_list
from bnnhw.report.rows import draw_rows

if TYPE_CHECKING:
    from bnnhw.report.facts import Report
    from bnnhw.report.picture import Dataflow

_LEAST_FOR_ROWS = 600


def draw_dataflow(report: Report, width: int) -> Dataflow:
    """The picture of a report's units and streams, at most ``width`` pixels wide."""
    return (draw_rows if width >= _LEAST_FOR_ROWS else draw_list)(report, width)
