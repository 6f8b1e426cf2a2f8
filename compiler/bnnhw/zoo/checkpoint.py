"""Loading of checkpoints: the zoo's own, and those of the authors' released code."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import torch

from bnnhw.errors import BnnhwError
from bnnhw.zoo.birealnet import checkpoint_parameters
from bnnhw.zoo.blocks import ImageNetwork
from bnnhw.zoo.rounding import add_rounding, has_rounding

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


def load_checkpoint(model: nn.Module, path: Path) -> None:
    """Loads the parameters in ``path`` into ``model``; all must be there, and fit.

    A state that was saved with rounding gives the model rounding.

    Raises:
        BnnhwError: the file is no checkpoint, or one of another network.
    """
    where = f"checkpoint '{path}'"
    if not path.is_file():
        raise BnnhwError("there is no such file", where=where, fix="check the path")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        parameters = checkpoint_parameters(content)
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError) as error:
        raise BnnhwError(
            f"holds no parameters that can be read: {str(error).strip().splitlines()[0]}",
            where=where,
            fix="give a file that torch.save wrote: a state_dict, or a mapping that holds one as "
            "'state_dict' or 'model'; tensors only",
        ) from error
    for name in model.no_parameters if isinstance(model, ImageNetwork) else ():
        parameters.pop(name, None)
    if has_rounding(parameters):
        add_rounding(model)
    try:
        model.load_state_dict(parameters)
    except RuntimeError as error:
        reasons = [line.strip() for line in str(error).splitlines()[1:]]
        raise BnnhwError(
            f"does not fit the network: {reasons[0] if reasons else error}",
            where=where,
            fix="name the network that the checkpoint was trained as",
        ) from error
