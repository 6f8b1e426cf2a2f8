"""A board in simulation: the same host code runs against the generated Verilog."""
