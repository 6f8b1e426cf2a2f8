"""The networks of Larq Zoo, exported by tf2onnx, give the scores that Keras gives.

Their weights are random: pretrained ones are downloads. ``make test-imports`` runs these tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from foreign import PIXELS, export, needs, scores

import bnnhw
from bnnhw.frontend import import_file
from bnnhw.ir.ops import Conv, Dense

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs("larq"), pytest.mark.slow]

#: Width of images, and binary layers that the definition has. The sizes are small ones that keep
#: what is special: BinaryAlexNet ends with 2x2 pixels, XNORNet takes nothing below 217.
NETWORKS = {
    "BinaryAlexNet": (96, 7),
    "BiRealNet": (32, 16),
    "BinaryResNetE18": (32, 16),
    "BinaryDenseNet28": (32, 23),
    "BinaryDenseNet37": (32, 32),
    "BinaryDenseNet45": (32, 40),
    "XNORNet": (224, 6),
    "DoReFaNet": (96, 0),
    "MeliusNet22": (32, 34),
    "RealToBinaryNet": (32, 16),
    "QuickNet": (32, 16),
    "QuickNetSmall": (32, 16),
    "QuickNetLarge": (32, 32),
}
TIES = ("BinaryResNetE18", "BinaryDenseNet45")
SMALL = ("SmallQuickNet", "SmallBinaryDenseNet", "SmallMeliusNet")


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_read_and_give_the_scores_of_keras(tmp_path: Path, name: str) -> None:
    size, binary = NETWORKS[name]
    export("larq", tmp_path, f"{name}={size}")
    model = tmp_path / f"{name}.onnx"
    totals = bnnhw.inspect(model, input_type="uint8", input_scale=1 / 255).to_json()["totals"]
    assert totals["binary_layers"] == binary
    got, want = scores(model, tmp_path / f"{name}.npz")
    raised = np.exp(got - got.max(axis=1, keepdims=True))
    found = raised / raised.sum(axis=1, keepdims=True)  # the Softmax at the end is left out
    # Keras computes in float32, whose rounding decides a sign in some images of some networks.
    apart = np.abs(found - want).max(axis=1)
    assert (apart < 1e-5).sum() >= (1 if name in TIES else len(want)), apart
    assert apart.max() < 0.05
    assert (found.argmax(axis=1) == want.argmax(axis=1)).all()


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_are_exact_in_verilog_and_hls(tmp_path: Path, name: str) -> None:
    export("larq", tmp_path, f"{name}=32")
    assert any(
        isinstance(node.op, (Conv, Dense)) and node.op.is_binary
        for node in import_file(tmp_path / f"{name}.onnx", PIXELS).graph.nodes
    )
    build = bnnhw.compile(
        tmp_path / f"{name}.onnx",
        board="pynq-z2",
        cycles=131_072,
        input_type="uint8",
        input_scale=1 / 255,
        output=tmp_path / "build",
    )
    outcome = build.simulate(np.load(tmp_path / f"{name}.npz")["x"], hls=True, check=False)
    assert {check.mismatches for check in outcome.checks} == {0}
