"""What a property of networks does to a number that is measured over seeds: seeds as blocks, networks as units.

One linear model holds all factors: y(network, seed) = Σ effects of the factors that the network has + the seed + the
seed's own effect of each factor + the network + the rest, the last four random. An effect is thus tested against how
it varies from seed to seed and against how networks alike in all factors differ, not against the spread of runs, of
which many share a network or a seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import Difference, satterthwaite


@dataclass(frozen=True)
class FactorEffect(Record):
    """The effect of a factor, with its variance by three accounts; each has the same estimate.

    `seeds`: as the effect varies over seeds, for these networks. `networks`: as networks vary that the factors do not
    tell apart, for these seeds. `both`: for new seeds and new networks, the sum of the two less the rest, which both
    contain. The widest account holds: `both` alone misses its level where few networks or seeds make it too small.
    """

    seeds: Difference
    networks: Difference
    both: Difference

    @property
    def estimate(self) -> float:
        return self.both.estimate

    @property
    def p_value(self) -> float:
        """The two-sided p-value that there is no effect: the largest of the three."""
        return max(self.seeds.p_value, self.networks.p_value, self.both.p_value)

    def interval(self, level: float = 0.95) -> Interval:
        """The widest of the three intervals."""
        intervals = [account.interval(level) for account in (self.seeds, self.networks, self.both)]
        return max(intervals, key=lambda interval: interval.high - interval.low)


def factor_effects(
    values: Float[np.ndarray, "networks seeds"], factors: Mapping[str, Sequence[bool]], resolution: float = 0.0
) -> dict[str, FactorEffect]:
    """The effect of each factor that these networks allow to estimate.

    `factors` says of each which networks have it. Networks are assumed to differ from their like by as much with a
    factor as without it (their runs may vary by more), which two or three networks of a kind could not tell. There are
    no effects for a single seed, or where no two networks are alike or comparable through others. A factor is left out
    if all or no networks have it, or if the others give it away. `resolution` is the step that values are counted in.

    >>> values = np.array([[99.2, 99.1, 99.2], [99.1, 99.2, 99.1], [99.0, 99.0, 99.1], [99.1, 98.9, 99.0]])
    >>> effect = factor_effects(values, {"transformer": [False, False, True, True]})["transformer"]
    >>> print(effect.interval(), round(effect.seeds.p_value, 3), round(effect.networks.p_value, 3))
    -0.1333 [-0.2768, 0.0101] 0.057 0.03
    """
    networks, seeds = values.shape
    design = np.column_stack([np.ones(networks), *(np.array(has, float) for has in factors.values())])
    rank = int(np.linalg.matrix_rank(design))
    alike = networks - rank
    if seeds < 2 or alike < 1:
        return {}
    solution = np.linalg.pinv(design)
    by_seed = solution @ values
    residuals = values - design @ by_seed
    of_networks = residuals.mean(1)
    rest = float(((residuals - of_networks[:, None]) ** 2).sum()) / (alike * (seeds - 1))
    floor = resolution**2 / 12
    effects = {}
    for place, factor in enumerate(factors, 1):
        if np.linalg.matrix_rank(np.delete(design, place, axis=1)) == rank:
            continue
        scale = float((solution[place] ** 2).sum())
        estimate, least = float(by_seed[place].mean()), scale * floor / seeds
        over_seeds = max(float(by_seed[place].var(ddof=1)) / seeds, least)
        over_networks = max(scale * float((of_networks**2).sum()) / alike, least)
        both = max(over_seeds + over_networks - scale * max(rest, floor) / seeds, over_seeds, over_networks)
        freedom = satterthwaite((over_seeds, over_networks), (seeds - 1, alike))
        freedom *= (both / (over_seeds + over_networks)) ** 2 if both else 1.0
        effects[factor] = FactorEffect(
            Difference(estimate, over_seeds, float(seeds - 1)),
            Difference(estimate, over_networks, float(alike)),
            Difference(estimate, both, float(min(max(freedom, min(seeds - 1, alike)), seeds - 1 + alike))),
        )
    return effects
