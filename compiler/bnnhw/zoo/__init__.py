"""Networks: those that ship, and PyTorch definitions with training recipes and ONNX export.

All but the list of shipped networks needs the extra ``zoo`` (PyTorch).
"""
