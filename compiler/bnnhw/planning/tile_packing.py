"""The choice of layers' foldings whose tiles fit each other.

A layer whose weights come from memory gives PE channels of all pixels, then the next. What reads
such tiles takes whole ones: PE must divide the SIMD of the layer behind, and of two paths into an
addition the narrower tiles must fit the wider. No other way is in the hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.errors import UnbuildableError
from bnnhw.hardware.cost.model import Resources, total
from bnnhw.hardware.stages import Layer
from bnnhw.hardware.stages.loops import LoopEnd, LoopStart
from bnnhw.planning.packing import Option, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bnnhw.hardware.folding import LayerFolding
    from bnnhw.planning.network import Network

    Allowed = Callable[[LayerFolding], bool]


@dataclass(frozen=True)
class _Conflict:
    """Tiles that do not fit; each way out is what it allows of some layers."""

    what: str
    ways: tuple[Mapping[str, Allowed], ...]
    fix: str = (
        "let the PE of layers whose weights come from memory divide the SIMD of those that read "
        "them, and each other where they are added"
    )


@dataclass(frozen=True)
class _Tiles:
    """Channels per tile, and the layers whose PE they come from."""

    lanes: int
    layers: frozenset[str]

    def only(self, allowed: Allowed) -> Mapping[str, Allowed]:
        return dict.fromkeys(self.layers, allowed)


@dataclass(frozen=True)
class TilePacking:
    """Packs layers with what else a design holds, so that tiles fit.

    Attributes:
        network: the network.
        tiled: the tensors that flow tile by tile.
        limit: what may be used.
        dsp_price: what a DSP block counts, in LUTs.
        weigh: how hard what is taken presses on the board.
    """

    network: Network
    tiled: Collection[str]
    limit: Resources
    dsp_price: float
    weigh: Callable[[Resources], float]

    def pack(
        self,
        fitting: Sequence[Sequence[Option]],
        others: Sequence[Sequence[Option]] = (),
        base: Resources | None = None,
    ) -> list[Option]:
        """One option of each layer, as ``packing.pack`` chooses them among those that fit.

        Where the best ones do not fit each other, the better of the ways out is taken, until all
        do: each rules out an option that was chosen.

        Args:
            fitting: the options of each layer, in the network's order.
            others: the options of each other memory.
            base: what is used already.

        Raises:
            UnbuildableError: none fit each other.
        """
        names = [layer.name for layer in self.network.layers]
        base = base or Resources()
        while True:
            chosen = pack([*fitting, *others], self.limit, base, self.dsp_price)
            folds = {name: option.what for name, option in zip(names, chosen, strict=False)}
            conflict = self._conflict(folds)
            if conflict is None:
                return chosen[: len(names)]
            ways = [_restricted(names, fitting, way) for way in conflict.ways]
            ways = [way for way in ways if all(way)]
            if not ways:
                raise UnbuildableError(conflict.what, where="folding", fix=conflict.fix)
            fitting = ways[0]
            if len(ways) > 1:
                fitting = min(ways, key=lambda way: self._weight([*way, *others], base))

    def _weight(self, items: Sequence[Sequence[Option]], base: Resources) -> float:
        chosen = pack(items, self.limit, base, self.dsp_price)
        return self.weigh(total({str(i): o.resources for i, o in enumerate(chosen)}) + base)

    def _conflict(self, folds: Mapping[str, LayerFolding]) -> _Conflict | None:
        """The first place where tiles do not fit."""
        tiles: dict[str, _Tiles] = {}
        ends: dict[str, _Tiles] = {}
        for stage in self.network.stages:
            sources = [tiles[tensor] for tensor in stage.inputs if tensor in tiles]
            if isinstance(stage, LoopStart):
                own = _Tiles(folds[stage.layer].pe, frozenset([stage.layer]))
                if sources and own.lanes % sources[0].lanes:
                    return _enters(stage, own, sources[0])
                tiles[stage.output] = own
                ends[stage.end] = own
            elif isinstance(stage, LoopEnd) and sources[0].lanes != ends[stage.name].lanes:
                return _returns(stage, sources[0], ends[stage.name])
            elif isinstance(stage, Layer):
                fold = folds[stage.name]
                if sources and fold.simd % sources[0].lanes:
                    return _between(stage, fold, sources[0])
                if stage.output in self.tiled:
                    tiles[stage.output] = _Tiles(fold.pe, frozenset([stage.name]))
            elif sources and stage.gives_tiles:
                wide, narrow = max(sources, key=_lanes), min(sources, key=_lanes)
                if wide.lanes % narrow.lanes:
                    return _Conflict(
                        f"'{stage.name}' adds tiles of {narrow.lanes} and of {wide.lanes} channels",
                        (narrow.only(_goes_with(wide.lanes)), wide.only(_goes_with(narrow.lanes))),
                    )
                layers = frozenset().union(*(source.layers for source in sources))
                tiles[stage.output] = _Tiles(wide.lanes, layers)
        return None


def _between(layer: Layer, fold: LayerFolding, source: _Tiles) -> _Conflict:
    return _Conflict(
        f"layer '{layer.name}' with SIMD = {fold.simd} reads tiles of {source.lanes} channels",
        (
            {layer.name: lambda other: other.simd % source.lanes == 0},
            source.only(lambda other: fold.simd % other.pe == 0),
        ),
    )


def _enters(loop: LoopStart, own: _Tiles, source: _Tiles) -> _Conflict:
    return _Conflict(
        f"'{loop.name}' of {own.lanes} channels per tile reads tiles of {source.lanes}",
        (
            own.only(lambda fold: fold.pe % source.lanes == 0),
            source.only(lambda fold: own.lanes % fold.pe == 0),
        ),
    )


def _returns(loop: LoopEnd, source: _Tiles, own: _Tiles) -> _Conflict:
    """A loop of several layers: what goes back must have the tiles that it started with."""
    return _Conflict(
        f"'{loop.name}' gives tiles of {source.lanes} channels to a loop of {own.lanes}",
        (
            own.only(lambda fold: fold.pe == source.lanes),
            source.only(lambda fold: fold.pe == own.lanes),
        ),
        "give the layers whose results come back into a loop the PE of those that it begins with",
    )


def _goes_with(lanes: int) -> Allowed:
    return lambda fold: lanes % fold.pe == 0 or fold.pe % lanes == 0


def _lanes(tiles: _Tiles) -> int:
    return tiles.lanes


def _restricted(
    names: Sequence[str], fitting: Sequence[Sequence[Option]], way: Mapping[str, Allowed]
) -> list[list[Option]]:
    return [
        [option for option in options if name not in way or way[name](option.what)]
        for name, options in zip(names, fitting, strict=True)
    ]
