"""The C driver of a build drives the simulated board: every score exact, also after faults."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.verify.top_k import best_scores
from bnnhw_host.formats import Packer
from bnnhw_host.manifest import find_manifest, read_manifest
from bnnhw_host.sim.verilated import library
from host_cases import Case, make_case

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("drive_simulated.c")
COMPILERS = {
    "c99": ["gcc", "-std=c99"],
    "c++11": ["g++", "-std=c++11", "-x", "c++"],
}
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow", "-O1"]
FAULTS = {"halt": 1, "slave": 2, "decode": 3, "stuck": 4, "read": 5, "reset": 6, "short": 7}
STOPPED, TIMEOUT, FLAGGED = 6, 7, 9

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")


NETWORKS = ["digits", "with_memory", pytest.param("best_three", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def best_three(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Pairs of class and score."""
    path = tmp_path_factory.mktemp("top") / "build"
    case = make_case(path, "digits", 9, cycles=1000, top_k=3)
    return replace(case, scores=best_scores(case.scores, 3))


def build_driver(case: Case, folder: Path, language: str) -> Path:
    """The test's program, compiled against the header of a build and linked with its board."""
    manifest = read_manifest(find_manifest(case.path))
    board = library(case.path, manifest)
    name = manifest.network
    defines = {"NETWORK_HEADER": f'"{name}.h"', "LOWER": name, "UPPER": name.upper()}
    if manifest.memory:
        defines["WEIGHTS"] = "1"
    if manifest.output.top_k:
        defines["TOP_K"] = str(manifest.output.top_k)
    program = folder / f"drive_{language}"
    command = [
        *COMPILERS[language],
        *STRICT,
        *(f"-D{key}={value}" for key, value in defines.items()),
        *("-I", str(case.path / "host"), str(SOURCE)),
        *("-x", "none", str(board), f"-Wl,-rpath,{board.parent}", "-o", str(program)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def drive(
    case: Case, program: Path, packet: int, fault: str = "", receive: bool = False, after: int = 0
) -> tuple[str, NDArray[np.uint8], NDArray[np.int32]]:
    """What the program says, the bytes that it sent, and the scores that came."""
    manifest = read_manifest(find_manifest(case.path))
    folder = program.parent
    frames, results = folder / "frames.raw", folder / "results.raw"
    frames.write_bytes(case.images.astype(np.uint8).tobytes())
    weights = case.path / manifest.memory.file if manifest.memory else "-"
    options = [FAULTS.get(fault, 0), int(receive), after]
    words = [case.path / "rtl", weights, frames, packet, results, *options]
    command = [str(program), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    size = manifest.input.frame_bytes
    rows = np.frombuffer(results.read_bytes(), np.uint8).reshape(len(case.images), -1)
    scores = rows[:, size:].copy().view("<i4")
    return done.stdout, rows[:, :size], scores.reshape(case.scores.shape)


def assert_exact(case: Case, sent: NDArray[np.uint8], scores: NDArray[np.int32]) -> None:
    manifest = read_manifest(find_manifest(case.path))
    packer = Packer(manifest.input)
    packed = np.empty_like(sent)
    packer.pack(packer.check(case.images), packed)
    np.testing.assert_array_equal(sent, packed)
    np.testing.assert_array_equal(scores, case.scores)


@pytest.mark.parametrize(("language", "packet"), [("c99", 1), ("c++11", 7), ("c99", 64)])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_score_is_the_interpreters(
    network: str, language: str, packet: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(network)
    said, sent, scores = drive(case, build_driver(case, tmp_path, language), packet)
    assert_exact(case, sent, scores)
    count = len(case.images)
    assert said == f"frames {count} in {-(-count // packet)} packets\n"


@pytest.mark.parametrize(
    ("fault", "receive", "after", "ends"),
    [
        ("halt", False, 100, STOPPED),
        ("halt", True, 30, STOPPED),
        ("slave", False, 0, STOPPED),
        ("decode", True, 50, STOPPED),
        ("stuck", False, 130, TIMEOUT),
        ("stuck", True, 20, TIMEOUT),
        ("reset", False, 200, STOPPED),
        ("short", False, 150, FLAGGED),
    ],
)
@pytest.mark.parametrize("network", ["digits", "with_memory"])
def test_the_packet_after_a_failure_is_exact(
    network: str,
    fault: str,
    receive: bool,
    after: int,
    ends: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    case = request.getfixturevalue(network)
    program = build_driver(case, tmp_path, "c99")
    said, sent, scores = drive(case, program, 8, fault, receive, after)
    assert said.startswith(f"fault: {ends} flags {int(ends == FLAGGED)}")
    assert_exact(case, sent, scores)


@pytest.mark.parametrize("after", [0, 300])
def test_a_failed_read_of_weights_is_told_and_mended(
    with_memory: Case, after: int, tmp_path: Path
) -> None:
    program = build_driver(with_memory, tmp_path, "c99")
    said, sent, scores = drive(with_memory, program, 8, "read", after=after)
    assert said.startswith(f"fault: {FLAGGED} flags 4")
    assert_exact(with_memory, sent, scores)


def test_another_build_is_refused(digits: Case, with_memory: Case, tmp_path: Path) -> None:
    """The header of one build, the board of another."""
    manifest = json.loads((digits.path / "manifest.json").read_text())
    header = (digits.path / "host" / "digits.h").read_text()
    low = manifest["build_hash"][8:].upper()
    other = Case(tmp_path, digits.images, digits.scores)
    for name in ("rtl", "sim"):
        (tmp_path / name).symlink_to(digits.path / name)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "host").mkdir()
    assert f"0x{low}u" in header
    (tmp_path / "host" / "digits.h").write_text(header.replace(f"0x{low}u", "0x12345678u"))
    program = build_driver(other, tmp_path, "c99")
    words = [digits.path / "rtl", "-", "/dev/null", "1", tmp_path / "out", "0", "0", "0"]
    done = subprocess.run(
        [str(program), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the bitstream is of another build" in done.stdout


@pytest.mark.parametrize("network", NETWORKS)
def test_the_example_compiles_and_says_what_it_lacks(
    network: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(network)
    program = tmp_path / "example"
    source = case.path / "host" / "example_devmem.c"
    command = ["gcc", "-std=c99", *STRICT, "-o", str(program), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = ["/dev/null"] * (2 if network == "with_memory" else 1)
    ended = subprocess.run([str(program), *files], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "load u-dma-buf first" in ended.stderr


@pytest.mark.parametrize("network", NETWORKS)
def test_the_header_needs_no_library_and_no_64_bits(
    network: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(network)
    source = tmp_path / "t.c"
    source.write_text('#include "digits.h"\nint main(void) { return 0; }\n')
    wide = [*STRICT, "-ffreestanding", "-I", str(case.path / "host"), "-c", str(source)]
    for flags in ([], ["-m32"]):
        command = ["gcc", "-std=c99", *flags, *wide, "-o", str(tmp_path / "t.o")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if flags and "not supported" in done.stderr:
            pytest.skip("this gcc makes no 32-bit code")
        assert done.returncode == 0, done.stderr
