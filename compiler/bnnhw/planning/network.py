"""An integer graph cut into stages, with what does not depend on the folding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.hardware.stages import Layer, Stage
from bnnhw.hardware.stages.elements import Choose
from bnnhw.hardware.stages.layer_facts import LayerFacts, layer_facts
from bnnhw.hardware.stages.split import split_stages
from bnnhw.ir.types import Integer
from bnnhw.planning.loops import roll

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph
    from bnnhw.planning.loops import Loop


@dataclass(frozen=True, eq=False)
class Network:
    """A network ready to be folded.

    Attributes:
        graph: the graph.
        top_k: 0 for all scores, else the number of best classes to send.
        instrument: whether the design is to count what each stream does.
        loops: the runs of equal blocks that are to be one block each.
    """

    graph: Graph
    top_k: int = 0
    instrument: bool = False
    loops: tuple[Loop, ...] = ()

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages, in execution order; what reads sums reads them as wide as they stream.

        Padding and offsets may make accumulators wider than the tensor's type says, or signed.
        """
        return _reading_sums(roll(self.blocks, self.loops))

    @cached_property
    def blocks(self) -> list[Stage]:
        """The stages without loops."""
        return _reading_sums(split_stages(self.graph))

    @property
    def output(self) -> str:
        """The tensor whose stream leaves the design."""
        return self.stages[-1].output

    def readers(self, tensor: str) -> int:
        """How many stages read a tensor; a stage that reads it twice counts twice."""
        return self._readers[tensor]

    @cached_property
    def _readers(self) -> Counter[str]:
        return Counter(name for stage in self.stages for name in stage.inputs)

    @cached_property
    def layers(self) -> list[Layer]:
        """The stages that hold weights."""
        return [stage for stage in self.stages if isinstance(stage, Layer)]

    @cached_property
    def facts(self) -> dict[str, LayerFacts]:
        """The arithmetic of each layer, by name."""
        return {layer.name: layer_facts(layer) for layer in self.layers}


def _reading_sums(stages: list[Stage]) -> list[Stage]:
    layers = [s for s in stages if isinstance(s, Layer) and s.threshold is None]
    read = {name for stage in stages for name in stage.inputs}
    sums = {s.output: layer_facts(s).acc_bits for s in layers if s.output in read}
    return [_reading(stage, sums) for stage in stages]


def _reading(stage: Stage, sums: Mapping[str, int]) -> Stage:
    """The stage with the widths of the sums that it reads."""
    found = [Integer(sums[name], signed=True) if name in sums else None for name in stage.inputs]
    if found[0] is not None:
        stage = replace(stage, element=found[0])
    if isinstance(stage, Choose) and found[1] is not None:
        stage = replace(stage, second=found[1])
    return stage
