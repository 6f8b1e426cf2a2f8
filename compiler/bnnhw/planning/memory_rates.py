"""What memory gives for weights in a cycle, through how many ports, and who reads through which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.board import ZYNQ_7000
from bnnhw.hardware.stages.layer_facts import BUS_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.board import Board

# The share of a memory port's words that readers get for good, refresh and turns aside.
_PORT_SHARE = 0.85
# Zynq-7000 has four such ports; frames and scores take one. Of UltraScale+ one is used for weights:
# what joins a further one takes LUTs that no board file reserves.
_PORTS = {ZYNQ_7000: 3}


@dataclass(frozen=True)
class MemoryRates:
    """What memory gives.

    Attributes:
        port: bytes per cycle of one port, for good.
        board: bytes per cycle of all of them.
        ports: how many a design may have.
    """

    port: float
    board: float
    ports: int

    @property
    def all_ports(self) -> float:
        """Bytes per cycle through as many ports as there may be, evenly used."""
        return min(self.ports * self.port, self.board)

    def least_cycles(self, loads: Mapping[str, int]) -> int:
        """The least cycles per frame at which readers get their bytes of a frame."""
        if not loads:
            return 0
        busiest = min(max(_shared(loads, ports)) for ports in range(1, self.ports + 1))
        return math.ceil(max(busiest / self.port, sum(loads.values()) / self.board))

    def ports_of(self, loads: Mapping[str, int], cycles: int) -> dict[str, int]:
        """The port of each reader: as few ports as suffice, or all, each as busy as can be.

        Args:
            loads: bytes per frame by reader.
            cycles: per frame.
        """
        for ports in range(1, self.ports + 1):
            if max(_shared(loads, ports), default=0) <= cycles * self.port:
                break
        return _dealt(loads, ports)


def memory_rates(board: Board, clock_mhz: float) -> MemoryRates:
    """What a board's memory gives at a clock."""
    usable = board.ddr_bytes_per_second / (clock_mhz * 1e6)
    port = min(_PORT_SHARE * BUS_BITS / 8, usable)
    return MemoryRates(port, usable, _PORTS.get(board.processor.kind, 1))


def _dealt(loads: Mapping[str, int], ports: int) -> dict[str, int]:
    """Readers to ports: the one with most bytes left goes to the port with fewest."""
    sums, found = [0] * ports, {}
    for name, load in sorted(loads.items(), key=lambda item: -item[1]):
        found[name] = sums.index(min(sums))
        sums[found[name]] += load
    return found


def _shared(loads: Mapping[str, int], ports: int) -> list[int]:
    """Bytes per frame of each port."""
    dealt = _dealt(loads, ports)
    return [sum(loads[n] for n, port in dealt.items() if port == p) for p in range(ports)]
