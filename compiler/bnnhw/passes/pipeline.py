"""The passes in their order, and how they are run."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.errors import defects_at
from bnnhw.ir.graph import verify
from bnnhw.ir.ops import (
    FRONT_END,
    INTEGER,
    Add,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Lookup,
    Quantise,
    Select,
    Smooth,
    SumPool,
    Threshold,
)
from bnnhw.ir.text import format_graph
from bnnhw.passes.absorb_output import absorb_output
from bnnhw.passes.delay_pads import delay_pads
from bnnhw.passes.fold_bits import fold_bits
from bnnhw.passes.fold_tables import fold_tables
from bnnhw.passes.hoist_signs import hoist_signs
from bnnhw.passes.lower_layers import lower_layers
from bnnhw.passes.lower_signs import lower_signs
from bnnhw.passes.lower_streams import lower_streams
from bnnhw.passes.merge_affines import merge_affines
from bnnhw.passes.normalise_signs import normalise_signs
from bnnhw.passes.options import PassOptions, known_names
from bnnhw.passes.push_affines import push_affines
from bnnhw.passes.split_weights import split_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints, Op
    from bnnhw.passes.calibrate import Range


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pass:
    """One rewriting of the graph.

    Attributes:
        name: as in the names of dumped files.
        description: one sentence.
        run: pure; returns the same object where nothing changed.
        configurable: whether it takes PassOptions as its second argument.
        makes: operations that may be there from this pass on.
        ends: operations that may no longer be there.
    """

    name: str
    description: str
    run: Callable[..., Graph]
    configurable: bool = False
    makes: frozenset[type[Op]] = frozenset()
    ends: frozenset[type[Op]] = frozenset()

    def legal(self, before: frozenset[type[Op]]) -> frozenset[type[Op]]:
        """The operations that are legal after it, by those legal before."""
        return (before | self.makes) - self.ends


def _ops(*ops: type[Op]) -> frozenset[type[Op]]:
    return frozenset(ops)


PIPELINE: tuple[Pass, ...] = (
    # First: all that treats elements alike then stands together, as if nothing were padded.
    Pass("delay_pads", "padding with the image's own pixels moves behind element-wise functions",
         delay_pads),
    # Before all others: afterwards the input is integers and affine functions of them, no more.
    Pass("fold_tables", "element-wise functions of the input become tables", fold_tables,
         makes=_ops(IntegerTable), ends=_ops(Lookup)),
    # Before affine operations merge: Where(x > 0, a, b) is a sign and an affine operation.
    Pass("normalise_signs", "signs yield {-1, +1} or {0, 1}, times a scale", normalise_signs),
    # Before affine operations move: alpha is one more of them.
    Pass("split_weights", "weights become {-1, +1}, times a scale per channel", split_weights),
    # Fewer to move; and a sign must see all of what lies before it as one function.
    Pass("merge_affines", "neighbouring affine operations become one", merge_affines),
    # What lies between a sign and the next is one function now; pools have not seen signs yet.
    Pass("fold_bits", "signs and other element-wise functions of bits fold away", fold_bits,
         makes=_ops(BitMaxPool)),
    # Before affine operations move down: what stands before a sign goes up with it.
    Pass("hoist_signs", "signs move before max pools and flattens", hoist_signs),
    # Layers now see bits or integers only once scales and shifts have passed through them.
    Pass("push_affines", "scales and shifts of bits and of the input move behind layers",
         push_affines),
    # What moved down meets BatchNorm.
    Pass("merge_affines_again", "neighbouring affine operations become one", merge_affines),
    # Before signs are lowered: what is left at the end belongs to no sign.
    Pass("absorb_output", "the last affine operation describes the scores", absorb_output),
    # The rest of a residual network: what is left of its affine operations becomes fixed-point.
    Pass("lower_streams", "real-valued streams become fixed-point numbers", lower_streams,
         configurable=True,
         makes=_ops(FixedAdd, FixedAffine, FixedSelect, IntegerConv, IntegerDense, IntegerMaxPool,
                    IntegerTable, SumPool, Threshold),
         ends=_ops(Add, AveragePool, Quantise, Select, Smooth)),
    # Needs the integer type of each layer's input, which the sign before it has: front to back.
    Pass("lower_signs", "affine operations and signs become integer thresholds", lower_signs,
         configurable=True, makes=_ops(Threshold), ends=_ops(Binarize)),
    # Last: every input is bits or integers.
    Pass("lower_layers", "layers become binary layers", lower_layers,
         makes=_ops(BinaryConv, BinaryDense), ends=FRONT_END - INTEGER),
)  # fmt: skip


def run(
    graph: Graph,
    pipeline: Sequence[Pass] = PIPELINE,
    *,
    dump: Path | None = None,
    precision: Mapping[str, int] | None = None,
    calibration: Ints | Mapping[str, Range] | None = None,
    rough: bool = False,
) -> Graph:
    """The graph after all passes, verified after each.

    Args:
        graph: from the front end.
        pipeline: the passes; after the whole ``PIPELINE`` only integers are left.
        dump: folder that receives the graph as text before the first and after each pass.
        precision: bits by name of a layer (its integer weights) or tensor (its stream).
        calibration: images as integers [N, C, H, W], or ranges by tensor; None takes BatchNorm
            statistics.
        rough: whether only errors count, not what widths streams get; takes less time.

    Raises:
        ModelError: names the node that cannot become hardware, or the unknown name in
            ``precision``.
    """
    options = PassOptions(known_names(graph, precision or {}), calibration, rough)
    options.check(graph)
    _dump(graph, dump, 0, "front_end")
    legal = FRONT_END | {type(node.op) for node in graph.nodes}
    for number, step in enumerate(pipeline, 1):
        began = time.perf_counter()
        with defects_at(f"pass '{step.name}'"):
            graph = step.run(graph, options) if step.configurable else step.run(graph)
            legal = step.legal(legal)
            verify(graph, legal)
        _log.info("%.2f s: pass %s", time.perf_counter() - began, step.name)
        _dump(graph, dump, number, step.name)
    return graph


def _dump(graph: Graph, folder: Path | None, number: int, name: str) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:02d}_{name}.txt").write_text(format_graph(graph), encoding="utf-8")
