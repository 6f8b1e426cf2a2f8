"""One frame of a case through pynq's own Overlay; prints what was compared."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pynq

from bnnhw_host import Accelerator

folder = Path(sys.argv[1])
with Accelerator(folder / "build", device="sim", pynq=True) as accelerator:
    assert isinstance(accelerator._runtime.overlay, pynq.Overlay)
    scores = accelerator.run(np.load(folder / "images.npy")[:1])
    wrong = int((scores != np.load(folder / "scores.npy")[:1]).sum())
    cycles = round(accelerator.transfer_seconds * accelerator.clock_mhz * 1e6)
    print(f"{wrong} of {scores.size} scores differ; {cycles} cycles of transfers")
