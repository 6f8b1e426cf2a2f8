"""Arrival times in a flat netlist of 7-series cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from cell_delays import delays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Inputs that come from a register everywhere.
GLOBAL = ("clk", "rst_n")


@dataclass(frozen=True)
class LongestPath:
    """The longest path of a unit, ports counted as registered outside.

    Attributes:
        ps: its delay, from clock to setup.
        cells: how many cells the unit has.
        start: net that it starts at.
        end: register or port that it ends in.
        steps: the cells along it, from the end to the start.
    """

    ps: int
    cells: int
    start: str
    end: str
    steps: list[str]


@dataclass(frozen=True)
class PortTiming:
    """What a unit adds to paths across its ports, in ps, by the names of ports.

    Attributes:
        launch: from the clock to an output.
        need: from an input to a register, setup included.
        through: from an input to an output, without a register.
    """

    launch: dict[str, int] = field(default_factory=dict)
    need: dict[str, int] = field(default_factory=dict)
    through: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _End:
    """Where a path may end: a pin with a setup time, or (no cell) a port."""

    net: int
    setup: int
    pin: str
    cell: str = ""


class Netlist:
    """A module as Yosys writes it in JSON."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        cells = module["cells"].items()
        self.cells = {n: c for n, c in cells if not c["type"].startswith("$scope")}
        self.ports: dict[str, Any] = module["ports"]
        self.names = _net_names(module)
        self.drivers: dict[int, tuple[str, str, int]] = {}
        #: By net: from which nets through its cell, with the delay and the pins.
        self.fan_in: dict[int, list[tuple[int, int, str]]] = {}
        self.launches: dict[int, int] = {}
        self.ends: list[_End] = []
        for name, cell in self.cells.items():
            self._add(name, cell)
        waits = {net: [source for source, _, _ in f] for net, f in self.fan_in.items()}
        self.order = [net for net in TopologicalSorter(waits).static_order() if net in waits]

    def _add(self, name: str, cell: Mapping[str, Any]) -> None:
        model = delays(cell["type"], cell["parameters"])
        inputs: list[tuple[str, int, int]] = []
        outputs: list[tuple[str, int, int]] = []
        for pin, bits in cell["connections"].items():
            pins = outputs if cell["port_directions"][pin] == "output" else inputs
            pins += [(pin, i, net) for i, net in enumerate(bits) if isinstance(net, int)]
        for pin, i, net in outputs:
            self.drivers[net] = (name, pin, i)
            launch = model.launch.get(f"{pin}[{i}]", model.launch.get(pin))
            if launch is not None:
                self.launches[net] = launch
            self.fan_in[net] = []
            for source, j, start in inputs if model.arcs else ():
                keys = ((a, b) for a in (source, f"{source}[{j}]") for b in (pin, f"{pin}[{i}]"))
                times = [model.arcs[key] for key in keys if key in model.arcs]
                if times:
                    arc = f"{cell['type']}.{source}[{j}]->{pin}[{i}]"
                    self.fan_in[net].append((start, max(times), arc))
        for pin, i, net in inputs:
            setup = model.setup.get(f"{pin}[{i}]", model.setup.get(pin))
            if setup is not None:
                self.ends.append(_End(net, setup, f"{cell['type']}.{pin}", name))

    def arrivals(self, starts: Mapping[int, int]) -> dict[int, int]:
        """When each net settles that ``starts``, nets with their times, reach."""
        times = dict(starts)
        for net in self.order:
            reached = [times[n] + delay for n, delay, _ in self.fan_in[net] if n in times]
            if reached:
                times[net] = max([*reached, times[net]] if net in times else reached)
        return times

    def longest(self) -> LongestPath:
        """The longest path from a register or an input to a register or an output."""
        starts = {net: 0 for _, bits in self._ports("input") for net in bits} | self.launches
        times = self.arrivals(starts)
        outputs = [_End(net, 0, "port") for _, bits in self._ports("output") for net in bits]
        ends = [end for end in self.ends + outputs if end.net in times]
        if not ends:
            return LongestPath(0, len(self.cells), "-", "-", [])
        last = max(ends, key=lambda end: times[end.net] + end.setup)
        steps, net = [f"{last.pin} setup {last.setup}"], last.net
        while True:
            before = [(n, a) for n, d, a in self.fan_in.get(net, ()) if self._on(times, n, d, net)]
            arc = before[0][1] if before else "clock" if net in self.launches else "port"
            steps.append(f"{times[net]:5} {arc} {self._name(net)}")
            if not before:
                break
            net = before[0][0]
        ps = times[last.net] + last.setup
        return LongestPath(ps, len(self.cells), self._name(net), self._end_name(last), steps)

    @staticmethod
    def _on(times: Mapping[int, int], source: int, delay: int, net: int) -> bool:
        return source in times and times[source] + delay == times[net]

    def port_timing(self) -> PortTiming:
        """What the module adds to paths that cross its ports."""
        timing = PortTiming(launch=self._at_outputs(self.arrivals(self.launches)))
        for name, bits in self._ports("input"):
            times = self.arrivals(dict.fromkeys(bits, 0))
            needs = [times[end.net] + end.setup for end in self.ends if end.net in times]
            if needs:
                timing.need[name] = max(needs)
            timing.through[name] = self._at_outputs(times)
        return timing

    def _at_outputs(self, times: Mapping[int, int]) -> dict[str, int]:
        found = {n: [times[b] for b in bits if b in times] for n, bits in self._ports("output")}
        return {name: max(reached) for name, reached in found.items() if reached}

    def _ports(self, direction: str) -> Iterator[tuple[str, list[int]]]:
        for name, port in self.ports.items():
            if port["direction"] == direction and name not in GLOBAL:
                yield name, [bit for bit in port["bits"] if isinstance(bit, int)]

    def _end_name(self, end: _End) -> str:
        """What a path ends in: the register behind the pin, or the cell, or the port."""
        if not end.cell:
            return self._name(end.net)
        outputs = self.cells[end.cell]["connections"].get("Q", [])
        return self._name(outputs[0]) if outputs else str(self.cells[end.cell]["type"])

    def _name(self, net: int) -> str:
        """The source's name of a net; where it has none, the cell that drives it."""
        if net in self.names or net not in self.drivers:
            return self.names.get(net, "-")
        return str(self.cells[self.drivers[net][0]]["type"])


def _net_names(module: Mapping[str, Any]) -> dict[int, str]:
    """The shortest name that the source gives to each net."""
    names: dict[int, str] = {}
    for name, net in sorted(module["netnames"].items(), key=lambda item: -len(item[0])):
        if not net.get("hide_name"):
            for index, bit in enumerate(net["bits"]):
                if isinstance(bit, int):
                    names[bit] = f"{name}[{index}]" if len(net["bits"]) > 1 else name
    return names
