"""A router: a small network that infers the variant of an image."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import nn

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Context, Shift
from shiftassay.training.engine import split
from shiftassay.training.train import Trained, train

RECIPE = Recipe(
    "router", epochs=10, batch_size=64, optimizer="adamw", learning_rate=2e-3, weight_decay=0.01, schedule="one_cycle"
)
WIDTHS = [64]
IMAGES = 10_000


def train_router(
    shifts: Mapping[str, Shift],
    dataset: Dataset,
    target: nn.Module,
    *,
    held_out: int = 5000,
    images: int = IMAGES,
    seed: int = 0,
    store: Path | None = None,
) -> Trained:
    """Train a small network to tell the variants apart.

    It sees training images as each variant in turn. Attacks are made on `target`, which should be the model that the
    attacks to be recognised were made on. The `held_out` images of the models that are routed to are not used for
    training; the router's own test set is made of them.
    """
    data = split(dataset.train, held_out, dataset.classes)
    shown = _shown_as_each(ImageSet(data.images, data.labels, "mixture"), shifts, target, images, seed)
    judged = _shown_as_each(data.validation or dataset.test, shifts, target, images // 5, seed + 1)
    variants = Dataset(f"variants of {dataset.name}", shown, judged)
    [router] = train(
        "mlp", variants, recipe=RECIPE, seeds=(seed,), parameters={"widths": [*WIDTHS]}, store=store, device="cpu"
    )
    return router


def _shown_as_each(images: ImageSet, shifts: Mapping[str, Shift], target: nn.Module, most: int, seed: int) -> ImageSet:
    """So many images drawn at random, each as one variant; its label is the variant's place."""
    assert images.labels is not None
    chosen = epoch_order(seed_for(seed, "router"), len(images))[:most]
    ids = np.arange(len(chosen)) % len(shifts)
    shown = images.images[chosen]
    target.eval().requires_grad_(False)
    for number, (name, shift) in enumerate(shifts.items()):
        part = ImageSet(shown[ids == number], images.labels[chosen][ids == number], name)
        context = Context(images.labels[chosen][ids == number], target) if shift.needs_model else None
        shown[ids == number] = catalog.shift(part, shift, seed_for(seed, "router", name), context).images
    return ImageSet(shown, ids, images.name)
