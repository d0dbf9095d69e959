"""What sets two variants apart: a page for each contrast that the study asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.records import Record
from shiftassay.repairs.result import Repair
from shiftassay.report.finding import Finding
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.contrast import Contrast, contrast_variants
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant, ImageChange
from shiftassay.studies.shifted.experiments.aim_page import aim_part
from shiftassay.studies.shifted.experiments.draws_page import draws_part
from shiftassay.studies.shifted.experiments.first_order_page import first_order_part
from shiftassay.studies.shifted.experiments.image_sizes_page import image_sizes_part
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.studies.shifted.experiments.shared_draw_page import shared_draw_part
from shiftassay.studies.shifted.experiments.strengths_page import strengths_part
from shiftassay.words.lists import listed
from shiftassay.words.numbers import p_cell, percent, percent_with_interval, points_with_interval

KEY, TITLE, VERSION, PLACE = "contrasts", "What sets variants apart", 4, 50
ALIKE = 0.05  # relative difference up to which two sizes are called the same
LITTLE = 0.1  # of the accuracy that was lost: a difference below this is little beside it
NORMS = {"linf": "L∞", "l2": "L2"}


@dataclass(frozen=True, eq=False)
class Contrasts(Record):
    """The contrasts, and what is known of the variants in them.

    `clean` is the accuracy on clean images.
    """

    contrasts: tuple[Contrast, ...]
    diagnoses: Mapping[str, DiagnosedVariant]
    repairs: Mapping[str, Repair]
    clean: float
    effects: Mapping[str, EffectOverSeeds] = field(default_factory=dict)


def measure(context: StudyContext) -> Contrasts | None:
    pairs = [pair for pair in context.study.contrasts if set(pair) <= set(context.diagnoses)]
    if not pairs:
        return None
    contrasts = [contrast_variants(context, *pair) for pair in pairs]
    clean = context.evaluations[0][0].accuracy.estimate
    return Contrasts(tuple(contrasts), context.diagnoses, context.repairs, clean, context.effects)


def findings(measured: Contrasts) -> list[Finding]:
    return [
        contrast_page(c, measured.diagnoses, measured.repairs, measured.clean, measured.effects)
        for c in measured.contrasts
    ]


def contrast_page(
    contrast: Contrast,
    diagnoses: Mapping[str, DiagnosedVariant],
    repairs: Mapping[str, Repair],
    clean: float,
    effects: Mapping[str, EffectOverSeeds],
) -> Finding:
    """The contrast of two variants; `clean` is the accuracy on clean images."""
    one, other = contrast.names
    sides = {name: diagnoses[name] for name in contrast.names}
    parts = _parts(contrast, diagnoses)
    sentences = (
        *_same(sides),
        *_differs(sides),
        _unmodified(contrast, clean, effects),
        *(sentence for part in parts for sentence in part.sentences),
        *_no_experiment(contrast, sides),
        *_repairs({name: repairs[name] for name in contrast.names}),
    )
    return Finding(
        f"contrast-{one}-{other}",
        f"{one} and {other}: what sets them apart",
        sentences,
        tuple(table for part in parts for table in part.tables),
        tuple(figure for part in parts for figure in part.figures),
        contrast.to_json(),
    )


def _same(sides: Mapping[str, DiagnosedVariant]) -> list[str]:
    """What both have in common, as far as that was measured."""
    one, other = sides
    if all(side.is_clean for side in sides.values()):
        return [f"Nothing sets them apart: the images of {one} and of {other} are both those of clean."]
    changes = _changes(sides)
    if changes is None:
        return [
            f"The images of {one} and {other} cannot both be compared with clean image by image, so sizes and pixel "
            "values are not compared."
        ]
    shared = []
    if all(change.same_values > 0.999 for change in changes):
        shared.append(
            f"every image of {one} and of {other} has the pixel values that it has in clean, in another order, so a "
            "histogram cannot tell them apart"
        )
    sizes = {norm: [_median(change, norm) for change in changes] for norm in NORMS}
    if min(sizes["linf"]) > 0:
        shared += [
            f"their changes are equally large in {NORMS[norm]} ({a:.3g} and {b:.3g}, medians over images)"
            for norm, (a, b) in sizes.items()
            if max(a, b) - min(a, b) <= ALIKE * max(a, b)
        ]
    if shared:
        return [f"The same: {'; '.join(shared)}."]
    return [
        f"Neither the pixel values nor the size of the change are the same; {one} and {other} were made from the same "
        "images."
    ]


def _differs(sides: Mapping[str, DiagnosedVariant]) -> list[str]:
    if all(side.is_clean for side in sides.values()):
        return []
    (one, first), (other, second) = sides.items()
    scopes = {name: side.diagnosis.verdict.scope for name, side in sides.items()}
    if first.family == second.family and scopes[one] != scopes[other]:
        shared = one if scopes[one] == "shared" else other
        each = one if scopes[one] == "per_image" else other
        different = [
            f"by verdict one draw is shared by all images of {shared}, while every image of {each} has its own"
        ]
    else:
        different = [f"by verdict {one} is {first.text or 'unknown'}, and {other} is {second.text or 'unknown'}"]
    changes = _changes(sides)
    if changes is not None and all(_median(change, "l2") > 0 for change in changes):
        for norm, name in NORMS.items():
            a, b = (_median(change, norm) for change in changes)
            if abs(a - b) > ALIKE * max(a, b):
                different.append(f"in {name} their changes differ ({a:.3g} and {b:.3g})")
    return [f"What differs: {'; '.join(different)}."]


def _changes(sides: Mapping[str, DiagnosedVariant]) -> list[ImageChange] | None:
    """The changes of both; None where one could not be compared with clean."""
    changes = [side.change for side in sides.values() if side.change is not None]
    return changes if len(changes) == len(sides) else None


def _median(change: ImageChange, norm: str) -> float:
    return (change.linf if norm == "linf" else change.l2)[1]


def _unmodified(contrast: Contrast, clean: float, effects: Mapping[str, EffectOverSeeds]) -> str:
    """Whether the model as it is tells them apart, and if not, that it does not."""
    (one, other), unmodified = contrast.names, contrast.unmodified
    a, b = (side.estimate for side in unmodified.accuracy)
    accuracies = ", ".join(
        f"{name} {percent_with_interval(side, 1)} of {effects[name].images:,} images"
        for name, side in zip((one, other), unmodified.accuracy, strict=True)
    )
    difference = unmodified.difference
    if difference is None:
        return (
            f"The unmodified model: {accuracies}; the sets are not the same images in the same order, so that is not "
            "paired."
        )
    change = f"{points_with_interval(difference, 1, sign=True)} points, McNemar p {p_cell(unmodified.p_value)}"
    lost, not_shown = clean - min(a, b), difference.low <= 0 <= difference.high
    of_each = [effects[name] for name in (one, other)]
    if not any(effect.effect == "harmed" for effect in of_each):
        effects_in_words = listed([f"{effect.name} is {effect.effect}" for effect in of_each])
        apart = ", and accuracy is not shown to differ between the two" if not_shown else ""
        return (
            f"Neither variant is shown to harm the unmodified model more than slightly{apart}: {effects_in_words} "
            f"({accuracies}; {change})."
        )
    if not (not_shown or abs(a - b) < LITTLE * lost):
        return f"The unmodified model tells them apart: {accuracies} ({change}); clean has {percent(clean, 1)}."
    chance = (
        f" Both are near chance (always answering the commonest class gives {percent(unmodified.commonest, 1)})."
        if max(a, b) < unmodified.commonest + 0.05
        else ""
    )
    shown = "is not shown to differ between the two" if not_shown else "hardly differs between the two"
    return (
        f"The unmodified model {shown}: {accuracies} ({change}), where clean has {percent(clean, 1)}.{chance} Its "
        "accuracy is no evidence of what sets them apart."
    )


def _no_experiment(contrast: Contrast, sides: Mapping[str, DiagnosedVariant]) -> list[str]:
    if contrast.kind or all(side.is_clean for side in sides.values()):
        return []
    return [
        f"No experiment isolates the difference: {listed(contrast.names)} do not differ in one thing alone (the draw's "
        "scope, or the aim of a change), so what is said of them stands on their own pages."
    ]


def _repairs(repairs: Mapping[str, Repair]) -> list[str]:
    """Where the difference shows once the model is repaired."""
    compared = []
    for strategy in ("undo", "retrain", "adversarial training"):
        attempts = {
            name: next((a for a in repair.attempts if a.strategy == strategy), None) for name, repair in repairs.items()
        }
        if not any(attempts.values()):
            continue
        outcomes = []
        for name, attempt in attempts.items():
            if attempt is None:
                why = repairs[name].skipped.get(strategy, "there was nothing to repair")
                outcomes.append(f"{name} not tried ({why})")
            else:
                attacked = " under fresh attacks" if attempt.attacked else ""
                after = f"{percent_with_interval(attempt.deciding.after, 1)} of {attempt.deciding.n:,} images"
                outcomes.append(f"{name} {after}{attacked}")
        compared.append(f"{strategy}: {', '.join(outcomes)}")
    return [f"After repair: {'; '.join(compared)}."] if compared else []


def _parts(contrast: Contrast, diagnoses: Mapping[str, DiagnosedVariant]) -> list[Part]:
    """What each experiment that was made adds to the page, in the order of reading."""
    parts = []
    if contrast.shared_draw:
        parts.append(shared_draw_part(contrast.shared_draw))
    if contrast.draws:
        parts.append(draws_part(contrast.draws))
    if contrast.aim:
        parts.append(aim_part(contrast.aim, diagnoses[contrast.aim.aimed].controls, ALIKE))
    if contrast.first_order:
        parts.append(first_order_part(contrast.first_order))
    if contrast.image_sizes:
        parts.append(image_sizes_part(contrast.image_sizes))
    if contrast.strengths:
        parts.append(strengths_part(contrast.strengths))
    return parts
