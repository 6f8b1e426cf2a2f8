"""Counters of streams: in the Verilog, the manifest and the estimate where they are asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import graphs
from bnnhw.backend.manifest import REGISTERS, manifest
from bnnhw.backend.verilog import emit_top
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.errors import BnnhwError, DoesNotFitError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.designs import design_resources, instrument_resources
from bnnhw.hardware.cost.model import USABLE, Resources, total
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.hardware.instruments import count_words, instruments_of
from bnnhw.planning.fit import fit_network
from bnnhw.planning.target import Target
from bnnhw.zoo.shipped import shipped_model

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design


def fitted(board: Board, *, instrument: bool) -> Design:
    graph, request = graphs.residual().graph(), FoldingRequest()
    return fit_network(graph, board, Target(2400), request, 100.0, instrument=instrument).design


@pytest.fixture(scope="module")
def plain() -> Design:
    return fitted(load_board("pynq-z2"), instrument=False)


def test_they_are_there_only_where_they_are_asked_for(plain: Design) -> None:
    top = emit_top(plain)
    assert "bnn_stream_counters" not in top and ".INSTRUMENTS(0)" in top
    assert not {"instruments", "instrument_words"} & manifest(plain).keys()
    counted = replace(plain, instrument=True)
    assert counted.build_hash() != plain.build_hash()
    assert replace(counted, instrument=False).build_hash() == plain.build_hash()


def test_every_word_is_one_counter_in_the_order_of_the_ring(plain: Design) -> None:
    design = replace(plain, instrument=True)
    found = manifest(design)
    words = [index for one in found["instruments"] for index in one["words"].values()]
    assert [found["instrument_cycles"], *words] == list(range(found["instrument_words"]))
    assert [one["stream"] for one in found["instruments"]] == list(design.streams)
    assert any(one["depth"] for one in found["instruments"])
    for one in found["instruments"]:
        assert ("high_water" in one["words"]) == (one["depth"] > 0)
        writer, reader = (design.unit(name) for name in one["units"])
        assert one["stream"] in writer.sinks and one["stream"] in reader.sources
        assert (one["layer"], one["reader_layer"]) == (writer.layer, reader.layer)
    top = emit_top(design)
    assert f".INSTRUMENTS({found['instrument_words']})" in top
    ring = re.findall(r"\.ring_i\((\w+)_ring\),\s*\.ring_o\((\w+)_ring\)", top)
    behind = {front: back for back, front in ring}
    order = [behind["instruments"]]
    while order[-1] != "instruments":
        order.append(behind[order[-1]])
    assert order == [*design.streams, "instruments"]
    assert len(REGISTERS) == len(set(REGISTERS.values()))


def test_the_estimate_counts_them(plain: Design) -> None:
    design = replace(plain, instrument=True)
    need = total(design_resources(design)) - total(design_resources(plain))
    only = instrument_resources(design)
    assert need.ff == pytest.approx(only.ff) and need.lut == pytest.approx(only.lut)
    assert need.ff > 100 * len(design.streams) and need.lut > 99 * len(design.streams)
    assert instrument_resources(plain) == Resources()
    assert count_words(instruments_of(plain)) == 0


def test_the_fit_refuses_what_does_not_fit_with_them(plain: Design) -> None:
    board = load_board("pynq-z2")
    need = total(design_resources(plain))
    small = replace(board, lut=int((need.lut_packed + 200 + board.shell.lut) / USABLE["lut"]))
    assert not fitted(small, instrument=False).instrument
    with pytest.raises(DoesNotFitError):
        fitted(small, instrument=True)


def test_they_are_recorded_and_told(tmp_path: Path) -> None:
    options = CompileOptions(board="pynq-z2", cycles=5_000, verify=False, instrument=True)
    model = shipped_model("digits").path
    result = compile_model(model, tmp_path / "build", options)
    assert options.to_json()["instrument"] is True
    assert "--instrument" in options.command(model).split()
    assert "instrument" not in replace(options, instrument=False).to_json()
    notes = [note for note in result.report["notes"] if note.startswith("instruments: ")]
    assert len(notes) == 1 and notes[0].endswith("; the HLS C++ has none")
    assert all(one["predicted"]["stall"] >= 0 for one in result.build.manifest["instruments"])
    hls = "".join(path.read_text() for path in (tmp_path / "build" / "hls").glob("*.cpp"))
    assert "counters" not in hls


def test_hls_alone_has_none(tmp_path: Path) -> None:
    options = CompileOptions(board="pynq-z2", backends=("hls",), instrument=True)
    with pytest.raises(BnnhwError, match="instruments are Verilog's"):
        compile_model(shipped_model("digits").path, tmp_path / "build", options)
