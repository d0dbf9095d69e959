"""From one draw for all images to one for each: what they agree on, what can be learned."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.shifts.catalog import shift as apply_shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.experiments.scratch import right_on_test, trained_on
from shiftassay.studies.shifted.subset import evenly_spaced

FIT = 500  # images, at most, to which the shared draw is fitted
SAME_PIXEL = 0.75 / 255  # less than a grey level of 8 bits, more than rounding to one


@dataclass(frozen=True)
class OneUndone(Record):
    """One draw, fitted to half of the images and undone on the other half.

    Beside it stands what a random draw puts back. `put_back` and `at_random` are shares of the pixels that had changed.
    """

    images: int
    accuracy: float
    before: float
    put_back: float
    at_random: float


@dataclass(frozen=True)
class Dose(Record):
    """Accuracy where so many draws are dealt out among all images (None: one for each image).

    Of the model as it is, and of a network that learns from so many training images under these draws.
    """

    draws: int | None
    training_images: int
    unmodified: Interval
    learned: Interval


@dataclass(frozen=True)
class DrawsExperiment(Record):
    """The number of draws and the number of training images, each varied by itself.

    `each` names the variant with one draw for each image. All networks are trained in as many `updates`, one seed, and
    judged on `images` test images. `only_values`: with a draw for each image, only the multiset of its pixel values is
    left of an image.
    """

    each: str
    one_undone: Mapping[str, OneUndone | None]
    updates: int
    images: int
    dose: tuple[Dose, ...]
    only_values: bool = False

    @property
    def with_most_images(self) -> tuple[Dose, ...]:
        """The rows with the most training images, from the fewest draws to one for each image."""
        most = max(row.training_images for row in self.dose)
        return tuple(row for row in self.dose if row.training_images == most)


def vary_draws(context: StudyContext, one: str, other: str) -> DrawsExperiment:
    """Invert one draw fitted to half of the images; then learn under few or many draws."""
    scopes = {name: context.diagnoses[name].diagnosis.verdict.scope for name in (one, other)}
    each = next(name for name, scope in scopes.items() if scope == "per_image")
    shift = context.diagnoses[each].shift
    assert shift is not None  # a verdict with a scope has a shift
    clean, _ = context.argued_images(each)
    sizes = context.study.experiments
    return DrawsExperiment(
        each=each,
        one_undone={name: _one_undone(context, name, shift) for name in (one, other)},
        updates=sizes.updates,
        images=len(clean),
        dose=tuple(
            _dose(context, clean, shift, count, evenly_spaced(context.dataset.train, learned))
            for count in (*sizes.draws, None)
            for learned in sizes.training_images
        ),
        only_values=shift.shuffles,
    )


def one_draw(shift: Shift, shape: tuple[int, int, int], rng: np.random.Generator) -> Shift:
    """A draw of a shift that all images share."""
    return replace(shift, scope="shared").realize(shape, rng)


def _one_undone(context: StudyContext, name: str, shift: Shift) -> OneUndone | None:
    """The shared shift of the family that half of the pairs show, undone on the other half."""
    clean, variant = context.argued_images(name)
    order = np.random.default_rng(seed_for("contrast", name)).permutation(len(clean))
    fit, judge = order[: len(order) // 2][:FIT], order[len(order) // 2 :]
    estimates = type(shift).estimate(Pairs(clean.images[fit], variant.images[fit]))
    shared = next((estimate for estimate in estimates if estimate.scope == "shared"), None)
    undone = shared.undo(variant.images[judge], np.random.default_rng(0)) if shared is not None else None
    if undone is None:
        return None
    own, shifted = clean.images[judge], variant.images[judge]
    changed = np.abs(shifted - own).reshape(len(own), -1) > SAME_PIXEL
    restored = np.abs(undone - own).reshape(len(own), -1) <= SAME_PIXEL
    rng = np.random.default_rng(seed_for("contrast", name, "at random"))
    at_random = one_draw(shift, clean.shape, rng).undo(shifted, rng)
    by_chance = changed if at_random is None else np.abs(at_random - own).reshape(len(own), -1) <= SAME_PIXEL
    labels = clean.required_labels[judge]
    return OneUndone(
        images=len(judge),
        accuracy=float(context.right(undone, labels).mean()),
        before=float(context.right(shifted, labels).mean()),
        put_back=float((changed & restored).sum() / max(changed.sum(), 1)),
        at_random=float((changed & by_chance).sum() / max(changed.sum(), 1)),
    )


def _dose(context: StudyContext, clean: ImageSet, shift: Shift, count: int | None, learned: ImageSet) -> Dose:
    """Accuracies where `count` draws are dealt out among training and test images."""
    test, train = _dealt(clean, shift, count, "test"), _dealt(learned, shift, count, "train")
    right = right_on_test(trained_on(context, f"{count or 'fresh'} draws", train, test), test)[0]
    unmodified = context.right(test.images, test.required_labels)
    return Dose(
        draws=count,
        training_images=len(learned),
        unmodified=wilson(int(unmodified.sum()), len(test)),
        learned=wilson(int(right.sum()), len(test)),
    )


def _dealt(images: ImageSet, shift: Shift, count: int | None, place: str) -> ImageSet:
    """Every image under one of `count` draws; under a fresh one for None.

    The draws are the same for training and test images.
    """
    if count is None:
        return apply_shift(images, shift, seed_for("contrast", "fresh", place))
    shifted = np.empty_like(images.images)
    for which in range(count):
        rng = np.random.default_rng(seed_for("contrast", "draw", which))
        draw = one_draw(shift, images.shape, rng)
        shifted[which::count] = draw.apply(images.images[which::count], rng)
    return ImageSet(shifted, images.labels, images.name)
