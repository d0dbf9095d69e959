"""What repairs did, in sentences."""

from collections.abc import Sequence

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.verdict import UNKNOWN
from shiftassay.repairs.result import AccuracyChange, Attempt
from shiftassay.statistics.intervals import Interval
from shiftassay.words.numbers import brackets, percent, percent_with_interval, points


def assumption_of(clean: AccuracyChange, share: float) -> str:
    """What a user of the repaired model must know of an image.

    It is judged by what the repair does to clean images.
    """
    touched = "" if share >= 1 else f", and is one of the {percent(share)} that the shift touched"
    if clean.direction != "lower":
        return "nothing: clean images are not shown to be worse off"
    loss = f"a clean one is at {percent(clean.after.estimate, 1)}, before {percent(clean.before.estimate, 1)}"
    return f"you know that the image is from this variant{touched} ({loss})"


def nothing_sentence(
    family: str, group: str, *, clean: Interval, variant: Interval, missing: Interval, images: int
) -> str:
    """That there is nothing to repair, and why."""
    numbers = (
        f"Accuracy is {percent_with_interval(variant)} on the variant and {percent_with_interval(clean)} on clean "
        f"images ({_difference(missing)}, {images:,} images)"
    )
    if group == "none":
        return f"Nothing to repair: the images are as they were. {numbers}."
    if group == "sample":
        return (
            f"Nothing to repair in the model: its images are as they were, {family} is about which there are, in what "
            f"order, or how they are labelled. {numbers}."
        )
    return f"Nothing to repair: {family} is there, but no loss of accuracy is shown. {numbers}."


def recommended_sentence(chosen: Attempt, attempts: Sequence[Attempt], remaining: Interval, clean: Interval) -> str:
    """Why this repair, and how much accuracy is still missing after it."""
    change = chosen.deciding
    where = "under a fresh attack" if chosen.attacked else "on the variant"
    sentences = [
        f"Recommended: {chosen.strategy} ({chosen.what}). Accuracy {where} goes from "
        f"{percent(change.before.estimate, 2)} to {percent_with_interval(change.after)} of {change.n:,} images, "
        f"{_difference(change.difference)}."
    ]
    best = max(attempts, key=lambda attempt: attempt.deciding.after.estimate)
    if best is chosen and len(attempts) > 1:
        less_intrusive = (
            ", and no less intrusive one is as good within the interval" if chosen is not attempts[0] else ""
        )
        sentences.append(f"None of the others is better{less_intrusive}.")
    elif best is not chosen:
        ahead = points(best.deciding.after.estimate - change.after.estimate)
        reason = (
            "above what the model reached on clean images: that is more training, not more repair"
            if best.deciding.after.low > clean.estimate
            else "within the interval"
        )
        name = best.strategy[0].upper() + best.strategy[1:]
        sentences.append(f"{name}, which changes more, is {ahead} points ahead, {reason}.")
    if remaining.high < 0:
        short = f"{points(-remaining.estimate)} points {brackets([-remaining.high, -remaining.low])}"
        sentences.append(f"It falls short of clean images before the repair by {short}.")
    elif remaining.low > 0:
        sentences.append(f"That is above clean images before the repair ({_difference(remaining)}).")
    else:
        sentences.append(f"Against clean images before the repair no difference is shown ({_difference(remaining)}).")
    that = "" if chosen.assumption.startswith("nothing") else "that "
    sentences.append(f"It assumes {that}{chosen.assumption}.")
    return " ".join(sentences)


def unrepaired_sentence(
    family: str,
    attempts: Sequence[Attempt],
    clean: Interval,
    ceiling: Ceiling | None,
    bounded: bool,
    loss_is_shown: bool = True,
) -> str:
    """That no repair was found, or that none can exist (`bounded`), and the best that was tried."""
    if bounded and ceiling is not None and ceiling.above is not None:
        sentences = [
            f"No repair can exist: no classifier reaches more than {percent(ceiling.above.high, 1)} on these images, "
            f"and the model has {percent_with_interval(clean)} on clean ones. {ceiling.sentence}"
        ]
    elif family == UNKNOWN:
        sentences = [
            "No repair found: nothing in the catalogue makes this shift, so it can neither be undone nor made for "
            "training."
        ]
    elif not loss_is_shown and attempts:
        sentences = [
            f"No repair is shown to help: on these {attempts[0].variant.n:,} images the loss itself is too small to be "
            "shown."
        ]
    else:
        sentences = ["No repair found.", *([ceiling.sentence] if ceiling else [])]
    if attempts:
        best = max(attempts, key=lambda attempt: attempt.deciding.after.estimate)
        change = best.deciding
        sentences.append(
            f"The best that was tried, {best.strategy} ({best.what}), goes from {percent(change.before.estimate, 2)} "
            f"to {percent_with_interval(change.after)} of {change.n:,} images."
        )
    return " ".join(sentences)


def _difference(difference: Interval) -> str:
    return f"{points(difference.estimate, sign=True)} points {brackets(difference)}"
