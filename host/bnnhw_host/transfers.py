"""Moves frames through the accelerator: packets of many frames, two in flight."""

from __future__ import annotations

from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.errors import MemoryShortError, TransferError
from bnnhw_host.runtime import contiguous

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw_host.manifest import Manifest
    from bnnhw_host.registers import Registers
    from bnnhw_host.runtime import Runtime

    Bytes = NDArray[np.uint8]

_CONTROL, _STATUS, _RECEIVE, _DMA_RESET = 0x00, 0x04, 0x30, 1 << 2
_HALTED, _IDLE = 1 << 0, 1 << 1
_ERRORS = {4: "internal error", 5: "slave error of memory", 6: "decode error of memory"}
_STOPPED = _HALTED | sum(1 << bit for bit in _ERRORS)
_RESET_POLLS = 1000
_USABLE = "the accelerator was reset and can be used again"
_MARGIN = 4  # times the predicted cycles before a transfer counts as stuck
_UNKNOWN_SECONDS = 10.0
_PAUSES = 4  # a transfer this short is waited for without a pause, which would outlast it


@dataclass
class _Slot:
    """Buffers of one packet.

    Attributes:
        send: the buffer of frames.
        receive: the buffer of scores.
        sent: its bytes, a row per frame; a plain array.
        received: bytes of scores in the same way.
        frames: how many are under way; 0 for none.
        first: number of the first of them.
    """

    send: Any
    receive: Any
    sent: Bytes
    received: Bytes
    frames: int = 0
    first: int = 0


class Transfers:
    """The DMA's two channels and the buffers that they use.

    An interrupt may come at any time, during a recovery too: the next run then begins with one.

    Args:
        runtime: the board.
        manifest: of the build.
        registers: of the accelerator.
        max_frames: most frames of a transfer; None for what length register and memory allow.
    """

    def __init__(
        self,
        runtime: Runtime,
        manifest: Manifest,
        registers: Registers,
        max_frames: int | None = None,
    ) -> None:
        self._runtime, self._manifest, self._registers = runtime, manifest, registers
        self._dma = getattr(runtime.overlay, manifest.overlay.dma)
        self._sender, self._receiver = self._dma.sendchannel, self._dma.recvchannel
        self._sent_bytes = manifest.input.frame_bytes
        self._received_bytes = manifest.output.frame_bytes
        self._slots: list[_Slot] = []
        self._capacity = 0
        self._packet = 0
        self._stale = True  # what is known of DMA and accelerator: nothing yet
        self.seconds = 0.0
        self.count = 0
        longest = max(self._sent_bytes, self._received_bytes)
        limit = ((1 << manifest.overlay.length_bits) - 1) // longest
        if not limit:
            raise MemoryShortError(
                f"a frame of {longest:,} bytes is longer than a transfer may be",
                fix="compile for a smaller input",
            )
        self._limit = min(limit, manifest.max_packet_frames, max_frames or limit)

    def run(
        self,
        frames: int,
        fill: Callable[[int, int, Bytes], None],
        take: Callable[[int, int, Bytes], None],
    ) -> None:
        """Sends frames and takes their scores.

        While one packet is under way the next is filled and the last one taken.

        Args:
            frames: how many.
            fill: packs frames first to last - 1 into bytes [last - first, frame_bytes].
            take: gets the scores of frames first to last - 1 as bytes.

        Raises:
            MemoryShortError: there is no contiguous memory for one frame.
            TransferError: a transfer failed; the accelerator was reset and can be used again.
        """
        if self._stale:
            self.recover()
        step = self._prepare(frames)
        parts = [(first, min(step, frames - first)) for first in range(0, frames, step)]
        try:
            self._run(parts, fill, take)
        except BaseException:
            self._stale = True
            self.recover()
            raise

    def _run(
        self,
        parts: list[tuple[int, int]],
        fill: Callable[[int, int, Bytes], None],
        take: Callable[[int, int, Bytes], None],
    ) -> None:
        waiting: _Slot | None = None
        for index, (first, frames) in enumerate(parts):
            slot = self._slots[index % len(self._slots)]
            fill(first, first + frames, slot.sent[:frames])
            done = waiting
            if waiting:
                self._finish(waiting)
            slot.first, slot.frames = first, frames
            self._start(slot)
            waiting = slot
            if done:
                take(done.first, done.first + done.frames, done.received[: done.frames])
        if waiting:
            self._finish(waiting)
            take(waiting.first, waiting.first + waiting.frames, waiting.received[: waiting.frames])

    def _start(self, slot: _Slot) -> None:
        self._set_packet(slot.frames)
        self._began = self._runtime.seconds()
        try:
            self._receiver.transfer(slot.receive, nbytes=slot.frames * self._received_bytes)
            self._sender.transfer(slot.send, nbytes=slot.frames * self._sent_bytes)
        except RuntimeError as error:  # as pynq says that a channel does not run
            self._check_channel("receive", self._status(_RECEIVE))
            self._check_channel("send", self._status(0))
            raise TransferError(
                f"the transfer could not begin: {error}; {self._state()}",
                fix=_USABLE,
            ) from error

    def _finish(self, slot: _Slot) -> None:
        """Waits for a packet's scores, and sees whether they may be used."""
        runtime, receiver = self._runtime, self._receiver
        while not (status := self._status(_RECEIVE)) & _IDLE:
            self._check_channel("send", self._status(0))
            self._check_channel("receive", status)
            self._wait_on(slot.frames)
        receiver.wait()
        self._check_channel("send", self._status(0))
        self.seconds += runtime.seconds() - self._began
        self.count += 1
        wanted = slot.frames * self._received_bytes
        if receiver.transferred != wanted:
            raise TransferError(
                f"{receiver.transferred} bytes of scores came, not {wanted}: {self._state()}",
                fix=_USABLE,
            )
        if flags := self._registers.errors():
            raise TransferError(
                f"the accelerator reports {' and '.join(map(_FLAGS.__getitem__, flags))}: "
                f"{self._state()}",
                fix=f"the scores were dropped; {_USABLE}",
            )

    def _wait_on(self, frames: int) -> None:
        """Lets time pass while a packet is under way, but not more than it may take."""
        runtime = self._runtime
        waited = runtime.seconds() - self._began
        # Nothing has less than the grace: only what outlasts it is worth asking for the clock.
        if waited > runtime.grace and waited > self._allowed(frames):
            raise TransferError(
                f"after {waited:.3g} s the scores of {frames} frames have not come: "
                f"{self._state()}",
                fix=f"{_USABLE}; where it comes again, try a slower clock",
            )
        if waited > _PAUSES * runtime.pause > 0:
            sleep(runtime.pause)

    def _status(self, channel: int) -> int:
        """Status of the channel whose registers begin at an offset, all of it in one access."""
        return int(self._dma.read(channel + _STATUS))

    def _check_channel(self, name: str, status: int) -> None:
        if not status & _STOPPED:
            return
        found = [text for bit, text in _ERRORS.items() if status >> bit & 1] or ["halted"]
        raise TransferError(
            f"the DMA's {name} channel stopped: {', '.join(found)}; {self._state()}",
            fix=_USABLE,
        )

    def _allowed(self, frames: int) -> float:
        cycles = self._manifest.cycles_per_frame * frames + self._manifest.latency_cycles
        if not cycles:
            return _UNKNOWN_SECONDS * frames
        return _MARGIN * cycles / (self._runtime.get_clock() * 1e6) + self._runtime.grace

    def _state(self) -> str:
        send, receive = self._status(0), self._status(_RECEIVE)
        return f"DMA status {send:#x} (send) {receive:#x} (receive), {self._registers.state()}"

    def _set_packet(self, frames: int) -> None:
        if frames != self._packet:
            self._registers["packet_frames"] = frames
        self._packet = frames

    def recover(self) -> None:
        """Brings DMA and accelerator to where the next frame is exact, whatever happened before."""
        self._dma.write(_CONTROL, _DMA_RESET)
        for _ in range(_RESET_POLLS):
            if not int(self._dma.read(_CONTROL)) & _DMA_RESET:
                break
        self._registers.reset()
        self._registers.acknowledge()
        self._packet = 0
        self._receiver.start()
        self._sender.start()
        self._stale = False

    def _prepare(self, frames: int) -> int:
        """Frames of a transfer; makes buffers where there are none that large.

        As few transfers as possible: all frames in one, or equal parts, of which two are in flight.
        """
        step = min(frames, self._limit)
        while True:
            transfers = -(-frames // step)
            step = -(-frames // transfers)
            if step <= self._capacity and min(2, transfers) <= len(self._slots):
                return step
            self.free()
            try:
                for _ in range(min(2, transfers)):
                    self._slots.append(self._slot(step))
                self._capacity = step
                return step
            except MemoryShortError:
                self.free()
                if step == 1:
                    raise
                step = self._limit = -(-step // 2)

    def _slot(self, frames: int) -> _Slot:
        what = "one frame" if frames == 1 else f"{frames:,} frames"
        send = contiguous(self._runtime, frames * self._sent_bytes, what)
        try:
            receive = contiguous(self._runtime, frames * self._received_bytes, what)
            receive.flush()  # no line of a cache may be written back over scores later
            sent, received = (np.asarray(buffer).reshape(frames, -1) for buffer in (send, receive))
            return _Slot(send, receive, sent, received)
        except BaseException:
            send.freebuffer()
            raise

    def free(self) -> None:
        """Gives the buffers back."""
        for slot in self._slots:
            slot.send.freebuffer()
            slot.receive.freebuffer()
        self._slots, self._capacity = [], 0


_FLAGS = {
    "short_packet": "a packet that ended early",
    "long_packet": "a packet that was too long",
    "memory": "a failed read of weights",
}
