"""Integers against float: what is measured, when it alarms, and that it stops a compile."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import bnnhw
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.errors import VerificationError
from bnnhw.interpret.interpreter import interpret
from bnnhw.interpret.real import interpret_real, interpret_real_all
from bnnhw.ir.ops import Add, Binarize, FixedAdd
from bnnhw.passes import run
from bnnhw.passes.moments import layers_without_batch_norm
from bnnhw.passes.widths import widths
from bnnhw.verify.accuracy import Accuracy, StreamLoss, StreamLosses, compare_classes, ways_out
from bnnhw.verify.resembling import resembling_images
from bnnhw.zoo.shipped import shipped_model
from residual import THREE, UINT8, Residual, bireal

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Accuracy(400, False, 0.95, 0.945, 0.98, noise_agreement=0.98, turned=0.02,
                noise_turned=0.03, compared=64)  # fmt: skip


def test_every_sign_and_stream_is_compared() -> None:
    builder = bireal(seed=2)
    real, x = builder.graph(), builder.inputs(5)
    graph = run(real)
    losses = StreamLosses(real, graph)
    for image in x:
        losses.add(image[None])
    result = losses.result()
    assert result["compared"] == 5
    names = {loss.name: loss for loss in result["streams"]}
    signs = [n for n in real.nodes if isinstance(n.op, Binarize)]
    adds = [n for n in graph.nodes if isinstance(n.op, FixedAdd)]
    assert {n.output for n in [*signs, *adds]} <= set(names)
    values = interpret_real_all(real, x)
    for node in adds:
        loss = names[node.output]
        ends = values[node.output].min(), values[node.output].max()
        assert (loss.least, loss.most) == pytest.approx(ends)
        assert loss.turned is None and loss.saturated is not None
        assert loss.type == str(graph.tensors[node.output].dtype)
    turned = [names[n.output].turned for n in signs]
    assert result["turned"] == pytest.approx(np.mean(turned))
    assert 0 < result["noise_turned"] < 0.2


def test_turned_signs_and_their_bias_are_counted() -> None:
    """Streams of 2 bits: every sign is there to see."""
    builder = Residual((3, 8, 8), UINT8, seed=5).normalise(128.0, 64.0).conv(8).batch_norm()
    start = builder.end
    builder.add(Binarize()).binary(8, THREE).batch_norm().add(Add(), builder.end, start)
    add = builder.nodes[-1].name
    builder.add(Binarize())
    sign = builder.end
    real, x = builder.binary(8, THREE).classifier(4).graph(), builder.inputs(4)
    graph = run(real, precision={add: 2})
    losses = StreamLosses(real, graph)
    losses.add(x)
    loss = next(s for s in losses.result()["streams"] if s.name == sign)
    from bnnhw.interpret.interpreter import interpret_all

    got, want = interpret_all(graph, x)[sign] > 0, interpret_real_all(real, x)[sign] > 0
    assert loss.turned == pytest.approx((got != want).mean())
    assert loss.bias == pytest.approx(got.mean() - want.mean())
    assert loss.turned > 0.02


def test_classes_and_centred_scores() -> None:
    want = np.array([[1.0, 2, 3], [3, 2, 1], [2, 3, 1], [0, 0, 1]])
    got = want.copy()
    got[0] = [3, 2, 1]
    found = compare_classes(got, want, np.array([2, 0, 1, 0]))
    assert (found.inputs, found.agreement, found.largest_difference) == (4, 0.75, 2.0)
    assert (found.float_top1, found.integer_top1) == (0.75, 0.5)
    centred = np.corrcoef(*((v - v.mean(axis=0)).ravel() for v in (got, want)))[0, 1]
    assert found.correlation == pytest.approx(centred)
    assert compare_classes(want[:1], want[:1]).correlation is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"integer_top1": 0.439}, "43.9% of the inputs"),
        ({"integer_top1": None, "float_top1": None, "agreement": 0.5}, "agree on 50%"),
        ({"integer_top1": None, "float_top1": None, "turned": 0.3}, "30.0% of the signs"),
        ({}, ""),
        ({"inputs": 20, "integer_top1": 0.9}, ""),  # one of 20: chance
        ({"turned": 0.015, "noise_turned": 0.001}, ""),
        ({"correlation": 0.83, "noise_correlation": 0.998}, "correlates by 0.83"),
        ({"correlation": 0.53, "noise_correlation": 0.54}, ""),
        ({"correlation": 0.96, "noise_correlation": 0.999}, ""),
        ({"noise_agreement": None, "turned": None, "noise_turned": None}, ""),
    ],
)
def test_alarms(change: dict[str, Any], told: str) -> None:
    alarm = replace(GOOD, **change).alarm
    assert told in alarm and bool(told) == bool(alarm)


def test_the_worst_signs_come_first() -> None:
    losses = [StreamLoss(n, "bipolar", 0, 1, turned=t) for n, t in (("a", 0.1), ("b", 0.3))]
    found = replace(GOOD, streams=(*losses, StreamLoss("c", "int8", 0, 1, saturated=0.5)))
    assert [s.name for s in found.worst] == ["b", "a"]


def test_synthetic_images_put_streams_where_training_did() -> None:
    """Dark images of little contrast, as BatchNorm remembers them."""
    rng = np.random.default_rng(0)
    for mean, spread in [(40, 15), (200, 40)]:
        builder = Residual((3, 16, 16), UINT8, seed=1)
        pixels = rng.normal(mean, spread, builder.values["x"].shape)
        pixels = 0.5 * pixels + 0.5 * pixels.mean(axis=-1, keepdims=True)
        builder.values["x"] = np.clip(np.rint(pixels), 0, 255)
        graph = builder.conv(8).batch_norm(negative=False).add(Binarize()).classifier(3).graph()
        made = resembling_images(graph, 8)
        assert made.shape == (8, 3, 16, 16) and made.min() >= 0 and made.max() <= 255
        assert abs(made.mean() - mean) < 30


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (15 * images).astype(np.uint8).reshape(-1, 8, 8, 1)
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=pixels[1437:1537], labels=labels[1437:1537])
    return path


def test_labelled_inputs_measure_accuracy(digits: Path, tmp_path: Path) -> None:
    model = shipped_model("birealnet8-digits").path
    options = CompileOptions(board="pynq-z2", cycles=5_000, inputs=[digits])
    result = compile_model(model, tmp_path / "b", options)
    found = json.loads((tmp_path / "b/report.json").read_text())["accuracy"]
    assert found == json.loads(json.dumps(result.report["accuracy"]))
    assert found["inputs"] == 100 and not found["synthetic"] and found["alarm"] == ""
    assert min(found["float_top1"], found["integer_top1"]) > 0.93
    page = (tmp_path / "b/report.html").read_text()
    assert f"{found['integer_top1']:.1%} in integers" in page and "WARNING" not in page


def test_a_network_that_rounding_ruins_is_loud_and_can_be_an_error(
    digits: Path, tmp_path: Path
) -> None:
    model = shipped_model("birealnet8-digits").path
    add = next(n.name for n in run_nodes(model) if isinstance(n.op, FixedAdd))
    coarse = CompileOptions(board="pynq-z2", cycles=5_000, precision={add: 2}, inputs=[digits])
    result = compile_model(model, tmp_path / "b", coarse)
    assert "integers are right for" in result.report["accuracy"]["alarm"]
    assert "WARNING" in (tmp_path / "b/report.html").read_text()
    with pytest.raises(VerificationError, match=r"of 100 inputs, less than 95\.0%") as refused:
        compile_model(model, tmp_path / "c", replace(coarse, min_agreement=0.95))
    assert "--calibrate" in str(refused.value) and not (tmp_path / "c").exists()


def test_agreement_cannot_be_asked_for_unchecked(tmp_path: Path) -> None:
    options = CompileOptions(board="pynq-z2", verify=False, min_agreement=0.9)
    with pytest.raises(VerificationError, match="without the check"):
        compile_model(shipped_model("digits").path, tmp_path / "b", options)


def test_plain_networks_give_the_models_scores(digits: Path, tmp_path: Path) -> None:
    options = CompileOptions(board="pynq-z2", cycles=9000)
    result = compile_model(shipped_model("digits").path, tmp_path / "b", options)
    assert result.report["accuracy"] is None
    options = replace(options, inputs=[digits])
    result = compile_model(shipped_model("digits").path, tmp_path / "b", options)
    found = result.report["accuracy"]
    assert found["agreement"] == 1 and found["float_top1"] == found["integer_top1"] > 0.9


def run_nodes(model: Path) -> list[Any]:
    from bnnhw.compiler import integer_graph

    return list(integer_graph(model).nodes)


@pytest.mark.parametrize("fused", [False, True])
def test_streams_too_coarse_alarm_with_and_without_batch_norms_in_the_file(fused: bool) -> None:
    """An export that folds BatchNorm into the layers before it tells no statistics."""
    builder = bireal(seed=3)
    real, x = builder.graph(), builder.inputs(40)
    if fused:
        real = replace(real, statistics={})
    streams = [n.name for n in real.nodes if isinstance(n.op, Add)]
    alarms = []
    for precision in ({}, dict.fromkeys(streams, 3)):
        graph = run(real, precision=precision)
        losses = StreamLosses(real, graph)
        for image in x:
            losses.add(image[None])
        got = graph.output_map.apply(interpret(graph, x))
        want = real.output_map.apply(interpret_real(real, x))
        found = replace(compare_classes(got, want), **losses.result())
        assert found.noise_agreement is not None and 0 < (found.noise_turned or 0) < 0.2
        alarms.append(found.alarm)
    assert not alarms[0] and alarms[1]


def test_scores_that_no_longer_vary_say_nothing_of_an_input() -> None:
    want = np.array([[1.0, 2.0], [1.5, 2.5], [1.0, 3.0]])
    assert compare_classes(np.tile([1.0, 2.0], (3, 1)), want).correlation == 0.0
    assert compare_classes(want, np.tile([1.0, 2.0], (3, 1))).correlation is None


@pytest.mark.parametrize(
    ("inputs", "lost", "differ", "alarms"),
    [(100, 6, 6, True), (360, 10, 18, True), (360, 4, 9, False), (100, 3, 3, False)],
)
def test_accuracy_that_is_lost_by_more_than_chance_alarms(
    inputs: int, lost: int, differ: int, alarms: bool
) -> None:
    found = replace(
        GOOD, inputs=inputs, integer_top1=0.97 - lost / inputs, float_top1=0.97,
        agreement=1 - differ / inputs, noise_agreement=1 - differ / inputs,
    )  # fmt: skip
    assert bool(found.alarm) == alarms


def test_noise_is_put_on_each_layer_that_no_batch_norm_follows() -> None:
    """Exporters fold some BatchNorms and keep others; a layer read by a sign gives no scores."""
    real = bireal(seed=2).graph()
    assert layers_without_batch_norm(real) == []
    kept = dict([*real.statistics.items()][:2])
    names = {n.output for n in layers_without_batch_norm(replace(real, statistics=kept))}
    everything = {n.output for n in layers_without_batch_norm(replace(real, statistics={}))}
    assert len(names) == len(everything) - 2 and names < everything
    single = Residual((1, 6, 6), UINT8, seed=3).conv(4).add(Binarize()).graph()
    assert len(layers_without_batch_norm(single)) == 1


@pytest.mark.parametrize("seed", [3, 5, 8])
def test_the_advice_names_a_stream_that_inspect_lists_and_precision_takes(seed: int) -> None:
    builder = bireal(seed=seed)
    real, x = builder.graph(), builder.inputs(6)
    graph = run(real)
    losses = StreamLosses(real, graph)
    losses.add(x)
    found = replace(GOOD, **losses.result())
    (name,) = re.findall(r"--precision '([^']+)=16'", ways_out(found))
    assert name in [width.name for width in widths(real) if width.what == "stream"]
    for loss in found.streams:
        assert not loss.reads or loss.reads in {width.name for width in widths(real)}
    assert {w.name: w.bits for w in widths(real, {name: 16})}[name] == 16
    run(real, precision={name: 16})


def test_calibration_is_the_first_advice_where_there_was_none() -> None:
    assert ways_out(GOOD).startswith("take the ranges of streams from images")
    assert "--calibrate" in ways_out(GOOD)
    assert "--calibrate" not in ways_out(replace(GOOD, calibrated=True))
    assert ways_out(replace(GOOD, synthetic=True)).startswith("give real images (--input) and take")


@pytest.mark.slow
def test_a_compile_with_calibration_is_not_told_to_calibrate(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 241, (24, 8, 8, 1), np.uint8)
    np.save(tmp_path / "x.npy", x)
    common = {"board": "pynq-z2", "backends": ["verilog"], "inputs": x}
    plain = bnnhw.compile("birealnet8-digits", **common, output=tmp_path / "a")
    assert "--calibrate" in plain.report["accuracy"]["ways_out"]
    assert not plain.report["accuracy"]["calibrated"]
    told = bnnhw.compile(
        "birealnet8-digits", **common, output=tmp_path / "b", calibrate=tmp_path / "x.npy"
    )
    assert "--calibrate" not in told.report["accuracy"]["ways_out"]
    assert told.report["accuracy"]["calibrated"]
