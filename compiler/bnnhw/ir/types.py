"""Element types of tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Real:
    """Real numbers: what the front end starts from; no hardware exists for them."""

    def __str__(self) -> str:
        return "real"


@dataclass(frozen=True)
class Integer:
    """Integers of a declared width, two's complement where signed.

    Attributes:
        bits: width.
        signed: whether negative values exist.
        frac: binary point of a real-valued stream: an element means integer * 2^-frac. 0 where
            the integers have no scale of their own, as in accumulators.
        halves: an element means (integer + halves / 2) * 2^-frac. Numbers rounded down stand for
            the middle of their step (halves = 1), so that each has the sign of what it was rounded
            from; the halves of an addition's terms add up.
    """

    bits: int
    signed: bool
    frac: int = 0
    halves: int = 0

    @property
    def low(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest value."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def reach(self) -> int:
        """Largest magnitude."""
        return max(-self.low, self.high)

    @property
    def plain(self) -> Integer:
        """The type with halves = 0."""
        return replace(self, halves=0)

    @property
    def lift(self) -> Fraction:
        """What an element means beyond integer * 2^-frac, in its own steps."""
        return Fraction(self.halves, 2)

    @staticmethod
    def spanning(low: int, high: int) -> Integer:
        """The narrowest type that holds both ``low`` and ``high``."""
        signed = low < 0
        bits = max(high.bit_length(), (~low).bit_length() if signed else 0) + signed
        return Integer(max(bits, 1), signed)

    def __str__(self) -> str:
        point = f".{self.frac}" if self.frac else ""
        lift = f"+{self.lift}" if self.halves else ""
        return f"{'int' if self.signed else 'uint'}{self.bits}{point}{lift}"


@dataclass(frozen=True)
class Bit:
    """One bit: bipolar {-1, +1} or unipolar {0, 1}; bit 1 means +1 (or 1)."""

    bipolar: bool = True

    @property
    def low(self) -> int:
        """Value of bit 0."""
        return -1 if self.bipolar else 0

    @property
    def high(self) -> int:
        """Value of bit 1."""
        return 1

    @property
    def reach(self) -> int:
        """Largest magnitude."""
        return 1

    def __str__(self) -> str:
        return "bipolar" if self.bipolar else "unipolar"


DType = Real | Integer | Bit
