"""A fresh attack on a model, by AutoAttack's conventions.

An image is right only if no attack on it succeeds.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronted import Fronted
from shiftassay.models.predict import aimed_at, copied, labels_of, logits_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Context, Shift

RESTARTS = 2
TARGETS = 2
FAVOR = 100.0

Logits = Callable[[Tensor], Tensor]


def attack(
    clean: ImageSet,
    shift: Shift,
    *,
    model: nn.Module,
    seed: int = 0,
    restarts: int = RESTARTS,
    targets: int = TARGETS,
) -> Bool[np.ndarray, "n"]:
    """Which images a model gets right under every attack on it.

    Attacks are projected gradient ascent from `restarts` random starts, and towards each of the `targets` likeliest
    wrong classes. Only images that are still right are attacked again (Croce and Hein 2020). A front is attacked with
    its own gradient and with that of the identity, lest it look strong because its gradient vanishes (Athalye et al.
    2018).
    """
    labels = clean.required_labels
    model = copied(model).to("cpu").eval().requires_grad_(False)
    logits = predict(clean.images, model=model)
    right = labels_of(logits) == labels
    wrong = logits.copy()
    wrong[np.arange(len(labels)), labels] = -np.inf
    likeliest = np.argsort(-wrong, axis=1)
    number = 0
    for answer in _gradients(model):
        for rank in [None] * restarts + list(range(min(targets, logits.shape[1] - 1))):
            for places, aimed in _aims(answer, np.flatnonzero(right), rank, likeliest):
                images = ImageSet(clean.images[places], labels[places])
                context = Context(labels[places], aimed)
                attacked = catalog.shift(images, shift, seed_for(seed, "fresh attack", number), context)
                right[places] = labels_of(predict(attacked.images, model=model)) == labels[places]
            number += 1
    return right


def _gradients(model: nn.Module) -> list[Logits]:
    """The model, once for each gradient by which it is attacked.

    One is its own, if it has one. In the other, the identity's gradient replaces that of a front.
    """
    if not isinstance(model, Fronted):
        return [aimed_at(model)]
    straight = copied(model)
    straight.straight = True
    probe = torch.rand(1, *model.input_shape, requires_grad=True)
    fronts = [model, straight] if logits_of(probe, model=model).requires_grad else [straight]
    return [aimed_at(front) for front in fronts]


def _aims(
    answer: Logits, places: np.ndarray, rank: int | None, likeliest: np.ndarray
) -> list[tuple[np.ndarray, Logits]]:
    """Groups of images to attack, each with the logits to attack.

    Without a `rank`, all images are attacked together, away from their labels. With one, each is attacked towards its
    wrong class of that rank.
    """
    if rank is None:
        return [(places, answer)] if len(places) else []
    targets = likeliest[places, rank]
    return [(places[targets == target], _towards(answer, int(target))) for target in np.unique(targets)]


def _towards(answer: Logits, target: int) -> Logits:
    """Logits of which, beside the true class, only the target counts."""

    def favored(images: Tensor) -> Tensor:
        logits = answer(images)
        favor = torch.zeros(logits.shape[1])
        favor[target] = FAVOR
        return logits + favor

    return favored
