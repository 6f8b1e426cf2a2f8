"""PyTorch definitions of binary networks, their training recipes and their ONNX export.

Needs the extra ``zoo`` (PyTorch); nothing else in bnnhw imports this package.
"""
