"""Golden model of bnn_window: what it gives, and in which cycle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class WindowShape:
    """An image and its windows; ``pads`` are top, bottom, left, right."""

    channels: int
    height: int
    width: int
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def out_h(self) -> int:
        return (self.height + self.pads[0] + self.pads[1] - self.kernel[0]) // self.stride[0] + 1

    @property
    def out_w(self) -> int:
        return (self.width + self.pads[2] + self.pads[3] - self.kernel[1]) // self.stride[1] + 1

    @property
    def pixels(self) -> int:
        return self.height * self.width

    def parameters(self) -> dict[str, int]:
        names = ["CHANNELS", "HEIGHT", "WIDTH", "KERNEL_H", "KERNEL_W", "STRIDE_H", "STRIDE_W"]
        names += ["PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT"]
        values = (
            self.channels, self.height, self.width, *self.kernel, *self.stride, *self.pads,
        )  # fmt: skip
        return dict(zip(names, values, strict=True))

    @property
    def pointwise(self) -> bool:
        """Whether windows are pixels, and every one inside the image."""
        return self.kernel == (1, 1) and not any(self.pads)

    def padded(self, frame: np.ndarray, value: int) -> np.ndarray:
        top, bottom, left, right = self.pads
        pads = ((top, bottom), (left, right), (0, 0))
        return np.pad(frame, pads, constant_values=value)

    def windows(self, frames: np.ndarray, pad_value: int) -> np.ndarray:
        """Returns (frame, y, x, ky, kx, channel) of frames (frame, row, column, channel)."""
        result = np.empty(
            (len(frames), self.out_h, self.out_w, *self.kernel, frames.shape[3]), frames.dtype
        )
        for n, frame in enumerate(frames):
            image = self.padded(frame, pad_value)
            for y in range(self.out_h):
                for x in range(self.out_w):
                    rows = slice(y * self.stride[0], y * self.stride[0] + self.kernel[0])
                    columns = slice(x * self.stride[1], x * self.stride[1] + self.kernel[1])
                    result[n, y, x] = image[rows, columns]
        return result


@dataclass(frozen=True)
class WindowTiming:
    """Timing of bnn_window with both sides always willing, cycle by cycle."""

    shape: WindowShape
    folds: int
    repeats: int
    channel_outer: bool
    depth: int
    groups: int = 1

    @cached_property
    def minimal_depth(self) -> int:
        s = self.shape
        if s.pointwise and self.repeats == 1:
            return 2
        window = (s.kernel[0] - 1) * s.width + s.kernel[1]
        return max(2, max(window, s.pads[0] * s.width + s.pads[2] + 1) * self.folds)

    @cached_property
    def reads(self) -> list[tuple[int, int]]:
        """For each output beat of a frame: the input beat it needs (-1: none, padding), and the
        first input beat that is kept after it is read, both from the beginning of the frame."""
        s, folds = self.shape, self.folds
        row, each = s.width * folds, folds // self.groups
        taps = [(ky, kx) for ky in range(s.kernel[0]) for kx in range(s.kernel[1])]
        if self.channel_outer:
            order = [(ky, kx, f) for f in range(folds) for ky, kx in taps]
        else:
            order = [(ky, kx, f) for ky, kx in taps for f in range(folds)]
        starts = [
            (
                (y * s.stride[0] - s.pads[0]) * row
                + ((0 if self._below(y) else x) * s.stride[1] - s.pads[2]) * folds,
                y,
                x,
            )
            for y in range(s.out_h)
            for x in range(s.out_w)
        ]
        first = starts[0][0] + s.height * row
        result = []
        for i, (start, y, x) in enumerate(starts):
            following = starts[i + 1][0] if i + 1 < len(starts) else first
            visits = [
                (group, repeat, tap)
                for group in range(self.groups)
                for repeat in range(self.repeats)
                for tap in order
                if tap[2] // each == group
            ]
            for n, (group, repeat, (ky, kx, f)) in enumerate(visits, 1):
                iy, ix = y * s.stride[0] - s.pads[0] + ky, x * s.stride[1] - s.pads[2] + kx
                inside = 0 <= iy < s.height and 0 <= ix < s.width
                need = iy * row + ix * folds + f if inside else -1
                keep = start
                if n == len(visits):
                    keep = following
                elif s.pointwise:
                    keep += f + 1 if repeat == self.repeats - 1 else group * each
                result.append((need, keep))
        return result

    def _below(self, y: int) -> bool:
        """Whether a row of windows lies below the image, and keeps what its first one does."""
        return y * self.shape.stride[0] - self.shape.pads[0] >= self.shape.height

    def cycles(self, frames: int) -> tuple[list[int], list[int]]:
        """Returns the cycles in which each input beat and each output beat moves."""
        size = self.shape.pixels * self.folds
        reads = [
            (need + n * size if need >= 0 else -1, keep + n * size)
            for n in range(frames)
            for need, keep in self.reads
        ]
        keep = self.first_keep
        taken: list[int] = []
        given: list[int] = []
        cycle = 0
        while len(given) < len(reads) or len(taken) < frames * size:
            before = len(taken)
            if before < frames * size and before - keep < self.depth:
                taken.append(cycle)
            if len(given) < len(reads) and reads[len(given)][0] < before:
                keep = reads[len(given)][1]
                given.append(cycle + 1)
            cycle += 1
            assert cycle < 1_000_000, "the model does not end"
        return taken, given

    @cached_property
    def no_stall_depth(self) -> int:
        """Least depth with which reading never waits, where a frame has at least as many output
        as input beats: for each read that frees beats, from `keep` on, the writer then begins to
        refill, and each later tap must have come when its turn comes."""
        size = self.shape.pixels * self.folds
        count = len(self.reads)
        never = -4 * (size + count)
        late = [need - i if need >= 0 else never for i, (need, _) in enumerate(self.reads)]
        late += [x if x == never else x + size - count for x in late]
        for i in reversed(range(2 * count - 1)):
            late[i] = max(late[i], late[i + 1])
        depth = self.minimal_depth
        # With much padding `keep` also moves back; room once given is then not given again.
        keep = max([self.first_keep, *(after - size for _, after in self.reads)])
        for i, (_, after) in enumerate(self.reads):
            if after > keep:
                depth = max(depth, late[i + 1] + i + 2 - keep)
                keep = after
        return depth

    @property
    def first_keep(self) -> int:
        """What is kept before the first read: windows begin in the padding."""
        return -(self.shape.pads[0] * self.shape.width + self.shape.pads[2]) * self.folds

    def stalls(self) -> int:
        """Cycles lost between the third and the fourth frame, against a beat per cycle."""
        taken, given = self.cycles(4)
        n = len(self.reads)
        return (given[4 * n - 1] - given[3 * n - 1]) - max(n, len(taken) // 4)


@dataclass(frozen=True)
class ParallelTiming:
    """Timing of bnn_window_parallel with both sides always willing.

    ``beats`` go out for a window; ``lines`` are the line memories.
    """

    shape: WindowShape
    beats: int
    lines: int

    @property
    def no_stall_lines(self) -> int:
        """Line memories with which a frame takes `bound` cycles where the output sets the pace."""
        s = self.shape
        jump = s.height - (s.out_h - 1) * s.stride[0]
        if s.out_h > 1:
            jump = max(jump, s.stride[0])
        return s.kernel[0] + max(0, jump - 2)

    @property
    def bound(self) -> int:
        """Cycles per frame where the lines suffice: the input, or the windows of each pass, of
        which the first comes only after the columns between two passes have been shifted in."""
        s = self.shape
        between = self.columns - (s.out_w - 1) * s.stride[1]
        pace = (s.out_w - 1) * max(s.stride[1], self.beats) + max(between, self.beats)
        return max(s.pixels, s.out_h * pace)

    @property
    def used(self) -> int:
        """Columns of the image that a pass reads."""
        return min(self._last + 1, self.shape.width)

    @property
    def columns(self) -> int:
        """Columns that a pass over the image shifts in, padding included."""
        return max(self._last + 1, self.used + self.shape.pads[2])

    @property
    def _last(self) -> int:
        s = self.shape
        return s.kernel[1] - 1 - s.pads[2] + (s.out_w - 1) * s.stride[1]

    @cached_property
    def steps(self) -> list[tuple[int, int, bool]]:
        """For each column of a frame: the pixel it needs (-1: none), the first pixel that is kept
        after it is read, and whether it completes a window."""
        s = self.shape
        result = []
        for y in range(s.out_h):
            top = y * s.stride[0] - s.pads[0]
            bottom = min(top + s.kernel[0] - 1, s.height - 1)
            after = top + s.stride[0] if y + 1 < s.out_h else s.height - s.pads[0]
            for x in range(self.columns):
                past = x - (s.kernel[1] - 1 - s.pads[2])
                emit = past >= 0 and past % s.stride[1] == 0 and past // s.stride[1] < s.out_w
                keep = top * s.width + min(x + 1, self.used)
                if x == self.columns - 1:
                    keep = after * s.width
                result.append((bottom * s.width + x if x < self.used else -1, keep, emit))
        return result

    def cycles(self, frames: int) -> tuple[list[int], list[int]]:
        """Returns the cycles in which each input beat and each output beat moves."""
        s = self.shape
        steps = [
            (need + n * s.pixels if need >= 0 else -1, keep + n * s.pixels, emit)
            for n in range(frames)
            for need, keep, emit in self.steps
        ]
        depth = self.lines * s.width
        keep = -s.pads[0] * s.width
        taken: list[int] = []
        given: list[int] = []
        done = 0
        column = window = False  # a column read; a window complete in the shift registers
        column_emit = False
        left = 0  # beats of the held window that have not gone out
        direct = self.beats == 1
        inputs, outputs = frames * s.pixels, frames * s.out_h * s.out_w * self.beats
        cycle = 0
        while len(given) < outputs or len(taken) < inputs:
            before = len(taken)
            if before < inputs and before - keep < depth:
                taken.append(cycle)
            if direct:
                take = True
                if window:
                    given.append(cycle)
            else:
                take = left <= 1
                if left:
                    given.append(cycle)
                    left -= 1
                if take and window:
                    left = self.beats
            shift = not window or take
            load = not column or shift
            if shift:
                window = column and column_emit
            if load:
                column = done < len(steps) and steps[done][0] < before
                if column:
                    keep, column_emit = steps[done][1:]
                    done += 1
            cycle += 1
            assert cycle < 1_000_000, "the model does not end"
        return taken, given
