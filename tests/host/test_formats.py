"""Packing and unpacking give what the compiler's own formats give, for every kind of input."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bnnhw.backend.manifest import manifest
from bnnhw.errors import ModelError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import Design, InputPort, OutputPort
from bnnhw.ir.graph import InputFormat, OutputMap
from bnnhw.ir.types import Bit, Integer
from bnnhw.verify.top_k import best_scores
from bnnhw_host.errors import InputError
from bnnhw_host.formats import Packer, outputs, unpack
from bnnhw_host.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = [(6,), (3, 4, 8), (4, 8, 3), (2, 8), (8, 2)]


def host_view(source: InputFormat, port: InputPort, out: OutputPort, scores: OutputMap) -> Manifest:
    """What the host reads of a design with these ends."""
    design = Design(
        name="ends",
        units=(),
        streams={},
        memories={},
        layers=(),
        input_port=port,
        output_port=out,
        input_format=source,
        output_map=scores,
        board=load_board("pynq-z2"),
        clock_mhz=100.0,
    )
    return json.loads(json.dumps(manifest(design)))


def written(data: Any, folder: Path) -> Manifest:
    path = folder / "manifest.json"
    path.write_text(json.dumps(data))
    return read_manifest(path)


OUT = OutputPort(beat_bytes=2, field_bits=16, score_bits=12, shape=(10,), beats=10)
SCORES = OutputMap("scores", (10,), np.linspace(0.5, 2, 10), np.arange(10.0))


@st.composite
def formats(draw: st.DrawFn) -> tuple[InputFormat, InputPort]:
    shape = draw(st.sampled_from(SHAPES))
    last = len(shape) > 1 and draw(st.booleans())
    first = (shape[-1], *shape[:-1]) if last else shape
    grid = first if len(first) != 2 else (first[0], 1, first[1])
    element: Integer | Bit
    if draw(st.booleans()):
        element = Bit(draw(st.sampled_from([-1, 0])))
        bits = 1
    else:
        bits = draw(st.sampled_from([2, 3, 4, 5, 8, 8, 8, 12, 16]))
        element = Integer(bits, draw(st.booleans()))
    channels = first[0]
    scale: float | tuple[float, ...] = draw(st.sampled_from([1.0, 1 / 255, 0.5, 0.0173]))
    offset: float | tuple[float, ...] = draw(st.sampled_from([0.0, -0.5, 0.125]))
    if draw(st.booleans()):
        scale = tuple(float(scale) * (1 + 0.25 * i) for i in range(channels))
        offset = tuple(float(offset) + 0.25 * i for i in range(channels))
    rounds = draw(st.booleans())
    point = draw(st.sampled_from([None, 0.25])) if rounds and isinstance(element, Bit) else None
    source = InputFormat(
        name="x",
        shape=shape,
        dtype=draw(st.sampled_from(["float32", "float64", "uint8", "int32", "float16"])),
        channels_last=last,
        element=element,
        scale=scale,
        offset=offset,
        rounds=rounds,
        ties_high=draw(st.booleans()),
        falls=draw(st.booleans()) if rounds and isinstance(element, Bit) else False,
        point=point,
        grid=grid if grid != first else (),
    )
    count = int(np.prod(grid))
    return source, InputPort(
        beat_bytes=bits,
        elem_bits=bits,
        signed=isinstance(element, Integer) and element.signed,
        bit_low=element.low if isinstance(element, Bit) else 0,
        shape=grid,
        beats=-(-count // 8),
    )


@settings(max_examples=300)
@given(case=formats(), seed=st.integers(0, 1 << 16), kind=st.sampled_from(["right", "near", "any"]))
def test_inputs_are_packed_as_the_compiler_packs_them(
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[InputFormat, InputPort],
    seed: int,
    kind: str,
) -> None:
    source, port = case
    if int(np.prod(port.shape)) % 8:
        source, port = replace(source, shape=(8,), grid=(), channels_last=False), port
        source = replace(source, scale=0.5, offset=-0.5)
        port = replace(port, shape=(8,), beats=1)
    rng = np.random.default_rng(seed)
    q = rng.integers(source.element.low, source.element.high + 1, (3, *port.shape))
    if isinstance(source.element, Bit):
        q = rng.choice([source.element.low, source.element.high], (3, *port.shape))
    x = source.decode(q)
    if kind == "near":
        step = float(np.abs(np.asarray(source.scale)).min())
        x = (x + step * rng.choice([0.0, 0.25, 0.5], x.shape)).astype(source.dtype)
    elif kind == "any":
        x = rng.integers(0, 256, x.shape).astype(source.dtype)
    host = written(host_view(source, port, OUT, SCORES), tmp_path_factory.mktemp("format"))
    packer = Packer(host.input)
    data = np.empty((len(x), host.input.frame_bytes), np.uint8)
    try:
        wanted = port.pack(source.encode(x))
    except ModelError:
        with pytest.raises(InputError):
            packer.pack(packer.check(x), data)
        return
    packer.pack(packer.check(x), data)
    assert data.tobytes() == wanted


@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("falls", [False, True])
@pytest.mark.parametrize("ties_high", [False, True])
@pytest.mark.parametrize("point", [None, 0.25])
def test_values_on_the_point_become_the_same_bit(
    low: int, falls: bool, ties_high: bool, point: float | None, tmp_path: Path
) -> None:
    source = InputFormat(
        *("x", (8,), "float32"),
        element=Bit(low),
        rounds=True,
        falls=falls,
        ties_high=ties_high,
        point=point,
    )
    port = InputPort(1, 1, False, low, (8,), 1)
    middle = (low + 1) / 2 if point is None else point
    x = np.array([[-9, middle - 0.5, middle, middle, middle + 0.5, 9, middle, 1]], np.float32)
    packer = Packer(written(host_view(source, port, OUT, SCORES), tmp_path).input)
    data = np.empty((1, 1), np.uint8)
    packer.pack(packer.check(x), data)
    assert data.tobytes() == port.pack(source.encode(x))


def test_raw_pixels_stand_for_floats(tmp_path: Path) -> None:
    source = InputFormat("x", (3, 4, 8), "float32", element=Integer(8, False), scale=1 / 255)
    port = InputPort(8, 8, False, 0, (3, 4, 8), 12)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 8), np.uint8)
    packer = Packer(written(host_view(source, port, OUT, SCORES), tmp_path).input)
    for images in (pixels, source.from_pixels(pixels)):
        data = np.empty((5, 96), np.uint8)
        packer.pack(packer.check(images), data)
        assert data.tobytes() == port.pack(pixels.astype(np.int64))


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("shape", [(10,), (10, 1, 1), (4, 2, 3)])
def test_scores_are_unpacked_as_the_compiler_unpacks_them(
    bits: int, shape: tuple[int, ...], tmp_path: Path
) -> None:
    count = int(np.prod(shape))
    out = OutputPort(bits // 8, bits, bits, shape, count)
    source = InputFormat("x", (8,), "uint8", element=Integer(8, False))
    scores = OutputMap("y", shape, np.array([0.5]), np.arange(float(shape[0])))
    host = written(host_view(source, InputPort(8, 8, False, 0, (8,), 1), out, scores), tmp_path)
    data = np.random.default_rng(bits).integers(0, 256, (7, count * bits // 8), np.uint8)
    found = unpack(host.output, data)
    assert np.array_equal(found, out.unpack(data.tobytes()))
    assert found.flags.c_contiguous and not np.shares_memory(found, data)
    assert np.array_equal(outputs(host.output, found), scores.apply(found))
    best = OutputPort(bits // 4, bits, bits, (3,), 3, top_k=3)
    data = np.random.default_rng(bits).integers(0, 256, (7, 6 * bits // 8), np.uint8)
    host = written(host_view(source, InputPort(8, 8, False, 0, (8,), 1), best, SCORES), tmp_path)
    found = unpack(host.output, data)
    assert np.array_equal(found, best.unpack(data.tobytes()))
    assert found.flags.c_contiguous and not np.shares_memory(found, data)


def test_the_best_classes_have_their_values(tmp_path: Path) -> None:
    from bnnhw_host.predictions import Predictions

    source = InputFormat("x", (8,), "uint8", element=Integer(8, False))
    best = OutputPort(4, 16, 16, (3,), 3, top_k=3)
    host = written(host_view(source, InputPort(8, 8, False, 0, (8,), 1), best, SCORES), tmp_path)
    scores = np.random.default_rng(3).integers(-99, 99, (6, 10))
    found = Predictions.of(host.output, best_scores(scores, 3))
    values = SCORES.apply(scores)
    assert np.array_equal(found.ranked, np.argsort(-scores, axis=1, kind="stable")[:, :3])
    assert np.array_equal(found.values, values[np.arange(6), found.classes])
