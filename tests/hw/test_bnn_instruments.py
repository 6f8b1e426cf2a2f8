"""bnn_instruments: a host reads every counter of every stream, and nothing is lost or moved."""

from __future__ import annotations

from runner import run_module


def test_a_host_reads_what_every_stream_did() -> None:
    run_module("instruments_bench", {}, "instruments_bench")
