"""The ONNX file of whatever a user gives as a model."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError, ToolError
from bnnhw.frontend.network_name import network_name
from bnnhw.zoo.shipped import model_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

    Model = str | Path | onnx.ModelProto | Any


@contextlib.contextmanager
def file_of(model: Model, example: Any = None) -> Iterator[Path]:
    """The file of a model, while the context lasts.

    Args:
        model: an ONNX file, the name of a shipped network, an ONNX model, or a PyTorch module.
        example: an input ``[N, ...]`` of a PyTorch module.

    Raises:
        BnnhwError: it is none of these, or a module without an example.
    """
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as scratch:
        yield _written(model, example, Path(scratch))


def _written(model: Model, example: Any, scratch: Path) -> Path:
    """The file of a model; what is none yet is written to ``scratch``."""
    if isinstance(model, (str, Path)):
        return model_file(model)
    if hasattr(model, "SerializeToString"):
        path = scratch / f"{getattr(model.graph, 'name', '') or 'network'}.onnx"
        path = path.with_name(f"{network_name(path)}.onnx")
        path.write_bytes(model.SerializeToString())
        return path
    if hasattr(model, "state_dict"):
        return _exported(model, example, scratch / f"{type(model).__name__}.onnx")
    raise BnnhwError(
        f"{type(model).__name__} is no model",
        where="model",
        fix="give an ONNX file or model, the name of a shipped network, or a PyTorch module",
    )


def _exported(module: Any, example: Any, path: Path) -> Path:
    try:
        import torch
    except ImportError as error:  # a module of another library that looks like one
        raise ToolError("exporting a module needs PyTorch", fix="pip install torch") from error
    if example is None:
        raise BnnhwError(
            "a PyTorch module needs an example of its input",
            where="example",
            fix="give one batch: example=torch.zeros(1, 3, 32, 32)",
        )
    training = module.training
    module.eval()
    try:
        torch.onnx.export(module, (torch.as_tensor(example),), str(path), verbose=False)
    finally:
        module.train(training)
    return path
