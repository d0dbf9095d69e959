"""One draw for all images: what others do to the model, and what a network learns under it."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.seeds_and_images import difference_over_seeds_and_images, mean_over_seeds_and_images
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.experiments.draws import one_draw
from shiftassay.studies.shifted.experiments.scratch import right_on_test, trained_on
from shiftassay.studies.shifted.subset import evenly_spaced

TWO_ONE_SIDED = 0.9  # an interval of this level within the margin is Schuirmann's two one-sided tests at 5%


@dataclass(frozen=True)
class TrainedUnderDraw(Record):
    """Accuracy of a network trained and tested under the draw, and on clean images.

    Of several seeds, for new seeds and new images; seeds are paired. `difference` is under the draw minus clean, with
    its 95% interval, and `equivalence` the same with its 90% interval.
    """

    network: str
    clean: Interval
    under_draw: Interval
    difference: Interval
    equivalence: Interval


@dataclass(frozen=True)
class SharedDrawExperiment(Record):
    """Fresh shared draws beside the variant's own, and networks trained under that one.

    `own` and `fresh` are accuracies of the unmodified model on `images` images. The first of `networks` is the study's
    own; each is trained on `training_images` images in `updates` updates, over `seeds` seeds, and judged on
    `test_images`. `moves_pixels`: the draw is a permutation of the pixels. `starts_linear`: the study's network begins
    with a fully connected layer.
    """

    name: str
    images: int
    own: Interval
    fresh: tuple[float, ...]
    networks: tuple[TrainedUnderDraw, ...]
    training_images: int
    test_images: int
    updates: int
    seeds: int
    margin: float
    moves_pixels: bool
    starts_linear: bool


def vary_shared_draw(context: StudyContext, one: str, other: str) -> SharedDrawExperiment:
    """Try the model on other shared draws, and train networks under the variant's own."""
    scopes = {name: context.diagnoses[name].diagnosis.verdict.scope for name in (one, other)}
    name = next(name for name, scope in scopes.items() if scope == "shared")
    each = other if name == one else one
    own, drawn = context.diagnoses[name].shift, context.diagnoses[each].shift
    assert own is not None  # a verdict with a scope has a shift
    assert drawn is not None
    sizes, margin = context.study.experiments, context.study.margin
    clean, variant = context.argued_images(name)
    right = context.right(variant.images, variant.required_labels)
    learned = evenly_spaced(context.dataset.train, max(sizes.training_images))
    networks = ("", sizes.control)
    return SharedDrawExperiment(
        name=name,
        images=len(clean),
        own=wilson(int(right.sum()), len(right)),
        fresh=tuple(_accuracy_under(context, drawn, clean, which) for which in range(sizes.fresh_draws)),
        networks=tuple(_trained(context, own, learned, network) for network in networks),
        training_images=len(learned),
        test_images=len(context.dataset.test),
        updates=sizes.updates,
        seeds=sizes.seeds,
        margin=margin,
        moves_pixels=own.position_permutation is not None,
        starts_linear=_starts_linear(context.model),
    )


def _accuracy_under(context: StudyContext, shift: Shift, clean: ImageSet, which: int) -> float:
    """Accuracy of the model as it is, with one fresh draw for all images."""
    rng = np.random.default_rng(seed_for("contrast", "fresh shared draw", which))
    return float(
        context.right(one_draw(shift, clean.shape, rng).apply(clean.images, rng), clean.required_labels).mean()
    )


def _trained(context: StudyContext, own: Shift, learned: ImageSet, network: str) -> TrainedUnderDraw:
    """A network trained under a draw and on clean images, each tested as it was trained."""
    seeds, test = range(context.study.experiments.seeds), context.dataset.test
    right = {}
    for name in ("clean", "under one draw"):
        train, judged = (learned, test) if name == "clean" else (_under(own, learned), _under(own, test))
        right[name] = right_on_test(trained_on(context, name, train, judged, network=network, seeds=seeds), judged)
    clean, under_draw = right.values()
    return TrainedUnderDraw(
        network=network or context.study.network,
        clean=mean_over_seeds_and_images(clean),
        under_draw=mean_over_seeds_and_images(under_draw),
        difference=difference_over_seeds_and_images(under_draw, clean),
        equivalence=difference_over_seeds_and_images(under_draw, clean, TWO_ONE_SIDED),
    )


def _under(shift: Shift, images: ImageSet) -> ImageSet:
    return shift.apply_to_set(images, np.random.default_rng(seed_for("contrast", "own draw")))


def _starts_linear(model: nn.Module) -> bool:
    """Whether the first layer with weights is fully connected."""
    layers = (layer for layer in model.modules() if isinstance(layer, nn.Linear | nn.Conv2d))
    return isinstance(next(layers, None), nn.Linear)
