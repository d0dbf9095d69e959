"""Intervals and p-values from counts, and from values over seeds, by their definitions.

All intervals are of 95%. An interval is (estimate, low, high), a proportion is a share of 1.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, hypot, log, sqrt

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import beta, binom, norm, t

Interval = tuple[float, float, float]
Z = float(norm.isf(0.025))


def wilson(right: int, n: int) -> Interval:
    """Where (p̂ − p)² ≤ z² p(1 − p)/n: Wilson 1927."""
    share, weight = right / n, Z**2 / n
    center = (share + weight / 2) / (1 + weight)
    half = sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    return share, center - half, center + half


def clopper_pearson(right: int, n: int, tail: float = 0.025) -> Interval:
    """The shares under which neither tail of the binomial is below 2.5%: Clopper and Pearson 1934."""
    low = float(beta.ppf(tail, right, n - right + 1)) if right else 0.0
    high = float(beta.ppf(1 - tail, right + 1, n - right)) if right < n else 1.0
    return right / n if n else 0.5, low, high


def mcnemar(gained: int, lost: int) -> float:
    """How probable it is that equally likely gains and losses are as uneven: McNemar 1947, exact."""
    return min(1.0, 2 * float(binom.cdf(min(gained, lost), gained + lost, 0.5)))


def paired_difference(gained: int, lost: int, n: int) -> Interval:
    """Accuracy minus that of the reference on the same images.

    The union of Tango's score interval (1998), and of Clopper and Pearson's for the share of gains among the images
    that differ.
    """

    def z(difference: float) -> float:
        linear = (2 * n - gained + lost) * difference - gained - lost
        constant = -lost * difference * (1 - difference)
        losing = (sqrt(max(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)  # probability of a loss, if this is it
        variance = n * (2 * losing + difference * (1 - difference))
        return (gained - lost - n * difference) / sqrt(max(variance, 1e-300))

    estimate = (gained - lost) / n
    exact = [(2 * share - 1) * (gained + lost) / n for share in clopper_pearson(gained, gained + lost)[1:]]
    low, high = _where_significant(z, estimate, -1, 1)
    return estimate, min(low, *exact), max(high, *exact)


def paired_ratio(gained: int, lost: int, wrong_in_both: int, n: int) -> Interval:
    """Errors over those of the reference on the same images.

    The union of the score interval of Tang, Tang and Chan (2003) with the exact one, as above.
    """
    both, ever = wrong_in_both, wrong_in_both + gained + lost

    def z(logarithm: float) -> float:
        ratio = exp(logarithm)
        linear = (both + gained) * ratio**2 - (both + lost) - 2 * gained
        constant = gained * (1 - ratio) * ever / n
        root = sqrt(max(linear**2 - 4 * n * (1 + ratio) * constant, 0))
        gaining = (root - linear) / (2 * n * (1 + ratio))  # probability of a gain, if this is the ratio
        variance = n * (1 + ratio) * gaining + (ratio - 1) * ever
        return (both + lost - ratio * (both + gained)) / sqrt(max(variance, 1e-300))

    estimate, differing = (both + lost) / (both + gained), gained + lost
    shares = clopper_pearson(gained, differing)[1:]
    exact = [(both + (1 - share) * differing) / (both + share * differing) for share in shares]
    low, high = _where_significant(z, log(estimate), -20, 20)
    return estimate, min(exp(low), *exact), max(exp(high), *exact)


def _where_significant(z: Callable[[float], float], estimate: float, least: float, most: float) -> tuple[float, float]:
    """Where a statistic that falls from `least` to `most`, and is 0 at the estimate, passes z and −z."""
    low, high = least, most
    if z(least) > Z:
        low = root_scalar(lambda x: z(x) - Z, bracket=(least, estimate)).root
    if z(most) < -Z:
        high = root_scalar(lambda x: z(x) + Z, bracket=(estimate, most)).root
    return float(low), float(high)


def over_seeds(values: Sequence[float] | np.ndarray, resolution: float = 0.0) -> tuple[Interval, float]:
    """The mean for new seeds (Student), and the p-value that it is 0.

    `resolution` is the step that values are counted in, whose rounding alone makes a variance of its square over 12.
    """
    n = len(values)
    mean, error = float(np.mean(values)), sqrt(max(float(np.var(values, ddof=1)), resolution**2 / 12) / n)
    return student(mean, error, n - 1)


def student(estimate: float, error: float, freedom: float) -> tuple[Interval, float]:
    """The interval of an estimate with a standard error, and the p-value that the truth is 0."""
    half = float(t.isf(0.025, freedom)) * error
    return (estimate, estimate - half, estimate + half), float(2 * t.sf(abs(estimate) / error, freedom))


def new_seed(values: Sequence[float] | np.ndarray) -> Interval:
    """Where one more seed is expected: mean ± t · sd · √(1 + 1/n)."""
    n = len(values)
    half = float(t.isf(0.025, n - 1) * np.std(values, ddof=1)) * sqrt(1 + 1 / n)
    return float(np.mean(values)), float(np.mean(values)) - half, float(np.mean(values)) + half


def over_seeds_and_images(of_seeds: Sequence[Interval]) -> Interval:
    """The mean of seeds, for new seeds and new images.

    Student's interval of the seeds is joined with that of the images as Zou and Donner (2008) join limits: distances
    from the mean add up in squares. The images' is the mean of the seeds' own, as if all erred on the same images.
    """
    (estimate, low, _), _ = over_seeds([of_seed[0] for of_seed in of_seeds])
    below, above = (float(np.mean([abs(of_seed[end] - of_seed[0]) for of_seed in of_seeds])) for end in (1, 2))
    return estimate, estimate - hypot(estimate - low, below), estimate + hypot(estimate - low, above)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number m: the k-th smallest times m − k + 1, never falling (Holm 1979)."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def module_effects(
    values: Mapping[str, Sequence[float]], modules: Mapping[str, frozenset[str]], resolution: float = 0.0
) -> dict[str, tuple[Interval, float]]:
    """What each module adds to a value of networks × seeds: interval, and p-value after Holm.

    Least squares over the networks, for each seed. An effect varies over seeds; and networks with the same modules
    differ. There are three variances of the same estimate: over seeds, over networks, and the sum of the two less the
    rest that both contain. The widest interval and the largest p-value hold.
    """
    table = np.array([values[network] for network in modules])
    names = list(dict.fromkeys(module for of_network in modules.values() for module in sorted(of_network)))
    design = np.array([[1.0, *(float(name in modules[network]) for name in names)] for network in modules])
    solution = np.linalg.inv(design.T @ design) @ design.T
    by_seed = solution @ table
    residuals = table - design @ by_seed
    networks, seeds = table.shape
    alike, floor = networks - len(names) - 1, resolution**2 / 12
    rest = ((residuals - residuals.mean(1, keepdims=True)) ** 2).sum() / (alike * (seeds - 1))
    effects = {}
    for place, name in enumerate(names, 1):
        scale = (solution[place] ** 2).sum()
        least = scale * floor / seeds
        of_seeds = max(by_seed[place].var(ddof=1) / seeds, least)
        of_networks = max(scale * (residuals.mean(1) ** 2).sum() / alike, least)
        both = max(of_seeds + of_networks - scale * max(rest, floor) / seeds, of_seeds, of_networks)
        freedom = both**2 / (of_seeds**2 / (seeds - 1) + of_networks**2 / alike)  # Satterthwaite 1946
        freedom = min(max(freedom, min(seeds - 1, alike)), seeds - 1 + alike)
        accounts = ((of_seeds, seeds - 1), (of_networks, alike), (both, freedom))
        tested = [student(float(by_seed[place].mean()), sqrt(variance), df) for variance, df in accounts]
        widest = max((interval for interval, _ in tested), key=lambda interval: interval[2] - interval[1])
        effects[name] = widest, max(p for _, p in tested)
    corrected = holm([p for _, p in effects.values()])
    return {name: (interval, p) for (name, (interval, _)), p in zip(effects.items(), corrected, strict=True)}
