"""The processor's clock registers, as far as PYNQ's ``Clocks`` reads and writes them."""

from __future__ import annotations

# Zynq-7000 (AMD UG585, appendix B.28): IO_PLL_CTRL and the others hold the PLL's multiplier in bits
# 18:12 of 50 MHz; FPGAn_CLK_CTRL the source in bits 5:4 and two divisors in bits 13:8 and 25:20.
_SLCR = 0xF800_0000
_SLCR_START = {
    0x100: 26 << 12,  # ARM PLL, 1,300 MHz
    0x104: 21 << 12,  # DDR PLL, 1,050 MHz
    0x108: 20 << 12,  # IO PLL, 1,000 MHz
    0x120: 2 << 8,
    **{0x170 + 0x10 * i: 20 << 8 | 1 << 20 for i in range(4)},  # 50 MHz, as U-Boot leaves them
}
# Zynq UltraScale+ (AMD UG1087): PLLs of 33.333 MHz times bits 14:8, half of it with bit 16;
# PLn_REF_CTRL the source in bits 2:0, divisors in 13:8 and 21:16, enabled by bit 24.
_CRL, _CRF = 0xFF5E_0000, 0xFD1A_0000
_CRL_START = {
    0x20: 90 << 8 | 1 << 16,  # IO PLL, 1,500 MHz
    0x30: 90 << 8 | 1 << 16,
    **{0xC0 + 4 * i: 15 << 8 | 1 << 16 | 1 << 24 for i in range(4)},  # 100 MHz
}
_CRF_START = {0x20: 72 << 8, 0x2C: 64 << 8 | 1 << 16, 0x38: 90 << 8, 0x60: 1 << 8}
_ULTRASCALE_MHZ = 33.333
_ZYNQ_MHZ = 50.0


class ClockRegisters:
    """Registers of the processor by address; what nothing models reads as written, else 0.

    Args:
        processor: "zynq-7000" or "zynq-ultrascale".
    """

    def __init__(self, processor: str) -> None:
        self._zynq = processor == "zynq-7000"
        blocks = {_SLCR: _SLCR_START} if self._zynq else {_CRL: _CRL_START, _CRF: _CRF_START}
        self._words = {base + at: v for base, block in blocks.items() for at, v in block.items()}

    def read(self, address: int) -> int:
        """The word at an address."""
        return self._words.get(address, 0)

    def write(self, address: int, value: int) -> None:
        """Writes the word at an address."""
        self._words[address] = value & 0xFFFF_FFFF

    @property
    def fabric_mhz(self) -> float:
        """Frequency of the fabric's clock 0."""
        if self._zynq:
            word = self._words[_SLCR + 0x170]
            pll = (0x108, 0x108, 0x100, 0x104)[word >> 4 & 3]
            source = _ZYNQ_MHZ * (self._words[_SLCR + pll] >> 12 & 0x7F)
            return source / max(1, word >> 8 & 63) / max(1, word >> 20 & 63)
        word = self._words[_CRL + 0xC0]
        base, pll = ((_CRL, 0x20), (_CRL, 0x20), (_CRL, 0x30), (_CRF, 0x2C))[word & 3]
        control = self._words[base + pll]
        source = _ULTRASCALE_MHZ * (control >> 8 & 0x7F) / (2 if control >> 16 & 1 else 1)
        return source / max(1, word >> 8 & 63) / max(1, word >> 16 & 63)

    @fabric_mhz.setter
    def fabric_mhz(self, wanted: float) -> None:
        """Sets the nearest frequency that two divisors of the I/O PLL give."""
        if self._zynq:
            source = _ZYNQ_MHZ * (self._words[_SLCR + 0x108] >> 12 & 0x7F)
        else:
            control = self._words[_CRL + 0x20]
            source = _ULTRASCALE_MHZ * (control >> 8 & 0x7F) / (2 if control >> 16 & 1 else 1)
        products = {a * b: (a, b) for a in range(1, 64) for b in range(1, 64)}
        first, second = products[min(products, key=lambda p: abs(source / p - wanted))]
        if self._zynq:
            self._words[_SLCR + 0x170] = first << 8 | second << 20
        else:
            self._words[_CRL + 0xC0] = first << 8 | second << 16 | 1 << 24
