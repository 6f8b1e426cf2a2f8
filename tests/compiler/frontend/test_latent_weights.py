"""Weights that training code computes in the graph: signs of latent weights, and their scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bnnhw.frontend import LoadOptions, load
from bnnhw.frontend.near_binary import TOLERANCE, binarised
from bnnhw.ir.ops import (
    Conv,
)
from real_agreement import real_agrees
from sketch import Sketch, image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Spell = Callable[[Sketch, str], str]


def latent_weights(rng: np.random.Generator, shape: tuple[int, ...] = (4, 4, 3, 3)) -> Any:
    return rng.normal(size=shape).astype(np.float32) * 0.4


def weights_in_the_graph(s: Sketch, latent: Any) -> str:
    """scale * sign(w) - clip(w) + clip(w), scale the mean of |w|, expanded."""
    w = s.constant(latent)
    scale = s.node("ReduceMean", [s.node("Abs", [w])], axes=[1, 2, 3])
    wide = s.node("Expand", [scale, s.constant(latent.shape, np.int64)])
    signs = s.node("Mul", [wide, s.node("Sign", [w])])
    clipped = s.node("Clip", [w, s.constant(-1), s.constant(1)])
    return s.node("Add", [s.node("Sub", [signs, clipped]), clipped])


def rounded(latent: Any) -> Any:
    """The same as float32 arithmetic evaluates it."""
    scale = np.abs(latent).mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    clipped = np.clip(latent, -1, 1)
    return (scale * np.sign(latent) - clipped) + clipped


def layer(latent: Any, weight: Callable[[Sketch], Any]) -> Sketch:
    sketch = image().conv(3, 4, pads=1).batch_norm(4).sign()
    sketch.conv(4, len(latent), weight=weight(sketch))
    return sketch.batch_norm(len(latent)).flatten().dense(16 * len(latent), 3)


def second_weights(path: Path, options: LoadOptions | None = None) -> np.ndarray:
    weights = [n.op.weight for n in load(path, options).nodes if isinstance(n.op, Conv)]
    assert len(weights) == 2
    return weights[1]


def test_weights_in_the_graph_cancel_to_the_last_bit(tmp_path: Path) -> None:
    latent = latent_weights(np.random.default_rng(1))
    path = layer(latent, lambda s: weights_in_the_graph(s, latent)).save(tmp_path / "m.onnx")
    scale = np.abs(latent).mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    np.testing.assert_array_equal(second_weights(path), scale * np.sign(latent))
    assert "1 of weights" in "".join(real_agrees(path).notes)


def test_weights_that_an_exporter_evaluated_lose_their_rounding(tmp_path: Path) -> None:
    latent = latent_weights(np.random.default_rng(2))
    folded = rounded(latent)
    assert (np.abs(folded) != np.abs(folded[:, :1, :1, :1])).any(), "nothing was rounded"
    path = layer(latent, lambda s: folded).save(tmp_path / "m.onnx")
    weights = second_weights(path)
    assert (np.abs(weights) == np.abs(weights[:, :1, :1, :1])).all()
    np.testing.assert_allclose(weights, folded, rtol=1e-6)
    (note,) = real_agrees(path).notes
    assert note.startswith("the weights of 1 layers are +-alpha per output channel but for")


@pytest.mark.parametrize("deviation", [0.5, 1.5])
def test_the_tolerance_for_rounding_is_as_stated(deviation: float) -> None:
    weight = np.full((2, 3, 3, 3), 0.25)
    weight[1, 0, 0, 0] = -0.25 * (1 + deviation * TOLERANCE)
    found = binarised(weight, -1.0)
    assert (found is not None) == (deviation < 1)
    if found is not None:
        assert found.weight[1, 0, 0, 0] == -found.weight[1, 1, 1, 1]
        assert 0 < found.deviation < TOLERANCE


def test_real_and_ternary_weights_stay_as_they_are() -> None:
    rng = np.random.default_rng(3)
    assert binarised(rng.normal(size=(4, 3, 3, 3)), -1.0) is None
    assert binarised(rng.choice([-1.0, 0, 1], (4, 3, 3, 3)), -1.0) is None
    assert binarised(rng.choice([-0.5, 0.5], (4, 3, 3, 3)), -1.0) is None


@pytest.mark.parametrize("choice", ["minus", "plus"])
@pytest.mark.parametrize("folded", [False, True])
def test_a_latent_weight_of_zero_becomes_the_chosen_sign(
    tmp_path: Path, choice: str, folded: bool
) -> None:
    latent = latent_weights(np.random.default_rng(4), (64, 4, 3, 3))
    latent[5, 1, 2, 0] = 0

    def weight(s: Sketch) -> Any:
        return rounded(latent) if folded else weights_in_the_graph(s, latent)

    path = layer(latent, weight).save(tmp_path / "m.onnx")
    options = LoadOptions(sign_zero=choice)
    weights = second_weights(path, options)
    bit = -1 if choice == "minus" else 1
    assert weights[5, 1, 2, 0] == bit * np.abs(weights[5]).max()
    assert (np.abs(weights) == np.abs(weights[:, :1, :1, :1])).all()
    notes = real_agrees(path, options).notes
    assert any("1 of 2304 binary weights are sign(0)" in note for note in notes)
