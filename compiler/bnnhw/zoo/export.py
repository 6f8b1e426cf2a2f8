"""ONNX export of the zoo's networks, in the format in which trained models ship.

Binary weights leave PyTorch as float32, or as arithmetic on latent weights; the export stores them
as INT8 initialisers, each behind a Cast and, where they have one, a scale per output channel. Real
weights stay float32. The bytes of the file depend on the network alone.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from bnnhw.errors import ModelError
from bnnhw.frontend.constants import evaluate
from bnnhw.frontend.limits import MAX_CONSTANT_BYTES
from bnnhw.frontend.model_file import decode_node
from bnnhw.frontend.module_names import scoped_module
from bnnhw.version import __version__
from bnnhw.zoo.blocks import ImageNetwork
from bnnhw.zoo.layers import BinaryLinear, binary_weight
from bnnhw.zoo.plain import BinaryMLP
from bnnhw.zoo.random_statistics import example_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_OPSET = 17
_IR_VERSION = 8
_LARGEST = MAX_CONSTANT_BYTES
"""Bytes of weights that may be arithmetic on latent ones in what PyTorch writes."""


def export_onnx(model: nn.Module, path: Path, *, batch: int | None = None) -> None:
    """Writes ``model`` in evaluation mode as one ONNX file.

    Args:
        model: a network of the zoo. Images are uint8 [N, H, W, C], vectors float [N, features];
            an ImageNetwork without its own normalisation takes float [N, C, H, W].
        path: the file to write.
        batch: fixed batch size; None leaves the batch dynamic.
    """
    example = example_inputs(model, batch or 1, torch.Generator().manual_seed(0))
    name = "input" if isinstance(model, BinaryMLP) else "image"
    real_layers = isinstance(model, ImageNetwork)
    training = model.training
    model.eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _with_plain_weights(model),
            (example,),
            buffer,  # type: ignore[arg-type]  # file objects are accepted by this exporter
            dynamo=False,
            opset_version=_OPSET,
            input_names=[name],
            output_names=["scores"],
            dynamic_axes=None if batch else {name: {0: "N"}, "scores": {0: "N"}},
            # Else BatchNorms vanish in real convolutions, and with them what calibration reads.
            training=torch.onnx.TrainingMode.PRESERVE
            if real_layers
            else torch.onnx.TrainingMode.EVAL,
            do_constant_folding=not real_layers,
        )
    model.train(training)
    proto = onnx.load_from_string(buffer.getvalue())
    _compact(proto, real_layers=real_layers)
    onnx.checker.check_model(proto, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _with_plain_weights(model: nn.Module) -> nn.Module:
    """The network; where layers are too large for weights that a graph computes, a copy with signs.

    Args:
        model: in evaluation mode.
    """
    large = [
        name
        for name, layer in model.named_modules()
        if isinstance(layer, BinaryLinear)
        and layer.weight.numel() * layer.weight.element_size() > _LARGEST
    ]
    made = copy.deepcopy(model) if large else model
    for name in large:
        layer = made.get_submodule(name)
        assert isinstance(layer, BinaryLinear)
        plain = nn.Linear(layer.in_features, layer.out_features, device="meta")
        plain.weight = nn.Parameter(binary_weight(layer).detach())
        # With a bias it becomes a Gemm; without one the graph would transpose the weights.
        plain.bias = nn.Parameter(torch.zeros(layer.out_features))
        parent, _, last = name.rpartition(".")
        setattr(made.get_submodule(parent), last, plain)
    return made


def _compact(proto: onnx.ModelProto, *, real_layers: bool) -> None:
    """Stores binary weights as INT8 and gives weights and layers short, stable names.

    Args:
        proto: the exported model; changed in place.
        real_layers: whether layers with other weights than +-alpha may occur; these stay floats.
    """
    graph = proto.graph
    values = _constant_values(graph)
    kept = {tensor.name: tensor for tensor in graph.initializer}
    added: list[onnx.NodeProto] = []
    stored_before: dict[str, tuple[NDArray[Any], str]] = {}
    layers = [node for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    for number, node in enumerate(layers, 1):
        kind = "conv" if node.op_type == "Conv" else "dense"
        node.name = scoped_module(node.name) if real_layers else f"{kind}{number}"
        weight = values[node.input[1]]
        before = stored_before.get(node.name)
        if before is not None and np.array_equal(before[0], weight):
            # One module that convolves two inputs by the same weights.
            node.name, node.input[1] = f"{node.name}.again", before[1]
            continue
        outputs = 0 if node.op_type != "MatMul" else 1
        alpha = np.abs(weight).max(axis=tuple(a for a in range(weight.ndim) if a != outputs))
        shape = tuple(-1 if a == outputs else 1 for a in range(weight.ndim))
        signed = (np.abs(weight) == alpha.reshape(shape)).all() and alpha.all()
        if signed and weight.size > alpha.size:  # one weight a channel says nothing
            stored = np.sign(weight).astype(np.int8)
            steps = [helper.make_node("Cast", [""], [""], name=f"{node.name}.cast", to=1)]
            if (alpha != 1).any():
                factor = numpy_helper.from_array(alpha.reshape(shape), f"{node.name}.alpha")
                kept[factor.name] = factor
                steps.append(helper.make_node("Mul", ["", factor.name], [""]))
                steps[-1].name = f"{node.name}.scale"
        elif real_layers:
            stored, steps = weight, []
        else:
            raise ModelError(
                "its weights are not +-1",
                where=f"layer '{node.name}'",
                fix="train it as a binary layer, or list it among the real ones",
            )
        tensor = numpy_helper.from_array(stored, f"{node.name}.weight")
        kept[tensor.name] = tensor
        node.input[1] = _chained(steps, tensor.name)
        stored_before[node.name] = (weight, node.input[1])
        added += steps
    needed = _needed([*added, *graph.node], {output.name for output in graph.output})
    del graph.node[:]
    graph.node.extend(needed)
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(kept[name] for name in sorted(kept) if name in used)
    del graph.value_info[:]
    for node in graph.node:
        node.doc_string = ""
    graph.name = "network"
    proto.ir_version = _IR_VERSION
    proto.producer_name, proto.producer_version = "bnnhw", __version__


def _chained(steps: list[onnx.NodeProto], name: str) -> str:
    """Links nodes one behind the other, the first to ``name``; the name of the last result."""
    first = name
    for step in steps:
        step.input[0] = name
        name = f"{first}.{'float' if step.op_type == 'Cast' else 'scaled'}"
        step.output[0] = name
    return name


def _constant_values(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    """The values of all tensors that do not depend on the input."""
    values = {t.name: np.asarray(numpy_helper.to_array(t)) for t in graph.initializer}
    for proto in graph.node:
        node = decode_node(proto)
        if all(name in values for name in node.inputs):
            results = evaluate(node, [values[name] for name in node.inputs], _OPSET)
            values.update(zip(node.outputs, results, strict=True))
    return values


def _needed(nodes: Sequence[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]
