"""The accelerator of a build, on a board or on a simulated one."""

from __future__ import annotations

import hashlib
import math
import threading
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.errors import BuildError, HostError, InputError
from bnnhw_host.formats import Packer, outputs, unpack
from bnnhw_host.manifest import find_manifest, read_manifest
from bnnhw_host.measure import Counted, Latency, Profile, Throughput, profile_of
from bnnhw_host.predictions import Predictions, Validation
from bnnhw_host.registers import Registers, check_core
from bnnhw_host.runtime import contiguous, is_for_board, open_board, open_simulated
from bnnhw_host.sim.machine import OPENING
from bnnhw_host.transfers import Transfers

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import ArrayLike, NDArray

    from bnnhw_host.sim.machine import Machine

    Array = NDArray[Any]

_CLOCK_SLACK = 1.001
_CLOCK_STEP = 0.97
_CLOCK_TRIES = 60
_WARM_UP = 4  # frames
VECTORS = "vectors.npz"


class Accelerator:
    """A network on a board.

    Loading checks that the bitstream is the one that the manifest describes, before anything else;
    then it sets the clock, loads weights into memory where the design reads them from there, and
    resets the data path.

        with Accelerator("build/digits", device="sim") as accelerator:
            scores = accelerator.run(images)

    Args:
        path: a build's folder, the folder with its bitstream, or the .bit.
        device: None for the board that this runs on, through pynq; "sim" for a simulated one;
            "auto" for the board where there is one, else a simulated one.
        clock_mhz: the fabric's clock; None for the one at which the bitstream's timing was checked.
        max_frames: most frames of a transfer; None for as many as the DMA and memory allow.
        pynq: on a simulated board, whether to run through pynq's own classes; None where it is
            installed.

    Raises:
        BuildError: files are missing, or do not belong together.
        BitstreamError: the fabric holds another design than the manifest describes.
        MemoryShortError: there is no contiguous memory for the weights.
        HostError: there is no pynq, or no board.
    """

    def __init__(
        self,
        path: str | Path,
        device: str | None = None,
        *,
        clock_mhz: float | None = None,
        max_frames: int | None = None,
        pynq: bool | None = None,
    ) -> None:
        with OPENING:
            place = Path(path).absolute()
        self._lock = threading.RLock()
        self._closed = False
        found = find_manifest(place)
        self.manifest = read_manifest(found)
        if device not in (None, "sim", "auto"):
            raise HostError(f"there is no device {device!r}", fix='give None, "sim" or "auto"')
        _check_count("max_frames", max_frames)
        if clock_mhz is not None and not _is_clock(clock_mhz):
            raise HostError(f"clock_mhz is {clock_mhz!r}", fix="give megahertz, e.g. 50.0")
        weights = self._read_weights(found.parent)
        if device is None or (device == "auto" and is_for_board(found.parent)):
            self._runtime = open_board(self.manifest, place)
        else:
            self._runtime = open_simulated(self.manifest, found.parent, pynq=pynq)
        check_core(self._runtime.overlay, self.manifest)
        core = getattr(self._runtime.overlay, self.manifest.overlay.accelerator)
        self.registers = Registers(core, self.manifest)
        self.registers.check()
        self._set_clock(clock_mhz or self.manifest.overlay.fabric_mhz)
        self._weights = self._load_weights(weights)
        self._packer = Packer(self.manifest.input)
        self._transfers = Transfers(self._runtime, self.manifest, self.registers, max_frames)
        self._transfers.recover()

    def run(self, images: ArrayLike) -> Array:
        """Scores of images.

        Args:
            images: [N, *shape] in the model's own input format, or one; uint8 are raw pixels where
                the model takes pixels as floats.

        Returns:
            The integers that the hardware gives, int64 [N, classes]; with ``--top-k K`` pairs of
            class and score, [N, K, 2].

        Raises:
            InputError: the images are none that the model takes; nothing was sent.
            MemoryShortError: there is no contiguous memory for a frame.
            TransferError: the hardware failed. It was reset, and can be used again.
        """
        packer, port = self._packer, self.manifest.output
        checked = packer.check(images)
        scores: list[Array] = []
        with self._lock:
            self._check_open()
            if not len(checked):
                return unpack(port, np.zeros((0, port.frame_bytes), np.uint8))
            self._transfers.run(
                len(checked),
                lambda first, last, out: packer.pack(checked[first:last], out),
                lambda first, last, data: scores.append(unpack(port, data)),
            )
        return scores[0] if len(scores) == 1 else np.concatenate(scores)

    def predict(self, images: ArrayLike) -> Predictions:
        """Classes of images, best first, with the model's own outputs; see ``run``."""
        return Predictions.of(self.manifest.output, self.run(images))

    def outputs(self, images: ArrayLike) -> Array:
        """The model's own outputs, float64 [N, *shape]; see ``run``.

        Raises:
            HostError: the build gives the best classes alone (``--top-k``).
        """
        if self.manifest.output.top_k:
            raise HostError("the build gives the best classes, not all outputs", fix="use predict")
        return outputs(self.manifest.output, self.run(images))

    def validate(
        self, images: ArrayLike | None = None, expected: ArrayLike | None = None
    ) -> Validation:
        """Compares scores with expected ones, bit for bit.

        Args:
            images: as ``run`` takes them; None for those that the build holds.
            expected: their scores, as ``run`` gives them.

        Raises:
            BuildError: no images were given, and the build holds none.
            InputError: there are more or fewer scores than images.
        """
        if (images is None) != (expected is None):
            missing = "images" if images is None else "expected scores"
            raise InputError(f"validate lacks the {missing}", fix="give both, or neither")
        if images is None or expected is None:
            images, expected = self._vectors()
        scores, wanted = self.run(images), np.asarray(expected)
        if wanted.shape != scores.shape:
            raise InputError(
                f"expected scores have shape {wanted.shape}, those of the images {scores.shape}",
                fix="give the scores that `bnnhw run -o scores.npy` writes",
            )
        return Validation.of(scores, wanted)

    def throughput(self, frames: int | None = None) -> Throughput:
        """Frames per second of many frames back to back, transfers alone.

        Args:
            frames: how many; None for what takes about half a second on the board, or 32 on a
                simulated one.
        """
        _check_count("frames", frames)
        with self._lock:
            self._check_open()
            count = frames or self._frames_for_half_a_second()
            self.registers.clear()
            seconds = self._time_zeros(count)
            measured = self.registers["frame_cycles"] if count > 1 else 0
            clock = self._runtime.get_clock()
        return Throughput(count, seconds, clock, measured, self.manifest.cycles_per_frame)

    def latency(self, repeats: int = 5) -> Latency:
        """Time of one frame from the start of its transfer to its scores, the best of a few."""
        _check_count("repeats", repeats)
        with self._lock:
            self._check_open()
            best = min(self._time_zeros(1) for _ in range(repeats))
            return Latency(best, self._runtime.get_clock(), self.manifest.latency_cycles)

    def profile(self, frames: int = 16) -> Profile:
        """Where cycles go in the steady state: counters of the design beside what was predicted.

        Counters are read after a few frames and after so many more, and subtracted, so that neither
        the first frame's way through the layers nor the time between transfers is in them.

        Args:
            frames: that are counted, of zeros: cycles do not depend on what is in them.
        """
        _check_count("frames", frames)
        with self._lock:
            self._check_open()
            few, more = (self._count(n) for n in (_WARM_UP, _WARM_UP + frames))
            return profile_of(few, more, self.manifest, frames, self._runtime.get_clock())

    def reset(self) -> None:
        """Brings DMA and accelerator to where the next frame is exact."""
        with self._lock:
            self._check_open()
            self._transfers.recover()

    @property
    def clock_mhz(self) -> float:
        """The fabric's clock now."""
        return self._runtime.get_clock()

    @property
    def machine(self) -> Machine | None:
        """The simulated board, for its faults and its time; None on a real one."""
        return self._runtime.machine

    @property
    def transfer_seconds(self) -> float:
        """Time that all transfers took so far, on the board's clock."""
        return self._transfers.seconds

    @property
    def transfers(self) -> int:
        """Number of transfers so far."""
        return self._transfers.count

    def close(self) -> None:
        """Gives memory back; the accelerator cannot be used afterwards."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._transfers.free()
            if self._weights is not None:
                self.registers.forget_weights()
                self._weights.freebuffer()
                self._weights = None
            if self.machine is not None:
                self.machine.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.clock_mhz:g} MHz"
        return f"Accelerator({self.manifest.network}, {self._runtime.describe}, {state})"

    def _check_open(self) -> None:
        """Called by whoever has just taken the lock, without which nobody uses the hardware."""
        if self._closed:
            raise HostError("the accelerator is closed", fix="make another one")

    def _set_clock(self, wanted: float) -> None:
        """Sets the fastest clock that is not above ``wanted``, and reads it back."""
        runtime, asked = self._runtime, wanted
        checked = self.manifest.overlay.fabric_mhz
        if wanted > checked * _CLOCK_SLACK:
            warnings.warn(
                f"at {wanted:g} MHz scores may be wrong: timing was checked at {checked:g}",
                stacklevel=3,
            )
        for _ in range(_CLOCK_TRIES):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pynq warns of what is checked below
                runtime.set_clock(asked)
            found = runtime.get_clock()
            if found <= wanted * _CLOCK_SLACK:
                break
            asked *= _CLOCK_STEP
        else:
            raise HostError(
                f"the fabric's clock is {found:g} MHz and cannot be set to {wanted:g}",
                fix="start the board anew",
            )
        if found < wanted / 1.02:
            warnings.warn(
                f"the fabric runs at {found:g} MHz: the dividers give no {wanted:g}",
                stacklevel=3,
            )

    def _read_weights(self, folder: Path) -> bytes | None:
        memory = self.manifest.memory
        if memory is None:
            return None
        path = folder / memory.file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BuildError(
                f"the weights cannot be read: {error}", fix="copy them from the build's folder"
            ) from error
        if hashlib.sha256(data).hexdigest() != memory.sha256:
            raise BuildError(
                f"{path} is not the file that belongs to this manifest: its SHA-256 differs",
                fix="copy both from the same build",
            )
        return data

    def _load_weights(self, data: bytes | None) -> Any:
        if data is None:
            return None
        memory = self.manifest.memory
        assert memory is not None
        buffer = contiguous(self._runtime, len(data), f"{len(data):,} bytes of weights")
        buffer[:] = np.frombuffer(data, np.uint8)
        buffer.flush()
        address = int(buffer.physical_address)
        if address % (memory.data_bits // 8) or address >> memory.address_bits:
            raise HostError(f"the weights came to {address:#x}, which the design cannot read")
        self.registers.load_weights(address)
        return buffer

    def _time_zeros(self, frames: int) -> float:
        """Seconds of transfers for frames of zero bytes, whose scores nobody wants."""

        def fill(first: int, last: int, out: Array) -> None:
            out[:] = 0

        before = self._transfers.seconds
        self._transfers.run(frames, fill, lambda first, last, data: None)
        return self._transfers.seconds - before

    def _count(self, frames: int) -> Counted:
        """Counters after some frames of zeros."""
        self.registers.clear()
        self._time_zeros(frames)
        return Counted.of(self.registers)

    def _frames_for_half_a_second(self) -> int:
        if self.machine is not None or not self.manifest.cycles_per_frame:
            return 32
        frames = self.clock_mhz * 0.5e6 / self.manifest.cycles_per_frame
        return max(32, min(100_000, int(frames)))

    def _vectors(self) -> tuple[Array, Array]:
        path = self.manifest.folder / VECTORS
        if not path.is_file():
            raise BuildError(
                f"the build holds no {VECTORS} to validate with", fix="give images and their scores"
            )
        try:
            with np.load(path, allow_pickle=False) as data:
                return data["images"], data["scores"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BuildError(
                f"{path} cannot be read: {error}", fix="copy it again, or compile again"
            ) from error


def _check_count(name: str, value: int | None) -> None:
    """Raises HostError where a number is no whole number from 1 on."""
    if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
        raise HostError(f"{name} is {value!r}", fix="give a whole number from 1 on")


def _is_clock(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0
