"""What repairs did, in sentences."""

from collections.abc import Sequence

from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.verdict import UNKNOWN
from shiftassay.repairs.result import AccuracyChange, Attempt, Outcome
from shiftassay.shifts.ascent import Ball
from shiftassay.statistics.intervals import Interval
from shiftassay.words.numbers import brackets, percent, percent_with_interval, points

NORMS = {"linf": "L∞", "l2": "L2"}


def assumption_of(clean: AccuracyChange, share: float, ball: Ball | None = None) -> str:
    """What must be known of an image before the repaired model is asked about it.

    Against attacks in a `ball`, also how large they are. It is judged by what the repair does to clean images.
    """
    effect = f"clean: {percent(clean.before.estimate, 1)} before, {percent(clean.after.estimate, 1)} after"
    attacks = "" if ball is None else f"; it assumes {NORMS[ball.norm]} attacks of at most {ball.epsilon:.3g}"
    if clean.direction != "lower":
        return f"no variant id ({effect}){attacks}"
    touched = "" if share >= 1 else f", and whether it is one of the {percent(share)} that the shift touched"
    return f"the variant id of each image{touched} ({effect}){attacks}"


def nothing_sentence(
    family: str, group: str, *, clean: Interval, variant: Interval, missing: Interval, images: int
) -> str:
    """That there is nothing to repair, and why."""
    numbers = (
        f"Accuracy is {percent_with_interval(variant)} on the variant and {percent_with_interval(clean)} on clean "
        f"images (difference {_difference(missing)}, {images:,} images)"
    )
    if group == "none":
        return f"Nothing to repair: the images are as they were. {numbers}."
    if group == "sample":
        return (
            f"Nothing to repair in the model: the images are as they were; {family} concerns which there are, their "
            f"order or their labels. {numbers}."
        )
    return f"Nothing to repair: the shift is found ({family}), a loss of accuracy is not. {numbers}."


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
        sentences.append(f"It is the best of {len(attempts)} that were tried.")
    elif best is not chosen:
        ahead = points(best.deciding.after.estimate - change.after.estimate)
        reason = (
            "but that is above the model's accuracy on clean images, so it comes from more training, not from repair"
            if best.deciding.after.low > clean.estimate
            else "which is within the interval"
        )
        sentences.append(
            f"{best.strategy[0].upper()}{best.strategy[1:]} changes more and is {ahead} points ahead, {reason}."
        )
    clean_before = f"clean accuracy before the repair, {percent(clean.estimate, 1)}"
    if remaining.high < 0:
        short = f"{points(-remaining.estimate)} points {brackets([-remaining.high, -remaining.low])}"
        sentences.append(f"It remains {short} below {clean_before}.")
    elif remaining.low > 0:
        sentences.append(f"That is above {clean_before} ({_difference(remaining)}).")
    else:
        sentences.append(f"The difference to {clean_before}, is {_difference(remaining)}.")
    sentences.append(f"It needs {chosen.assumption}.")
    return " ".join(sentences)


def unrepaired_sentence(
    outcome: Outcome,
    family: str,
    attempts: Sequence[Attempt],
    clean: Interval,
    ceiling: Ceiling | None,
    loss_is_shown: bool = True,
) -> str:
    """That no repair was found, or that none can exist, and how far the best falls short."""
    if outcome == "cannot_be_repaired" and ceiling is not None and ceiling.above is not None:
        sentences = [
            f"No repair can exist: {percent(ceiling.above.high, 1)} is the most that any classifier can reach on these "
            f"images, and the model has {percent_with_interval(clean)} on clean ones. {ceiling.sentence}"
        ]
    elif family == UNKNOWN:
        sentences = [
            "No repair was found: no family of the catalogue makes this shift, so there is nothing to undo and nothing "
            "to train on."
        ]
    elif not loss_is_shown and attempts:
        sentences = [
            f"No repair is shown to help: on these {attempts[0].variant.n:,} images the loss is too small to be shown."
        ]
    else:
        sentences = ["No repair was found.", *([ceiling.sentence] if ceiling else [])]
    if attempts:
        best = max(attempts, key=lambda attempt: attempt.deciding.after.estimate)
        change = best.deciding
        which = "The only repair that was tried" if len(attempts) == 1 else f"The best of {len(attempts)} repairs"
        sentences.append(
            f"{which}, {best.strategy} ({best.what}), goes from "
            f"{percent(change.before.estimate, 2)} to {percent_with_interval(change.after)} of {change.n:,} images, "
            f"{points(clean.estimate - change.after.estimate, 1)} points below clean accuracy."
        )
    return " ".join(sentences)


def _difference(difference: Interval) -> str:
    return f"{points(difference.estimate, sign=True)} points {brackets(difference)}"
