"""The difference between two variants, and the experiments that isolate it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from shiftassay.records import Record
from shiftassay.shifts.catalog import attacks
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.paired import difference_paired, mcnemar
from shiftassay.studies.measurements import AnyRecord
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.studies.shifted.experiments.aim import AimExperiment, vary_aim
from shiftassay.studies.shifted.experiments.draws import DrawsExperiment, vary_draws
from shiftassay.studies.shifted.experiments.first_order import FirstOrder, measure_first_order
from shiftassay.studies.shifted.experiments.image_sizes import ImageSizes, vary_image_size
from shiftassay.studies.shifted.experiments.shared_draw import SharedDrawExperiment, vary_shared_draw
from shiftassay.studies.shifted.experiments.strengths import StrengthSweep, vary_strength
from shiftassay.words.terminal import spoken

VERSION = 4  # of the experiments: raised with every change of what they measure
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
class Contrast(Record):
    """What two variants have in common and what sets them apart.

    `kind` is None where no experiment isolates it. `shared_draw` and `draws` are the experiments of the one kind, the
    others those of the other; `first_order` is for attacks bounded in L∞, `image_sizes` for square images.
    """

    names: tuple[str, str]
    kind: Kind | None
    unmodified: Unmodified
    draws: DrawsExperiment | None
    aim: AimExperiment | None
    shared_draw: SharedDrawExperiment | None = None
    first_order: FirstOrder | None = None
    image_sizes: ImageSizes | None = None
    strengths: StrengthSweep | None = None


def contrast_variants(context: StudyContext, one: str, other: str) -> Contrast:
    """Measure what two variants have in common and what sets them apart.

    The unmodified model is tried on both; then come the experiments that isolate their difference.
    """
    kind = kind_of(context.diagnoses[one], context.diagnoses[other])
    contrast = Contrast((one, other), kind, _unmodified(context, one, other), None, None)
    if kind == "draws":
        return _with_draws(contrast, context, one, other)
    if kind == "aim":
        aimed = next(name for name in (one, other) if context.diagnoses[name].is_attack)
        return _with_aim(contrast, context, aimed, other if aimed == one else one)
    return contrast


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


def _with_draws(contrast: Contrast, context: StudyContext, one: str, other: str) -> Contrast:
    """One draw for all images, then the number of draws."""
    return replace(
        contrast,
        shared_draw=_once(
            context, "shared-draw", one, other, SharedDrawExperiment, lambda: vary_shared_draw(context, one, other)
        ),
        draws=_once(context, "draws", one, other, DrawsExperiment, lambda: vary_draws(context, one, other)),
    )


def _with_aim(contrast: Contrast, context: StudyContext, aimed: str, unaimed: str) -> Contrast:
    """The share of aimed pixels, the first-order argument, the size of the image, and strength."""
    shift = context.diagnoses[aimed].shift
    ball = shift.ball if shift is not None else None
    aim = _once(context, "aim", aimed, unaimed, AimExperiment, lambda: vary_aim(context, aimed, unaimed))
    contrast = replace(contrast, aim=aim)
    if ball is None:
        return contrast
    _, height, width = context.variants.clean.shape
    return replace(
        contrast,
        first_order=_once(
            context,
            "first-order",
            aimed,
            unaimed,
            FirstOrder,
            lambda: measure_first_order(context, aimed, unaimed, ball.epsilon),
        )
        if ball.norm == "linf"
        else None,
        image_sizes=_once(context, "image-sizes", aimed, unaimed, ImageSizes, lambda: vary_image_size(context))
        if height == width and context.study.experiments.image_sizes
        else None,
        strengths=_once(
            context, "strengths", aimed, unaimed, StrengthSweep, lambda: vary_strength(context, aimed, ball)
        ),
    )


def _once(
    context: StudyContext, name: str, one: str, other: str, record: type[AnyRecord], measure: Callable[[], AnyRecord]
) -> AnyRecord:
    """What an experiment measures, kept by itself, as some take minutes."""

    def measured() -> AnyRecord:
        context.console.print(spoken(f"{one} / {other}: {name}"))
        return measure()

    asked = [one, other, context.study.experiments.model_dump(mode="json")]
    return context.once(f"{name}-{one}-{other}", record, VERSION, asked, measured)


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
