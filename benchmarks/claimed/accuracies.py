"""The accuracies of seed 003's networks: pairs of them, and what each module adds, over training seeds."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import sqrt
from statistics import mean

import numpy as np
from benchmarks.claimed.intervals import holm, module_effects, over_seeds, student
from benchmarks.claimed.lines import Json, Line, p, percents
from scipy.stats import nct, t

TRANSFORMER, COORDINATES, ATTENTION = "a transformer", "CoordConv", "attention"
MODULES = {
    "trunk": frozenset[str](),
    "stn": frozenset({TRANSFORMER}),
    "attention": frozenset({ATTENTION}),
    "coordconv-stn": frozenset({TRANSFORMER, COORDINATES}),
    "attention-across-batch": frozenset({ATTENTION}),
    "coordconv": frozenset({COORDINATES}),
}
"""What each network is made of, beside the trunk that all share."""
LATE, MEDIAN_OVER = 50, 100  # epochs


def accuracies(sections: Json) -> Line:
    """How many pairs differ or are equivalent, and what the transformer does."""
    measured, runs = sections["accuracies"], sections["reproduction"]["networks"]
    of_pairs, accurate, step = _pairs(measured).values(), right(measured), 1 / measured["images"]
    differ, verdicts = sum(differs for _, differs in of_pairs), [verdict for verdict, _ in of_pairs]
    line: list[str | float] = ["| no significant difference", len(verdicts), "pairs,", differ, "differ,"]
    line += [verdicts.count("equivalent"), "are equivalent within ±", 100 * _margin(measured), "points,"]
    line += [verdicts.count("undecided"), "are undecided"]
    late = {network: [mean(curve[-LATE:]) for curve in runs[network]["accuracies"]] for network in MODULES}
    line += [*points(accurate, TRANSFORMER, step), "at the last epoch", *points(late, TRANSFORMER)]
    line += [
        "in the mean of the last",
        LATE,
        f"| {f'{differ} pairs differ' if differ else 'no pair is shown to differ'}",
    ]
    (effect, _, _), p_value = module_effects(accurate, MODULES, step)[TRANSFORMER]
    shown = f"the transformer {'lowers' if effect < 0 else 'raises'} accuracy at the last epoch"
    return [*line, shown if p_value < 0.05 else "no effect of the transformer is shown"]


def coordinates(sections: Json) -> Line:
    """What CoordConv does to accuracy, and to the loss: the median of the last 100 epochs."""
    measured, runs = sections["accuracies"], sections["reproduction"]["networks"]
    losses = {
        network: [float(np.median(curve[-MEDIAN_OVER:])) for curve in runs[network]["losses"]] for network in MODULES
    }
    loss, p_loss = module_effects(losses, MODULES)[COORDINATES]
    accurate, step = right(measured), 1 / measured["images"]
    (gain, low, high), p_accuracy = module_effects(accurate, MODULES, step)[COORDINATES]
    line = ["| CoordConv gives", *points(accurate, COORDINATES, step), "median of the last", MEDIAN_OVER, "epochs"]
    line += [*loss, "(p", *p(p_loss)]
    if (gain > 0 and p_accuracy < 0.05) or (loss[0] < 0 and p_loss < 0.05):
        return [*line, "| a gain is shown"]
    return [*line, "| no gain is shown", "above", 100 * max(abs(low), abs(high)), "points is ruled out"]


def attention_and_transformer(measured: Json) -> Line:
    """Two pairs, and how many seeds their spread asks for at the level that Holm's correction leaves to each pair."""
    accurate, step, margin = right(measured), 1 / measured["images"], _margin(measured)
    pairs, verdicts = _pairs(measured), []
    line: list[str | float] = ["| attention and STN have equivalent accuracy"]
    for attention in ("attention", "attention-across-batch"):
        differences = np.subtract(accurate["stn"], accurate[attention])
        difference, _ = over_seeds(differences, sqrt(2) * step)
        seeds = _seeds_needed(float(differences.std(ddof=1)), margin, 0.05 / len(pairs))
        line += [f"stn − {attention}:", *percents(difference), "points; ±", 100 * margin, "takes about", seeds, "seeds"]
        verdicts.append(f"stn against {attention} {pairs['stn', attention][0]}")
    line += ["(80% power", len(accurate["stn"])]
    if all(verdict.endswith("undecided") for verdict in verdicts):
        return [*line, "| undecided: neither a difference nor that it is within ±", 100 * margin, "points"]
    return [*line, f"| {' and '.join(verdicts)}"]


def right(measured: Json) -> dict[str, list[float]]:
    """The accuracies after the last epoch, from the bits of the images that each seed got right."""
    return {
        network: [int(bits, 16).bit_count() / measured["images"] for bits in of_seeds]
        for network, of_seeds in measured["right"].items()
    }


def points(values: Mapping[str, Sequence[float]], module: str, step: float = 0.0) -> Line:
    """The effect of a module in percentage points, and its p-value."""
    interval, p_value = module_effects(values, MODULES, step)[module]
    return [*percents(interval), "points (p", *p(p_value)]


def _pairs(measured: Json) -> dict[tuple[str, str], tuple[str, bool]]:
    """Of each pair of networks, compared seed by seed, the verdict, and whether a difference is shown.

    Differences and equivalence within the margin (two one-sided tests) have Holm's correction each.
    """
    accurate, margin, step = right(measured), _margin(measured), 1 / measured["images"]
    pairs, differing, equal = list(combinations(accurate, 2)), [], []
    for one, other in pairs:
        differences = np.subtract(accurate[one], accurate[other])
        error = sqrt(max(float(differences.var(ddof=1)), 2 * step**2 / 12) / len(differences))
        differing.append(student(float(differences.mean()), error, len(differences) - 1)[1])
        equal.append(float(t.sf((margin - abs(differences.mean())) / error, len(differences) - 1)))
    verdicts = {}
    for (one, other), p_value, equivalence in zip(pairs, holm(differing), holm(equal), strict=True):
        direction = "lower" if mean(accurate[one]) < mean(accurate[other]) else "higher"
        verdict = "equivalent" if equivalence < 0.05 else direction if p_value < 0.05 else "undecided"
        verdicts[one, other] = verdict, p_value < 0.05
    return verdicts


def _margin(measured: Json) -> float:
    return measured["comparison"]["margin"]


def _seeds_needed(sd: float, margin: float, level: float) -> int:
    """The fewest with which both one-sided tests reject in four of five studies, if there is no difference.

    Each rejects with probability P(T' > t), T' noncentral with margin · √n / sd; both do in at least 2P − 1 (Phillips
    1990).
    """
    for seeds in range(2, 100_000):
        rejects = nct.sf(t.isf(level, seeds - 1), seeds - 1, margin * sqrt(seeds) / sd)
        if 2 * rejects - 1 >= 0.8:
            return seeds
    raise ValueError("more seeds than can be trained")
