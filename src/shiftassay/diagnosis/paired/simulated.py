"""Numbers of noise, of what is drawn for each image and of what noise hides, by simulated moments.

Statistics of the change of each image are compared with those of remakes of the same images (McFadden 1989). Their
derivatives by the numbers, and their covariance over images, give the numbers that fit best and their variance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64
from scipy.ndimage import uniform_filter
from scipy.special import expit
from scipy.stats import norm

from shiftassay.diagnosis.paired.free_numbers import FreeNumbers
from shiftassay.diagnosis.paired.implementations import Implementation, Rounding, other_implementations
from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.warp import Resampling

REMAKES = 4  # of each image
VALUES = 400_000  # of all images that are simulated
FEWEST = 40  # images
MOST_STEPS = 8  # of Gauss and Newton
CLOSE = 1.0  # of an sd: the last step
LARGEST_STEP = 0.3  # of a number's logarithm
STEP = 0.05  # of a number's logarithm, for its derivative
UNIT = 4  # steps of a search: the unit of a number near 0 that may be negative
SIZES = (0.03, 0.2)  # of a change that counts half as much as a very large one
WINDOWS = (3, 7)  # pixels over which the change is averaged
SHARES = ("fraction", "coverage", "shade")  # the names of numbers between 0 and 1; others are positive
GREY_VALUES = ("shade",)  # the names of those of which bytes show only the nearest of 256
HALF_STEP = 0.5 / 255
SMALLEST = 1e-9
RESOLUTION = 1e-6  # of a statistic in single precision
NEARBY, AWAY = 4, 2.0  # remakes near the fit, and how many sds away
FARTHEST = 1.0  # of a number's logarithm: as far away as they may be
SHRINKAGE = 1e-3  # of the correlations of the statistics towards 0


@dataclass(frozen=True, eq=False)
class Scale:
    """A scale without bounds.

    The log odds of shares, the logarithm of positive numbers, and what may be negative in a unit of its own.
    """

    of_shares: Bool[np.ndarray, "k"]
    units: Float64[np.ndarray, "k"]
    """Of numbers that may be negative; of the others NaN."""

    @classmethod
    def of(cls, free: FreeNumbers) -> "Scale":
        shares = np.array([name in SHARES for names in free.names for name in names])
        units = np.maximum(np.abs(free.values), UNIT * free.steps)
        return cls(shares, np.where(free.signed, units, np.nan))

    def to(self, values: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        odds = np.where(self.of_shares, 1 - np.minimum(values, 1 - SMALLEST), 1)
        return np.where(self._signed, values / self.units, np.log(np.maximum(values, SMALLEST)) - np.log(odds))

    def back(self, numbers: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        positive = np.where(self.of_shares, expit(numbers), np.exp(numbers))
        return np.where(self._signed, numbers * self.units, positive)

    def rate(self, numbers: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
        """By how much a value grows with its number."""
        values = self.back(numbers)
        positive = np.maximum(np.where(self.of_shares, values * (1 - values), values), SMALLEST)
        return np.where(self._signed, self.units, positive)

    @property
    def _signed(self) -> Bool[np.ndarray, "k"]:
        return ~np.isnan(self.units)


@dataclass(frozen=True, eq=False)
class SimulatedFit:
    """Numbers on a scale without bounds, with their sds there."""

    numbers: Float64[np.ndarray, "k"]
    sds: Float64[np.ndarray, "k"]
    scale: Scale

    @property
    def estimates(self) -> Float64[np.ndarray, "k"]:
        return self.scale.back(self.numbers)

    def ends(self, level: float) -> tuple[Float64[np.ndarray, "k"], Float64[np.ndarray, "k"]]:
        reach = norm.ppf((1 + level) / 2) * self.sds
        return self.scale.back(self.numbers - reach), self.scale.back(self.numbers + reach)


@dataclass(frozen=True, eq=False)
class _Step:
    """One step of a fit by weighted least squares.

    What is left to explain of each image's statistics, and how they change with the numbers.
    """

    difference: Float64[np.ndarray, "n q"]
    slopes: Float64[np.ndarray, "k q"]
    weights: Float64[np.ndarray, "q q"]
    covariance: Float64[np.ndarray, "k k"]

    @classmethod
    def between(cls, difference: Float64[np.ndarray, "n q"], slopes: Float64[np.ndarray, "k q"]) -> "_Step":
        weights = np.linalg.inv(_covariance(difference))
        return cls(difference, slopes, weights, np.linalg.inv(slopes @ weights @ slopes.T))

    @property
    def step(self) -> Float64[np.ndarray, "k"]:
        return self.covariance @ self.slopes @ self.weights @ self.difference.mean(0)

    @property
    def misfit(self) -> float:
        """What this step leaves to explain, as a squared distance in standard errors."""
        left = self.difference.mean(0) - self.step @ self.slopes
        return float(left @ self.weights @ left)

    def solved(self, others: Float64[np.ndarray, "k q"]) -> Float64[np.ndarray, "k q"]:
        """What a difference of statistics, times this, makes of the numbers.

        By derivatives of other draws: the noise of one's own would count as information.
        """
        along = self.covariance @ self.slopes @ self.weights
        return np.linalg.inv(along @ others.T) @ along

    @property
    def small(self) -> bool:
        return bool(np.all(np.abs(self.step) < CLOSE * np.sqrt(np.diag(self.covariance))))


def simulated_fit(free: FreeNumbers, pairs: Pairs, resampling: Resampling) -> SimulatedFit | None:
    """The numbers whose remakes have the statistics of the shifted images.

    None if there are none near the shift's.
    """
    few = pairs.first(max(VALUES // pairs.reference[0].size, FEWEST))
    rounding: Rounding = "nearest" if in_bytes(few.shifted) else "none"
    scale = Scale.of(free)
    numbers = scale.to(free.values)
    limits = [scale.to(ends) for ends in free.limits]
    steps: list[_Step] = []
    ends: list[np.ndarray] = []
    simulate = _Simulation(free, scale, few, Implementation(resampling, rounding))
    try:
        simulate = simulate.with_scores(numbers)
        observed = simulate.statistics(few.shifted)
        if any(part.smooth for part in free.shift.components):
            for _ in ("kernel", "edge"):  # one thing at a time
                simulate = simulate.under_the_likeliest_resampling(observed, numbers)
        while len(steps) < MOST_STEPS and not (len(steps) > 1 and steps[-1].small):
            simulate = replace(simulate, seed=len(steps))
            here, slopes = simulate.around(numbers)
            steps.append(_Step.between(observed - here, slopes))
            numbers = np.clip(numbers + np.clip(steps[-1].step, -LARGEST_STEP, LARGEST_STEP), *limits)
            ends.append(numbers)
        # Where the statistics jump, steps may lead away again: the one counts that left least to explain.
        best = -1 if steps[-1].small else min(range(len(steps)), key=lambda i: steps[i].misfit)
        last, numbers = steps[best], ends[best]
        n, q = last.difference.shape
        # The weights come from the images that are averaged: the inverse is too large by this much (Anderson 2003).
        inverse = (n - q - 2) / (n - 1)
        # Where the statistics differ by more than chance, the errors are scaled by as much (Birge 1932).
        scatter = max(last.misfit * inverse / max(q - len(numbers), 1), 1.0)
        simulate = replace(simulate, seed=len(steps))
        here, slopes = simulate.around(numbers)
        solve = last.solved(slopes)
        variances = np.diag(solve @ np.linalg.inv(last.weights) @ solve.T) * scatter / inverse
        variances = variances + simulate.jumps(numbers, here, np.sqrt(variances), solve, limits)
    except (BadInput, np.linalg.LinAlgError):
        return None
    if not np.isfinite(numbers).all():
        return None
    if rounding != "none":
        grey = np.array([name in GREY_VALUES for names in free.names for name in names])
        variances = variances + grey * (HALF_STEP / scale.rate(numbers)) ** 2 / 3
    return SimulatedFit(numbers, np.sqrt(variances), scale)


@dataclass(frozen=True, eq=False)
class _Simulation:
    """The mean statistics of each image over several remakes."""

    free: FreeNumbers
    scale: Scale
    pairs: Pairs
    way: Implementation
    seed: int = 0
    remakes: int = REMAKES
    scores: tuple[Images, ...] = ()
    """By how much each value of the images grows with each number of a part without noise."""

    def with_scores(self, numbers: Float64[np.ndarray, "k"]) -> "_Simulation":
        """With the scores at these numbers: what a fit by least squares would compare."""
        steps = STEP * np.eye(len(numbers))[~self.free.of_noise]
        ends = ((self._made(numbers + step), self._made(numbers - step)) for step in steps)
        return replace(self, scores=tuple(np.mean(list(map(np.subtract, *both)), 0) for both in ends))

    def around(
        self, numbers: Float64[np.ndarray, "k"]
    ) -> tuple[Float64[np.ndarray, "n q"], Float64[np.ndarray, "k q"]]:
        """The statistics, and the derivatives of their means."""
        steps = STEP * np.eye(len(numbers))
        here, *ends = self.at([numbers, *(end for step in steps for end in (numbers + step, numbers - step))])
        slopes = [(up - down).mean(0) / (2 * STEP) for up, down in zip(ends[::2], ends[1::2], strict=True)]
        return here, np.stack(slopes)

    def jumps(
        self,
        numbers: Float64[np.ndarray, "k"],
        here: Float64[np.ndarray, "n q"],
        sds: Float64[np.ndarray, "k"],
        solve: Float64[np.ndarray, "k q"],
        limits: list[Float64[np.ndarray, "k"]],
    ) -> Float64[np.ndarray, "k"]:
        """The mean square of what one step misses of numbers some sds away.

        `here` are the statistics at the numbers; they may jump in between.
        """
        signs = np.random.default_rng(0).choice((-1.0, 1.0), (NEARBY, len(numbers)))
        away = np.minimum(AWAY * sds, FARTHEST)
        nearby = [np.clip(numbers + sign * away, *limits) for sign in signs]
        there = zip(nearby, self.at(nearby), strict=True)
        missed = [solve @ (made - here).mean(0) - (other - numbers) for other, made in there]
        return np.mean(np.square(missed), 0)

    def under_the_likeliest_resampling(
        self, observed: Float64[np.ndarray, "n q"], numbers: Float64[np.ndarray, "k"]
    ) -> "_Simulation":
        """With the resampling under which a step from these numbers leaves least to explain.

        Of each image once: all are made with the same draws.
        """
        once = replace(self, remakes=1)
        _, slopes = once.around(numbers)
        others = other_implementations(self.free.shift, self.way.resampling, in_bytes=False)
        ways = [replace(self.way, resampling=other) for other in dict.fromkeys(way.resampling for way in others)]
        made = mapped(_evaluated, [(replace(once, way=way), numbers) for way in ways])
        misfits = [_Step.between(observed - statistics, slopes).misfit for statistics in made]
        return replace(self, way=ways[int(np.argmin(misfits))])

    def at(self, places: Sequence[Float64[np.ndarray, "k"]]) -> list[Float64[np.ndarray, "n q"]]:
        """The statistics with each of some numbers, on several cores."""
        return mapped(_evaluated, [(self, numbers) for numbers in places])

    def __call__(self, numbers: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "n q"]:
        return np.mean([self.statistics(images) for images in self._made(numbers)], axis=0)

    def statistics(self, shifted: Images) -> Float64[np.ndarray, "n q"]:
        """Of each image, what a fit compares.

        Mean powers of the change, how often it is large, how much of it is smooth, its products with the scores, and
        what parts add. All but the last are smooth functions of the change: counts would jump with the size of discrete
        noise.
        """
        pairs = replace(self.pairs, shifted=shifted)
        change = shifted - pairs.reference
        size = np.abs(change)
        means = [change, size, size**2, *(size / (size + s) for s in SIZES)]
        means += [uniform_filter(change, window, axes=(2, 3)) ** 2 for window in WINDOWS]
        means += [change * score for score in self.scores]
        general = np.stack([np.mean(values, (1, 2, 3), dtype=np.float64) for values in means], 1)
        return np.concatenate([general, *(p.simulated_statistics(pairs) for p in self.free.shift.components)], 1)

    def _made(self, numbers: Float64[np.ndarray, "k"]) -> Iterator[Images]:
        """The remakes with these numbers."""
        shift = self.free.with_values(self.scale.back(numbers))
        generators = (np.random.default_rng([self.seed, i]) for i in range(self.remakes))
        return (self.way.apply(shift, self.pairs.reference, rng) for rng in generators)


def _evaluated(asked: tuple[_Simulation, np.ndarray]) -> Float64[np.ndarray, "n q"]:
    """The statistics of a simulation with some numbers."""
    simulate, numbers = asked
    return simulate(numbers)


def _covariance(differences: Float64[np.ndarray, "n q"]) -> Float64[np.ndarray, "q q"]:
    """The standard error of the mean of the differences.

    Statistics that never differ get the resolution of single precision.
    """
    covariance = np.cov(differences.T) / len(differences)
    sds = np.sqrt(np.diag(covariance)) + RESOLUTION
    correlations = covariance / np.outer(sds, sds)
    shrunk = correlations * (1 - SHRINKAGE)
    np.fill_diagonal(shrunk, 1.0)
    return shrunk * np.outer(sds, sds)
