"""What is claimed of a variant: what was done to it, and what that does to the model."""

from typing import Literal

from shiftassay.evaluation.evaluate import Comparison, Evaluation
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.words.numbers import percent_with_interval, points_with_interval

INFORMATION: dict[str | None, str] = {
    "preserved": "nothing of the image is lost",
    "reduced": "part of the image is lost",
    "destroyed": "only what ignores position is left of the image",
}
HARM: dict[Literal["equivalent", "undecided", "lower", "higher"], str] = {
    "equivalent": "no harm",
    "undecided": "no harm shown",
    "lower": "accuracy is lost",
    "higher": "accuracy is gained",
}


def headline(evaluation: Evaluation, diagnosed: DiagnosedVariant) -> str:
    """What happened, in a few words."""
    verdict = diagnosed.diagnosis.verdict
    if verdict.family == "unknown":
        return "an unknown shift"
    if verdict.family == "identity":
        return "nothing happened"
    each = ", afresh for each image" if verdict.scope == "per_image" else ""
    families = in_short(verdict, scopes=False).replace("_", " ")
    return f"{families}{each}, {HARM[comparison_of(evaluation).verdict]}"


def verdict_text(diagnosed: DiagnosedVariant) -> str:
    """The verdict as it is read."""
    return diagnosed.text or "unknown"


def claim(evaluation: Evaluation, diagnosed: DiagnosedVariant) -> str:
    """What is claimed of a variant; `evaluation` is of the first seed's model on it."""
    name, text, harm = evaluation.name, verdict_text(diagnosed), _harm(evaluation)
    if diagnosed.family == "identity":
        return f"nothing happened to {name}. Its images are those of clean, and {harm}."
    if diagnosed.group == "sample":
        return (
            f"nothing happened to the images of {name}; what changed is which there are, in what order, or how they "
            f"are labelled ({text}), and {harm}."
        )
    if diagnosed.family == "unknown":
        return f"something happened to {name} that no family of the catalogue makes, and {harm}."
    lost = INFORMATION[diagnosed.diagnosis.verdict.information]
    if comparison_of(evaluation).verdict == "equivalent":
        return f"nothing happened to {name} that matters to this model. It is clean under {text}: {lost}, and {harm}."
    return f"{name} is clean under {text}: {lost}, and {harm}."


def comparison_of(evaluation: Evaluation) -> Comparison:
    """How a variant compares with clean: every variant of a study does."""
    assert evaluation.comparison is not None, f"{evaluation.name} was not compared with clean"
    return evaluation.comparison


def _harm(evaluation: Evaluation) -> str:
    change = comparison_of(evaluation)
    points = f"{points_with_interval(change.difference, sign=True)} points against clean"
    harm = f"accuracy is {percent_with_interval(evaluation.accuracy)}, {points}"
    if change.verdict == "equivalent":
        return f"{harm}, which is shown to be within ±{100 * change.margin:g} points"
    return harm + (": neither a change nor its absence can be shown" if change.verdict == "undecided" else "")
