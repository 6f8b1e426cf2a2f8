"""Folding files, the search under resources, and refusals with the numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from bnnhw.errors import BnnhwError, FoldingError
from bnnhw.hardware.board import Shell, board_names, load_board
from bnnhw.hardware.cost.model import Resources, budget, total
from bnnhw.hardware.folding import FoldingRequest, read_folding
from bnnhw.hardware.stages.layer_units import layer_cycles
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.wiring import build_datapath
from graphs import cnv, digits

PYNQ = load_board("pynq-z2")
SMALL = replace(PYNQ, lut=30_000)


@pytest.fixture(scope="module")
def network():
    return Network(cnv().graph())


@pytest.fixture(scope="module")
def search(network):
    return FoldingSearch(network, PYNQ)


@pytest.fixture(scope="module")
def tight(network):
    """A search whose fastest design is held back by LUTs, not by the network."""
    return FoldingSearch(network, SMALL)


@pytest.mark.parametrize("cycles", [300_000, 32_768, 8_192])
def test_target_is_met_within_the_budget(network, cycles, search):
    choice = search.choose(Target(cycles))
    slowest = max(layer_cycles(x, choice.folding.layers[x.name]) for x in network.layers)
    assert slowest <= choice.cycles <= cycles
    assert not total(choice.resources).exceeds(budget(PYNQ))


def test_a_tighter_target_costs_more(search):
    slow = total(search.choose(Target(65_536)).resources)
    fast = total(search.choose(Target(8_192)).resources)
    assert slow.lut < fast.lut


def test_without_a_target_the_design_is_the_fastest_that_fits(search, tight):
    assert not total(search.choose(Target()).resources).exceeds(budget(PYNQ))
    fastest = tight.choose(Target())
    assert not total(fastest.resources).exceeds(budget(SMALL))
    with pytest.raises(FoldingError, match="does not fit"):
        tight.choose(Target(fastest.cycles - 1))


def test_refusal_names_need_and_supply_of_every_resource_and_the_way_out(tight):
    too_fast = tight.choose(Target()).cycles - 1
    with pytest.raises(FoldingError) as caught:
        tight.choose(Target(too_fast))
    text = str(caught.value)
    assert all(word in text for word in ("LUT", "flip-flops", "BRAM36", "DSP", "need", "too much"))
    assert "fastest design that fits takes" in text


def test_target_beyond_any_folding_is_refused(search):
    with pytest.raises(FoldingError, match="beyond any folding"):
        search.choose(Target(10))


def test_network_that_fits_no_folding_is_refused(network):
    tiny = replace(PYNQ, lut=1_000, bram36=2)
    with pytest.raises(FoldingError, match="slowest folding does not fit") as caught:
        FoldingSearch(network, tiny).choose(Target())
    said = caught.value.what
    assert re.search(r"what needs most: '\w+' \(\d+% of the (LUTs|block RAM)\), '", said)
    assert "weights from memory were tried, of the last" in said
    assert caught.value.fix == "--board cora-z7-07s holds it, or choose a smaller network"
    huge = replace(PYNQ, lut=10**9, ff=100)
    with pytest.raises(FoldingError, match="slowest folding does not fit") as caught:
        FoldingSearch(network, huge).choose(Target())
    assert caught.value.fix == "choose a smaller network: no board here holds it"


def test_requested_folding_is_kept_and_the_rest_chosen(network):
    request = FoldingRequest({"conv1": {"pe": 32, "simd": 32, "memory": "bram"}})
    choice = FoldingSearch(network, PYNQ, request).choose(Target(32_768))
    fold = choice.folding.layers["conv1"]
    assert (fold.pe, fold.simd, fold.memory) == (32, 32, "bram")


@pytest.mark.parametrize(
    ("layers", "lanes", "message"),
    [
        ({"conv1": {"pe": 7}}, {}, "does not divide its output channels, 64"),
        ({"conv1": {"simd": 5}}, {}, "does not divide its window"),
        ({"conv1": {"feed": 3}}, {}, "no folding of layer 'conv1' has feed = 3"),
        ({"nowhere": {"pe": 1}}, {}, "no layer 'nowhere'"),
        ({}, {"pool1": 7}, "do not divide the 64 channels"),
        ({}, {"pool9": 1}, "no stage 'pool9'"),
    ],
)
def test_impossible_requests_are_refused(network, layers, lanes, message):
    with pytest.raises(FoldingError, match=message):
        FoldingSearch(network, PYNQ, FoldingRequest(layers, lanes)).choose(Target(32_768))


def test_folding_file_round_trip(tmp_path, network, search):
    choice = search.choose(Target(32_768))
    path = tmp_path / "folding.json"
    path.write_text(choice.folding.to_json())
    again = FoldingSearch(network, PYNQ, read_folding(path)).choose(Target(32_768))
    assert again.folding.layers == choice.folding.layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "readable JSON"),
        ("[]", "no JSON object"),
        ('{"layer": {}}', "unknown key 'layer'"),
        ('{"layers": []}', "no JSON object"),
        ('{"layers": {"conv1": {"PE": 4}}}', "unknown key 'PE'"),
        ('{"layers": {"conv1": {"pe": 0}}}', "no positive integer"),
        ('{"layers": {"conv1": {"pe": true}}}', "no positive integer"),
        ('{"layers": {"conv1": {"pe": "4"}}}', "no positive integer"),
        ('{"layers": {"conv1": {"memory": "dram"}}}', "choose one of lut, bram, ddr"),
        ('{"lanes": {"pool1": -1}}', "no positive integer"),
        ('{"memories": {"pool1": "dram"}}', "choose one of lut, bram, uram"),
    ],
)
def test_malformed_folding_files_are_refused(tmp_path, text, message):
    path = tmp_path / "folding.json"
    path.write_text(text)
    with pytest.raises(FoldingError, match=message):
        read_folding(path)


def test_missing_folding_file_is_refused(tmp_path):
    with pytest.raises(FoldingError, match="readable"):
        read_folding(tmp_path / "none.json")


@pytest.mark.parametrize("pace", [72, 200, 3_000])
def test_streams_of_a_chain_carry_every_element_once(pace):
    network = Network(digits().graph())
    chain = build_datapath(network, FoldingSearch(network, PYNQ).choose(Target(pace)).folding)
    for unit in chain.units:
        if unit.kind == "bnn_width_converter":
            a, b = chain.streams[unit.sources[0]], chain.streams[unit.sinks[0]]
            assert a.beats * a.lanes == b.beats * b.lanes
    assert max(stream.beats for stream in chain.streams.values()) <= pace


@pytest.mark.parametrize(
    "text",
    ["", "name = 3", 'name = "x"\n[resources]\nlut = "many"', "not toml ["],
)
def test_malformed_board_files_are_refused(tmp_path, text):
    path = tmp_path / "board.toml"
    path.write_text(text)
    with pytest.raises(BnnhwError, match="not usable"):
        load_board(str(path))


def test_unknown_board_names_the_known_ones():
    with pytest.raises(BnnhwError, match="pynq-z2"):
        load_board("pynq-z9")


def test_board_from_a_file(tmp_path):
    text = (load_board.__globals__["_FOLDER"] / "pynq-z2.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("53200", "5000"))
    board = load_board(str(path))
    assert (board.lut, board.shell) == (5_000, Shell(3_500, 4_000, 10))
    path.write_text(text.replace("53200", "1000"))
    with pytest.raises(BnnhwError, match="its shell takes 3500 of 1000 lut"):
        load_board(str(path))
    path.write_text(text.replace("\nlut = 3500", "\nlutt = 3500"))
    with pytest.raises(BnnhwError, match="lutt"):
        load_board(str(path))
    path.write_text(text[: text.index("[shell]")])
    assert load_board(str(path)).shell == Shell()


def test_a_design_is_held_to_what_the_shell_leaves_of_each_board():
    for name in board_names():
        board = load_board(name)
        limit = budget(board)
        assert limit.lut_packed == limit.lut == pytest.approx(0.85 * board.lut - board.shell.lut)
        assert board.shell.lut >= 3_000 and board.shell.ff >= 3_000
        assert limit.bram36 == board.bram36 - board.shell.bram36 < board.bram36


def test_luts_count_half_of_the_pairs_that_yosys_assumes():
    need = Resources(lut=100, lut_cells=140)
    assert need.lut_packed == 120
    assert need.exceeds(Resources(lut=119, ff=1, bram36=1, dsp=1))
    assert not need.exceeds(Resources(lut=120, ff=1, bram36=1, dsp=1))
    assert Resources(lut=100).lut_packed == 100, "nobody counted cells"


def test_folding_json_lists_every_layer(network, search):
    data = json.loads(search.choose(Target(32_768)).folding.to_json())
    assert list(data["layers"]) == [layer.name for layer in network.layers]
