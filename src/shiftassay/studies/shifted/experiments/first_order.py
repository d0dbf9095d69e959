"""To first order a change δ moves the margin by g·δ, with g its gradient.

What that predicts of aimed and of random signs, and what happens.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import answering, logits_of, predict
from shiftassay.networks.registry import build
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.shifts.ascent import gradient_of, margin_against
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.subset import evenly_spaced

CHUNK = 500  # images whose gradients are computed at a time
DRAWS = 8  # random signs for each image
SHARES = (0.1, 1.0)  # of the variant's epsilon: where the network is nearly linear, and where it was attacked

Quantiles = tuple[float, float, float]
"""The 5%, 50% and 95% quantiles over images."""


@dataclass(frozen=True)
class MarginChange(Record):
    """How much a kind of change lowers the margin: as g·δ predicts, and in fact.

    `explained` is the share of the actual changes' mean square that g·δ explains, one to one.
    """

    kind: str
    epsilon: float
    predicted: Quantiles
    actual: Quantiles
    explained: float


@dataclass(frozen=True)
class FirstOrder(Record):
    """The gradient of the margin, and what it predicts of signs of size epsilon.

    Medians are over `images`. `sum_of_sizes` is ‖g‖₁ and `length` ‖g‖₂: aimed signs lower the margin by ε‖g‖₁, random
    ones move it with standard deviation ε‖g‖₂. `ratio` is ‖g‖₁/‖g‖₂ of the model, `untrained` that of the same network
    before training, and `gaussian` what a gradient of independent normal entries has at so many `pixels`. `spread` is
    the standard deviation of g·δ over random signs, measured, in units of ε‖g‖₂.
    """

    aimed: str
    unaimed: str
    images: int
    draws: int
    pixels: int
    epsilon: float
    margin: float
    sum_of_sizes: float
    length: float
    ratio: Quantiles
    untrained: Quantiles
    gaussian: float
    spread: float
    changes: tuple[MarginChange, ...]


def measure_first_order(context: StudyContext, aimed: str, unaimed: str, epsilon: float) -> FirstOrder:
    """Measure the gradient of each image's margin, and what changes of its signs do.

    Signs are added without clipping to black and white, which is what g·δ speaks of; the two variants' own changes,
    which are clipped, stand beside.
    """
    clean, model = evenly_spaced(context.variants.clean, context.study.experiments.images), context.model
    g = margin_gradient(model, clean.images, clean.required_labels).astype(np.float64)
    flat = g.reshape(len(g), -1)
    length = np.linalg.norm(flat, axis=1)
    before = margins(model, clean)
    rng = np.random.default_rng(seed_for("contrast", "random signs"))
    random = [rng.choice(np.array([-1.0, 1.0], np.float32), clean.images.shape) for _ in range(DRAWS)]
    spread = np.stack([(flat * signs.reshape(flat.shape)).sum(1) for signs in random]) / length

    def change(kind: str, size: float, deltas: list[np.ndarray]) -> MarginChange:
        predicted = np.concatenate([(g * delta).sum((1, 2, 3)) for delta in deltas])
        actual = np.concatenate(
            [margins(model, ImageSet(clean.images + delta, clean.labels)) - before for delta in deltas]
        )
        explained = 1 - float(((actual - predicted) ** 2).mean() / (actual**2).mean())
        return MarginChange(kind, size, _quantiles(predicted), _quantiles(actual), explained)

    changes = []
    for size in (share * epsilon for share in SHARES):
        changes.append(change("random signs", size, [np.float32(size) * signs for signs in random]))
        changes.append(change("aimed signs", size, [(size * np.sign(g)).astype(np.float32)]))
    for name in (unaimed, aimed):
        variant = evenly_spaced(context.variants.named(name), context.study.experiments.images)
        changes.append(change(name, epsilon, [variant.images - clean.images]))
    untrained = untrained_network(context, clean, 0)
    return FirstOrder(
        aimed=aimed,
        unaimed=unaimed,
        images=len(clean),
        draws=DRAWS,
        pixels=flat.shape[1],
        epsilon=epsilon,
        margin=float(np.median(-before)),
        sum_of_sizes=float(np.median(np.abs(flat).sum(1))),
        length=float(np.median(length)),
        ratio=_quantiles(norm_ratio(g)),
        untrained=_quantiles(norm_ratio(margin_gradient(untrained, clean.images, clean.required_labels))),
        gaussian=sqrt(2 * flat.shape[1] / pi),
        spread=float(spread.std()),
        changes=tuple(changes),
    )


def untrained_network(context: StudyContext, images: ImageSet, seed: int) -> nn.Module:
    """The study's network for such images with its initial weights."""
    study = context.study
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(study.network, images.shape, context.dataset.classes, study.network_parameters)


def margin_gradient(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n c h w"]:
    """The gradient of the best wrong logit minus the true one: along it the margin falls."""
    gradients = np.empty_like(images)
    with answering(model):
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            at = torch.from_numpy(images[part]).requires_grad_()
            loss = margin_against(logits_of(at, model=model), torch.from_numpy(labels[part])).sum()
            gradients[part] = gradient_of(loss, at).numpy()
    return gradients


def norm_ratio(gradients: Float[np.ndarray, "n c h w"]) -> Float[np.ndarray, "n"]:
    """‖g‖₁/‖g‖₂ of each image: from 1, for one pixel, to √d, for d pixels alike.

    >>> norm_ratio(np.array([[[[3.0, 0.0], [0.0, 0.0]]], [[[1.0, -1.0], [1.0, -1.0]]]])).tolist()
    [1.0, 2.0]
    """
    flat = gradients.reshape(len(gradients), -1).astype(np.float64)
    return np.abs(flat).sum(1) / np.linalg.norm(flat, axis=1).clip(1e-30)


def margins(model: nn.Module, images: ImageSet) -> Float[np.ndarray, "n"]:
    """The best wrong logit minus the true one, of each image."""
    logits = torch.from_numpy(predict(images.images, model=model)).double()
    return margin_against(logits, torch.from_numpy(images.required_labels)).numpy()


def _quantiles(values: np.ndarray) -> Quantiles:
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return low, middle, high
