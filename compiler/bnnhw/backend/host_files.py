"""What a build holds for those who drive its hardware: the manifest, weights, and a driver in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.backend.c_driver import emit_c_driver
from bnnhw.backend.manifest import emit_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.design import Design


def emit_host(
    design: Design,
    class_names: Sequence[str] = (),
    predicted: Mapping[str, int] | None = None,
    forecasts: Mapping[str, Mapping[str, int | None]] | None = None,
) -> dict[str, str | bytes]:
    """The files of ``emit_manifest`` and of ``emit_c_driver``.

    Args:
        design: the hardware.
        class_names: names of the classes, in the order of the scores; none where they are unknown.
        predicted: cycles per frame and of latency, as the token model has them.
        forecasts: by stream, what the token model says of its counters.
    """
    return {
        **emit_manifest(design, class_names, predicted, forecasts),
        **emit_c_driver(design, class_names, predicted),
    }
