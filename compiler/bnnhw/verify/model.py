"""Comparison of an integer graph with its model in onnxruntime: the scores must be the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import VerificationError
from bnnhw.frontend import LoadOptions, import_file
from bnnhw.frontend.model_file import read_proto
from bnnhw.frontend.precision import in_float32, names_of_floats, precision_of
from bnnhw.interpret.fast.accelerate import multiply_accumulates
from bnnhw.interpret.interpreter import interpret, layer_nodes
from bnnhw.ir.types import Bit, Real
from bnnhw.passes.mixed import is_mixed
from bnnhw.verify.accuracy import Accuracy, StreamLosses, compare_classes
from bnnhw.verify.near_ties import explain
from bnnhw.verify.real_check import check_real
from bnnhw.verify.resembling import resembling_images
from bnnhw.verify.session import ELEMENTS, Session, Tracer, largest_tensor
from bnnhw.verify.steps import Step
from bnnhw.verify.streams import check_streams
from bnnhw.verify.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

    from bnnhw.frontend import Imported
    from bnnhw.frontend.precision import Precision
    from bnnhw.ir.graph import Graph, InputFormat
    from bnnhw.ir.ops import Bools, Floats, Ints

_MACS = 4e9
"""Multiply-accumulates to spend on a comparison operation by operation, about."""
_WALKED = 1 << 25
"""Elements of all tensors of all images in such a comparison: where layers are small, they take
longer than the multiplications."""
_FEWEST = 2
_AT_ONCE = 64
"""Inputs that the interpreter takes at a time, between two signs of progress."""
_SYNTHETIC = 64
"""Inputs made up where none are given, and most of those whose every tensor is compared."""
_PRODUCTS = 1 << 37
"""Multiply-accumulates that the check of random inputs may take: ten seconds or so."""


def check_against_onnxruntime(
    model_path: Path,
    graph: Graph,
    *,
    imported: Imported | None = None,
    options: LoadOptions | None = None,
    inputs: NDArray[np.generic] | None = None,
    labels: NDArray[np.generic] | None = None,
    random_count: int = 8,
    seed: int = 1,
    progress: Callable[[str], None] = lambda step: None,
) -> Verification:
    """Compares ``graph`` with the model, which onnxruntime runs.

    Of a network without real-valued streams, the scores must be the model's. A difference is
    accepted only where the model's own float32 arithmetic decides a sign that exact arithmetic
    decides otherwise, within a bound on its rounding error; ``note`` counts them.

    Fixed-point numbers round the streams of other networks. There the real graph must be the
    model's up to float32 rounding, and every integer operation the real one's up to its own
    rounding; what all of them together do to classes and signs is measured beside it.

    Args:
        model_path: the ONNX file.
        graph: the integer graph made from it.
        imported: the model as the front end read it; read anew where None.
        options: the declarations to read it with.
        inputs: model inputs [N, *shape], or none.
        labels: the right class of each input, or none.
        random_count: number of random inputs in addition; the first two are all-lowest and
            all-highest.
        seed: of the random inputs.
        progress: told how many inputs are compared, as a ``Step``.

    Raises:
        VerificationError: the scores differ; names the first layer whose bits do.
    """
    random_count = _affordable(graph, random_count)
    x = random_inputs(graph, random_count, seed)
    mixed = is_mixed(graph)
    if mixed:
        x = np.concatenate([x[2:], x[:2]])  # only some are compared step by step: constants last
    if inputs is not None:
        graph.input_format.encode(inputs)  # refuses what a cast would silently change
        x = np.concatenate([np.asarray(inputs, x.dtype), x])
    x, tie_note = _with_ties(graph.input_format, x)
    proto = read_proto(model_path)
    imported = imported or import_file(model_path, options)
    source = _source(proto, imported)
    session = Session(source.proto, imported, [imported.scores])
    y = session.run(x)[0].astype(np.float64).reshape(len(x), *graph.output_map.shape)
    _check_finite(y, imported, source)
    q = graph.input_format.encode(x)
    trace = Tracer(source.proto, imported, source.precision)
    if mixed:
        checked = _check_mixed(graph, imported, trace, (x, q))
        if inputs is None:
            sample = resembling_images(imported.graph, _affordable(graph, _SYNTHETIC))
            y = session.run(graph.input_format.decode(sample))[0].astype(np.float64)
        else:
            sample, y = q[: len(inputs)], y[: len(inputs)]
        accuracy = _measure(
            graph, imported, sample, (y, labels), synthetic=inputs is None, progress=progress
        )
        note = "; ".join(filter(None, (source.note, checked.note, tie_note)))
        return replace(checked, note=note, accuracy=accuracy)
    scores = _scores(graph, q, progress)
    wrong = _differing(graph, scores, y, source.precision)
    note = ""
    if wrong.any():
        explained = explain(graph, imported, trace, (x[wrong], q[wrong]), y[wrong])
        left = explained.scores_differ(
            lambda scores, outputs: _differing(graph, scores, outputs, source.precision)
        )
        _refuse(explained.failure, left, int(wrong.sum()), len(x))
        note = (
            f"{int(wrong.sum())} of {len(x)} inputs differ only in {explained.ties} signs that the "
            f"model's {source.precision.name} rounding decides otherwise than exact arithmetic: "
            f"their margin is at most {explained.largest:.2g} of the bound on that rounding"
        )
    of_inputs: Accuracy | None = None
    if inputs is not None:
        count = len(inputs)
        of_inputs = compare_classes(graph.output_map.apply(scores[:count]), y[:count], labels)
    note = "; ".join(filter(None, (source.note, note, tie_note)))
    return Verification("the integer graph's scores", "onnxruntime", len(x), 0, note, of_inputs)


@dataclass(frozen=True)
class _Source:
    """The model as onnxruntime runs it.

    Attributes:
        proto: the model, or a copy of it in float32.
        precision: how its arithmetic rounds.
        note: what the user should know about it.
    """

    proto: onnx.ModelProto
    precision: Precision
    note: str = ""


def _source(proto: onnx.ModelProto, imported: Imported) -> _Source:
    """The model itself where onnxruntime has kernels for its floats, else a copy in float32."""
    floats = names_of_floats(proto)
    try:
        if "bfloat16" not in floats:  # for which onnxruntime has hardly any
            Session(proto, imported, [imported.scores])
            return _Source(proto, precision_of(proto))
    except VerificationError:
        if not floats:
            raise
    copy, precision = in_float32(proto)
    note = f"onnxruntime does not run the model's {floats} here: compared with a float32 copy of it"
    return _Source(copy, precision, note)


def _check_finite(y: Floats, imported: Imported, source: _Source) -> None:
    """Raises where the model's own floats overflow."""
    if not np.isfinite(y).all():
        raise VerificationError(
            "the model's own scores are infinite or no numbers"
            f"{': float16 ends at 65504' if source.precision.half else ''}",
            where=f"output '{imported.scores}'",
            fix="export the model in float32; the training may have diverged",
        )


def _check_mixed(
    graph: Graph,
    imported: Imported,
    trace: Tracer,
    inputs: tuple[NDArray[np.generic], Ints],
) -> Verification:
    """Compares a network with real-valued streams step by step."""
    x, q = inputs
    count = min(len(q), _traceable(graph))
    real = check_real(imported, trace, (x[:count], q[:count]))
    streams = check_streams(imported.graph, graph, q[:count])
    saturated = sum(streams.saturated.values())
    notes = [
        f"{real.signs} tensors of signs and {real.tensors} real-valued tensors of the model agree "
        f"with the real-valued graph up to float32 rounding ({real.ties} signs decided by it)",
        f"{streams.tensors} integer tensors agree with real operations up to their own rounding",
        f"{saturated:,} of {streams.elements:,} numbers saturated",
    ]
    return Verification(
        "every integer operation by itself", "onnxruntime and the real-valued graph", count, 0,
        "; ".join(notes), saturated=streams.saturated,
    )  # fmt: skip


def _measure(
    graph: Graph,
    imported: Imported,
    q: Ints,
    known: tuple[NDArray[np.generic], NDArray[np.generic] | None],
    *,
    synthetic: bool,
    progress: Callable[[str], None],
) -> Accuracy:
    """Integers against float for integer inputs ``q``; ``known`` are the model's outputs, labels.

    Classes are compared for all of them, tensors for as many as that takes seconds.
    """
    outputs, labels = known
    scores = _scores(graph, q, progress, at_once=1)
    classes = compare_classes(graph.output_map.apply(scores), outputs.astype(np.float64), labels)
    losses = StreamLosses(imported.graph, graph)
    count = min(len(q), _SYNTHETIC, _traceable(graph))
    for first in range(count):
        progress(Step("comparing tensors of integers and float", first, count, "inputs"))
        losses.add(q[first : first + 1])
    return replace(classes, synthetic=synthetic, **losses.result())


def _scores(
    graph: Graph, q: Ints, progress: Callable[[str], None], at_once: int = _AT_ONCE
) -> Ints:
    """Integer scores of integer inputs, some at a time."""
    parts = []
    for first in range(0, len(q), at_once):
        progress(Step("computing scores in integers", first, len(q), "inputs"))
        parts.append(interpret(graph, q[first : first + at_once]))
    return np.concatenate(parts)


def _traceable(graph: Graph) -> int:
    """Inputs that can be compared operation by operation in seconds."""
    elements = sum(math.prod(tensor.shape) for tensor in graph.tensors.values())
    return max(_FEWEST, min(int(_MACS / max(1, multiply_accumulates(graph))), _WALKED // elements))


def _with_ties(source: InputFormat, x: NDArray[np.generic]) -> tuple[NDArray[np.generic], str]:
    """Inputs of a network that begins with a sign: what the model does at the sign's threshold.

    Where the model itself decides, two inputs at and beside the threshold are added. Where it gives
    0 there, which is no bit, values there become those of the bit that --sign-zero chose.
    """
    if source.point is None:
        return x, ""
    point = np.asarray(source.point, x.dtype)
    if source.tie == "decided":
        ends = [np.nextafter(point, np.asarray(end, x.dtype)) for end in (-np.inf, np.inf)]
        rng = np.random.default_rng(3)
        return np.concatenate([x, rng.choice(np.asarray([point, *ends]), (2, *x.shape[1:]))]), ""
    ties = x.astype(np.float64) == source.point
    if source.tie != "sign_zero" or not ties.any():
        return x, ""
    bits = source.decode(source.encode(x))
    note = f"{int(ties.sum()):,} values of the inputs are where the model's first Sign gives 0: "
    return np.where(ties, bits, x), note + "compared as the bit that --sign-zero chose"


def _affordable(graph: Graph, count: int) -> int:
    """So many random inputs, or fewer where images or layers are huge."""
    products = max(1, multiply_accumulates(graph))
    return max(_FEWEST, min(count, ELEMENTS // largest_tensor(graph), _PRODUCTS // products))


def random_inputs(graph: Graph, count: int, seed: int) -> NDArray[np.generic]:
    """Model inputs over the declared integer type: all-lowest, all-highest, then random ones.

    Every other one keeps to a random part of the range, since uniform noise averages out.
    """
    tensor = graph.tensors[graph.input]
    assert not isinstance(tensor.dtype, Real)
    low, high = tensor.dtype.low, tensor.dtype.high
    generator = np.random.default_rng(seed)
    q = np.empty((count, *tensor.shape), np.int64)
    for i in range(count):
        if i < 2:
            q[i] = (low, high)[i]
        elif isinstance(tensor.dtype, Bit):
            share = 0.5 if i % 2 else generator.random()
            q[i] = np.where(generator.random(tensor.shape) < share, high, low)
        else:
            part = np.sort(generator.integers(low, high + 1, 2)) if i % 2 else (low, high)
            q[i] = generator.integers(part[0], part[1] + 1, tensor.shape)
    return graph.input_format.decode(q)


def _differing(graph: Graph, scores: Ints, y: Floats, precision: Precision) -> Bools:
    """Which samples' outputs ``y`` are not the integer scores under the output map.

    The tolerance is that of the model's own arithmetic in its last layer: a sum of K terms
    (error below 8 sqrt(K) units, Higham and Mary, SIAM J. Sci. Comput. 41, 2019), at most a quarter
    of a score's step, then a scale and a bias. Where each of these results is stored as float16,
    those that float16 does not hold are off by half of its steps.
    """
    out = graph.output_map
    layer = layer_nodes(graph)[-1]
    taps = int(np.prod(layer.op.weight.shape[1:]))  # type: ignore[attr-defined]
    dtype = graph.tensors[layer.inputs[0]].dtype
    assert not isinstance(dtype, Real)
    reach = taps * dtype.reach
    extra = (1,) * (scores.ndim - 2)
    scale, bias = (np.abs(v).reshape(1, -1, *extra) for v in (out.scale, out.bias))
    of_sum = np.minimum(min(taps, 8 * np.sqrt(taps)) * precision.unit * scale * reach, 0.25 * scale)
    shape = y.reshape(len(y), *scores.shape[1:])
    error = np.abs(shape - out.apply(scores).reshape(shape.shape))
    allowed = of_sum + 8 * precision.unit * (scale * reach + bias)
    if precision.half:
        sums = scores.astype(np.float64)
        of_sum = scale * precision.stored(sums, np.zeros_like(sums))
        parts = scale * np.abs(scores) + bias
        plain = (scale == 1).all() and not bias.any()
        allowed = allowed + of_sum + (0 if plain else 4 * precision.stored(parts, 1e-9 * parts))
    wrong = error > allowed
    return np.asarray(wrong.reshape(len(y), -1).any(axis=1))


def _refuse(failure: str | None, left: Bools, differing: int, total: int) -> None:
    """Raises where a difference is not explained."""
    if failure is None and not left.any():
        return
    reason = failure or "all bits agree, the scores do not"
    raise VerificationError(
        f"{differing} of {total} inputs give other scores in onnxruntime than in the integer "
        f"graph: {reason}",
        where="check against onnxruntime",
        fix="nothing was written; this is a defect of the compiler: report it with the model",
    )
