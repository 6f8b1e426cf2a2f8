"""Errors for operations without hardware: the reason and the way out for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import ModelError

if TYPE_CHECKING:
    from bnnhw.frontend.onnx_nodes import OnnxNode


def unsupported(node: OnnxNode) -> ModelError:
    """The error for an operation without hardware."""
    domain = f"{node.domain}." if node.domain else ""
    reason, fix = _REASONS.get(node.op, ("is not supported", None))
    return ModelError(
        f"the operation {domain}{node.op} {reason}",
        where=node.where,
        fix=fix
        or "supported are Conv, Gemm, MatMul, BatchNormalization, sign, pools, Add, reshapes "
        "and per-channel arithmetic; on an 8-bit input any element-wise operation",
    )


_JOIN = (
    "joins or splits paths in a way for which no hardware exists",
    "join paths with Add (a residual connection)",
)
_RECURRENT = ("is recurrent; only feed-forward networks are supported", "unroll or replace it")
_REALS = (
    "makes a real-valued layer, for which no binary hardware exists",
    "put a sign before every layer with weights; gates take Sigmoid, HardSigmoid, Relu, Clip",
)
_CONTROL = ("is control flow", "export the model with fixed shapes and in evaluation mode")
_NORM = ("depends on the statistics of each image", "use BatchNormalization")
_INTEGERS = (
    "is a multi-bit integer layer; weights and activations must be binary",
    "binarise it, or export the model in floats with +-1 weights",
)
_REASONS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("Split", "Mean", "Max", "Min"), _JOIN),
    **dict.fromkeys(("Loop", "If", "Scan"), _CONTROL),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(
        (
            "Elu",
            "Selu",
            "Gelu",
            "Erf",
            "Exp",
            "Softplus",
            "HardSwish",
            "Mish",
            "Celu",
            "ThresholdedRelu",
        ),
        _REALS,
    ),
    **dict.fromkeys(
        (
            "InstanceNormalization",
            "LayerNormalization",
            "GroupNormalization",
            "LRN",
            "LpNormalization",
            "MeanVarianceNormalization",
        ),
        _NORM,
    ),
    **dict.fromkeys(("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"), _INTEGERS),
    "ConvTranspose": ("is not supported", "use Conv"),
    "Softmax": ("is supported at the model's output only", "move it to the end"),
    "TopK": (
        "is not part of the network here",
        "export the scores and ask for the best with --top-k",
    ),
}
_REASONS["LogSoftmax"] = _REASONS["Softmax"]


def channels_reordered(what: str, where: str) -> ModelError:
    """The error for what reads channels in another order, where nothing takes the order in."""
    return ModelError(
        f"{what} channels in another order than they are computed in: a Reshape and a Transpose, "
        "or a Gather, has moved them",
        where=where,
        fix="let a convolution without groups, or a fully connected layer, read them first: its "
        "weights take the order in",
    )


def refuse_two(node: OnnxNode) -> None:
    """Raises the error for an operation on two live tensors."""
    raise ModelError(
        "combines two tensors that are computed from the input",
        where=node.where,
        fix="paths join in Add only; elsewhere the other operand must be a constant",
    )
