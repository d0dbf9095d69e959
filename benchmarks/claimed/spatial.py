"""What seed 003 claims: each row of its table, from losses and accuracies by epoch and from the images got right."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import exp, inf, log, sqrt
from statistics import mean, stdev

import numpy as np
from benchmarks.claimed import suggested
from benchmarks.claimed.intervals import holm, module_effects, new_seed, over_seeds, student
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
LATE, MEDIAN_OVER, JUMPS_OVER = 50, 100, 200  # epochs


def spatial(results: Json) -> list[Line]:
    """A line for each claim, and the note."""
    sections = results["sections"]
    return [
        ("seed 003 says",),
        *_best_accuracies(sections["reproduction"]),
        _selection(sections["reproduction"]),
        _accuracies(sections),
        _coordinates(sections),
        _attention_and_transformer(sections["accuracies"]),
        _lowest_loss(sections["reproduction"]),
        _stability(sections["reproduction"]),
        _distortions(sections["distortions"]),
        _parameters(sections["parameters"]),
        _batches(sections["batches"]),
        *suggested.lines(sections),
        _note(sections),
    ]


def _best_accuracies(reproduction: Json) -> Iterator[Line]:
    """Each figure of the seed's (`reported`) against the 95% prediction interval for one more seed of ours."""
    for claim in reproduction["claims"]:
        runs = reproduction["networks"][claim["network"]]
        within = 0
        for figure in claim["figures"]:
            ours = _figure(figure["what"], runs)
            if "jump" in figure["what"]:
                low, high = np.exp(new_seed(np.log(ours))[1:])
            else:
                low, high = np.clip(new_seed(ours)[1:], 0.0, 1.0 if "accuracy" in figure["what"] else inf)
            within += int(low <= figure["reported"] <= high)
        best = [100 * max(accuracies) for accuracies in runs["accuracies"]]
        _, low, high = new_seed(best)
        line = [f"| {claim['name']}: best accuracy", 100 * claim["figures"][0]["reported"], "%", mean(best), "±"]
        line += [stdev(best), "95% prediction interval for a new seed", low, "to", min(high, 100.0)]
        yield [*line, within, "of", len(claim["figures"]), "of its figures"]


def _figure(what: str, runs: Json) -> list[float]:
    """What the seed reports a figure of, for each of our seeds."""
    quantity, _, epoch = what.partition(", epoch ")
    if quantity == "best accuracy":
        return [max(accuracies) for accuracies in runs["accuracies"]]
    if quantity == "lowest loss":
        return [min(losses) for losses in runs["losses"]]
    if epoch:
        return [by_epoch[int(epoch) - 1] for by_epoch in runs["losses" if quantity == "loss" else "accuracies"]]
    return [float(np.abs(np.diff(losses[-JUMPS_OVER - 1 :])).max()) for losses in runs["losses"]]


def _selection(reproduction: Json) -> Line:
    """What three ways to choose an epoch read above the mean of the last 50 of the same training, in points."""
    networks = reproduction["networks"].values()
    line: list[str | float] = ["the best of", reproduction["epochs"], "epochs", "mean of the last", LATE, "epochs"]
    for way in ("best epoch", "lowest loss", "last epoch"):
        line += [way, *suggested.bias([suggested.biases(runs, _chosen(runs, way)) for runs in networks])]
    noise = [100 * sqrt(mean(float(np.var(a[-LATE:], ddof=1)) for a in runs["accuracies"])) for runs in networks]
    return [*line, "sd of", min(noise), "to", max(noise), "points"]


def _chosen(runs: Json, way: str) -> list[float]:
    """The accuracy of the epoch that is chosen, by seed."""
    if way == "lowest loss":
        pairs = zip(runs["accuracies"], runs["losses"], strict=True)
        return [accuracies[int(np.argmin(losses))] for accuracies, losses in pairs]
    return [max(accuracies) if way == "best epoch" else accuracies[-1] for accuracies in runs["accuracies"]]


def _right(accuracies: Json) -> dict[str, list[float]]:
    """The accuracies after the last epoch, from the bits of the images that each seed got right."""
    return {
        network: [int(bits, 16).bit_count() / accuracies["images"] for bits in of_seeds]
        for network, of_seeds in accuracies["right"].items()
    }


def _margin(accuracies: Json) -> float:
    return accuracies["comparison"]["margin"]


def _accuracies(sections: Json) -> Line:
    """Pairs of networks, compared seed by seed, with Holm's correction; and what the transformer does."""
    accuracies = _right(sections["accuracies"])
    margin, step = _margin(sections["accuracies"]), 1 / sections["accuracies"]["images"]
    differing, equal = [], []
    for one, other in combinations(accuracies.values(), 2):
        differences = np.subtract(one, other)
        error = sqrt(max(float(differences.var(ddof=1)), 2 * step**2 / 12) / len(differences))
        differing.append(student(float(differences.mean()), error, len(differences) - 1)[1])
        equal.append(float(t.sf((margin - abs(differences.mean())) / error, len(differences) - 1)))
    corrected = list(zip(holm(differing), holm(equal), strict=True))
    equivalent = sum(equivalence < 0.05 for _, equivalence in corrected)
    differ = sum(difference < 0.05 for difference, _ in corrected)
    undecided = sum(difference >= 0.05 <= equivalence for difference, equivalence in corrected)
    runs = sections["reproduction"]["networks"]
    late = {network: [mean(a[-LATE:]) for a in runs[network]["accuracies"]] for network in MODULES}
    line = [
        "no significant difference",
        "of",
        len(corrected),
        "pairs,",
        differ,
        "differ,",
        equivalent,
        "are equivalent",
    ]
    line += ["±", 100 * margin, "points,", undecided, "are undecided"]
    line += [*_points(accuracies, TRANSFORMER, step), "at the last epoch", *_points(late, TRANSFORMER)]
    return [*line, "in the mean of the last", LATE]


def _points(values: dict[str, list[float]], module: str, step: float = 0.0) -> list[str | float]:
    interval, p_value = module_effects(values, MODULES, step)[module]
    return [*percents(interval), "points (p", *p(p_value)]


def _coordinates(sections: Json) -> Line:
    accuracies, runs = sections["accuracies"], sections["reproduction"]["networks"]
    losses = {network: [float(np.median(a[-MEDIAN_OVER:])) for a in runs[network]["losses"]] for network in MODULES}
    loss, p_value = module_effects(losses, MODULES)[COORDINATES]
    right, step = _right(accuracies), 1 / accuracies["images"]
    (_, low, high), _ = module_effects(right, MODULES, step)[COORDINATES]
    line = ["| CoordConv gives", *_points(right, COORDINATES, step), "median of the last", MEDIAN_OVER, "epochs", *loss]
    return [*line, "(p", *p(p_value), "above", 100 * max(abs(low), abs(high)), "points is ruled out"]


def _attention_and_transformer(accuracies: Json) -> Line:
    """Two pairs, and how many seeds their spread asks for at the level that Holm's correction leaves to each pair."""
    right, step, margin = _right(accuracies), 1 / accuracies["images"], _margin(accuracies)
    pairs = len(list(combinations(right, 2)))
    line: list[str | float] = ["| attention and STN have equivalent accuracy"]
    for attention in ("attention", "attention-across-batch"):
        differences = np.subtract(right["stn"], right[attention])
        difference, _ = over_seeds(differences, sqrt(2) * step)
        seeds = _seeds_needed(float(differences.std(ddof=1)), margin, 0.05 / pairs)
        line += [f"stn − {attention}:", *percents(difference), "points; ±", 100 * margin, "takes about", seeds, "seeds"]
    return [*line, "(80% power", len(right["stn"]), "±", 100 * margin, "points"]


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


def _lowest_loss(reproduction: Json) -> Line:
    """Three figures that may be called the loss, against each other network, Holm's correction for all."""
    ways = {"last": lambda losses: losses[-1], "lowest": min, f"median of the last {MEDIAN_OVER}": _median_of_last}
    networks, claimed = reproduction["networks"], "attention-across-batch"
    tests = []
    for way, figure in ways.items():
        values = {name: [figure(losses) for losses in runs["losses"]] for name, runs in networks.items()}
        for other in networks:
            if other != claimed:
                (difference, _, _), p_value = over_seeds(np.subtract(values[claimed], values[other]))
                tests.append((other, way, difference, p_value))
    corrected = holm([p_value for *_, p_value in tests])
    lower: dict[str, list[str]] = {other: [] for other, *_ in tests}
    for (other, way, difference, _), p_value in zip(tests, corrected, strict=True):
        if difference < 0 and p_value < 0.05:
            lower[other].append(way)
    beaten = [f"{other} ({_listed(ways)})" for other, ways in lower.items() if ways]
    unshown = [other for other, ways in lower.items() if not ways]
    return [
        "| attention has the lowest",
        f"lower than that of {_listed(beaten)} | not shown against {_listed(unshown)}",
    ]


def _median_of_last(losses: Sequence[float]) -> float:
    return float(np.median(losses[-MEDIAN_OVER:]))


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _stability(reproduction: Json) -> Line:
    """Jumps |L(t) − L(t − 1)| of the last two thirds of the epochs; effects on their logarithm, as ratios."""
    statistics = {"median jump": np.median, "root mean square": lambda jumps: np.sqrt(np.mean(np.square(jumps)))}
    logs = {}
    for statistic, summary in statistics.items():
        logs[statistic] = {
            network: [log(summary(_late_jumps(losses))) for losses in reproduction["networks"][network]["losses"]]
            for network in MODULES
        }
    line: list[str | float] = ["| attention makes training stable"]
    for module in (TRANSFORMER, ATTENTION):
        line.append(f"with {module}")
        for statistic, values in logs.items():
            interval, _ = module_effects(values, MODULES)[module]
            line += [statistic, *map(exp, interval), "times"]
    return line


def _late_jumps(losses: Sequence[float]) -> np.ndarray:
    late = len(losses) - len(losses) // 3
    return np.abs(np.diff(losses))[-late:]


def _distortions(distortions: Json) -> Line:
    """Error rates by seed, averaged over the data sets."""
    datasets = distortions["datasets"].values()
    errors = {
        network: np.mean([dataset["networks"][network]["errors"] for dataset in datasets], axis=0).tolist()
        for network in MODULES
    }
    return [len(datasets), "sets of them,", len(errors["trunk"]), "seeds", *_points(errors, TRANSFORMER)]


def _parameters(audit: Json) -> Line:
    """Sums over the layers; `shadows` are those of layers that are never used."""
    used = {name: sum(network["parts"].values()) for name, network in audit["networks"].items()}
    claims = audit["claims"]
    fewest = min(used, key=lambda name: used[name])
    line: list[str | float] = [*claims.values(), "parameters"]
    for name in [*claims, fewest]:
        line += [name, used[name]]
    for name, claimed in claims.items():
        dead = audit["networks"][name]["shadows"]
        line += [claimed, "is wrong", dead, "unused", used[name] + dead] if claimed != used[name] else []
    return [*line, f"{fewest} has the fewest"]


def _batches(batches: Json) -> Line:
    """Accuracies of each seed, asked in three ways."""
    checks = batches["networks"]["attention-across-batch"]
    line: list[str | float] = ["| attention over all grids"]
    for batch, order, words in ((64, "shuffled", "batches of 64"), (64, "sorted", "sorted"), (1, "alone", "one at")):
        asked = [row for check in checks for row in check["shown"] if (row["batch"], row["order"]) == (batch, order)]
        accuracies = [100 * row["accuracy"] for row in asked]
        line += [mean(accuracies), "±", stdev(accuracies), words]
    return line


def _note(sections: Json) -> Line:
    networks = sections["reproduction"]["networks"]
    times = [runs.get("environment", runs)["seconds"] for runs in networks.values()]
    hours = sum(seconds for of_seeds in times for seconds in of_seeds) / 3600
    seeds = len(networks["trunk"]["losses"])
    return [
        seeds,
        "seeds",
        len(networks),
        "networks",
        sections["accuracies"]["images"],
        "images",
        "95%",
        hours,
        "hours",
    ]
