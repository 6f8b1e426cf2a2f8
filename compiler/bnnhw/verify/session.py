"""The model in onnxruntime."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from bnnhw.errors import VerificationError
from bnnhw.frontend.precision import precision_of
from bnnhw.frontend.runnable import runnable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bnnhw.frontend import Imported
    from bnnhw.frontend.precision import Precision
    from bnnhw.ir.graph import Graph

_BATCH = 32
_THREADS = 2
ELEMENTS = 1 << 24
"""Of the largest tensor of all images at a time: 128 MiB in the check's own arrays."""


class Session:
    """A model in onnxruntime, its own graph optimisations disabled."""

    def __init__(self, proto: onnx.ModelProto, imported: Imported, outputs: Sequence[str]) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        settings.intra_op_num_threads = _THREADS
        settings.log_severity_level = 4
        self._input = imported.graph.input_format.name
        self._batch = max(1, min(_BATCH, ELEMENTS // largest_tensor(imported.graph)))
        batch = next(i for i in proto.graph.input if i.name == self._input)
        kind = onnx.helper.tensor_dtype_to_np_dtype(batch.type.tensor_type.elem_type)
        self._dtype = np.dtype(kind)
        size = batch.type.tensor_type.shape.dim[0]
        self._fixed = int(size.dim_value) if size.dim_value > 0 else 0
        try:
            self._session = onnxruntime.InferenceSession(
                runnable(proto, imported, outputs), settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise _cannot_run(error) from error

    def run(self, x: NDArray[np.generic]) -> list[NDArray[Any]]:
        """Outputs for inputs [N, ...], in batches that the model takes."""
        step = self._fixed or self._batch
        parts = []
        for first in range(0, len(x), step):
            batch = x[first : first + step].astype(self._dtype, copy=False)
            count = len(batch)
            if self._fixed and count < step:
                batch = np.concatenate([batch, np.repeat(batch[:1], step - count, axis=0)])
            try:
                results = self._session.run(None, {self._input: batch})
            except Exception as error:
                raise _cannot_run(error) from error
            parts.append([np.asarray(result)[:count] for result in results])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


class Tracer:
    """Runs the model with chosen tensors as outputs."""

    def __init__(
        self, proto: onnx.ModelProto, imported: Imported, precision: Precision | None = None
    ) -> None:
        self._proto, self._imported = proto, imported
        self.precision = precision or precision_of(proto)

    def __call__(self, names: Sequence[str], x: NDArray[np.generic]) -> list[NDArray[Any]]:
        """The values of the tensors ``names`` for model inputs ``x``."""
        return Session(self._proto, self._imported, names).run(x)


def largest_tensor(graph: Graph) -> int:
    """Elements of the largest tensor of one image."""
    return max(math.prod(tensor.shape) for tensor in graph.tensors.values())


def _cannot_run(error: Exception) -> VerificationError:
    return VerificationError(
        f"onnxruntime cannot run the model: {str(error).strip().splitlines()[0]}",
        where="check against onnxruntime",
        fix="the file may be damaged (onnx.checker tells more), or needs a newer onnxruntime",
    )
