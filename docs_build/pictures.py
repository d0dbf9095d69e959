"""Pictures of shifts: some images before, and after."""

from functools import cache
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.shifts.family import Context, Shift

SIDE, GAP = 112, 8  # pixels; a digit of 28 is shown four times as large
DIGITS = (0, 1)  # places in MNIST's test set: a seven and a two


@cache
def originals() -> tuple[ImageSet, ...]:
    """Two digits, and a photograph of 112 × 112 (NASA's picture of Eileen Collins, in the public domain)."""
    test = load_dataset("mnist").test
    assert test.labels is not None
    face = astronaut()[:224, 112:336].reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)) / 255
    photo = ImageSet(face.transpose(2, 0, 1)[None].astype(np.float32), np.zeros(1, np.int64))
    return (*(ImageSet(test.images[[i]], test.labels[[i]]) for i in DIGITS), photo)


def picture(shift: Shift, name: str) -> bytes | None:
    """A PNG of the images before (above) and after (below); None where no image changes.

    Images that the shift can't be applied to, as grey ones by a change of colours, are left out.
    """
    columns = [
        (before.images[0], after) for before in originals() if (after := shifted(shift, before, name)) is not None
    ]
    if not any(after.shape != before.shape or np.abs(after - before).max() > 0 for before, after in columns):
        return None
    sheet = Image.new("RGB", (len(columns) * (SIDE + GAP) - GAP, 2 * SIDE + GAP), "white")
    for column, pair in enumerate(columns):
        for row, image in enumerate(pair):
            sheet.paste(_tile(image, pair[0].shape[1]), (column * (SIDE + GAP), row * (SIDE + GAP)))
    stream = BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def shifted(shift: Shift, before: ImageSet, name: str) -> np.ndarray | None:
    """An image (c, h, w) after the shift; None where it can't be applied."""
    rng = np.random.default_rng(seed_for("catalogue", name))
    assert before.labels is not None
    try:
        after = shift.realize(before.shape, rng).apply(before.images, rng, Context(before.labels, _class_means()))
    except (BadInput, RuntimeError, ValueError):
        return None
    return after[0] if len(after) else None


@cache
def _class_means() -> nn.Module:
    """A model to aim at: the nearest of the ten mean digits, which is linear."""
    train = load_dataset("mnist").train
    assert train.labels is not None
    means = np.stack([train.images[train.labels == digit].mean(0).ravel() for digit in range(10)])
    linear = nn.Linear(means.shape[1], 10)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(means))
        linear.bias.copy_(torch.from_numpy(-(means**2).sum(1) / 2))
    return nn.Sequential(nn.Flatten(), linear).requires_grad_(False)


def _tile(image: np.ndarray, side: int) -> Image.Image:
    """An image as large as its original is shown; of another size, as much smaller or larger."""
    values = np.rint(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    shown = Image.fromarray(values[0] if len(values) == 1 else values[:3].transpose(1, 2, 0)).convert("RGB")
    scale = SIDE / side
    height, width = image.shape[1:]
    tile = Image.new("RGB", (SIDE, SIDE), "white")
    tile.paste(shown.resize((round(scale * width), round(scale * height)), Image.Resampling.NEAREST))
    return tile
