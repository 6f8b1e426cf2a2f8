"""What accelerators read and how they are found: manifests, files, devices, the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw_host import Accelerator, BuildError, HostError
from bnnhw_host.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from host_cases import Case


def test_a_manifest_that_says_anything_gives_clean_errors(digits: Case, tmp_path: Path) -> None:
    whole = json.loads((digits.path / "manifest.json").read_text())
    path = tmp_path / "manifest.json"
    bad = (None, -1, 0, 1.5, "x", [], {}, float("nan"), float("inf"), 1 << 70, True, [None], [[0]])

    def leaves(value: object, way: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
        yield way
        if isinstance(value, dict):
            for key, part in value.items():
                yield from leaves(part, (*way, key))
        elif isinstance(value, list) and value:
            yield from leaves(value[0], (*way, 0))

    refused = 0
    for way in [*leaves(whole, ())][1:]:
        for value in bad:
            changed = json.loads(json.dumps(whole))
            place = changed
            for step in way[:-1]:
                place = place[step]
            place[way[-1]] = value
            path.write_text(json.dumps(changed))
            try:
                read_manifest(path)
            except HostError:
                refused += 1
    assert refused > 700
    path.write_text("[" * 100_000)
    with pytest.raises(HostError):
        read_manifest(path)


def test_files_that_do_not_belong_together_are_refused(
    digits: Case, with_memory: Case, tmp_path: Path
) -> None:
    with pytest.raises(BuildError, match="there is no"):
        Accelerator(tmp_path / "nothing", device="sim")
    with pytest.raises(BuildError, match=r"has no manifest\.json"):
        Accelerator(tmp_path, device="sim")
    with pytest.raises(HostError, match="there is no device 'moon'"):
        Accelerator(digits.path, device="moon")
    shutil.copytree(with_memory.path, tmp_path / "copy")
    weights = tmp_path / "copy" / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(BuildError, match="SHA-256"):
        Accelerator(tmp_path / "copy", device="sim")
    manifest = json.loads((digits.path / "manifest.json").read_text())
    for change, said in (
        ({"schema": 9}, "has schema 9"),
        ({"registers_version": 0x0003_0000}, "has register map 3"),
        ({"overlay": None}, "has no processor"),
        ({"input": {}}, "lacks"),
    ):
        (tmp_path / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(BuildError, match=said):
            Accelerator(tmp_path, device="sim")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BuildError, match="holds no Verilog"):
        Accelerator(tmp_path, device="sim", pynq=False)
    with pytest.raises(BuildError, match=r"holds no digits_top\.bit"):
        Accelerator(tmp_path)


def test_auto_takes_the_board_where_there_is_one(
    digits: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Accelerator(digits.path, device="auto", pynq=False) as accelerator:
        assert accelerator.machine is not None
    monkeypatch.setattr("bnnhw_host.runtime.board_present", lambda: True)
    with pytest.raises(BuildError, match=r"holds no digits_top\.bit"):
        Accelerator(digits.path, device="auto")
    monkeypatch.setattr("bnnhw_host.runtime.board_present", lambda: False)
    shutil.copy(digits.path / "manifest.json", tmp_path)  # as on a board: no Verilog
    with pytest.raises(BuildError, match=r"holds no digits_top\.bit"):
        Accelerator(tmp_path, device="auto")


def test_the_command_line(digits: Case) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bnnhw_host", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    told = run("info", str(digits.path))
    assert told.returncode == 0 and "digits for pynq-z2 at 100 MHz" in told.stdout
    valid = run("validate", str(digits.path), "--device", "sim")
    assert valid.returncode == 0 and "exact: all scores of 8 frames" in valid.stdout
    speed = run("throughput", str(digits.path), "--device", "sim", "--frames", "5")
    assert speed.returncode == 0 and "frames per second (5 frames" in speed.stdout
    wrong = digits.path.parent / "wrong.npy"
    np.save(wrong, digits.scores[:4] + 1)
    images = digits.path.parent / "images.npy"
    np.save(images, digits.images[:4])
    words = ("--images", str(images), "--expected", str(wrong), "--device", "sim")
    (digits.path.parent / "junk.npy").write_text("nothing")
    junk = ("--images", str(digits.path.parent / "junk.npy"), "--expected", str(wrong))
    unread = run("validate", str(digits.path), "--device", "sim", *junk)
    assert unread.returncode == 2 and "is no .npy file" in unread.stderr
    bad = run("validate", str(digits.path), *words)
    assert bad.returncode == 1 and "WRONG: 4 of 4 frames" in bad.stdout
    missing = run("validate", str(digits.path.parent))
    assert missing.returncode == 2 and missing.stderr.startswith("error: ")
