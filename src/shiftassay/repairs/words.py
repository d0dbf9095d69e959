"""What repairs did, in plain words: sentences from the numbers, and a table for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from shiftassay.repairs.result import Attempt, Change, Repair
from shiftassay.statistics.intervals import Interval
from shiftassay.words.numbers import brackets, minus, percent_with_interval


def assumption_of(clean: Change, share: float) -> str:
    """What whoever uses the repaired model must know of an image, by what it does to clean ones."""
    touched = "" if share >= 1 else f", and is one of the {100 * share:.0f}% that the shift touched"
    if clean.direction == "lower":
        lost = f"a clean one is at {100 * clean.after.estimate:.1f}%, before {100 * clean.before.estimate:.1f}%"
        return f"you know that the image is from this variant{touched} ({lost})"
    return "nothing: clean images are not shown to be worse off"


def nothing_sentence(family: str, about: str, clean: Interval, variant: Interval, lost: Interval) -> str:
    """That there is nothing to repair, and why."""
    numbers = f"Accuracy is {percent_with_interval(variant)} on the variant and {percent_with_interval(clean)} on clean images ({_points(lost)} points {brackets(lost)})"
    if family == "identity":
        return f"Nothing to repair: the images are as they were. {numbers}."
    if about == "sample":
        return (
            f"Nothing to repair in the model: its images are as they were, {family} is about which there are, in what order, "
            f"or how they are labelled. {numbers}."
        )
    return f"Nothing to repair: {family} is there, but no loss of accuracy is shown. {numbers}."


def recommended_sentence(chosen: Attempt, attempts: Sequence[Attempt], still: Interval, clean: Interval) -> str:
    """Why this repair, and what it leaves."""
    found = chosen.deciding
    where = "under a fresh attack" if chosen.attacked else "on the variant"
    said = [
        f"Recommended: {chosen.strategy} ({chosen.what}). Accuracy {where} goes from {100 * found.before.estimate:.2f}% to "
        f"{percent_with_interval(found.after)}, {_points(found.difference)} points {brackets(found.difference)}."
    ]
    best = max(attempts, key=lambda a: a.deciding.after.estimate)
    if best is chosen and len(attempts) > 1:
        less = chosen is not attempts[0]
        said.append(
            f"None of the others is better{', and no less intrusive one is as good within the interval' * less}."
        )
    elif best is not chosen:
        ahead = 100 * (best.deciding.after.estimate - found.after.estimate)
        reason = (
            "above what the model reached on clean images: that is more training, not more repair"
            if best.deciding.after.low > clean.estimate
            else "within the interval"
        )
        said.append(f"{_upper(best.strategy)}, which changes more, is {ahead:.2f} points ahead, {reason}.")
    if still.high < 0:
        said.append(
            f"It falls short of clean images before the repair by {-100 * still.estimate:.2f} points {brackets(still)}."
        )
    else:
        said.append("It is not shown to fall short of clean images before the repair.")
    said.append(f"It assumes {'' if chosen.assumption.startswith('nothing') else 'that '}{chosen.assumption}.")
    return " ".join(said)


def unrepaired_sentence(
    family: str, attempts: Sequence[Attempt], clean: Interval, ceiling: Mapping[str, Any] | None, bounded: bool
) -> str:
    """That nothing was found, or that there can be nothing, and what was tried all the same."""
    if bounded and ceiling is not None:
        said = [
            f"No repair can exist: no classifier reaches more than {100 * ceiling['above']['high']:.1f}% on these images, and the "
            f"model has {percent_with_interval(clean)} on clean ones. {ceiling['sentence']}"
        ]
    elif family == "unknown":
        said = [
            "No repair found: nothing in the catalogue makes this shift, so it can neither be undone nor made for training."
        ]
    else:
        said = ["No repair found."]
        if ceiling is not None:
            said.append(ceiling["sentence"])
    if attempts:
        best = max(attempts, key=lambda a: a.deciding.after.estimate)
        found = best.deciding
        said.append(
            f"The best that was tried all the same, {best.strategy} ({best.what}), goes from {100 * found.before.estimate:.2f}% to "
            f"{percent_with_interval(found.after)}."
        )
    return " ".join(said)


def table(repair: Repair) -> list[tuple[str, ...]]:
    """The rows of a table for the terminal, its heading first."""
    under = any(attempt.attacked for attempt in repair.attempts)
    heading = ("strategy", "variant", *(["fresh attack"] if under else []), "clean", "parameters", "seconds", "assumes")
    rows = []
    for attempt in repair.attempts:
        added = attempt.cost.parameters_added
        size = f"{attempt.cost.parameters:,} ({'±0' if added == 0 else minus(f'{added:+,}')})"
        attacked = [_before_after(attempt.attacked)] if under else []
        rows.append(
            (
                attempt.strategy,
                _before_after(attempt.variant),
                *attacked,
                _before_after(attempt.clean),
                size,
                f"{attempt.cost.seconds:.1f}",
                "nothing" if attempt.assumption.startswith("nothing") else "the variant is known",
            )
        )
    return [heading, *rows]


def _before_after(change: Change | None) -> str:
    if change is None:
        return "–"
    return f"{100 * change.before.estimate:.2f} → {100 * change.after.estimate:.2f}%"


def _points(interval: Interval) -> str:
    return minus(f"{100 * interval.estimate:+.2f}")


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
