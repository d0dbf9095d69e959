"""The same network at several image sizes.

Does what aim gains on chance grow as the square root of the number of pixels?
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import mean_over_seeds
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.experiments.first_order import margin_gradient, norm_ratio, untrained_network
from shiftassay.studies.shifted.experiments.scratch import right_on_test, trained_on
from shiftassay.studies.shifted.subset import evenly_spaced


@dataclass(frozen=True)
class AtSize(Record):
    """Networks trained on images of one size, by seed.

    `ratio` is the median of ‖g‖₁/‖g‖₂ over images, `untrained` that ratio before training.
    """

    side: int
    pixels: int
    accuracy: tuple[float, ...]
    ratio: tuple[float, ...]
    untrained: tuple[float, ...]


@dataclass(frozen=True)
class ImageSizes(Record):
    """The ratio ‖g‖₁/‖g‖₂ by image size, and its exponent.

    That is b of ratio = a dᵇ for d pixels, fitted for each seed. Intervals are Student's over seeds; None for one seed.
    Ratios are of `images` test images, accuracies of `test_images`.
    """

    sizes: tuple[AtSize, ...]
    exponents: tuple[float, ...]
    exponent: Interval | None
    untrained_exponents: tuple[float, ...]
    untrained_exponent: Interval | None
    images: int
    test_images: int
    training_images: int
    updates: int


def vary_image_size(context: StudyContext) -> ImageSizes:
    """Train the study's network at every size of the study, and measure the margin's gradient."""
    spec, data = context.study.experiments, context.dataset
    learned = evenly_spaced(data.train, max(spec.training_images))
    sizes = tuple(_at_size(context, side, learned) for side in spec.image_sizes)
    exponents = _exponents(sizes, [size.ratio for size in sizes])
    untrained = _exponents(sizes, [size.untrained for size in sizes])
    return ImageSizes(
        sizes=sizes,
        exponents=exponents,
        exponent=mean_over_seeds(exponents),
        untrained_exponents=untrained,
        untrained_exponent=mean_over_seeds(untrained),
        images=len(evenly_spaced(data.test, spec.images)),
        test_images=len(data.test),
        training_images=len(learned),
        updates=spec.updates,
    )


def _at_size(context: StudyContext, side: int, learned: ImageSet) -> AtSize:
    spec = context.study.experiments
    train, test = resized(learned, side), resized(context.dataset.test, side)
    members = trained_on(context, f"{side} × {side}", train, test, seeds=range(spec.seeds))
    some = evenly_spaced(test, spec.images)
    return AtSize(
        side=side,
        pixels=int(np.prod(test.shape)),
        accuracy=tuple(right_on_test(members, test).mean(1).tolist()),
        ratio=tuple(_median_ratio(member.model.to("cpu"), some) for member in members),
        untrained=tuple(_median_ratio(untrained_network(context, test, seed), some) for seed in range(spec.seeds)),
    )


def resized(images: ImageSet, side: int) -> ImageSet:
    """Square images of another size: bilinear, averaging where they shrink."""
    if images.shape[1:] == (side, side):
        return images
    values = interpolate(torch.from_numpy(images.images), (side, side), mode="bilinear", antialias=True)
    return ImageSet(values.clamp(0, 1).numpy(), images.labels, images.name)


def _median_ratio(model: torch.nn.Module, images: ImageSet) -> float:
    return float(np.median(norm_ratio(margin_gradient(model, images.images, images.required_labels))))


def _exponents(sizes: tuple[AtSize, ...], ratios: list[tuple[float, ...]]) -> tuple[float, ...]:
    """For each seed, the slope of log ratio against log pixels."""
    pixels = np.log([size.pixels for size in sizes])
    return tuple(float(np.polyfit(pixels, np.log(of_seed), 1)[0]) for of_seed in zip(*ratios, strict=True))
