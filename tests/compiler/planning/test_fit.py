"""Targets: larger ones are met where smaller ones are, and what a refusal advises is met."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import graphs
from bnnhw.backend.hls import emit_hls
from bnnhw.errors import (
    DoesNotFitError,
    FoldingError,
    InternalError,
    MissedTargetError,
    UnbuildableError,
)
from bnnhw.hardware.board import Shell, load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import total
from bnnhw.hardware.datapath import Datapath
from bnnhw.hardware.design import Stream
from bnnhw.hardware.folding import WIDEST_WORD, FoldingRequest
from bnnhw.ir.types import Bit, Integer
from bnnhw.planning import design_fit
from bnnhw.planning.design_fit import DesignFit
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target, reachable_fps
from bnnhw.planning.token_model import Prediction, ideal_cycles
from bnnhw.planning.wiring import build_datapath
from graphs import GraphBuilder, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.hardware.board import Board

PYNQ = load_board("pynq-z2")
SAME = Window((3, 3), (1, 1), (1, 1, 1, 1))


def digits() -> Network:
    return Network(graphs.digits().graph())


def residual() -> Network:
    return Network(graphs.residual(size=8, width=4).graph())


def odd_channels() -> Network:
    """Convolutions of 24 and 48 channels on few pixels: tiles of many widths, and a global pool."""
    b = GraphBuilder((24, 5, 4), Bit(True), 3)
    b.conv("one", 24, SAME).threshold("sign1")
    b.conv("two", 48, SAME).threshold("sign2")
    b.conv("three", 24, SAME).threshold("sign3")
    return Network(b.dense("scores", 16).graph())


def fitted(network: Network, board: Board, target: Target, **request: object) -> Prediction:
    asked = FoldingRequest(**request)  # type: ignore[arg-type]
    design, _, prediction = lower_fitting(FoldingSearch(network, board, asked), target, 100.0)
    assert not total(design_resources(design)).exceeds(FoldingSearch(network, board).limit)
    return prediction


@pytest.mark.parametrize("make", [digits, residual, odd_channels])
@pytest.mark.parametrize("share", [1.0, 0.12])
def test_targets_are_met_from_one_on_and_never_again_missed(
    make: Callable[[], Network], share: float
) -> None:
    network = make()
    board = replace(PYNQ, lut=round(share * PYNQ.lut), ff=round(share * PYNQ.ff), shell=Shell())
    search = FoldingSearch(network, board)
    fit = DesignFit(search, 100.0)
    paces = search.paces()
    targets = sorted(
        {target for pace in paces[:: max(1, len(paces) // 5)] for target in (pace, pace + 7)}
    )
    met = []
    for target in targets:
        try:
            made = fit.meet(Target(target))
        except FoldingError as error:
            met.append(False)
            named = int(re.findall(r"(\d+) cycles", str(error.fix))[0])
            assert named > target
            assert fit.meet(Target(named)).cycles <= named
        else:
            met.append(True)
            assert made.cycles <= target
            assert not made.need.exceeds(search.limit)
    assert met == sorted(met), dict(zip(targets, met, strict=True))
    assert met[-1]
    assert fit.fastest().cycles <= min(
        target for target, good in zip(targets, met, strict=True) if good
    )


def test_what_is_met_does_not_hang_on_what_was_asked_before() -> None:
    search = FoldingSearch(residual(), PYNQ)
    targets = [400, 2_000]
    used = DesignFit(search, 100.0)
    made = {target: used.meet(Target(target)).folding for target in reversed(targets)}
    for target in targets:
        assert DesignFit(search, 100.0).meet(Target(target)).folding == made[target]


@pytest.mark.parametrize("cycles", [1, 2, 3, 7, 64, 277, 4_099, 17_553, 1_000_003, 400_000_000])
@pytest.mark.parametrize("clock", [100.0, 187.512, 1.0])
def test_frames_a_second_that_are_named_are_reached(cycles: int, clock: float) -> None:
    fps = reachable_fps(cycles, clock)
    target = Target.of_fps(fps, clock)
    assert target.cycles is not None
    assert cycles <= target.cycles <= 1.01 * cycles + 1
    assert float(f"{fps:.10g}") == fps


def test_a_target_in_fps_is_answered_in_fps() -> None:
    target = Target.of_fps(5e6, 100.0)
    with pytest.raises(MissedTargetError) as caught:
        fitted(digits(), PYNQ, target)
    assert "5000000 FPS (20 cycles per frame at 100 MHz) is beyond" in str(caught.value)
    fps = float(re.findall(r"ask for ([\d.]+) FPS", str(caught.value))[0])
    fitted(digits(), PYNQ, Target.of_fps(fps, 100.0))


def test_a_folding_file_that_is_too_large_is_blamed() -> None:
    small = replace(PYNQ, lut=8_000)
    wide = {"dense0": {"pe": 32, "simd": 512}}
    with pytest.raises(DoesNotFitError, match="with what this file fixes") as caught:
        fitted(digits(), small, Target(), layers=wide, source="mine.json")
    text = str(caught.value)
    assert text.startswith("mine.json: ")
    assert "smaller PE and SIMD" in text
    reached = int(re.findall(r"at (\d+) cycles", text)[0])
    assert fitted(digits(), small, Target(reached)).cycles_per_frame <= reached


def test_a_folding_file_is_blamed_though_the_target_is_missed_without_it_too() -> None:
    small = replace(PYNQ, lut=8_000)
    wide = {"dense0": {"pe": 32, "simd": 512}}
    with pytest.raises(DoesNotFitError, match="with what this file fixes"):
        fitted(digits(), small, Target(30), layers=wide, source="mine.json")


def test_a_network_that_is_too_large_is_blamed_in_spite_of_a_folding_file() -> None:
    tiny = replace(PYNQ, lut=300)
    with pytest.raises(DoesNotFitError, match=r"^network 'digits': even the slowest"):
        fitted(digits(), tiny, Target(), layers={"dense0": {"pe": 1}}, source="mine.json")


@pytest.mark.parametrize("seed", range(6))
def test_every_choice_from_memory_is_one_that_units_join(seed: int) -> None:
    """Layers of odd widths, whose tiles fit each other in few of the foldings."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder((int(rng.choice([8, 24])), 4, 4), Bit(True), seed)
    for i in range(3):
        b.conv(f"conv{i}", int(rng.choice([8, 24, 40, 48])), SAME).threshold(f"sign{i}")
    network = Network(b.dense("scores", 8).graph())
    layers = {layer.name: {"memory": "ddr"} for layer in network.layers}
    search = FoldingSearch(network, PYNQ, FoldingRequest(layers))
    built = 0
    for pace in search.paces():
        choice = search.cheapest(pace, {})
        if choice is not None:
            build_datapath(network, choice.folding)
            built += 1
    assert built > 3


def test_tiles_are_gathered_to_no_more_than_the_channels_of_a_pixel() -> None:
    path = Datapath()
    tiles = Stream("tiles", 1, 4, 2 * 36, pixels=2, tiles=True)
    assert path.convert(tiles, 8, "whole", "layer").pixels == 1
    with pytest.raises(UnbuildableError, match=r"16 channels per beat.*of 8 per pixel"):
        path.convert(tiles, 16, "more", "layer")


def test_a_pace_below_the_beats_of_a_stream_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        design_fit, "predict", lambda design: Prediction(ideal_cycles(design) - 1, 1)
    )
    with pytest.raises(InternalError, match=r"predicts \d+ cycles per frame, and a stream has"):
        fitted(digits(), PYNQ, Target())


@pytest.mark.parametrize(
    ("simd", "message"),
    [
        (12, r"layer 'three' with SIMD = 12 reads tiles of 16"),
        (9, r"fixed of layer 'three', its weights cannot"),
    ],
)
def test_tiles_that_a_file_makes_unfit_for_each_other_are_refused(simd: int, message: str) -> None:
    layers: dict[str, dict[str, object]] = {
        "two": {"memory": "ddr", "pe": 16},
        "three": {"memory": "ddr", "simd": simd},
        "scores": {"memory": "ddr"},
    }
    with pytest.raises(FoldingError, match=rf"mine\.json: .*{message}"):
        fitted(odd_channels(), PYNQ, Target(), layers=layers, source="mine.json")


def test_what_the_search_chooses_is_no_wider_than_hls_takes() -> None:
    b = GraphBuilder((600, 2, 2), Integer(8, True), 4)
    b.conv("wide", 2, Window((2, 2))).threshold("sign").dense("scores", 2)
    design, _, _ = lower_fitting(
        FoldingSearch(Network(b.graph()), PYNQ, FoldingRequest()), Target(), 100.0
    )
    assert max(stream.width + stream.user for stream in design.streams.values()) <= WIDEST_WORD
    emit_hls(design)


def test_integer_streams_that_join_have_tiles_that_go_together() -> None:
    b = GraphBuilder((16, 4, 4), Integer(8, False), 2)
    b.layer("stem", 24, SAME).rescale("bn", graphs.STREAM, gain=4)
    graphs.residual_block(b, "a", 24)
    graphs.residual_block(b, "b", 40, stride=2)
    b.add("global", graphs.SumPool(Window((2, 2), (2, 2)))).classifier("scores", 8)
    network = Network(b.graph())
    search = FoldingSearch(network, replace(PYNQ, bram36=4, lut=9_000))
    for placement in search.placements:
        for pace in search.paces()[::20]:
            choice = search._cheapest(pace, placement)
            if choice is not None:
                build_datapath(network, choice.folding)
    assert len(search.placements) > 2
