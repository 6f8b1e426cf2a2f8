"""bnnhw: compiles trained binary neural networks (ONNX) to bit-exact FPGA accelerators."""

__version__ = "0.1.0"
