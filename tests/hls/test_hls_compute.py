"""The twins of the PE arrays give the sums of the contract, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hls_golden import beats_of, border_pattern, pack
from hls_harness import Case, Outcome, check, run_cases


def pe_case(
    name: str,
    *,
    pe: int,
    simd: int,
    folds: int = 1,
    tiles: int = 1,
    out: tuple[int, int] = (1, 1),
    borders: tuple[int, int, int, int] = (0, 0, 0, 0),
    shift: int = 0,
    binary: bool = False,
    in_bits: int = 0,
    signed: bool = False,
    frames: int = 2,
    extreme: bool = False,
) -> Case:
    """``in_bits`` 0 is the binary array; ``extreme`` drives sums to both ends of their range."""
    rng = np.random.default_rng(pe * 7919 + simd * 31 + folds)
    taps, features = simd * folds, pe * tiles
    patterns = (borders[0] + 1 + borders[1]) * (borders[2] + 1 + borders[3])
    low, high = (0, 1) if not in_bits else (0, (1 << in_bits) - 1)
    if signed:
        low, high = -(1 << (in_bits - 1)), (1 << (in_bits - 1)) - 1
    reach = taps * max(abs(low), high) << shift
    init = rng.integers(-reach, reach + 1, (patterns, features))
    weights = rng.integers(0, 2, (features, taps))
    if extreme:
        init[:] = np.where(np.arange(features) % 2, -reach, reach)
        weights[:] = (np.arange(features) % 3 == 0)[:, None]
    acc_bits = int(2 * reach).bit_length() + 1
    beats: list[int] = []
    expected: list[int] = []
    for frame in range(frames):
        for y, x in np.ndindex(out):
            window = rng.integers(low, high + 1, taps)
            if extreme:
                window[:] = (low, high)[(frame + x) % 2]
            beats += beats_of(window, simd, in_bits or 1) * tiles
            start = init[border_pattern((y, x), out, borders)]
            if in_bits:
                total = np.where(weights == 1, window, -window).sum(axis=1)
            else:
                total = (weights == window).sum(axis=1)
            acc = start + (total << shift)
            assert -(1 << (acc_bits - 1)) <= acc.min() and acc.max() < 1 << (acc_bits - 1)
            elements = (acc >= 0).astype(np.int64) if binary else acc
            expected += beats_of(elements, pe, 1 if binary else acc_bits)
    params = {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "ACC_BITS": acc_bits,
        "ACC_SHIFT": shift, "BINARY_OUT": int(binary), "OUT_H": out[0], "OUT_W": out[1],
        "BORDER_TOP": borders[0], "BORDER_BOTTOM": borders[1], "BORDER_LEFT": borders[2],
        "BORDER_RIGHT": borders[3], "IN_BITS": in_bits, "IN_SIGNED": int(signed),
    }  # fmt: skip
    rows = weights.reshape(tiles, pe, folds, simd).transpose(0, 2, 1, 3).reshape(-1, pe, simd)
    weight_words = [[pack(lane, 1) for lane in row] for row in rows]
    init_words = [[int(v) for v in row] for row in init.reshape(-1, pe)]
    return Case(
        name, "bnn_int_pe_array" if in_bits else "bnn_pe_array", params,
        simd * (in_bits or 1), pe * (1 if binary else acc_bits), beats, expected, frames,
        [(weight_words, simd), (init_words, acc_bits)],
    )  # fmt: skip


CASES = [
    pe_case("single", pe=1, simd=1, frames=5),
    pe_case("one_fold_one_tile", pe=3, simd=5, out=(2, 3)),
    pe_case("folds_and_tiles", pe=2, simd=3, folds=4, tiles=3, out=(2, 2), shift=1),
    pe_case("binary_out", pe=4, simd=8, folds=2, tiles=2, out=(3, 2), binary=True),
    pe_case("border_patterns", pe=2, simd=4, folds=2, tiles=2, out=(5, 4), borders=(1, 2, 1, 1),
            binary=True, frames=3),
    pe_case("every_pixel_its_own_pattern", pe=3, simd=4, out=(3, 2), borders=(2, 1, 1, 1),
            shift=1),
    pe_case("wide_simd_63", pe=2, simd=63, folds=3),
    pe_case("wide_simd_64", pe=3, simd=64, folds=2, tiles=2, binary=True),
    pe_case("wide_simd_65", pe=5, simd=65, folds=2, out=(1, 3)),
    pe_case("wide_simd_200", pe=3, simd=200, folds=2, shift=1),
    pe_case("wide_pe_70", pe=70, simd=9, folds=2, tiles=2, binary=True),
    pe_case("extremes", pe=4, simd=16, folds=4, tiles=2, out=(1, 2), shift=1, extreme=True),
    pe_case("int_8_bit", pe=4, simd=3, folds=9, tiles=2, in_bits=8, out=(2, 2)),
    pe_case("int_signed", pe=3, simd=5, folds=2, in_bits=8, signed=True, binary=True,
            out=(3, 3), borders=(1, 1, 1, 1)),
    pe_case("int_2_bit_signed", pe=2, simd=7, tiles=3, in_bits=2, signed=True, shift=2),
    pe_case("int_1_bit", pe=2, simd=4, in_bits=1),
    pe_case("int_wide", pe=3, simd=40, folds=2, in_bits=8, binary=True),
    pe_case("int_single", pe=1, simd=1, in_bits=5, signed=True, frames=4),
    pe_case("int_extremes", pe=4, simd=6, folds=3, in_bits=8, signed=True, out=(1, 2),
            extreme=True),
    pe_case("int_16_bit", pe=2, simd=2, folds=3, in_bits=16, signed=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("compute"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pe_array_twin_gives_the_sums_of_the_contract(
    case: Case, outcomes: dict[str, Outcome]
) -> None:
    check(case, outcomes)
