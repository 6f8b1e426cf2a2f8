"""What runs where pynq is installed: its own classes, unchanged, on the simulated board.

Needs numpy, pytest, pynq and bnnhw-host alone. ``BNNHW_CASES`` names a folder that holds a folder
for each case: ``build``, ``images.npy`` and ``scores.npy``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pynq
import pytest
from pynq.lib.dma import DMA

from bnnhw_host import Accelerator, BitstreamError, HostError, TransferError
from bnnhw_host.manifest import read_manifest
from bnnhw_host.sim import handoff
from bnnhw_host.sim.handoff import write_handoff
from bnnhw_host.sim.machine import Machine
from bnnhw_host.sim.pynq_device import SimulatedDevice

CASES = Path(os.environ["BNNHW_CASES"])
MAJOR = int(pynq.__version__.split(".")[0])
ALL = sorted(path.name for path in CASES.iterdir() if (path / "build").is_dir())
RUNNABLE = [name for name in ALL if MAJOR < 4 or name.endswith("kv260")]


def case(name: str) -> tuple[Path, np.ndarray, np.ndarray]:
    folder = CASES / name
    return folder / "build", np.load(folder / "images.npy"), np.load(folder / "scores.npy")


def test_there_are_cases() -> None:
    assert {"digits", "digits-kv260", "memory"} <= set(ALL)


@pytest.mark.parametrize("name", RUNNABLE)
def test_overlay_allocate_dma_and_clocks_run_unchanged(name: str, tmp_path: Path) -> None:
    build, images, scores = case(name)
    manifest = read_manifest(build / "manifest.json")
    bit = write_handoff(tmp_path, manifest)
    machine = Machine(build, manifest)
    device = SimulatedDevice(machine)
    device.activate()
    overlay = pynq.Overlay(str(bit), device=device)
    described = manifest.overlay
    assert overlay.is_loaded()
    assert overlay.ip_dict["accelerator"]["phys_addr"] == described.accelerator_address
    assert overlay.ip_dict["accelerator"]["type"] == described.vlnv
    assert overlay.ip_dict["dma"]["phys_addr"] == described.dma_address
    assert overlay.ip_dict["dma"]["addr_range"] == described.address_range
    assert isinstance(overlay.dma, DMA)
    assert overlay.dma.buffer_max_size == (1 << described.length_bits) - 1
    assert pynq.Clocks.fclk0_mhz == pytest.approx(machine.clocks.fabric_mhz, rel=1e-4)
    pynq.Clocks.fclk0_mhz = 50
    assert machine.clocks.fabric_mhz == pytest.approx(50, rel=1e-3)
    assert overlay.accelerator.read(manifest.registers["identity"]) == manifest.identity
    if manifest.memory:
        return  # the weights are the Accelerator's to load
    frame = pynq.allocate(manifest.input.frame_bytes, "u1", target=device)
    result = pynq.allocate((1, 10), "i1", target=device)
    for image, wanted in zip(images[:5], scores[:5], strict=True):
        frame[:] = image.reshape(-1)
        overlay.dma.recvchannel.transfer(result)
        overlay.dma.sendchannel.transfer(frame)
        overlay.dma.sendchannel.wait()
        overlay.dma.recvchannel.wait()
        assert np.array_equal(result[0], wanted)
    # Without pynq's own flush the fabric reads what was in memory before.
    frame[:] = images[7].reshape(-1)
    flushed, device.flush = device.flush, lambda *arguments: None
    overlay.dma.recvchannel.transfer(result)
    overlay.dma.sendchannel.transfer(frame)
    overlay.dma.recvchannel.wait()
    device.flush = flushed
    assert np.array_equal(result[0], scores[4])


@pytest.mark.parametrize("name", RUNNABLE)
def test_an_accelerator_gives_the_interpreters_scores(name: str) -> None:
    build, images, scores = case(name)
    with Accelerator(build, device="sim") as accelerator:
        assert f"pynq {pynq.__version__}" in repr(accelerator)
        assert np.array_equal(accelerator.run(images), scores)
        for fault in ("halt", "slave_error", "stuck", "reset"):
            for channel in ("send", "receive"):
                accelerator.machine.inject(fault, channel=channel, after=10)
                with pytest.raises(TransferError):
                    accelerator.run(images[:20])
                assert np.array_equal(accelerator.run(images[:2]), scores[:2])
        accelerator.machine.inject("short")
        with pytest.raises(TransferError, match="ended early"):
            accelerator.run(images[:20])
        assert accelerator.validate().exact
        assert np.array_equal(accelerator.run(images), scores)
    with Accelerator(build, device="sim", max_frames=7) as accelerator:
        assert np.array_equal(accelerator.run(images), scores)


def test_another_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    started = Machine.power_up

    def power_up(machine: Machine) -> None:
        started(machine)
        machine.inject("hash")

    monkeypatch.setattr(Machine, "power_up", power_up)
    with pytest.raises(BitstreamError):
        Accelerator(case(RUNNABLE[0])[0], device="sim")


def test_an_overlay_with_other_cores_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    written = handoff.hardware_handoff
    for old, new, said in (
        ("bnnhw:bnnhw:", "bnnhw:hls:", "the core of the HLS C"),
        ("accelerator", "other", "has no core 'accelerator'"),
    ):
        changed = lambda manifest, a=old, b=new: written(manifest).replace(a, b)  # noqa: E731
        monkeypatch.setattr(handoff, "hardware_handoff", changed)
        with pytest.raises(BitstreamError, match=said):
            Accelerator(case(RUNNABLE[0])[0], device="sim")


@pytest.mark.skipif(MAJOR < 4, reason="pynq 3 sets these boards up")
def test_a_board_that_pynq_does_not_set_up_is_refused() -> None:
    with pytest.raises(HostError, match="does not set up the clocks of Zynq-7000"):
        Accelerator(case("digits")[0], device="sim", pynq=True)


def test_no_board_is_an_error_that_says_so(tmp_path: Path) -> None:
    build, _, _ = case(RUNNABLE[0])
    manifest = read_manifest(build / "manifest.json")
    write_handoff(tmp_path, manifest)
    (tmp_path / "manifest.json").write_text((build / "manifest.json").read_text())
    pynq.Device._active_device = None
    with pytest.raises(HostError, match="pynq cannot load"):
        Accelerator(tmp_path)
