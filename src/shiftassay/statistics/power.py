"""How many seeds a verdict of equivalence takes."""

from math import sqrt

from scipy.stats import nct, t

MOST = 100_000


def equivalence_power(sd: float, margin: float, seeds: int, alpha: float = 0.05) -> float:
    """The power of two one-sided tests over paired seeds, if there is no difference.

    `sd` is that of a seed's difference. From the noncentral t distribution, each test for itself: a lower bound, close
    to the power where that is high (Phillips 1990).

    >>> round(equivalence_power(0.0007, 0.001, 10), 2)
    0.99
    """
    freedom = seeds - 1
    one_side = float(nct.sf(t.isf(alpha, freedom), freedom, margin * sqrt(seeds) / sd))
    return max(0.0, 2 * one_side - 1)


def seeds_for_equivalence(sd: float, margin: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """The fewest seeds with which equivalence is shown with that power, if there is no difference.

    None if that takes more than 100,000.

    >>> seeds_for_equivalence(0.0007, 0.001), seeds_for_equivalence(0.0007, 0.0005)
    (6, 19)
    """
    low, high = 1, 2
    while equivalence_power(sd, margin, high, alpha) < power:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if equivalence_power(sd, margin, middle, alpha) >= power else (middle, high)
    return high
