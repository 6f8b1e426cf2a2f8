"""The host package: packing and unpacking, what a frame costs beside transfers, simulated clock.

All in time of one core. Packing is told in bytes of images, unpacking in bytes of the stream.

What a frame costs beside transfers is the time of ``run`` on a simulated board that takes none: it
answers from a record of the same run. Nothing is subtracted, so all of the package counts, and
what stands for pynq's classes too; on a board pynq's own take more, and its processor is slower.
Of many runs the median is told, as the best is luck and the mean has other processes' turns in it.
"Warm" are runs back to back. Before each "cold" one, more memory is read than caches hold: so it is
where a program does much else between frames, or where the simulator has just run.

make bench
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import bnnhw
from bnnhw.assets import asset_folder
from bnnhw_host import Accelerator
from bnnhw_host.formats import Packer, unpack
from bnnhw_host.manifest import InputPort, OutputPort

RUNS = 5
FRAMES = 3000
CACHES = 128 << 20  # bytes that surely evict what caches hold
FIRST = InputPort(
    name="image",
    shape=(3, 32, 32),
    dtype="float32",
    channels_last=False,
    element="integer",
    low=0,
    high=255,
    scale=1 / 255,
    offset=0.0,
    rounding=None,
    beat_bytes=8,
    elem_bits=8,
    grid=(3, 32, 32),
    beats=384,
)


def fastest(work: Any) -> float:
    """Seconds of this process, the best of a few runs."""
    times = []
    for _ in range(RUNS):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)


def packing() -> Table:
    """Megabytes per second of each kind of input."""
    pixels = np.random.default_rng(0).integers(0, 256, (FRAMES, 3, 32, 32), np.uint8)
    last = replace(FIRST, shape=(32, 32, 3), channels_last=True)
    bits = {"element": "bit", "low": -1, "high": 1, "scale": 1.0, "elem_bits": 1, "beats": 48}
    rounding = {"to": "bit", "point": None, "middle": 0.0, "ties_high": True, "falls": False}
    norm: dict[str, Any] = {"scale": [0.0156, 0.0175, 0.0174], "offset": [-1.99, -1.98, -1.71]}
    spread = [np.reshape(norm[name], (3, 1, 1)) for name in ("scale", "offset")]
    four = {"high": 15, "elem_bits": 4, "scale": 1 / 15, "beats": 192}
    cases = {
        "pixels, channels last": (last, np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))),
        "pixels, channels first": (FIRST, pixels),
        "float32, channels first": (FIRST, (pixels / 255).astype(np.float32)),
        "float32, mean and deviation per channel": (
            replace(FIRST, **norm),
            (pixels * spread[0] + spread[1]).astype(np.float32),
        ),
        "float32 to bits": (replace(FIRST, **bits), np.where(pixels > 99, 1, -1).astype("f4")),
        "float32, the model's own sign": (
            replace(FIRST, **bits, rounding=rounding),
            (pixels / 255 - 0.5).astype(np.float32),
        ),
        "float32 to 4 bits": (replace(FIRST, **four), ((pixels >> 4) / 15).astype(np.float32)),
    }
    table = Table("packing and unpacking, one core", "MB/s", box=None)
    for name, (port, images) in cases.items():
        packer = Packer(port)
        out = np.empty((len(images), port.frame_bytes), np.uint8)
        took = fastest(lambda p=packer, x=images, o=out: p.pack(x, o))
        table.add_row(name, f"{images.nbytes / took / 1e6:,.0f}")
    for bits_each, classes in ((8, 10), (16, 10), (16, 1000)):
        size = classes * bits_each // 8
        scores = OutputPort(
            *("y", (classes,), [1.0], [0.0], 0, ()), size // classes, bits_each, (classes,), classes
        )
        data = np.random.default_rng(1).integers(0, 256, (20_000_000 // size, size), np.uint8)
        took = fastest(lambda s=scores, d=data: unpack(s, d))
        table.add_row(f"{classes} scores of {bits_each} bits", f"{data.nbytes / took / 1e6:,.0f}")
    return table


class Record:
    """What a simulated board answered during one run, to answer it again without simulating.

    Args:
        accelerator: on a simulated board.
        images: of the run.
    """

    def __init__(self, accelerator: Accelerator, images: Any) -> None:
        assert accelerator.machine is not None
        self._accelerator, self._images = accelerator, images
        self._machine: Any = accelerator.machine
        self._answers: list[int] = []
        read = self._machine.read

        def recorded(address: int) -> int:
            self._answers.append(read(address))
            return self._answers[-1]

        self._machine.read = recorded
        self._scores = accelerator.run(images)
        del self._machine.read

    def median(self, runs: int, *, cold: bool) -> float:
        """Seconds of a run, the median of some; the scores left in memory must come each time."""
        much = np.ones(CACHES // 8 if cold else 1)
        times = []
        runtime: Any = self._accelerator._runtime
        clock, runtime.seconds = runtime.seconds, time.monotonic  # the clock that a board has
        for name in ("write", "flush", "invalidate"):
            setattr(self._machine, name, lambda *_: None)
        for _ in range(runs):
            answers = iter(self._answers)
            self._machine.read = lambda _, answer=answers: next(answer)
            much += 1
            start = time.perf_counter()
            scores = self._accelerator.run(self._images)
            times.append(time.perf_counter() - start)
            assert next(answers, None) is None and np.array_equal(scores, self._scores)
        for name in ("read", "write", "flush", "invalidate"):
            delattr(self._machine, name)
        runtime.seconds = clock
        return statistics.median(times)


def simulated(folder: Path) -> Table:
    """Clock of the simulated board, and what frames cost beside it."""
    build = folder / "digits"
    bnnhw.compile(
        asset_folder("models") / "digits.onnx",
        board="pynq-z2",
        output=build,
        backends=["verilog"],
    )
    beside = [f"beside transfers,\n{caches}, us per frame" for caches in ("warm", "cold")]
    table = Table("simulated board, digits", "clock, kHz", *beside, box=None)
    images = np.random.default_rng(0).integers(0, 17, (10_000, 8, 8, 1), np.uint8)
    with Accelerator(build, device="sim", pynq=False) as accelerator:
        machine = accelerator.machine
        assert machine is not None
        for count in (1, 32, 10_000):
            accelerator.run(images[:count])  # makes the buffers
            cycles, start = machine.cycles, time.thread_time()
            for _ in range(max(1, 32 // count)):
                accelerator.run(images[:count])
            clock = (machine.cycles - cycles) / (time.thread_time() - start) / 1e3
            record = Record(accelerator, images[:count])
            costs = [record.median(200, cold=cold) / count * 1e6 for cold in (False, True)]
            table.add_row(f"{count:,} frames a run", f"{clock:,.0f}", *(f"{c:,.2f}" for c in costs))
    return table


def main() -> None:
    """Measures and prints."""
    Console().print(packing())
    with tempfile.TemporaryDirectory() as folder:
        Console().print(simulated(Path(folder)))


if __name__ == "__main__":
    main()
