"""Passes: from real-valued operations to integers, each a pure function in its own file."""

from bnnhw.passes.pipeline import PIPELINE, Pass, run
from bnnhw.passes.print_graph import format_graph

__all__ = ["PIPELINE", "Pass", "format_graph", "run"]
