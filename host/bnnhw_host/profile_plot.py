"""A profile as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw_host.errors import HostError

if TYPE_CHECKING:
    from bnnhw_host.measure import Profile, StreamCounters

_COLOURS = {"stall": "#d55e00", "starved": "#0072b2", "high_water": "#009e73"}  # told apart by all
_INCHES_PER_STREAM = 0.22


def plot_streams(profile: Profile) -> Any:
    """Charts: cycles in which each stream waited, and what FIFOs held; dots are predictions.

    Raises:
        HostError: the build has no instruments, or matplotlib is not installed.
    """
    if not profile.streams:
        raise HostError(
            "the build has no instruments",
            fix="compile it with --instrument and load that bitstream",
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise HostError("pictures need matplotlib", fix="pip install matplotlib") from error
    streams = profile.streams[::-1]  # the input on top
    places = list(range(len(streams)))
    queues = [(place, stream) for place, stream in enumerate(streams) if stream.depth]
    figure = Figure(figsize=(9, 1.8 + _INCHES_PER_STREAM * len(streams)), layout="constrained")
    widths = (3, 2) if queues else (1,)
    axes = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    waits = axes[0]
    for shift, name, what in (
        (0.2, "stall", "a beat waited for its reader"),
        (-0.2, "starved", "the reader waited for a beat"),
    ):
        measured = [getattr(stream, name) for stream in streams]
        waits.barh(
            [place + shift for place in places], measured, 0.38, color=_COLOURS[name], label=what
        )
        _dots(waits, [(getattr(s, f"predicted_{name}"), p + shift) for p, s in enumerate(streams)])
    waits.set_yticks(places, [stream.stream for stream in streams], fontsize=7)
    waits.set_xlabel("cycles per frame")
    waits.set_ylim(-0.7, len(streams) - 0.3)
    if queues:
        _draw_queues(axes[1], queues)
    figure.suptitle(f"{profile.frames:,} frames: bars counted, dots predicted", fontsize=9)
    figure.legend(loc="outside lower center", ncols=4, fontsize=7)
    return figure


def _draw_queues(axes: Any, queues: list[tuple[int, StreamCounters]]) -> None:
    at = [place for place, _ in queues]
    axes.barh(at, [stream.depth for _, stream in queues], 0.7, color="#e5e5e5", label="FIFO depth")
    held = [stream.high_water or 0 for _, stream in queues]
    axes.barh(at, held, 0.4, color=_COLOURS["high_water"], label="most beats held")
    _dots(axes, [(stream.predicted_high_water, place) for place, stream in queues])
    axes.set_xlabel("beats in the FIFO")


def _dots(axes: Any, points: list[tuple[float | None, float]]) -> None:
    known = [(value, place) for value, place in points if value is not None]
    if known:
        axes.plot(*zip(*known, strict=True), "o", color="black", markersize=3)
