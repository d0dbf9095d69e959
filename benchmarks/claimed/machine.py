"""What was timed, trained on two paths, killed, interrupted and paired: lists and counts summed up anew."""

from collections.abc import Sequence
from statistics import mean, median, stdev

import numpy as np
from benchmarks.claimed.intervals import clopper_pearson, over_seeds
from benchmarks.claimed.lines import Json, Line, percents
from benchmarks.claimed.reading import values
from scipy.stats import wilcoxon

OURS = "ours, 2 threads"


def speed(results: Json) -> list[Line]:
    """Medians over rounds. Ratios are taken within a round, in which contenders took turns."""
    networks, made = results["networks"], results["environment"]
    contenders = list(next(iter(networks.values()))["seconds"])
    sgemm = results["sgemm_gflops"]["2"]
    lines: list[Line] = [(*contenders, "tutorial / ours | eager / ours, 2 threads |")]
    for name, measured in networks.items():
        seconds = measured["seconds"]
        line: list[str | float] = [f"| {name} |", *(median(seconds[contender]) for contender in contenders)]
        line += [*_ratio(seconds["tutorial loop"], seconds[OURS]), *_ratio(seconds["eager, 2 threads"], seconds[OURS])]
        lines.append([*line, 100 * measured["gflop_per_epoch"] / median(seconds[OURS]) / sgemm, "%"])
    versions = f"PyTorch {made['packages']['torch']}"
    return [*lines, (results["protocol"], made["cores"], "cores", versions, sgemm, "GFLOP/s on two")]


def members(results: Json) -> list[Line]:
    """Images a second, medians over rounds, and how much faster ten members are on two cores than one on one."""
    lines: list[Line] = []
    for name, measured in results["members"].items():
        rates = measured["images_per_second"]
        gain = _ratio(rates["10 on two cores"], rates["1 on one core"])
        lines.append([f"| {name} |", *(median(of_rounds) for of_rounds in rates.values()), *gain])
    return [(" | ".join(rates),), *lines]


def paths(results: Json) -> list[Line]:
    """Accuracies of two paths by seed: their difference with Student's interval, and Wilcoxon's signed ranks."""
    lines: list[Line] = [("points [95%]",)]
    for name, accuracies in results["networks"].items():
        native, plain = (np.multiply(100, accuracies[path]) for path in ("native", "plain"))
        difference, _ = over_seeds(native - plain)
        both = (mean(native), "±", stdev(native), mean(plain), "±", stdev(plain))
        _, p_value = np.asarray(wilcoxon(np.subtract(accuracies["native"], accuracies["plain"])))
        lines.append([f"| {name} |", *both, *difference, float(p_value)])
    return [*lines, ("Test accuracy after", results["epochs"], "epochs, mean ± sd over", len(native), "seeds")]


def startup(results: Json) -> list[Line]:
    """Seconds of each command."""
    return [
        [f"| `shiftassay {command}` |", median(took), min(took), "to", max(took)]
        for command, took in results["seconds"].items()
    ]


def torture(results: Json) -> list[Line]:
    """Counts of what went wrong, and of what happened beside that; their sum."""
    lines: list[Line] = []
    for outcome in results["outcomes"]:
        line = [f"| {outcome['what']} |", outcome["tried"], *(outcome[fault] for fault in _FAULTS)]
        beside = ((count, name) for name, count in sorted(outcome["more"].items()) if count)
        lines.append([*line, *(part for pair in beside for part in pair)])
    made, total = results["environment"], sum(outcome["tried"] for outcome in results["outcomes"])
    parts = (len(results["outcomes"]), "of", results["planned"], "parts")
    unfinished = parts if len(results["outcomes"]) < results["planned"] else ()
    return [*lines, (*unfinished, total, "cases in", made["seconds"] / 60, "minutes;", made["cores"], "cores")]


_FAULTS = ("lost", "wrong", "wedged", "silent")


def interrupts(results: Json) -> list[Line]:
    """Seconds from the signal to the end of the command."""
    lines: list[Line] = []
    for outcome in results["outcomes"]:
        took = outcome["seconds"]
        line = [f"| {outcome['what']} |", outcome["tried"], outcome["more"].get("too late", 0), median(took), max(took)]
        lines.append([*line, outcome["lost"], outcome["wrong"], outcome["wedged"]])
    return [*lines, (results["environment"]["cores"], "cores")]


def pairing(results: Json) -> list[Line]:
    """Counts; where there are no partners, the upper bound of false pairings (exact, one-sided)."""
    lines: list[Line] = [("rate of false pairings, 95%",)]
    for kind, by in results["results"].items():
        tried, paired, right = (
            sum(counts.get(what, 0) for counts in by["material"].values()) for what in ("n", "paired", "right")
        )
        line = [f"| {kind} |", tried, paired, right]
        if kind in ("foreign", "partly shared"):
            line += ["at most", *percents(clopper_pearson(paired, tried, 0.05))[2:], "%"]
        lines.append(line)
    return [*lines, ("Seed", results["seed"], "used once", *values(results["development_seeds"]))]


def coverage(results: Json) -> list[Line]:
    """Of each family the parameter of fewest intervals that hold the truth, of those that most fits have."""
    lines: list[Line] = [("% [95%]",)]
    everything: list[Sequence[float]] = []
    for family, fits in results["fits"].items():
        of_parameter: dict[str, list[Sequence[float]]] = {}
        for fit in fits:
            for name, interval in fit.get("numbers", {}).items():
                of_parameter.setdefault(name, []).append(interval)
        everything += [interval for intervals in of_parameter.values() for interval in intervals]
        usual = [name for name, intervals in of_parameter.items() if 2 * len(intervals) > len(fits)]
        worst = min(usual, key=lambda name: _held(of_parameter[name]) / len(of_parameter[name]))
        lines.append([f"| {family}, ", *values(worst), *_coverage(of_parameter[worst])])
    lines.append(["| all parameters", *_coverage(everything)])
    return [*lines, ("Seed", results["seed"], "used once")]


def permutations(results: Json) -> list[Line]:
    """Of each kind of case the number named, and three shares of places, from every diagnosis."""
    partners = {"same_order": "in the same order", "reordered": "in another order", "unpaired": "none"}
    lines: list[Line] = []
    for family, pairing, images in dict.fromkeys((r["family"], r["pairing"], r["images"]) for r in results["rows"]):
        rows = [r for r in results["rows"] if (r["family"], r["pairing"], r["images"]) == (family, pairing, images)]
        line: list[str | float] = [f"| `{family}` | {partners[pairing]} |", images]
        line += [sum(row["verdict"] == family for row in rows), len(rows)]
        for part, of in (("told", "varying"), ("told_identified", "told"), ("right", "identified")):
            places = sum(row[of] for row in rows)
            line += [100 * sum(row[part] for row in rows) / places] if places else []
        lines.append(line)
    return [*lines, ("two seeds below 1000",)]


def type_one_errors(results: Json) -> list[Line]:
    """Of each test the number of situations and simulations, and its lowest and highest rate of errors."""
    words = {"used": " |", "beyond its limits": ", where its assumptions fail |", "replaced": ", no longer used |"}
    cases: dict[str, list[Json]] = {}
    for row in results["rows"]:
        cases.setdefault(f"| {row['test']}{words[row['status']]}", []).append(row)
    lines: list[Line] = []
    for name, of_test in cases.items():
        rates = sorted(100 * row["errors"] / row["repeats"] for row in of_test)
        ends = rates if len(rates) == 1 else [rates[0], rates[-1]]
        lines.append([name, len(of_test), sum(row["repeats"] for row in of_test), *ends])
    return [*lines, ("level of", 100 * results["level"], "%")]


def _held(intervals: Sequence[Sequence[float]]) -> int:
    return sum(low <= truth <= high for truth, _, low, high in intervals)


def _coverage(intervals: Sequence[Sequence[float]]) -> list[float]:
    """Their number, the share that holds the truth, and their mean width beside the range of 95% of the errors."""
    errors = [estimate - truth for truth, estimate, _, _ in intervals]
    low, high = np.quantile(errors, [0.025, 0.975])
    width = sum(high - low for _, _, low, high in intervals) / len(intervals)
    return [len(intervals), *percents(clopper_pearson(_held(intervals), len(intervals))), width / (high - low)]


def _ratio(of: Sequence[float], to: Sequence[float]) -> tuple[float, float, float]:
    """The median, lowest and highest over rounds."""
    ratios = [a / b for a, b in zip(of, to, strict=True)]
    return median(ratios), min(ratios), max(ratios)
