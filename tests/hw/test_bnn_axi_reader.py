"""bnn_axi_reader: every word of every frame in order, bursts by the rules, no word without room."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from memory_runner import Reading, read_memory, scrambled

#: Memory as on the board, one that answers at once, and one that is slow to take addresses.
BOARD = {"latency": [20, 150], "refresh_period": 780, "refresh": 40}
QUICK = {"latency": [1, 1], "refresh_period": 0}
SLOW = {"latency": [100, 150], "ready": 0.1, "outstanding": 2}
PATTERNS = [
    (BOARD, "always"),
    (BOARD, "half"),
    (QUICK, "always"),
    (QUICK, "stall"),
    (SLOW, "bursts"),
    (BOARD, "shy"),
]
CASES = [
    # words, data_bits, burst, outstanding, depth, base
    (100, 64, 16, 4, 64, 0x1FC0),  # frames cross 4 KiB in the middle of a burst
    (37, 32, 16, 1, 16, 0x2FFC),  # one word before a page; a last burst of 5
    (1, 64, 4, 3, 5, 0x1000),  # frames of one word
    (600, 128, 256, 2, 300, 0x4010),  # the longest bursts, several pages per frame
    (64, 64, 1, 8, 2, 0x0),  # single words, the smallest queue
]


def expected(words: int, bits: int, base: int, count: int) -> list[int]:
    """The words of frames at an address, one after the other."""
    frame = [scrambled(base + i * bits // 8, bits) for i in range(words)]
    return list(itertools.islice(itertools.cycle(frame), count))


def flights(reading: Reading) -> int:
    """The most bursts on their way at once: asked for, and not wholly answered."""
    words = list(itertools.accumulate(burst["words"] for burst in reading.bursts))
    done = [reading.given[n - 1] for n in words if n <= len(reading.given)]
    most = 0
    for i, burst in enumerate(reading.bursts):
        most = max(most, i + 1 - sum(cycle < burst["cycle"] for cycle in done))
    return most


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reads_frames_in_order_and_never_more_than_it_has_room_for(case: tuple[int, ...]) -> None:
    words, bits, burst, outstanding, depth, base = case
    count = max(2 * words + 30, 250)
    readings = read_memory(
        "bnn_axi_reader",
        {
            "DATA_BITS": bits, "WORDS": words, "BURST": burst, "OUTSTANDING": outstanding,
            "DEPTH": depth,
        },
        {"m_axis": count},
        PATTERNS,
        statics={"base_i": base, "enable_i": 1},
    )  # fmt: skip
    for reading in readings:
        assert reading.beats("m_axis") == expected(words, bits, base, count)
        assert reading.errors == 0 and reading.in_flight == 0
        # It reads ahead, no further than the queue holds, and fills it but for a burst.
        ahead = len(reading.given) - count
        assert depth - burst < ahead <= depth
        assert flights(reading) <= outstanding


SMALL = {"DATA_BITS": 64, "WORDS": 50, "BURST": 8, "OUTSTANDING": 2, "DEPTH": 16}


def test_waits_to_be_enabled_and_takes_a_new_base_with_the_next_frame() -> None:
    (reading,) = read_memory(
        "bnn_axi_reader",
        SMALL,
        {"m_axis": 500},
        [(QUICK, "always")],
        statics={"base_i": 0x1000, "enable_i": 0},
        events=[(70, "enable_i", 1), (300, "base_i", 0x8F00)],
    )
    assert reading.bursts[0]["cycle"] > 70
    beats = reading.beats("m_axis")
    before = next(i for i in range(0, 500, 50) if beats[i] != scrambled(0x1000, 64))
    assert before > 0
    assert beats[:before] == expected(50, 64, 0x1000, before)
    assert beats[before:] == expected(50, 64, 0x8F00, 500 - before)


@pytest.mark.parametrize("memory", [BOARD, QUICK, SLOW], ids=["board", "quick", "slow"])
def test_asks_for_nothing_while_stopped_and_says_when_nothing_is_on_its_way(
    memory: dict[str, Any],
) -> None:
    stop, go = 333, 1500
    (reading,) = read_memory(
        "bnn_axi_reader",
        SMALL,
        {"m_axis": 700},
        [(memory, "always")],
        statics={"base_i": 0x1000, "enable_i": 1},
        events=[(stop, "stop_i", 1), (go, "stop_i", 0)],
    )
    # One more address may wait to be taken as the stop begins.
    asked = [burst["cycle"] for burst in reading.bursts if stop <= burst["cycle"] < go]
    assert len(asked) <= 1
    landed = max(cycle for cycle in reading.given if cycle < go)
    assert landed < go - 100
    assert set(range(landed + 1, go)) <= set(reading.idle)
    assert not set(range(stop, landed + 1)) & set(reading.idle)
    assert reading.beats("m_axis") == expected(50, 64, 0x1000, 700)


def test_reports_each_word_that_came_with_an_error() -> None:
    (reading,) = read_memory(
        "bnn_axi_reader",
        SMALL,
        {"m_axis": 150},
        [(BOARD, "half")],
        statics={"base_i": 0x1000, "enable_i": 1},
        faulty=[0x1008, 0x1188],
    )
    frames, rest = divmod(len(reading.given), SMALL["WORDS"])
    assert reading.errors == 2 * frames + (rest > 1) + (rest > 49)


def test_keeps_up_a_rate_with_the_queue_that_the_contract_states() -> None:
    """A word per cycle at a latency of 150 cycles needs 186 words and 11 bursts; with those, half a
    word per cycle at 20 to 150 cycles with refresh never waits, and a word per cycle hardly."""
    latency, burst = 150, 16
    parameters = {
        "DATA_BITS": 64, "WORDS": 1000, "BURST": burst,
        "DEPTH": burst + latency + burst + 4, "OUTSTANDING": -(-(latency + burst + 4) // burst),
    }  # fmt: skip
    steady = {"latency": [latency, latency], "refresh_period": 0}
    readings = read_memory(
        "bnn_axi_reader",
        parameters,
        {"m_axis": 3000},
        [(steady, "always"), (BOARD, "half"), (BOARD, "always")],
        statics={"base_i": 0x1000, "enable_i": 1},
    )
    assert [reading.outputs["m_axis"]["starved"] for reading in readings[:2]] == [0, 0]
    assert readings[2].bandwidth("m_axis") > 0.9
