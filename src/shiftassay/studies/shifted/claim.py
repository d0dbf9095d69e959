"""What is claimed of a variant: what was done to it, and what that does to the model."""

from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.numbers import percent_with_interval

INFORMATION: dict[str | None, str] = {
    "preserved": "all information about the image is kept",
    "reduced": "part of the information about the image is lost",
    "destroyed": "only what does not depend on position is kept",
}


def headline(effect: EffectOverSeeds, diagnosed: DiagnosedVariant) -> str:
    """What happened, in a few words."""
    verdict = diagnosed.diagnosis.verdict
    if verdict.family == "unknown":
        return f"an unknown shift, {effect.effect}"
    if verdict.family == "identity":
        return "nothing happened"
    each = ", afresh for each image" if verdict.scope == "per_image" else ""
    return f"{in_short(verdict, scopes=False).replace('_', ' ')}{each}, {effect.effect}"


def verdict_text(diagnosed: DiagnosedVariant) -> str:
    """The verdict as it is read."""
    return diagnosed.text or "unknown"


def claim(effect: EffectOverSeeds, first: Evaluation, diagnosed: DiagnosedVariant) -> str:
    """What is claimed of a variant.

    `first` is the evaluation of the first seed's model, which the page is about.
    """
    name, text = effect.name, verdict_text(diagnosed)
    accuracy = f"Accuracy is {percent_with_interval(first.accuracy)} of {first.n:,} images"
    harm = (
        f"{accuracy}; {effect}."
        if effect.seeds == 1
        else f"{accuracy} with the first seed's model. All seeds: {effect}."
    )
    if diagnosed.family == "identity":
        return f"{name} holds the images of clean, unchanged. {harm}"
    if diagnosed.group == "sample":
        return (
            f"{name} holds images of clean, unchanged; which there are, their order or their labels changed ({text}). "
            f"{harm}"
        )
    if diagnosed.family == "unknown":
        return f"{name} was shifted, and no family of the catalogue makes this shift. {harm}"
    return f"{name} was made from clean by {text}: {INFORMATION[diagnosed.diagnosis.verdict.information]}. {harm}"
