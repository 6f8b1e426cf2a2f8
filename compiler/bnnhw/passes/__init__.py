"""Passes: from real-valued operations to integers, each a pure function in its own file."""

from bnnhw.ir.text import format_graph
from bnnhw.passes.pipeline import PIPELINE, Pass, run

__all__ = ["PIPELINE", "Pass", "format_graph", "run"]
