"""The units of a build as its Verilog connects them, and paths that cross from unit to unit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synth_unit import HW, files_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from netlist import PortTiming

_INSTANCE = re.compile(r"^  (bnn_\w+) #\(\n(.*?)\n  \) (\w+) \(\n(.*?)\n  \);", re.M | re.S)
_PAIR = re.compile(r"\.(\w+)\((.*?)\),?$", re.M)


@dataclass(frozen=True)
class Instance:
    """A unit in a design.

    Attributes:
        name: as the design calls it.
        kind: its module.
        parameters: in Verilog's notation; memory images by their path.
        nets: by port, the nets that it is connected to.
    """

    name: str
    kind: str
    parameters: dict[str, str]
    nets: dict[str, tuple[str, ...]]

    @property
    def size(self) -> str:
        """Kind and parameters but for memory images: units of one size are measured once."""
        images = {*files_of(self.kind), "BUILD_HASH"}
        return json.dumps(
            [self.kind, {k: v for k, v in self.parameters.items() if k not in images}],
            sort_keys=True,
        )


def instances_of(build: Path) -> list[Instance]:
    """The units of a build's Verilog, but for the monitors, which are of the simulation."""
    rtl, found = build / "rtl", []
    for top in sorted(rtl.glob("*_top.v")):
        for kind, chosen, name, connected in _INSTANCE.findall(top.read_text()):
            if not (HW / f"{kind}.sv").exists():
                continue
            parameters = dict(_PAIR.findall(chosen))
            for file in files_of(kind):
                if file in parameters:
                    parameters[file] = str(rtl / parameters[file].strip('"'))
            nets = {
                port: tuple(re.findall(r"(?<![\w'])[a-z_]\w*", net))
                for port, net in _PAIR.findall(connected)
            }
            found.append(Instance(name.removeprefix("u_"), kind, parameters, nets))
    return found


@dataclass(frozen=True)
class Chain:
    """A path across units: its delay in ps, and the ports that it passes, from its start."""

    ps: int
    ports: tuple[str, ...]


class Chains:
    """Arrival times at the ports of a design's units.

    Args:
        instances: the units; those whose size was not measured are left out.
        timings: by size.
    """

    def __init__(self, instances: Iterable[Instance], timings: Mapping[str, PortTiming]) -> None:
        self.units = {i.name: i for i in instances if i.size in timings}
        self.timings = {name: timings[unit.size] for name, unit in self.units.items()}
        self.drivers: dict[str, list[tuple[str, str]]] = {}
        for name, unit in self.units.items():
            outputs = {port for t in self.timings[name].through.values() for port in t}
            for port in outputs | set(self.timings[name].launch):
                for net in unit.nets.get(port, ()):
                    self.drivers.setdefault(net, []).append((name, port))
        self._known: dict[tuple[str, str], Chain] = {}

    def _out(self, name: str, port: str) -> Chain:
        """The latest arrival at an output."""
        key = (name, port)
        if key not in self._known:
            timing = self.timings[name]
            best = Chain(timing.launch.get(port, 0), (f"{name}.{port}",))
            for source, reached in timing.through.items():
                if port in reached:
                    before = self._in(name, source)
                    if before and before.ps + reached[port] > best.ps:
                        ports = (*before.ports, f"{name}.{port}")
                        best = Chain(before.ps + reached[port], ports)
            self._known[key] = best
        return self._known[key]

    def _in(self, name: str, port: str) -> Chain | None:
        """The latest arrival at an input that another unit drives."""
        nets = self.units[name].nets.get(port, ())
        sources = [source for net in nets for source in self.drivers.get(net, ())]
        return max((self._out(*s) for s in sources), key=lambda c: c.ps, default=None)

    def longest(self) -> list[Chain]:
        """The longest chain into each input of each unit, the longest first."""
        found = []
        for name, timing in self.timings.items():
            for port, need in timing.need.items():
                before = self._in(name, port)
                if before:
                    found.append(Chain(before.ps + need, (*before.ports, f"{name}.{port}")))
        return sorted(found, key=lambda chain: -chain.ps)

    def through_ready(self) -> dict[str, int]:
        """By kind: the longest way in ps from a ready input to a ready output, where one is."""
        found: dict[str, int] = {}
        for name, timing in self.timings.items():
            times = [
                time
                for source, reached in timing.through.items()
                for port, time in reached.items()
                if source.endswith("ready") and port.endswith("ready")
            ]
            if times:
                kind = self.units[name].kind
                found[kind] = max(*times, found.get(kind, 0))
        return found


def one_of_each(chains: Iterable[Chain], units: Mapping[str, Any]) -> list[Chain]:
    """Of chains alike in the kinds and ports that they pass, the first."""
    kept: dict[tuple[str, ...], Chain] = {}
    for chain in chains:
        passed = (port.rpartition(".") for port in chain.ports)
        kept.setdefault(tuple(f"{units[name].kind}.{p}" for name, _, p in passed), chain)
    return list(kept.values())
