"""An ONNX file as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray


@dataclass(frozen=True)
class OnnxNode:
    """A node of the file: operation, tensor names, decoded attributes."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    proto: onnx.NodeProto

    @property
    def where(self) -> str:
        """The node as error messages name it."""
        if self.name:
            return f"node '{self.name}' ({self.op})"
        return f"node '{self.op} -> {self.outputs[0] if self.outputs else '?'}'"

    def optional(self, index: int) -> str | None:
        """Name of an optional input; None where it is left out."""
        return self.inputs[index] if len(self.inputs) > index and self.inputs[index] else None


@dataclass(frozen=True)
class OnnxModel:
    """The parts of a model file that the importer reads.

    Attributes:
        name: name of the network.
        opset: version of the default domain.
        nodes: those the output depends on, in order.
        constants: initialisers by name.
        input_name: the one input that is no initialiser.
        input_dtype: numpy type of its elements.
        input_shape: with the batch first; None where a dimension is dynamic.
        output_name: the one output.
        annotations: QONNX data types by tensor name, e.g. "UINT8".
        roots: constants that are a square root (1) or the inverse of one (-1), where known.
    """

    name: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    constants: dict[str, NDArray[np.generic]]
    input_name: str
    input_dtype: np.dtype[Any]
    input_shape: tuple[int | None, ...]
    output_name: str
    annotations: dict[str, str]
    roots: dict[str, int] = field(default_factory=dict)
