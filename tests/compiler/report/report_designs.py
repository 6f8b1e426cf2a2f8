"""Designs whose reports the tests look at."""

from __future__ import annotations

from dataclasses import replace

from bnnhw.hardware.board import load_board
from bnnhw.planning.loops import find_loops
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.figures import make_report
from bnnhw.verify.verification import Verification


def make(graph, target, prediction, *, looped=False):
    board = load_board("pynq-z2")
    network = Network(graph)
    if looped:
        network = replace(network, loops=tuple(find_loops(network.blocks)))
    folding = FoldingSearch(network, board).choose(Target(target)).folding
    design = lower(network, folding, board=board, clock_mhz=board.clock_mhz)
    wide = next(u.sources[0] for u in design.units if u.kind.startswith("bnn_window"))
    design = with_fifo_depths(design, {wide: 1100})
    checks = [Verification("interpreter", "onnxruntime", 32, 0, "random inputs")]
    report = make_report(design, board, prediction, checks, ["input x: uint8 assumed"])
    return report | {"command": "bnnhw compile net.onnx --board pynq-z2 --fps 500"}
