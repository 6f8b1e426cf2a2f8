"""The stages of a network: each becomes one group of hardware units."""

from bnnhw.hardware.stages.layer import Layer
from bnnhw.hardware.stages.stage import PlainStage

Stage = Layer | PlainStage

__all__ = ["Layer", "PlainStage", "Stage"]
