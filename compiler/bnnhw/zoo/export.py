"""ONNX export of the zoo's networks, in the format in which trained models ship.

Binary weights leave PyTorch as float32, 32 times larger than need be; the export stores them as
INT8 initialisers, each behind a Cast. The bytes of the file depend on the network alone.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from bnnhw import __version__
from bnnhw.errors import ModelError
from bnnhw.zoo.layers import BinaryLinear
from bnnhw.zoo.plain import BinaryCNN, BinaryMLP

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

_OPSET = 17
_IR_VERSION = 8


def export_onnx(model: nn.Module, path: Path, *, batch: int | None = None) -> None:
    """Writes ``model`` in evaluation mode as one ONNX file.

    Args:
        model: a BinaryCNN (input: uint8 images [N, H, W, C]) or BinaryMLP (float [N, features]).
        path: the file to write.
        batch: fixed batch size; None leaves the batch dynamic.
    """
    if isinstance(model, BinaryCNN):
        example = torch.zeros((batch or 1, *model.image), dtype=torch.uint8)
    elif isinstance(model, BinaryMLP):
        features = next(m for m in model.modules() if isinstance(m, BinaryLinear)).in_features
        example = torch.ones((batch or 1, features))
    else:
        raise ModelError(
            f"no export is defined for a {type(model).__name__}",
            where="zoo export",
            fix="give a BinaryCNN or BinaryMLP",
        )
    name = "image" if isinstance(model, BinaryCNN) else "input"
    training = model.training
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model.eval(),
            (example,),
            buffer,  # type: ignore[arg-type]  # file objects are accepted by this exporter
            dynamo=False,
            opset_version=_OPSET,
            input_names=[name],
            output_names=["scores"],
            dynamic_axes=None if batch else {name: {0: "N"}, "scores": {0: "N"}},
        )
    model.train(training)
    proto = onnx.load_from_string(buffer.getvalue())
    _compact(proto)
    onnx.checker.check_model(proto, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _compact(proto: onnx.ModelProto) -> None:
    """Stores +-1 weights as INT8 and gives weights and nodes short, stable names."""
    graph = proto.graph
    names: dict[str, str] = {}
    casts: list[onnx.NodeProto] = []
    kept = {tensor.name: tensor for tensor in graph.initializer}
    layers = 0
    for node in graph.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm"):
            continue
        layers += 1
        node.name = f"{'conv' if node.op_type == 'Conv' else 'dense'}{layers}"
        old = node.input[1]
        weight = numpy_helper.to_array(kept.pop(old))
        if not np.isin(weight, (-1, 1)).all():
            raise ModelError("its weights are not +-1", where=f"layer '{node.name}'")
        stored = numpy_helper.from_array(weight.astype(np.int8), f"{node.name}.weight")
        kept[stored.name] = stored
        names[old] = f"{node.name}.weight.float"
        casts.append(
            helper.make_node("Cast", [stored.name], [names[old]], name=f"{node.name}.cast", to=1)
        )
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    used = {name for node in (*graph.node, *casts) for name in node.input}
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    graph.initializer.extend(kept[name] for name in sorted(kept) if name in used)
    del graph.value_info[:]
    for node in graph.node:
        node.doc_string = ""
    graph.name = "network"
    proto.ir_version = _IR_VERSION
    proto.producer_name, proto.producer_version = "bnnhw", __version__
