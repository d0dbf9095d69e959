"""The share of aimed pixels, in words, a table and a figure."""

from shiftassay.report.finding import Figure, Table
from shiftassay.studies.shifted.diagnosed_variant import Controls
from shiftassay.studies.shifted.experiments.aim import AimExperiment, Larger, Mixed
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.words.numbers import percent, percent_with_interval, points_with_interval


def aim_part(experiment: AimExperiment, controls: Controls | None, alike: float) -> Part:
    """Whether aim does the harm, and how large an unaimed change does as much.

    Sizes that differ by less than a share of `alike` count as the same.
    """
    mixed = experiment.mixed
    falls = mixed[0].accuracy.low > mixed[-1].accuracy.high
    sentences = (
        *_mixed(experiment, falls, alike),
        *(_transplanted(experiment, controls) if controls is not None else []),
        *(_larger(experiment) if falls else []),
    )
    return Part(sentences, (_table(experiment, controls),), (_figure(experiment),))


def _mixed(experiment: AimExperiment, falls: bool, alike: float) -> list[str]:
    mixed = experiment.mixed
    first, half, last = mixed[0], mixed[len(mixed) // 2], mixed[-1]
    if not falls:
        conclusion = "Aim is not shown to matter."
    elif last.l2 <= first.l2 * (1 + alike):
        conclusion = "So aim does it, not size."
    else:
        conclusion = "Accuracy falls, but the size grows with it."
    return [
        f"The experiment varies only the share of aimed pixels, on {experiment.images:,} images: each pixel changes as "
        f"in {experiment.unaimed} or as in {experiment.aimed}, drawn at random.",
        f"With none aimed accuracy is {percent_with_interval(first.accuracy, 1)}, with half "
        f"{percent_with_interval(half.accuracy, 1)}, with all {percent_with_interval(last.accuracy, 1)}. L∞ goes from "
        f"{first.linf:.3g} to {last.linf:.3g} and L2 from {first.l2:.3g} to {last.l2:.3g}. {conclusion}",
    ]


def _transplanted(experiment: AimExperiment, controls: Controls) -> list[str]:
    spared = controls.transplanted.minus_control.high < 0
    return [
        f"The control: the perturbations of {experiment.aimed}, each added to another image, leave "
        f"{percent_with_interval(controls.transplanted.accuracy, 1)}. "
        + (
            "They harm most the image that they were made for, so neither their size nor their pattern explains it."
            if spared
            else "They harm other images as much, so their pattern alone explains it."
        )
    ]


def _larger(experiment: AimExperiment) -> list[str]:
    """How large the unaimed change has to be for as much harm."""
    larger, last = experiment.larger, experiment.mixed[-1]
    as_much = next((row for row in larger if row.accuracy.estimate <= last.accuracy.estimate), None)
    if as_much is not None:
        return [
            f"For as much harm the change of {experiment.unaimed} has to be {as_much.times} times as large (accuracy "
            f"{percent_with_interval(as_much.accuracy, 1)}, L∞ {as_much.linf:.3g})."
        ]
    return [
        f"Even {larger[-1].times} times as large, the change of {experiment.unaimed} harms less (accuracy "
        f"{percent_with_interval(larger[-1].accuracy, 1)})."
    ]


def _table(experiment: AimExperiment, controls: Controls | None) -> Table:
    changes: list[tuple[str, Mixed | Larger]] = [
        (f"{percent(row.aimed, 0)} of pixels aimed", row) for row in experiment.mixed
    ]
    changes += [(f"{experiment.unaimed} × {row.times}", row) for row in experiment.larger[1:]]
    rows = [(name, points_with_interval(row.accuracy, 1), f"{row.linf:.3g}", f"{row.l2:.3g}") for name, row in changes]
    if controls is not None:
        rows += [
            (f"{experiment.aimed}, {name}", points_with_interval(control.accuracy, 1), "as above", "as above")
            for name, control in {"shuffled": controls.shuffled, "transplanted": controls.transplanted}.items()
        ]
    return Table(
        ("change", "accuracy, % [95%]", "L∞", "L2"),
        tuple(rows),
        f"On {experiment.images:,} images, the first seed's model; sizes are medians over images.",
    )


def _figure(experiment: AimExperiment) -> Figure:
    rows = experiment.mixed
    data = {
        "ticks": [f"{100 * row.aimed:.0f}" for row in rows],
        "label": "pixels that are aimed, %",
        "series": {"unmodified model": [[i.estimate, i.low, i.high] for i in (row.accuracy for row in rows)]},
    }
    caption = f"Accuracy by the share of aimed pixels, with 95% intervals of {experiment.images:,} images."
    return Figure("dose", data, caption)
