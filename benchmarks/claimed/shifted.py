"""The study of shifted test sets, from which images each seed's model gained and lost on each set."""

from collections.abc import Iterator
from itertools import pairwise
from math import log, sqrt
from statistics import mean, median, stdev

import numpy as np
from benchmarks.claimed.intervals import (
    Interval,
    mcnemar,
    over_seeds_and_images,
    paired_difference,
    paired_ratio,
    wilson,
)
from benchmarks.claimed.lines import Json, Line, percents
from benchmarks.claimed.reading import values

WIDTHS = (784, 500, 500, 500, 200, 200, 100, 50, 10)
PARAMETERS = sum((before + 1) * after for before, after in pairwise(WIDTHS))
"""Of the perceptron: a weight for each pair of units, and a bias for each unit."""


def model(results: Json) -> list[Line]:
    """Accuracy over seeds: on held-out training images (a share that each run stores), and on the test set (counts)."""
    held_out = [100 * member["validation_accuracy"] for member in results["members"]]
    clean = [member["evaluations"][0] for member in results["members"]]
    test = [100 * row["correct"] / row["n"] for row in clean]
    seconds = median(member.get("environment", member)["seconds"] for member in results["members"])
    return [
        (results["recipe"]["held_out"], "held-out", mean(held_out), stdev(held_out), min(held_out), max(held_out)),
        (clean[0]["n"], "test images", mean(test), stdev(test), min(test), max(test)),
        (len(test), "seeds", seconds, "s of training", results["environment"]["threads"], "thread"),
    ]


def variants(results: Json) -> list[Line]:
    """What each set does to accuracy, from the counts of right, gained and lost images."""
    seeds = len(results["members"])
    lines: list[Line] = [("accuracy, seed 0, % [95%]", seeds, "seeds", "errors", seeds, "[95%]", seeds, "[95%]")]
    for place, image_set in enumerate(results["sets"]):
        rows = [member["evaluations"][place] for member in results["members"]]
        accuracies = [100 * row["correct"] / row["n"] for row in rows]
        line = [image_set["name"], *values(image_set["origin"]), *percents(wilson(rows[0]["correct"], rows[0]["n"]))]
        line += [mean(accuracies), "±", stdev(accuracies)]
        if place:
            line += [*error_ratio(results, place), *percents(accuracy_change(results, place))]
            line.append(f"| {effect(results, place)} |")
        lines.append(line)
    margin, clean = _margin(results), [member["evaluations"][0] for member in results["members"]]
    errors = mean(1 - row["correct"] / row["n"] for row in clean)
    return [*lines, (clean[0]["n"], "images", 100 * margin, "points", 100 * margin / errors, "% of the errors")]


def answers(results: Json) -> list[Line]:
    """What each set does, how it is named, and what the recommended repair brings back on the images of seed 0."""
    lines: list[Line] = [("before → after, % [95%]",)]
    for place, row in enumerate(results["answers"], 1):
        of_all = (results["members"][0]["evaluations"][place]["n"], "images and", len(results["members"]), "seeds")
        line = [row["variant"], f"| {effect(results, place)}:", *error_ratio(results, place), "the errors"]
        line += [*percents(accuracy_change(results, place)), "points", *of_all, *values(row["verdict"])]
        repair = results["argument"]["repairs"][row["variant"]]
        for attempt in repair["attempts"]:
            if attempt["strategy"] == repair["recommended"] != "none":
                line += [f"| {attempt['strategy']}", *values(attempt["what"])]
                line += ["afresh:", *_before_and_after(attempt["attacked"])] if attempt["attacked"] else []
                line += _before_and_after(attempt["variant"])
        lines.append(line)
    return [*lines, ("the rest is of training seed 0",)]


def one_for_all(results: Json) -> list[Line]:
    """Accuracy of each design, a mean over seeds of counts of the same images; its interval is taken as stored."""
    served = results["argument"]["one_for_all"]
    designs, sets, images, asked = served["designs"], len(served["variants"]), served["images"], served["asked"]
    lines: list[Line] = [("t4, fresh attack", served.get("attacked") or asked, "images")]
    for name, design in designs.items():
        accuracies = [
            100 * share
            for column in design["accuracy"].values()
            for share in (mean(column["seeds"]), column["low"], column["high"])
        ]
        shared = 0 if name == "specialists" else PARAMETERS
        lines.append((f"| {name} |", *accuracies, shared + sets * design["for_one_more"], design["for_one_more"]))
    held_out = {name: list(row["held_out"].values()) for name, row in designs.items() if name != "specialists"}
    best = max(held_out, key=lambda name: mean(held_out[name]))
    error = sqrt(sum(share * (1 - share) for share in held_out[best]) / results["recipe"]["held_out"]) / sets
    near = [name for name in held_out if mean(held_out[name]) >= mean(held_out[best]) - error]
    chosen = min(near, key=lambda name: (designs[name]["parameters"], -mean(held_out[name])))
    choice = [f"We choose {chosen}. Averaged over", sets, "variants", 100 * mean(held_out[chosen]), "% of held-out"]
    if chosen != best:
        choice += [
            f"The best, {best}, is right on",
            100 * mean(held_out[best]),
            "one standard error better",
            100 * error,
        ]
    more = designs[chosen]["parameters"] - PARAMETERS
    choice += [*([more] if more else []), PARAMETERS, "one more variant would add", designs[chosen]["for_one_more"]]
    lines.append([*choice, served["seeds"], "seeds", served["epochs"], "epochs", images, "images"])
    note = ["[95%", images, "images", served["seeds"], "seeds", served["epochs"], "epochs", asked, "images of each"]
    for place, (name, taken) in enumerate(served["router"]["taken_for"].items()):
        note += [name, *percents(wilson(taken[place], sum(taken)))]
    return [*lines, note]


def accuracy_change(results: Json, place: int) -> Interval:
    """Of the set in this place, against the first, for new seeds and images; no more than all can be lost."""
    of_seeds = [paired_difference(gained, lost, n) for gained, lost, _, n in _compared(results, place)]
    estimate, low, high = over_seeds_and_images(of_seeds)
    return estimate, max(low, -1.0), min(high, 1.0)


def error_ratio(results: Json, place: int) -> Interval:
    """Errors over those on the first set: the seeds' logarithms are averaged."""
    ratios = [paired_ratio(gained, lost, wrong - lost, n) for gained, lost, wrong, n in _compared(results, place)]
    estimate, low, high = over_seeds_and_images([(log(a), log(b), log(c)) for a, b, c in ratios])
    return float(np.exp(estimate)), float(np.exp(low)), float(np.exp(high))


def effect(results: Json, place: int) -> str:
    """The word for it: by the interval over seeds; where that holds 0, by McNemar's test of every single seed."""
    _, low, high = accuracy_change(results, place)
    if low > 0:
        return "improved"
    if high < 0:
        return "slightly harmed" if low > -_margin(results) else "harmed"
    alone = [(gained - lost, mcnemar(gained, lost) < 0.05) for gained, lost, _, _ in _compared(results, place)]
    if all(shown and difference < 0 for difference, shown in alone):
        return "harmed"
    return "improved" if all(shown and difference > 0 for difference, shown in alone) else "not shown to change"


def _compared(results: Json, place: int) -> Iterator[tuple[int, int, int, int]]:
    """Of each seed the images that it gained and lost against the first set, and was wrong on, and all."""
    for member in results["members"]:
        row = member["evaluations"][place]
        yield row["comparison"]["gained"], row["comparison"]["lost"], row["n"] - row["correct"], row["n"]


def _margin(results: Json) -> float:
    return results["members"][0]["evaluations"][1]["comparison"]["margin"]


def _before_and_after(change: Json) -> list[float]:
    """From the images that were right before, and those gained and lost."""
    n, before = change["n"], round(change["before"]["estimate"] * change["n"])
    return [100 * before / n, *percents(wilson(before + change["gained"] - change["lost"], n)), n]
