"""bnn_registers: the register map, the counters, and the handshakes of AXI4-Lite."""

from __future__ import annotations

from runner import run_module


def test_register_map_counters_and_handshakes() -> None:
    parameters = {
        "VERSION": "32'h00010203",
        "BUILD_HASH": "64'h0123456789abcdef",
        "ERROR_BITS": 2,
    }
    run_module("bnn_registers", parameters, "bnn_registers_bench")
