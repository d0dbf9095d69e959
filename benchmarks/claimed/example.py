"""README's example: the numbers of what the command printed, from its counts."""

from benchmarks.claimed.intervals import mcnemar, paired_difference, paired_ratio, wilson
from benchmarks.claimed.lines import Json, Line, p, percents


def example(results: Json) -> list[Line]:
    """One line: angle and confidence as estimated, accuracies from counts, and what the proof's remakes gave."""
    verdict, (before, after) = results["diagnosis"]["verdict"], results["diagnosis"]["evaluations"]
    gained, lost, n = after["comparison"]["gained"], after["comparison"]["lost"], after["n"]
    line: list[str | float] = ["Verdict:", *verdict["parameters"].values(), 100 * verdict["confidence"], "%"]
    for row in (before, after):
        line += ["test:" if row is before else "npy:", *percents(wilson(row["correct"], row["n"])), row["n"], "images"]
    line += [*paired_ratio(gained, lost, n - after["correct"] - lost, n), "the errors"]
    line += [*percents(paired_difference(gained, lost, n)), "points"]
    line += [lost, "images are wrong now,", gained, "right now, p", *p(mcnemar(gained, lost))]
    reproduced, restored = _proof(results)
    return [[*line, "proof", reproduced, "% with the shift made again", restored, "% undone"]]


def sentences(results: Json) -> list[str]:
    """What README says of it."""
    reproduced, restored = _proof(results)
    return [
        f"the accuracy of the shifted set ({reproduced:.2f}%), and the shifted set, turned back, has {restored:.2f}%"
    ]


def _proof(results: Json) -> tuple[float, float]:
    """The model's accuracy on the shift made again, and on the shifted set with the shift undone."""
    accuracy = results["diagnosis"]["accuracy"]
    return 100 * accuracy["reproduced"], 100 * accuracy["restored_blind"]
