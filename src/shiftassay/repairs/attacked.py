"""A fresh attack on the model in question, by AutoAttack's conventions: an image counts as right if no attack on it succeeds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronted import Fronted
from shiftassay.models.predict import aimed_at, copied, labels_of, logits_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalogue import shift
from shiftassay.shifts.family import Context, Shift

RESTARTS = 2
TARGETS = 2
FAVOUR = 100.0

Logits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attacked:
    """Which images stay right under every attack, and what the attacks were."""

    right: Bool[np.ndarray, "n"]
    restarts: int
    targets: int

    def to_json(self) -> dict[str, Any]:
        return {"restarts": self.restarts, "targets": self.targets, "right": float(self.right.mean())}


def attack(
    clean: ImageSet,
    how: Shift,
    *,
    model: nn.Module,
    seed: int = 0,
    restarts: int = RESTARTS,
    targets: int = TARGETS,
) -> Attacked:
    """Attack a model where it stands: projected gradient ascent from fresh random starts, and towards its likeliest wrong classes.

    Only images that are still right are attacked again (Croce and Hein 2020). A front is attacked with its own gradient
    and, beside it, with the identity's, lest it look strong because its gradient vanishes (Athalye et al. 2018).
    """
    assert clean.labels is not None
    labels = clean.labels
    model = copied(model).to("cpu").eval().requires_grad_(False)
    logits = predict(clean.images, model=model)
    right = labels_of(logits) == labels
    wrong = logits.copy()
    wrong[np.arange(len(labels)), labels] = -np.inf
    likeliest = np.argsort(-wrong, axis=1)
    number = 0
    for seen in _gradients(model):
        for rank in [None] * restarts + list(range(min(targets, logits.shape[1] - 1))):
            for left, aimed in _aims(seen, np.flatnonzero(right), rank, likeliest):
                again = ImageSet(clean.images[left], labels[left])
                context = Context(labels[left], aimed)
                made = shift(again, how, seed_for(seed, "fresh attack", number), context)
                right[left] = labels_of(predict(made.images, model=model)) == labels[left]
            number += 1
    return Attacked(right, restarts, targets)


def _gradients(model: nn.Module) -> list[Logits]:
    if not isinstance(model, Fronted):
        return [aimed_at(model)]
    straight = copied(model)
    straight.straight = True
    own = torch.rand(1, *model.input_shape, requires_grad=True)
    seen = [model, straight] if logits_of(own, model=model).requires_grad else [straight]
    return [aimed_at(front) for front in seen]


def _aims(seen: Logits, left: np.ndarray, rank: int | None, likeliest: np.ndarray) -> list[tuple[np.ndarray, Logits]]:
    """The images to attack, together away from their labels, or apart by the wrong class that is on a rank for them."""
    if rank is None:
        return [(left, seen)] if len(left) else []
    targets = likeliest[left, rank]
    return [(left[targets == target], _towards(seen, int(target))) for target in np.unique(targets)]


def _towards(seen: Logits, target: int) -> Logits:
    """Logits of which, beside the true class, only the wanted one counts."""

    def favoured(images: Tensor) -> Tensor:
        logits = seen(images)
        favour = torch.zeros(logits.shape[1])
        favour[target] = FAVOUR
        return logits + favour

    return favoured
