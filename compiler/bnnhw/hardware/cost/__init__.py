"""LUTs, flip-flops, blocks and DSPs of units, estimated."""
