"""Accelerators on the simulated board, without pynq: scores, faults, memory, time."""

from __future__ import annotations

import importlib.util
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw_host import (
    Accelerator,
    BitstreamError,
    HostError,
    InputError,
    MemoryShortError,
    TransferError,
    transfers,
)
from bnnhw_host.sim import shim
from bnnhw_host.sim.machine import Machine
from host_cases import make_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from host_cases import Case

FAULTS = ("halt", "slave_error", "decode_error", "stuck", "reset")
SAID = {
    "halt": "halted",
    "slave_error": "slave error of memory",
    "decode_error": "decode error of memory",
    "stuck": "have not come",
    "reset": "halted",
}


@pytest.fixture(scope="module")
def accelerator(digits: Case) -> Iterator[Accelerator]:
    with Accelerator(digits.path, device="sim", pynq=False) as made:
        yield made


@pytest.fixture(scope="module")
def streaming(with_memory: Case) -> Iterator[Accelerator]:
    with Accelerator(with_memory.path, device="sim", pynq=False) as made:
        yield made


def test_scores_are_the_interpreters(accelerator: Accelerator, digits: Case) -> None:
    assert np.array_equal(accelerator.run(digits.images), digits.scores)
    assert accelerator.run(digits.images[0]).shape == (1, 10)
    assert accelerator.run(digits.images[:0]).shape == (0, 10)
    prediction = accelerator.predict(digits.images)
    assert np.array_equal(prediction.classes, prediction.outputs.argmax(axis=1))
    assert prediction.names == [str(number) for number in prediction.classes]
    assert accelerator.validate().exact, "the build's own vectors"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "cycles"), [("cnv-cifar10", 32_768), ("birealnet8-digits", 5_000)]
)
def test_larger_networks_give_the_interpreters_scores(
    model: str, cycles: int, tmp_path: Path
) -> None:
    case = make_case(tmp_path / "build", model, 12, cycles=cycles)
    with Accelerator(case.path, device="sim", pynq=False, max_frames=5) as made:
        assert np.array_equal(made.run(case.images), case.scores)
        made.machine.inject("stuck", channel="receive", after=10)
        with pytest.raises(TransferError):
            made.run(case.images)
        assert np.array_equal(made.run(case.images), case.scores)


@pytest.mark.slow
def test_ten_thousand_frames_in_one_run(accelerator: Accelerator, digits: Case) -> None:
    order = np.random.default_rng(0).integers(0, len(digits.images), 10_000)
    before = accelerator.transfers
    scores = accelerator.run(digits.images[order])
    assert np.array_equal(scores, digits.scores[order])
    assert accelerator.transfers == before + 1


def test_a_frame_takes_few_accesses_beside_those_of_the_dma(
    accelerator: Accelerator, digits: Case
) -> None:
    accelerator.run(digits.images[:1])
    before = accelerator.machine.accesses
    accelerator.run(digits.images[1:2])
    by_dma = 2 * (2 + 3) + 2  # two transfers begin, one is waited for
    assert accelerator.machine.accesses - before == by_dma + 3, "both channels and the flags"


def test_a_transfer_shorter_than_a_pause_is_waited_for_without_one(
    accelerator: Accelerator, digits: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(transfers, "sleep", slept.append)
    few, many = digits.images[:1], np.repeat(digits.images, 20, axis=0)
    accelerator.run(many)
    assert not slept, "the simulated processor needs none"
    for pause, images, sleeps in ((1.0, many, False), (50e-6, few, False), (50e-6, many, True)):
        monkeypatch.setattr(accelerator._runtime, "pause", pause)
        accelerator.run(images)
        assert bool(slept) == sleeps and set(slept) <= {pause}


def test_the_clock_is_asked_for_only_when_a_transfer_is_late(
    accelerator: Accelerator, digits: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    clock = accelerator._runtime.get_clock
    monkeypatch.setattr(accelerator._runtime, "get_clock", lambda: asked.append(1) or clock())
    accelerator.run(digits.images)
    assert not asked, "pynq works it out from registers"
    accelerator.machine.inject("stuck", channel="receive")
    with pytest.raises(TransferError, match="have not come"):
        accelerator.run(digits.images)
    assert asked


def test_weights_come_from_memory(streaming: Accelerator, with_memory: Case) -> None:
    assert np.array_equal(streaming.run(with_memory.images), with_memory.scores)
    assert streaming.validate().exact


def test_several_transfers_give_the_same_scores(digits: Case) -> None:
    with Accelerator(digits.path, device="sim", pynq=False, max_frames=16) as made:
        for count in (1, 15, 16, 17, 33, 100):
            before = made.transfers
            assert np.array_equal(made.run(digits.images[:count]), digits.scores[:count])
            assert made.transfers - before == -(-count // 16)


@pytest.mark.parametrize("channel", ["send", "receive"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named_and_the_next_frame_exact(
    accelerator: Accelerator, digits: Case, fault: str, channel: str
) -> None:
    for after in (0, 350):
        accelerator.machine.inject(fault, channel=channel, after=after)
        with pytest.raises(TransferError, match=SAID[fault]) as caught:
            accelerator.run(digits.images[:100])
        assert "frames_out" in str(caught.value), "the registers' state is told"
        assert np.array_equal(accelerator.run(digits.images[:3]), digits.scores[:3])


@pytest.mark.parametrize("after", [0, 8, 3000])
def test_a_packet_that_ends_early_is_named(
    accelerator: Accelerator, digits: Case, after: int
) -> None:
    accelerator.machine.inject("short", after=after)
    with pytest.raises(TransferError, match="a packet that ended early"):
        accelerator.run(digits.images[:100])
    assert np.array_equal(accelerator.run(digits.images[:3]), digits.scores[:3])


@pytest.mark.parametrize("after", [0, 5, 700])
def test_a_failed_read_of_weights_is_named(
    streaming: Accelerator, with_memory: Case, after: int
) -> None:
    streaming.machine.inject("read_error", after=after)
    with pytest.raises(TransferError, match="a failed read of weights"):
        streaming.run(with_memory.images[:20])
    assert np.array_equal(streaming.run(with_memory.images), with_memory.scores)


def test_a_reset_of_the_fabric_does_not_lose_the_weights(
    streaming: Accelerator, with_memory: Case
) -> None:
    streaming.machine.inject("reset", after=200)
    with pytest.raises(TransferError):
        streaming.run(with_memory.images)
    assert np.array_equal(streaming.run(with_memory.images), with_memory.scores)


def test_an_interrupt_leaves_it_usable(
    accelerator: Accelerator, digits: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(channel: shim.Channel) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shim.Channel, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            accelerator.run(digits.images)
    assert np.array_equal(accelerator.run(digits.images), digits.scores)


def test_another_bitstream_is_refused_before_anything_is_written(
    digits: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    started = Machine.power_up

    def power_up(machine: Machine) -> None:
        started(machine)
        machine.inject("hash")

    write = shim.Registers.write

    def watched(registers: shim.Registers, offset: int, value: int) -> None:
        if not isinstance(registers, shim.Dma):
            written.append(offset)
        write(registers, offset, value)

    monkeypatch.setattr(Machine, "power_up", power_up)
    monkeypatch.setattr(shim.Registers, "write", watched)
    with pytest.raises(BitstreamError, match="the bitstream is of build"):
        Accelerator(digits.path, device="sim", pynq=False)
    assert not written


@pytest.mark.parametrize(("way", "side"), [("flush", "send"), ("invalidate", "receive")])
def test_memory_is_not_coherent(
    digits: Case, monkeypatch: pytest.MonkeyPatch, way: str, side: str
) -> None:
    with Accelerator(digits.path, device="sim", pynq=False) as made:
        monkeypatch.setattr(shim.Buffer, way, lambda buffer: None)
        scores = made.run(digits.images)
    assert not np.array_equal(scores, digits.scores), f"nobody misses the {way} of {side}"


def test_little_memory_means_more_transfers(digits: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Machine.__init__

    def small(machine: Machine, build: Path, manifest: object) -> None:
        made(machine, build, manifest, 4 * 4096)

    monkeypatch.setattr(Machine, "__init__", small)
    with Accelerator(digits.path, device="sim", pynq=False) as accelerator:
        assert np.array_equal(accelerator.run(digits.images), digits.scores)
        assert accelerator.transfers > 1
        accelerator._transfers.free()
        others = [accelerator._runtime.allocate((4096,), np.uint8) for _ in range(3)]
        with pytest.raises(MemoryShortError, match="cma="):
            accelerator.run(digits.images)
        for other in others:
            other.freebuffer()
        assert np.array_equal(accelerator.run(digits.images), digits.scores)


def test_wrong_images_are_refused_and_nothing_is_sent(
    accelerator: Accelerator, digits: Case
) -> None:
    before = accelerator.machine.accesses
    with pytest.raises(InputError, match=r"the model takes \(N, 8, 8, 1\)"):
        accelerator.run(digits.images[:, :7])
    with pytest.raises(InputError, match="of type"):
        accelerator.run(digits.images.astype(complex))
    with pytest.raises(InputError, match="expected scores have shape"):
        accelerator.validate(digits.images[:2], digits.scores[:2, :5])
    assert accelerator.machine.accesses - before < 50
    with pytest.raises(InputError, match="none of"):
        accelerator.run(digits.images[:4].astype(np.float32) + 0.25)
    assert np.array_equal(accelerator.run(digits.images), digits.scores)


def test_throughput_latency_and_counters_are_as_predicted(accelerator: Accelerator) -> None:
    manifest = accelerator.manifest
    speed = accelerator.throughput(200)
    assert speed.predicted_cycles == manifest.cycles_per_frame
    assert abs(speed.frame_cycles - manifest.cycles_per_frame) <= 1
    assert 0.9 < speed.fps / speed.predicted_fps < 1.02
    latency = accelerator.latency()
    assert manifest.latency_cycles / 1e8 < latency.seconds < manifest.latency_cycles / 1e8 + 5e-6
    profile = accelerator.profile()
    assert profile.counters["frames_out"] == profile.frames == 16
    assert str(manifest.cycles_per_frame) in str(profile)
    assert not profile.streams
    with pytest.raises(HostError, match="ompile it with --instrument"):
        profile.plot()


@pytest.mark.slow
def test_instruments_count_what_was_predicted(tmp_path: Path) -> None:
    case = make_case(tmp_path / "build", "digits", 20, cycles=1000, instrument=True)
    with Accelerator(case.path, device="sim", pynq=False) as made:
        assert np.array_equal(made.run(case.images), case.scores)
        profile = made.profile(8)
        assert np.array_equal(made.run(case.images), case.scores), "counting goes on"
    assert {s.stream for s in profile.streams} >= {"input_out", "conv1_out", "dense4_out"}
    for s in profile.streams:
        assert s.predicted_stall is not None and s.predicted_starved is not None
        assert s.stall == pytest.approx(s.predicted_stall, abs=8), s.stream
        assert s.starved == pytest.approx(s.predicted_starved, abs=8), s.stream
        assert s.high_water == s.predicted_high_water
        assert s.high_water is None or s.high_water <= s.depth
        assert s.stream in str(profile)
    if importlib.util.find_spec("matplotlib"):
        profile.plot().savefig(tmp_path / "profile.png")
        assert (tmp_path / "profile.png").stat().st_size > 10_000


def test_the_clock_is_never_faster_than_asked(digits: Case) -> None:
    with Accelerator(digits.path, device="sim", pynq=False) as made:
        assert made.clock_mhz == 100
    for wanted, given, said in (
        (135.0, 125.0, "timing was checked at 100"),
        (61.0, 1000 / 17, "the dividers give no"),
    ):
        with pytest.warns(UserWarning, match=said):
            made = Accelerator(digits.path, device="sim", pynq=False, clock_mhz=wanted)
        assert made.clock_mhz == pytest.approx(given)
        made.close()


@pytest.mark.slow
def test_a_build_made_again_is_the_one_that_runs(tmp_path: Path) -> None:
    for cycles in (4000, 2000):
        shutil.rmtree(tmp_path / "a build", ignore_errors=True)
        case = make_case(tmp_path / "a build", "digits", 5, cycles=cycles)
        with Accelerator(case.path, device="sim", pynq=False) as made:
            assert np.array_equal(made.run(case.images), case.scores)
            assert made.manifest.cycles_per_frame <= cycles
    shutil.copytree(case.path, tmp_path / "copy")
    for library in (tmp_path / "copy" / "sim" / "board").glob("*.so"):
        library.write_bytes(b"cut off")
    with Accelerator(tmp_path / "copy", device="sim", pynq=False) as made:
        assert made.validate().exact


def test_threads_share_an_accelerator(accelerator: Accelerator, digits: Case) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: accelerator.run(digits.images[:50]), range(24)))
    assert all(np.array_equal(scores, digits.scores[:50]) for scores in found)


def test_a_second_interrupt_during_recovery_is_made_good(
    accelerator: Accelerator, digits: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shim.Channel, "wait", interrupted)
        patch.setattr(type(accelerator.registers), "reset", interrupted)
        with pytest.raises(KeyboardInterrupt):
            accelerator.run(digits.images)
    assert np.array_equal(accelerator.run(digits.images), digits.scores)


def test_what_is_closed_says_so(digits: Case) -> None:
    made = Accelerator(digits.path, device="sim", pynq=False)
    made.close()
    made.close()
    for use in (lambda: made.run(digits.images), made.throughput, made.reset, made.profile):
        with pytest.raises(HostError, match="is closed"):
            use()
    with pytest.raises(HostError, match="is closed"):
        made.registers.counters()
    assert "closed" in repr(made)


def test_arguments_that_mean_nothing_are_refused(accelerator: Accelerator, digits: Case) -> None:
    for frames in (0, -3, 2.5):
        for call in (accelerator.throughput, accelerator.profile, accelerator.latency):
            with pytest.raises(HostError, match=f"is {frames}"):
                call(frames)
        with pytest.raises(HostError, match="max_frames"):
            Accelerator(digits.path, device="sim", max_frames=frames)
    for clock in (0, -5, float("nan"), "100"):
        with pytest.raises(HostError, match="clock_mhz"):
            Accelerator(digits.path, device="sim", clock_mhz=clock)
    for fault in (("bogus", "send", 0), ("halt", "side", 0), ("short", "receive", 0)):
        with pytest.raises(HostError, match="there is no fault"):
            accelerator.machine.inject(fault[0], channel=fault[1], after=fault[2])
    with pytest.raises(InputError, match="lacks the images"):
        accelerator.validate(None, digits.scores)
    with pytest.raises(InputError, match="are no array"):
        accelerator.run([[1, 2], [3]])
    assert accelerator.predict(digits.images[:0]).classes.shape == (0,)
    assert not accelerator.validate(digits.images[:0], digits.scores[:0]).exact
    assert "one frame alone" in str(accelerator.throughput(1))
