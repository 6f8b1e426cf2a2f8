"""Training of the zoo's networks: Adam on latent weights, learning rate linear to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.zoo.layers import clip_latent_weights
from bnnhw.zoo.rounding import add_rounding, has_rounding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


_RANGE_IMAGES = 512
"""Training images from which the ranges of fixed-point numbers follow."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training images.
        batch: images a step.
        learning_rate: Adam's peak rate; it falls linearly to zero after a linear warm-up.
        warmup_epochs: length of the warm-up.
        restarts: further schedules after the first, each its epochs and the share of the peak rate
            from which it falls linearly to zero.
        rounded_epochs: the last epochs, in which streams and real weights are fixed-point numbers
            (Bi-Real Nets only; see ``rounding``).
        shift: largest random translation in pixels (reflected borders); 0 for none.
        flip: whether images are mirrored at random.
        seed: seed of the initial weights and of the order of the images.
        bfloat16: whether convolutions run in bfloat16 while training.
        compiled: whether training steps go through ``torch.compile`` (needs a C++ compiler).
    """

    epochs: int
    batch: int
    learning_rate: float
    warmup_epochs: float = 1.0
    restarts: tuple[tuple[int, float], ...] = ()
    rounded_epochs: int = 0
    shift: int = 0
    flip: bool = False
    seed: int = 1
    bfloat16: bool = False
    compiled: bool = False

    @property
    def all_epochs(self) -> int:
        """Epochs of all schedules."""
        return self.epochs + sum(epochs for epochs, _ in self.restarts)

    def rate(self, step: int, steps: int) -> float:
        """Share of the peak rate at ``step``, where an epoch has ``steps``."""
        total, warmup = steps * self.epochs, max(1, round(steps * self.warmup_epochs))
        if step < total:
            return min((step + 1) / warmup, (total - step) / max(1, total - warmup))
        for epochs, share in self.restarts:
            step, total = step - total, steps * epochs
            if step < total:
                return share * (total - step) / total
        return 0.0


RECIPES = {
    "birealnet18-cifar10": Recipe(
        epochs=16,
        batch=128,
        learning_rate=2e-3,
        restarts=((6, 0.5), (8, 0.25)),
        rounded_epochs=8,
        shift=2,
        flip=True,
        bfloat16=True,
        compiled=True,
    ),
    "birealnet8-digits": Recipe(epochs=150, batch=64, learning_rate=5e-3, shift=1),
    "cnv": Recipe(
        epochs=32, batch=128, learning_rate=2e-3, shift=2, flip=True, bfloat16=True, compiled=True
    ),
    "digits": Recipe(epochs=150, batch=64, learning_rate=5e-3, shift=1),
    "lfc": Recipe(epochs=30, batch=100, learning_rate=3e-3),
    "sfc": Recipe(epochs=30, batch=100, learning_rate=3e-3),
    "tfc": Recipe(epochs=30, batch=100, learning_rate=3e-3),
}


def augment(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Random translation and mirroring of images [N, H, W, C], uint8."""
    count, height, width, _ = images.shape
    if recipe.shift:
        reach = recipe.shift
        padded = F.pad(
            images.permute(0, 3, 1, 2).float(), (reach, reach, reach, reach), mode="reflect"
        ).to(torch.uint8)
        tops = torch.randint(0, 2 * reach + 1, (count,), generator=generator)
        lefts = torch.randint(0, 2 * reach + 1, (count,), generator=generator)
        rows = tops[:, None] + torch.arange(height)
        columns = lefts[:, None] + torch.arange(width)
        index = torch.arange(count)[:, None, None]
        images = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    if recipe.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(2), images)
    return images


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Top-1 accuracy in [0, 1], in evaluation mode and float32."""
    model.eval()
    with torch.no_grad():
        hits = [
            (model(x).argmax(1) == y).sum()
            for x, y in zip(images.split(250), labels.split(250), strict=True)
        ]
    return float(torch.stack(hits).sum()) / len(labels)


def train(
    model: nn.Module,
    recipe: Recipe,
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
    *,
    checkpoint: Path | None = None,
    log: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int, int], None] = lambda epoch, step, steps: None,
) -> float:
    """Trains ``model`` in place and returns its test accuracy in [0, 1].

    Args:
        model: takes uint8 images [N, H, W, C].
        recipe: the schedule.
        train_set: images and labels.
        test_set: images and labels; looked at only to report.
        checkpoint: where to save after each epoch; an existing file is resumed.
        log: receives one line per epoch.
        progress: told, after each step, the epochs that are done, the step in the one at work, and
            the steps of an epoch.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    images, labels = (torch.from_numpy(np.asarray(a)) for a in train_set)
    test_images, test_labels = (torch.from_numpy(np.asarray(a)) for a in test_set)
    labels, test_labels = labels.long(), test_labels.long()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,unused-ignore]
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    steps = len(images) // recipe.batch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: recipe.rate(step, steps))
    first = 0
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint)
        if has_rounding(state["model"]):
            add_rounding(model)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        generator.set_state(state["generator"])
        first = state["epoch"]
    step_model = torch.compile(model) if recipe.compiled else model
    score = 0.0
    for epoch in range(first, recipe.all_epochs):
        rounds = epoch >= recipe.all_epochs - recipe.rounded_epochs
        if rounds and not has_rounding(model.state_dict()):
            add_rounding(model, images[:_RANGE_IMAGES])
        model.train()
        order = torch.randperm(len(images), generator=generator)[: steps * recipe.batch]
        sum_loss = 0.0
        for step, batch in enumerate(order.split(recipe.batch), 1):
            x = augment(images[batch], recipe, generator)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16):
                scores = step_model(x)
            loss = F.cross_entropy(scores.float(), labels[batch])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            clip_latent_weights(model)
            sum_loss += float(loss.detach())
            progress(epoch, step, steps)
        score = accuracy(model, test_images, test_labels)
        log(f"epoch {epoch + 1}/{recipe.all_epochs}  loss {sum_loss / steps:.3f}  test {score:.2%}")
        if checkpoint is not None:
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "epoch": epoch + 1,
                },
                checkpoint,
            )
    return score
