"""bnn_read_arbiter: each reader gets its own words, and none waits for ever."""

from __future__ import annotations

from memory_runner import read_memory
from test_bnn_axi_reader import BOARD, QUICK, SLOW, expected

FRAMES = {"m0_axis": (100, 0x1FC0), "m1_axis": (64, 0x10000), "m2_axis": (7, 0x2FF8)}
STATICS = {"enable_i": 1, "base_i": sum(base << 32 * i for i, (_, base) in
                                        enumerate(FRAMES.values()))}  # fmt: skip
PARAMETERS = {"DATA_BITS": 64, "BURST": 16, "OUTSTANDING": 4, "DEPTH": 64}
PARAMETERS |= {f"WORDS{i}": words for i, (words, _) in enumerate(FRAMES.values())}


def test_every_reader_gets_its_words_in_order() -> None:
    counts = {"m0_axis": 500, "m1_axis": 300, "m2_axis": 400}
    readings = read_memory(
        "read_bench",
        PARAMETERS,
        counts,
        [
            (BOARD, "half"),
            (BOARD | {"interleave": True}, "always"),
            (QUICK | {"interleave": True}, "bursts"),
            (SLOW, "stall"),
        ],
        statics=STATICS,
    )
    for reading in readings:
        for name, (words, base) in FRAMES.items():
            assert reading.beats(name) == expected(words, 64, base, counts[name]), name
        assert reading.errors == 0 and reading.in_flight == 0


def test_shares_the_port_evenly_and_fills_it() -> None:
    """A memory that answers slowly leaves all readers asking: bursts take turns. One that gives a
    word per cycle, refresh and latency apart, gives it on each: 740 of 780 cycles, 94.9 %."""
    parameters = PARAMETERS | {"WORDS0": 512, "WORDS1": 512, "WORDS2": 512}
    statics = {"enable_i": 1, "base_i": (0x9000 << 64) + (0x5000 << 32) + 0x1000}
    slow, board = (
        read_memory(
            "read_bench", parameters, dict.fromkeys(FRAMES, count), [(memory, "always")],
            statics=statics,
        )[0]
        for memory, count in ((SLOW | {"ready": 1.0, "latency": [30, 30]}, 400), (BOARD, 2000))
    )  # fmt: skip
    turns = [burst["id"] for burst in slow.bursts[: 3 * 400 // 16]]
    assert turns == [i % 3 for i in range(len(turns))]
    count = 4000
    assert (count - 1) / (board.given[count - 1] - board.given[0]) > 0.94
