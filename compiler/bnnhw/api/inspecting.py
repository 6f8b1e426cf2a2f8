"""The function ``bnnhw.inspect``; it needs the front end and the passes, nothing of hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw.api.declared import declared
from bnnhw.api.model_files import file_of
from bnnhw.frontend.options import LoadOptions
from bnnhw.report.inspect import Inspection, inspect_model

if TYPE_CHECKING:
    from bnnhw.api.declared import Numbers
    from bnnhw.api.model_files import Model


def inspect(
    model: Model,
    *,
    input_type: str | None = None,
    input_scale: Numbers = None,
    input_offset: Numbers = None,
    input_mean: Numbers = None,
    input_std: Numbers = None,
    sign_zero: str = "minus",
    example: Any = None,
) -> Inspection:
    """Layers, weights and operations of a model, and what of it is not supported.

    Args:
        model: as ``compile`` takes it, and so are the options.
        input_type: see ``compile``.
        input_scale: see ``compile``.
        input_offset: see ``compile``.
        input_mean: see ``compile``.
        input_std: see ``compile``.
        sign_zero: see ``compile``.
        example: an input ``[N, ...]`` of a PyTorch module, for its export.

    Raises:
        BnnhwError: the file is no ONNX model with one input and one output. What else a compile
            refuses is no error here: the inspection has it as ``problem`` and ``undeclared``.
    """
    options = LoadOptions(**declared(locals()))
    with file_of(model, example) as path:
        return inspect_model(path, options)
