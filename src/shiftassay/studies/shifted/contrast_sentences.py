"""The experiments of a contrast, in sentences."""

from shiftassay.studies.shifted.contrast import AimExperiment, DrawsExperiment
from shiftassay.studies.shifted.diagnosed_variant import Controls
from shiftassay.words.numbers import percent, percent_with_interval, points

MATTERS = 0.05  # of accuracy, by which the unmodified model may move without a word on it


def draws_sentences(experiment: DrawsExperiment) -> list[str]:
    """Whether images agree on one draw, and how learning depends on the number of draws."""
    sentences = []
    undone = [
        f"on {name} it puts {percent(row.put_back, 1)} of the changed pixels back (one at random "
        f"{percent(row.at_random, 1)}), and accuracy goes from {percent(row.before, 1)} to {percent(row.accuracy, 1)} "
        f"of {row.images:,} images"
        for name, row in experiment.one_undone.items()
        if row is not None
    ]
    if undone:
        sentences.append(
            "Do the images agree on one draw? One fitted to half of the images was undone on the other half: "
            f"{'; '.join(undone)}."
        )
    first, last = experiment.dose[0], experiment.dose[-1]
    moved = first.learned.estimate - last.learned.estimate
    kept = first.unmodified.estimate - last.unmodified.estimate
    if first.learned.low > last.learned.high:
        too = "and" if abs(kept) > MATTERS else "not"
        conclusion = (
            "So what sets them apart is whether images share the draw: it decides what can be learned "
            f"({points(moved, 1)} points), {too} what the unmodified model does ({points(kept, 1, sign=True)} points)."
        )
    else:
        conclusion = (
            "The number of draws is not shown to matter for what can be learned, so this experiment does not set them "
            "apart."
        )
    sentences.append(
        "The experiment: the same images, family and values, and only the number of draws dealt out among them varied, "
        f"from {first.draws} to one for each. The same network, trained on {experiment.learned:,} training images so "
        f"dealt, goes from {percent_with_interval(first.learned, 1)} to {percent_with_interval(last.learned, 1)}; the "
        f"unmodified model from {percent_with_interval(first.unmodified, 1)} to "
        f"{percent_with_interval(last.unmodified, 1)}. {conclusion}"
    )
    return sentences


def aim_sentences(experiment: AimExperiment, controls: Controls | None, alike: float) -> list[str]:
    """Whether aim does the harm, and how large an unaimed change does as much.

    Sizes that differ by less than a share of `alike` count as the same.
    """
    mixed, larger = experiment.mixed, experiment.larger
    first, half, last = mixed[0], mixed[len(mixed) // 2], mixed[-1]
    falls = first.accuracy.low > last.accuracy.high
    if not falls:
        conclusion = "Aim is not shown to matter."
    elif last.l2 <= first.l2 * (1 + alike):
        conclusion = "So aim, not size, does it."
    else:
        conclusion = "Accuracy falls, but the size grows with it."
    sentences = [
        f"The experiment: every pixel changes as in {experiment.unaimed} or as in {experiment.aimed}, chosen by lot, "
        "and only the share of aimed pixels varies. With none aimed accuracy is "
        f"{percent_with_interval(first.accuracy, 1)}, with half {percent_with_interval(half.accuracy, 1)}, with all "
        f"{percent_with_interval(last.accuracy, 1)}, while L∞ goes from {first.linf:.3g} to {last.linf:.3g} and L2 "
        f"from {first.l2:.3g} to {last.l2:.3g}. {conclusion}"
    ]
    if controls is not None:
        spared = controls.transplanted.minus_control.high < 0
        sentences.append(
            f"The control: the very perturbations of {experiment.aimed}, each on another image, leave "
            f"{percent_with_interval(controls.transplanted.accuracy, 1)}: "
            + (
                "they harm the image they were made for, so it is neither their size nor their pattern."
                if spared
                else "they harm other images as much, so their pattern alone explains it."
            )
        )
    if falls:
        as_much = next((row for row in larger if row.accuracy.estimate <= last.accuracy.estimate), None)
        if as_much is not None:
            sentences.append(
                f"For as much harm the change of {experiment.unaimed} has to be {as_much.times} times as large "
                f"(accuracy {percent_with_interval(as_much.accuracy, 1)}, L∞ {as_much.linf:.3g})."
            )
        else:
            sentences.append(
                f"The change of {experiment.unaimed} does not harm as much even {larger[-1].times} times as large "
                f"(accuracy {percent_with_interval(larger[-1].accuracy, 1)})."
            )
    return sentences
