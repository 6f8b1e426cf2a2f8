"""ONNX operations as operations of the graph, one family a file."""
