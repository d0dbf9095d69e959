"""Where each part of an image comes from, by samples that share no image.

By their means, deviations and covariances.

A permutation of positions permutes the moments. `matched_places` finds an order from nothing; `placement_of_samples`
makes any order better and says which places it identifies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment

from shiftassay.random_stream import seed_for
from shiftassay.shifts.estimation.places import RISK, Parts, Placement, nearest_rivals, risk_of, standard_scores

RANKS = (5, 8, 8, 12, 12, 18, 18, 26, 26, 40, 40, 60, 60, 60)  # principal components compared in each round
FIRST_ROUNDS = 4  # after which the starts are compared
SIGNS = 4  # starts with the signs of the first components that make positions most alike
QUANTILES = 14  # of a position's covariances
BY_CHANCE = 1.5  # times what chance leaves, below which no other start is tried
IMAGES = 3000
ROUNDS = 25
WEIGHT = 3.0  # of a position's mean and deviation relative to its correlations
PLACED_IMAGES = 10_000  # of either sample, that an order is improved with
PLACED_VALUES = 1024  # of an image: parts are thinned out to so many, or one value each
MOST_VARYING = (0.3, 0.4, 0.5, 0.6)  # shares of the places that find the others, one after another
HALVES = 6  # random ones of the places that find the others
LEAST_IDENTIFIED = 0.5  # of the places that vary: fewer are not trusted
LESS_LIKELY = 3.0  # standard errors
LEAST_DEVIATION = 0.04  # of the values' deviation, added to each: correlations of what hardly varies say little
OWN_VARIANCE = 0.15  # of the values' mean variance: what a value has of its own, that no other predicts


def matched_places(reference: np.ndarray, shifted: np.ndarray) -> Int64[np.ndarray, "_"]:
    """The permutation (out[i] = in[p[i]]) under which two samples have similar moments.

    The moments are means, deviations and covariances. A permutation of positions permutes the loadings of the principal
    components, up to signs and, among components of like variance, a rotation. Several starts are tried: the signs
    under which loadings are most alike, and what permutations leave alone, such as a position's sorted covariances.
    Then positions are matched by their loadings, the rotation that aligns the matched positions is fitted (Schönemann
    1966), and so on with more components in each round. `placement_of_samples` says which of them are identified.
    """
    x, y = (some.mean(axis=1).reshape(len(some), -1).astype(np.float64) for some in map(_sampled, (reference, shifted)))
    one, other = _Moments.of(x), _Moments.of(y)
    chance = _chance(x, len(y))
    tries = []
    for start in _starts(one, other):
        tries.append(_aligned(start, one, other, RANKS[:FIRST_ROUNDS]))
        if tries[-1][0] < BY_CHANCE * chance:
            break
    _, nearest = min(tries, key=lambda aligned: aligned[0])
    return _sharpened(_aligned(nearest, one, other, RANKS[FIRST_ROUNDS:])[1], x, y)


def placement_of_samples(before: Parts, after: Parts, order: Int64[np.ndarray, "count"]) -> Placement:
    """An order improved, and the places whose source two samples tell.

    Likelihood is that of a normal distribution with the reference's moments. Some places, those that vary most, then
    any, find the sources of all by their correlations; what is likelier is kept. Several places that are wrong together
    would support each other, if all found all. In the end a place is identified if images were less likely with its
    source and any other exchanged; none is, if those that are make the sample less likely than the reference's own, or
    if they are few: each is told by all others, which are then mostly wrong.
    """
    before, after = (_thinned(side[:PLACED_IMAGES]) for side in (before, after))
    model, x, y = _Likelihood.of(before), _Profiles.of(before), _Profiles.of(after)
    moments = _SecondMoments.of(after)
    loss = model.mean_loss(moments, order)
    for places in _finders(after):
        by_some = _nearest_rows(y.at(places), x.at(order[places]))
        varying = np.flatnonzero(after.var(axis=(0, 2)))
        by_all = _nearest_rows(y.at(varying), x.at(by_some[varying]))
        for other in (by_some, by_all):
            if (its := model.mean_loss(moments, other)) < loss:
                loss, order = its, other
    known = model.risk(after, order) <= RISK
    few = known.sum() < LEAST_IDENTIFIED * np.count_nonzero(after.var(axis=(0, 2)))
    if few or (known.any() and _less_likely(before[:, order[known]], after[:, known])):
        known = np.zeros_like(known)
    return Placement(order, known)


def _finders(parts: Parts) -> Iterator[Int64[np.ndarray, "_"]]:
    """Sets of places by which others are found.

    Those of the largest variance, then random halves of what varies.
    """
    variance = parts.var(axis=(0, 2))
    varying = np.flatnonzero(variance)
    for share in MOST_VARYING:
        yield np.flatnonzero(variance >= np.quantile(variance, 1 - share))
    rng = np.random.default_rng(seed_for("places by halves"))
    for _ in range(HALVES):
        yield np.sort(rng.permutation(varying)[: max(1, len(varying) // 2)])


def _less_likely(before: Parts, after: Parts) -> bool:
    """Whether one sample is less likely than a half of the other.

    Given the moments of the other half.
    """
    model = _Likelihood.of(before[::2])
    own, others = model.losses(before[1::2]), model.losses(after)
    error = np.sqrt(own.var() / len(own) + others.var() / len(others))
    return bool(others.mean() - own.mean() > LESS_LIKELY * error)


@dataclass(frozen=True, eq=False)
class _Profiles:
    """What tells parts apart.

    Means and deviations of their values, and correlations with those of other parts.
    """

    own: Float[np.ndarray, "count k"]
    correlations: Float[np.ndarray, "count values count values"]

    @classmethod
    def of(cls, parts: Parts) -> "_Profiles":
        n, count, values = parts.shape
        mean, deviation = parts.mean(axis=0), parts.std(axis=0)
        flat = (parts - mean) / (deviation + LEAST_DEVIATION * np.sqrt(np.mean(deviation**2)))
        flat = flat.reshape(n, -1)
        own = WEIGHT * np.concatenate([mean, deviation], axis=1)
        return cls(own, (flat.T @ flat / n).reshape(count, values, count, values))

    def at(self, places: Int64[np.ndarray, "known"]) -> Float[np.ndarray, "count k"]:
        """The correlations with these places alone."""
        return np.concatenate([self.own, self.correlations[:, :, places].reshape(len(self.own), -1)], axis=1)


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """The normal distribution with the moments of a sample.

    It is that of orders of another sample's parts.
    """

    n: int
    mean: Float32[np.ndarray, "count values"]
    precision: Float32[np.ndarray, "count values count values"]

    @classmethod
    def of(cls, parts: Parts) -> "_Likelihood":
        n, count, values = parts.shape
        mean = parts.mean(axis=0)
        flat = (parts - mean).reshape(n, -1)
        covariance = flat.T @ flat / n
        ridge = OWN_VARIANCE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        precision = np.linalg.inv(covariance.astype(np.float64) + ridge).astype(np.float32)
        return cls(n, mean, precision.reshape(count, values, count, values))

    def mean_loss(self, moments: "_SecondMoments", order: Int64[np.ndarray, "count"]) -> float:
        """The mean of `losses` of a sample in this order, up to a constant."""
        sources = np.argsort(order)
        squares = moments.squares[np.ix_(sources, np.arange(moments.squares.shape[1]), sources)]
        pull = np.tensordot(self.precision, self.mean, 2)
        return float(np.sum(self.precision * squares, dtype=np.float64) - 2 * np.sum(pull * moments.mean[sources]))

    def losses(self, parts: Parts) -> Float[np.ndarray, "n"]:
        """Twice the negative log likelihood of each image, up to a constant."""
        flat = (parts - self.mean).reshape(len(parts), -1)
        return np.vecdot(flat @ self.precision.reshape(flat.shape[1], -1), flat).astype(np.float64)

    def risk(self, parts: Parts, order: Int64[np.ndarray, "count"]) -> Float64[np.ndarray, "count"]:
        """The probability that an exchange of a place's source makes it more likely.

        Of each place of another sample.
        """
        n, count, values = parts.shape
        y = parts[:, np.argsort(order)]
        pull = ((y - self.mean).reshape(n, -1) @ self.precision.reshape(count * values, -1)).reshape(y.shape)
        curvature = _exchanged(self.precision.swapaxes(1, 2))
        flat_y, flat_pull = (side.swapaxes(0, 1).reshape(count, -1) for side in (y, pull))
        slope = flat_pull @ flat_y.T / n
        slope = slope + slope.T - np.diag(slope)[:, None] - np.diag(slope)
        moments = y.reshape(n, -1).T @ y.reshape(n, -1) / n
        squares = _exchanged(moments.reshape(count, values, count, values).swapaxes(1, 2))
        loss = 2 * slope + np.sum(curvature * squares, axis=(2, 3))
        scores = []
        for rival in nearest_rivals(loss).T:
            change = y[:, rival] - y
            bent = change.swapaxes(0, 1) @ curvature[np.arange(count), rival]
            losses = np.sum(change * (2 * (pull - pull[:, rival]) + bent.swapaxes(0, 1)), axis=2)
            scores.append(standard_scores(losses, 1 + n / self.n))
        return risk_of(np.reshape(scores, (-1, count)))[order]


@dataclass(frozen=True, eq=False)
class _SecondMoments:
    """The means of the values of parts, and of their products."""

    mean: Float32[np.ndarray, "count values"]
    squares: Float32[np.ndarray, "count values count values"]

    @classmethod
    def of(cls, parts: Parts) -> "_SecondMoments":
        n, count, values = parts.shape
        flat = parts.reshape(n, -1)
        return cls(parts.mean(axis=0), (flat.T @ flat / n).reshape(count, values, count, values))


def _exchanged(blocks: Float[np.ndarray, "count count v w"]) -> Float[np.ndarray, "count count v w"]:
    """For parts p and q: the blocks pp + qq − pq − qp of a symmetric matrix."""
    own = blocks[np.arange(len(blocks)), np.arange(len(blocks))]
    return own[:, None] + own[None] - blocks - blocks.swapaxes(0, 1)


def _thinned(parts: Parts) -> Parts:
    """Parts with fewer values: means of neighbouring ones.

    So few that an image has at most `PLACED_VALUES`, or one each.
    """
    values = max(1, PLACED_VALUES // parts.shape[1])
    if values >= parts.shape[2]:
        return parts
    starts = np.linspace(0, parts.shape[2], values, endpoint=False).astype(int)
    return np.add.reduceat(parts, starts, axis=2) / np.diff([*starts, parts.shape[2]]).astype(np.float32)


def _nearest_rows(
    after: Float[np.ndarray, "count k"], before: Float[np.ndarray, "count k"]
) -> Int64[np.ndarray, "count"]:
    """The assignment of rows of `before` to those of `after`.

    It has the least sum of squared distances.
    """
    return linear_sum_assignment(_squared_distances(after, before))[1]


def _squared_distances(
    after: Float[np.ndarray, "count k"], before: Float[np.ndarray, "count k"]
) -> Float[np.ndarray, "count count"]:
    return np.vecdot(after, after)[:, None] + np.vecdot(before, before)[None] - 2 * after @ before.T


def _sampled(images: np.ndarray) -> np.ndarray:
    """At most `IMAGES` images, drawn at random: a file may be sorted by class."""
    if len(images) <= IMAGES:
        return images
    return images[np.sort(np.random.default_rng(seed_for("matched places")).permutation(len(images))[:IMAGES])]


def _sharpened(
    order: Int64[np.ndarray, "_"], x: Float64[np.ndarray, "_ _"], y: Float64[np.ndarray, "_ _"]
) -> Int64[np.ndarray, "_"]:
    """Positions matched by their correlations with all others (Frank and Wolfe 1956).

    The others are taken under the last permutation.
    """
    a, b = (np.cov(side.T) / np.sqrt(np.outer(side.std(0) + 0.03, side.std(0) + 0.03)) for side in (x, y))
    means = [np.stack([side.mean(axis=0), side.std(axis=0)], axis=1) * WEIGHT for side in (x, y)]
    for _ in range(ROUNDS):
        one, other = np.concatenate([a[:, order], means[0]], axis=1), np.concatenate([b, means[1]], axis=1)
        again = _nearest_rows(other, one)
        if np.array_equal(again, order):
            break
        order = again
    return order


@dataclass(frozen=True, eq=False)
class _Moments:
    """What describes each position.

    Mean and deviation, what permutations leave alone, and loadings on principal components.
    """

    own: Float64[np.ndarray, "count 2"]
    invariant: Float64[np.ndarray, "count k"]
    loadings: Float64[np.ndarray, "count rank"]

    @classmethod
    def of(cls, values: Float64[np.ndarray, "n count"]) -> "_Moments":
        own = np.stack([values.mean(axis=0), values.std(axis=0)], axis=1)
        centered, ink = values - own[:, 0], values.sum(axis=1)
        covariance = centered.T @ centered / len(values)
        ink = (ink - ink.mean()) / max(float(ink.std()), 1e-9)
        with_ink = np.stack([ink @ centered, ink**2 @ centered], axis=1) / len(values)
        quantiles = np.unique(np.geomspace(1, len(covariance), QUANTILES).astype(int)) - 1
        covariances = np.sort(covariance, axis=1)[:, ::-1][:, quantiles]
        norm = np.linalg.norm(covariance, axis=1, keepdims=True)
        variances, directions = np.linalg.eigh(covariance)
        count = min(max(RANKS), len(values) - 1)
        variances, directions = variances[::-1][:count].clip(1e-12), directions[:, ::-1][:, :count]
        invariant = np.concatenate([own, with_ink, norm, covariances], axis=1)
        return cls(own, invariant, directions * np.sqrt(variances))


def _starts(one: _Moments, other: _Moments) -> Iterator[Int64[np.ndarray, "_"]]:
    """Orders to begin with: the invariants', between those of the likeliest signs."""
    rank = min(RANKS[0], one.loadings.shape[1], other.loadings.shape[1])
    target = np.concatenate([other.own, other.loadings[:, :rank]], axis=1)
    signed = [
        np.concatenate([one.own, one.loadings[:, :rank] * np.array(signs)], axis=1)
        for signs in product((1, -1), repeat=rank)
    ]

    def unlike(rows: Float64[np.ndarray, "_ _"]) -> float:
        """How far each row is from the nearest of the other side."""
        distance = _squared_distances(target, rows)
        return float(distance.min(axis=0).sum() + distance.min(axis=1).sum())

    signed.sort(key=unlike)
    yield _nearest_rows(target, signed[0])
    yield _nearest_rows(other.invariant, one.invariant)
    for rows in signed[1:SIGNS]:
        yield _nearest_rows(target, rows)


def _aligned(
    order: Int64[np.ndarray, "_"], one: _Moments, other: _Moments, ranks: Sequence[int]
) -> tuple[float, Int64[np.ndarray, "_"]]:
    """The order that follows from an order's rotation of the loadings.

    In rounds; with its sum of squares.
    """
    distance = np.inf
    for rank in ranks:
        rank = min(rank, one.loadings.shape[1], other.loadings.shape[1])
        a, b = one.loadings[:, :rank], other.loadings[:, :rank]
        turned = np.concatenate([one.own, a @ orthogonal_procrustes(a[order], b)[0]], axis=1)
        target = np.concatenate([other.own, b], axis=1)
        order = _nearest_rows(target, turned)
        distance = float(np.sum((target - turned[order]) ** 2))
    return distance, order


def _chance(values: Float64[np.ndarray, "n count"], m: int) -> float:
    """The sum of squares that the right order leaves by chance.

    After the first rounds, as halves of one sample show.
    """
    halves = [_Moments.of(half) for half in (values[::2], values[1::2])]
    rank = min(RANKS[FIRST_ROUNDS - 1], *(half.loadings.shape[1] for half in halves))
    a, b = (half.loadings[:, :rank] for half in halves)
    turned = a @ orthogonal_procrustes(a, b)[0]
    distance = np.sum((turned - b) ** 2) + np.sum((halves[0].own - halves[1].own) ** 2)
    n = len(values)
    return float(distance) * (1 / n + 1 / m) / (4 / n)
