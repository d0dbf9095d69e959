"""Accuracy of a model for several variants under attacks made on that very model."""

import numpy as np
from jaxtyping import Bool

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.one_for_all import OneForAll
from shiftassay.models.predict import aimed_at, predict
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalog import shift
from shiftassay.shifts.family import Context, Shift


def right_under_attack(
    variant: str, clean: ImageSet, *, model: OneForAll, attack: Shift, seed: int = 0
) -> Bool[np.ndarray, "n"]:
    """Which images the model, told the variant, gets right under every attack on it.

    There are two, from different starts: one along the model's gradient, and one that takes the gradient of what stands
    before the network for the identity's, so that no front looks strong because its gradient vanishes (Athalye et al.
    2018).
    """
    assert clean.labels is not None
    right = np.ones(len(clean), bool)
    for straight in (False, True):
        context = Context(clean.labels, aimed_at(model.on(variant, straight).requires_grad_(False)))
        attacked = shift(clean, attack, seed_for(seed, "fresh attack", str(straight)), context)
        right &= predict(attacked.images, model=model.on(variant)).argmax(1) == clean.labels
    return right
