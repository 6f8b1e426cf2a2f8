"""The accelerator's register block, by the manifest's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw_host.errors import BitstreamError, TransferError

if TYPE_CHECKING:
    from bnnhw_host.manifest import Manifest

_COUNTERS = ("frames_in", "frames_out", "frame_cycles", "input_stalls", "output_stalls")
_RESET_POLLS = 100_000


def check_core(overlay: Any, manifest: Manifest) -> None:
    """Looks at what the handoff file calls the accelerator, before it is touched.

    Raises:
        BitstreamError: the overlay has no such core, or the one of the HLS C++.
    """
    cores = getattr(overlay, "ip_dict", None)
    if cores is None:
        return
    name = manifest.overlay.accelerator
    for wanted in (name, manifest.overlay.dma):
        if wanted not in cores:
            raise BitstreamError(
                f"the overlay has no core '{wanted}', it has {', '.join(sorted(cores))}",
                fix="load the .bit and .hwh that the scripts in vivado/ make",
            )
    if str(cores[name].get("type", "")).split(":")[1:2] == ["hls"]:
        raise BitstreamError(
            "the bitstream holds the core of the HLS C++, whose registers are Vitis's own",
            fix="make the one of the Verilog: vivado -mode batch -source build.tcl",
        )


class Registers:
    """Reads and writes registers by name.

    Args:
        core: the accelerator's core, with ``read(offset)`` and ``write(offset, value)``.
        manifest: of the build.
    """

    def __init__(self, core: Any, manifest: Manifest) -> None:
        self._core, self._manifest = core, manifest
        self._control = 0
        self._weights = 0

    def __getitem__(self, name: str) -> int:
        return int(self._core.read(self._manifest.registers[name])) & 0xFFFF_FFFF

    def __setitem__(self, name: str, value: int) -> None:
        self._core.write(self._manifest.registers[name], int(value))

    def check(self) -> None:
        """Compares identity and build hash with the manifest's: nothing is written before.

        Raises:
            BitstreamError: the fabric holds something else.
        """
        manifest = self._manifest
        if self["identity"] != manifest.identity:
            raise BitstreamError(
                f"there is no accelerator of bnnhw at {manifest.overlay.accelerator_address:#x}: "
                f"its first register reads {self['identity']:#010x}",
                fix="load the .bit that belongs to this manifest",
            )
        found = self["build_hash_high"] << 32 | self["build_hash_low"]
        if found != manifest.build_hash:
            raise BitstreamError(
                f"the bitstream is of build {found:016x}, "
                f"the manifest of {manifest.build_hash:016x}",
                fix="copy .bit, .hwh and manifest.json of one build together",
            )

    def load_weights(self, address: int) -> None:
        """Tells the design where its weights lie, and lets it read them."""
        self._weights = address
        self["weights_base_low"] = address & 0xFFFF_FFFF
        self["weights_base_high"] = address >> 32
        self._control |= 1 << self._manifest.control_bits["weights_enable"]
        self["control"] = self._control

    def forget_weights(self) -> None:
        """Lets the design read no more weights, so that their memory can be given back."""
        self._control &= ~(1 << self._manifest.control_bits["weights_enable"])
        self._weights = 0
        self.reset()

    def clear(self) -> None:
        """Sets counters and error flags to 0."""
        self["control"] = self._control | 1 << self._manifest.control_bits["clear"]

    def reset(self) -> None:
        """Empties the data path: what was under way is lost.

        Where the weights lie is told again: a reset of the whole fabric forgets it.

        Raises:
            TransferError: it does not end.
        """
        bit = 1 << self._manifest.control_bits["reset"]
        if self._weights:
            self.load_weights(self._weights)
        self["control"] = self._control | bit
        for _ in range(_RESET_POLLS):
            if not self["control"] & bit:
                return
        raise TransferError(
            f"the reset does not end: {self.state()}", fix="load the bitstream again"
        )

    @property
    def cycles(self) -> int:
        """Cycles since the last clear or reset."""
        low = self["cycles_low"]  # keeps the high word for the next read
        return self["cycles_high"] << 32 | low

    def errors(self) -> list[str]:
        """Names of the flags that are set."""
        flags = self["errors"]
        if not flags:
            return []
        return [name for name, bit in self._manifest.error_bits.items() if flags >> bit & 1]

    def acknowledge(self) -> None:
        """Clears the flags that are set."""
        self["errors"] = self["errors"]

    def counters(self) -> dict[str, int]:
        """The counters by name."""
        return {name: self[name] for name in _COUNTERS} | {"cycles": self.cycles}

    def state(self) -> str:
        """Registers that tell where a design stands, for messages."""
        names = ("control", "errors", "packet_frames", *_COUNTERS)
        return ", ".join(f"{name} {self[name]}" for name in names)

    def instruments(self) -> list[dict[str, int]]:
        """Counters of each instrumented stream, by name; all are of the same cycle."""
        manifest = self._manifest
        if not manifest.instruments:
            return []
        self["control"] = self._control | 1 << manifest.control_bits["hold"]
        try:
            cycles = self._word(manifest.instrument_cycles)
            return [
                {"cycles": cycles}
                | {name: self._word(index) for name, index in entry["words"].items()}
                for entry in manifest.instruments
            ]
        finally:
            self["control"] = self._control

    def _word(self, index: int) -> int:
        self["instrument_index"] = index
        return self["instrument_value"]
