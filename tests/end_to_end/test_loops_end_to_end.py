"""Runs of equal blocks as one block that each frame passes several times."""

from __future__ import annotations

from collections import Counter

import pytest

from bnnhw.hardware.folding import FoldingRequest
from bnnhw.hardware.stages import streamed_parameters
from bnnhw.ir.ops import Window
from executions import assert_prediction_holds, execute_everywhere
from graphs import STREAM, GraphBuilder, looped_stem, pooled_head, residual_blocks

PADDED = Window((3, 3), (1, 1), (1, 1, 1, 1))


def two_layers(passes: int) -> GraphBuilder:
    """Blocks of a 3x3 and a 1x1 convolution, each with an activation of two lines behind it."""
    b = looped_stem(16, 4)
    for number in range(passes):
        for part, window in (("a", PADDED), ("b", Window((1, 1)))):
            name, start = f"block{number}{part}", b.end
            b.threshold(f"{name}_sign", spread=0.02).conv(f"{name}_conv", 16, window)
            b.rescale(f"{name}_bn", STREAM, gain=8).join(f"{name}_add", start, STREAM)
            b.rescale(f"{name}_act", STREAM, segments=2)
    return pooled_head(b)


def plain(passes: int) -> GraphBuilder:
    """Convolutions with a sign behind each, and nothing else."""
    b = looped_stem(16, 4).threshold("sign")
    for number in range(passes):
        b.conv(f"conv{number}", 16, PADDED).threshold(f"sign{number}")
    return b.dense("scores", 8)


def grouped(passes: int) -> GraphBuilder:
    """Blocks of a convolution in groups of channels that reads the bits 0 and 1."""
    b = looped_stem(48, 4)
    for number in range(passes):
        name, start = f"block{number}", b.end
        b.threshold(f"{name}_sign", spread=0.02, bipolar=False)
        b.conv(f"{name}_conv", 48, PADDED, groups=3)
        b.rescale(f"{name}_bn", STREAM, gain=8).join(f"{name}_add", start, STREAM)
        b.rescale(f"{name}_act", STREAM, segments=2)
    return pooled_head(b)


NETWORKS = {
    "grouped blocks": (grouped(3), "block0_conv", 3),
    "2 residual blocks": (residual_blocks(2), "block0_conv", 2),
    "12 residual blocks": (residual_blocks(12), "block0_conv", 12),
    "blocks of two layers": (two_layers(3), "block0a_conv", 3),
    "plain layers": (plain(3), "conv0", 3),
    "3 residual blocks": (residual_blocks(3), "block0_conv", 3),
}

TILED = {"blocks of two layers": (4, 2), "12 residual blocks": (1, 1)}
"""Networks whose parameters come with the tiles, and units of them."""


def looped_design(name: str, tmp_path, layers=None, **options):
    builder, first, _ = NETWORKS[name]
    request = FoldingRequest(layers or {}, loops=(first,))
    return execute_everywhere(builder, tmp_path, request=request, **options)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_execution_of_a_loop_gives_the_same(tmp_path, name, monkeypatch):
    if name in TILED:
        monkeypatch.setattr(streamed_parameters, "_READER_LUTS", 0)
    executed = looped_design(name, tmp_path, target=20_000)
    loops = {unit.loop: unit.passes for unit in executed.design.units if unit.loop}
    assert list(loops.values()) == [NETWORKS[name][2]]
    kinds = Counter(unit.kind for unit in executed.design.units)
    streamed = kinds["bnn_stream_affine"], kinds["bnn_stream_threshold"]
    assert streamed == TILED.get(name, (0, 0))
    assert_prediction_holds(executed)
