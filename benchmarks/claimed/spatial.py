"""What seed 003 claims: each row of its table, from losses and accuracies by epoch and from the images got right."""

from collections.abc import Iterator, Sequence
from math import exp, inf, log, sqrt
from statistics import mean, stdev

import numpy as np
from benchmarks.claimed import suggested
from benchmarks.claimed.accuracies import (
    ATTENTION,
    LATE,
    MEDIAN_OVER,
    MODULES,
    TRANSFORMER,
    accuracies,
    attention_and_transformer,
    coordinates,
    points,
)
from benchmarks.claimed.intervals import holm, module_effects, new_seed, over_seeds
from benchmarks.claimed.lines import Json, Line

JUMPS_OVER = 200  # epochs


def spatial(results: Json) -> list[Line]:
    """A line for each claim, and the note."""
    sections = results["sections"]
    return [
        ("seed 003 says",),
        *_best_accuracies(sections["reproduction"]),
        _selection(sections["reproduction"]),
        accuracies(sections),
        coordinates(sections),
        attention_and_transformer(sections["accuracies"]),
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
        verdict = "reproduced" if low <= 100 * claim["figures"][0]["reported"] <= high else "not reproduced"
        yield [*line, within, "of the", len(claim["figures"]), "figures that it reports", f"| {verdict}"]


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
    verdict = f"not shown against {_listed(unshown)}" if unshown else "holds"
    return ["| attention has the lowest", f"lower than that of {_listed(beaten) or 'none'} | {verdict}"]


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
    return [len(datasets), "sets of them,", len(errors["trunk"]), "seeds", *points(errors, TRANSFORMER)]


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
    hours = sum(seconds or 0 for of_seeds in times for seconds in of_seeds) / 3600
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
