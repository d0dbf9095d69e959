"""The difference between two variants.

What is measured of both, and the one experiment that varies nothing but this difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.runs.recipe import recipe_named
from shiftassay.shifts.catalog import attacks
from shiftassay.shifts.catalog import shift as apply_shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.paired import difference_paired, mcnemar
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.studies.shifted.subset import evenly_spaced
from shiftassay.training.train import train
from shiftassay.words.terminal import spoken

EPOCHS, BATCH = 8, 50  # enough steps to learn from a few thousand images
AIMED = (
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
)  # shares of pixels that change as in the aimed variant, the others as in the random one
TIMES = (1, 2, 3, 4, 6)
FIT = 500
SAME_PIXEL = 0.75 / 255

Kind = Literal["draws", "aim"]


@dataclass(frozen=True)
class Unmodified(Record):
    """The model as it is on all images of both variants.

    `difference` is None where they are not the same images. `commonest` is the accuracy of always answering the
    commonest class.
    """

    accuracy: tuple[Interval, Interval]
    commonest: float
    difference: Interval | None
    p_value: float | None = None


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

    Of the model as it is, and of a network that learns from such images.
    """

    draws: int | None
    unmodified: Interval
    learned: Interval


@dataclass(frozen=True)
class DrawsExperiment(Record):
    """From one draw for all images to one for each; `each` names the variant with one for each.

    `learned` is the number of training images, `images` that of the test images.
    """

    each: str
    one_undone: Mapping[str, OneUndone | None]
    learned: int
    epochs: int
    dose: tuple[Dose, ...]
    images: int = 0


@dataclass(frozen=True)
class Mixed(Record):
    """Accuracy where this share of the pixels changes as in the aimed variant.

    Sizes are medians over images.
    """

    aimed: float
    accuracy: Interval
    linf: float
    l2: float


@dataclass(frozen=True)
class Larger(Record):
    """Accuracy under so many times the change of the unaimed variant.

    Sizes are medians over images.
    """

    times: int
    accuracy: Interval
    linf: float
    l2: float


@dataclass(frozen=True)
class AimExperiment(Record):
    """From a change that is not aimed at the model to one that is.

    The unaimed one is also made larger.
    """

    aimed: str
    unaimed: str
    images: int
    mixed: tuple[Mixed, ...]
    larger: tuple[Larger, ...]


@dataclass(frozen=True)
class Contrast(Record):
    """What two variants have in common and what sets them apart.

    `kind` is None where no experiment isolates it.
    """

    names: tuple[str, str]
    kind: Kind | None
    unmodified: Unmodified
    draws: DrawsExperiment | None
    aim: AimExperiment | None


def contrast_variants(context: StudyContext, one: str, other: str) -> Contrast:
    """Measure what two variants have in common and what sets them apart.

    The unmodified model is tried on both; then comes the experiment that isolates their difference.
    """
    context.console.print(spoken(f"{one} / {other}: what isolates the difference"))
    kind = kind_of(context.diagnoses[one], context.diagnoses[other])
    return Contrast(
        names=(one, other),
        kind=kind,
        unmodified=_unmodified(context, one, other),
        draws=_draws(context, one, other) if kind == "draws" else None,
        aim=_aim(context, one, other) if kind == "aim" else None,
    )


def kind_of(one: DiagnosedVariant, other: DiagnosedVariant) -> Kind | None:
    """What sets two variants apart by their verdicts; None where it is more than one thing.

    `draws`: one draw for all images against one for each. `aim`: an attack against an unaimed change.
    """
    if one.change is None or other.change is None:
        return None
    families = {one.family, other.family}
    scopes = {side.diagnosis.verdict.scope for side in (one, other)}
    if len(families) == 1 and scopes == {"shared", "per_image"} and one.group != "several":
        return "draws"
    return "aim" if families & set(attacks()) and len(families - {"identity", "unknown"}) == 2 else None


def _unmodified(context: StudyContext, one: str, other: str) -> Unmodified:
    sets = [context.variants.named(name) for name in (one, other)]
    first, second = (context.right(images.images, images.required_labels) for images in sets)
    accuracy = (wilson(int(first.sum()), len(first)), wilson(int(second.sum()), len(second)))
    labels = [images.required_labels for images in sets]
    commonest = float(np.bincount(labels[0]).max() / len(labels[0]))
    if not np.array_equal(labels[0], labels[1]):
        return Unmodified(accuracy, commonest, None)
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    return Unmodified(accuracy, commonest, difference_paired(gained, lost, len(first)), mcnemar(gained, lost))


def _draws(context: StudyContext, one: str, other: str) -> DrawsExperiment:
    """Undoing one draw fitted to half of the images, and accuracy by the number of draws."""
    scopes = {name: context.diagnoses[name].diagnosis.verdict.scope for name in (one, other)}
    each = next(name for name, scope in scopes.items() if scope == "per_image")
    shift = context.diagnoses[each].shift
    assert shift is not None  # a verdict with a scope has a shift
    return DrawsExperiment(
        each=each,
        one_undone={name: _one_undone(context, name, shift) for name in (one, other)},
        learned=min(context.argument.learned, len(context.dataset.train)),
        epochs=EPOCHS,
        dose=tuple(_dose(context, each, shift, count) for count in (*context.argument.draws, None)),
        images=len(context.argued_images(each)[0]),
    )


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
    at_random = replace(shift, scope="shared").realize(clean.shape, rng).undo(shifted, rng)
    by_chance = changed if at_random is None else np.abs(at_random - own).reshape(len(own), -1) <= SAME_PIXEL
    labels = clean.required_labels[judge]
    return OneUndone(
        images=len(judge),
        accuracy=float(context.right(undone, labels).mean()),
        before=float(context.right(shifted, labels).mean()),
        put_back=float((changed & restored).sum() / max(changed.sum(), 1)),
        at_random=float((changed & by_chance).sum() / max(changed.sum(), 1)),
    )


def _dose(context: StudyContext, name: str, shift: Shift, count: int | None) -> Dose:
    """Accuracies where `count` draws are dealt out among all images.

    They are those of the model as it is, and of a network that learns from such images.
    """
    clean, _ = context.argued_images(name)
    study, dataset = context.study, context.dataset
    learned = evenly_spaced(dataset.train, context.argument.learned)
    test = _dealt(clean, shift, count, "test")
    dealt = Dataset(f"{dataset.name} under {count or 'fresh'} draws", _dealt(learned, shift, count, "train"), test)
    recipe = replace(recipe_named(study.recipe), epochs=EPOCHS, held_out=0)
    recipe = replace(recipe, batch_size=min(recipe.batch_size, BATCH))
    [member] = train(study.network, dealt, recipe=recipe, parameters=study.network_parameters, device=context.device)
    right = predict(test.images, model=member.model.to("cpu")).argmax(1) == test.required_labels
    unmodified = context.right(test.images, test.required_labels)
    return Dose(count, wilson(int(unmodified.sum()), len(test)), wilson(int(right.sum()), len(test)))


def _dealt(images: ImageSet, shift: Shift, count: int | None, place: str) -> ImageSet:
    """Every image under one of `count` draws; under a fresh one for None.

    The draws are the same for training and test images.
    """
    if count is None:
        return apply_shift(images, shift, seed_for("contrast", "fresh", place))
    shifted = np.empty_like(images.images)
    for which in range(count):
        rng = np.random.default_rng(seed_for("contrast", "draw", which))
        draw = replace(shift, scope="shared").realize(images.shape, rng)
        shifted[which::count] = draw.apply(images.images[which::count], rng)
    return ImageSet(shifted, images.labels, images.name)


def _aim(context: StudyContext, one: str, other: str) -> AimExperiment:
    """Pixels that change as in the aimed variant or as in the other, mixed.

    The other change is also made larger.
    """
    aimed = next(name for name in (one, other) if context.diagnoses[name].is_attack)
    unaimed = other if aimed == one else one
    (clean, attacked), (_, beside) = context.argued_images(aimed), context.argued_images(unaimed)
    pick = np.random.default_rng(seed_for("contrast", "aim")).random(clean.images.shape)
    mixed, larger = [], []
    for share in AIMED:
        images = np.where(pick < share, attacked.images, beside.images)
        mixed.append(Mixed(share, *_accuracy_and_sizes(context, images, clean)))
    low, high = clean.images.min(), clean.images.max()
    for factor in TIMES:
        images = np.clip(clean.images + factor * (beside.images - clean.images), low, high).astype(np.float32)
        larger.append(Larger(factor, *_accuracy_and_sizes(context, images, clean)))
    return AimExperiment(aimed, unaimed, len(clean), tuple(mixed), tuple(larger))


def _accuracy_and_sizes(context: StudyContext, images: np.ndarray, clean: ImageSet) -> tuple[Interval, float, float]:
    """The model's accuracy on changed images, and the medians of the changes' L∞ and L2."""
    right = context.right(images, clean.required_labels)
    change = (images - clean.images).reshape(len(images), -1).astype(np.float64)
    accuracy = wilson(int(right.sum()), len(right))
    return accuracy, float(np.median(np.abs(change).max(1))), float(np.median(np.sqrt((change**2).sum(1))))
