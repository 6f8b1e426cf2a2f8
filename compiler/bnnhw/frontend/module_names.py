"""What a layer is called in the program that it was exported from."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.frontend.onnx_nodes import OnnxNode

_SCOPES = "pkg.torch.onnx.name_scopes"
_WEIGHT = ".weight"


def module_name(node: OnnxNode) -> str:
    """PyTorch's name of the module behind a node, e.g. "b1.conv1"; else the node's own name.

    The exporters say it in three ways: the parameter is called ``b1.conv1.weight`` (torch.export),
    the node ``/b1/conv1/Conv`` (TorchScript), or its metadata list the scopes.
    """
    weight = node.optional(1) or ""
    if weight.endswith(_WEIGHT) and "::" not in weight and len(weight) > len(_WEIGHT):
        return weight.removesuffix(_WEIGHT)
    if node.name.startswith("/"):
        return scoped_module(node.name) or node.name
    return _from_scopes(node) or node.name


def scoped_module(name: str) -> str:
    """layer1.0.binary_conv of /layer1/layer1.0/binary_conv/Conv, as TorchScript names nodes."""
    path = ""
    for part in name.strip("/").split("/")[:-1]:
        last = path.rsplit(".", 1)[-1]
        nested = bool(last) and part.startswith(f"{last}.")
        path = path.removesuffix(last) + part if nested else f"{path}.{part}"
    return path.strip(".")


def _from_scopes(node: OnnxNode) -> str:
    """The innermost module that the exporter recorded; empty where it recorded none."""
    for entry in getattr(node.proto, "metadata_props", ()):
        if entry.key == _SCOPES:
            try:
                scopes = ast.literal_eval(entry.value)
            except (SyntaxError, ValueError):
                return ""
            if isinstance(scopes, list) and len(scopes) > 1 and isinstance(scopes[-2], str):
                return scopes[-2]
    return ""
