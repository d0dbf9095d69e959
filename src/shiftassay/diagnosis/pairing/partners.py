"""Partners by content: which reference image each shifted image was, in any order.

However the images were shifted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Int64
from scipy.optimize import linear_sum_assignment

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.pairing.traits import Trait, principal, traits_of
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.records import Record
from shiftassay.statistics.principal import axes

Order = Int64[np.ndarray, "n"]
Row = Float32[np.ndarray, "_"]
DISTANCES = SETTINGS.partner_queries**2
COMPONENTS = 40
SIGNED = 16  # components whose signs can be told from their skewness
ROUNDS = 8  # of learning from matches, at most
GAIN = 0.005  # share of sure matches: a round that gains less is the last
NEARLY_ALL = 0.9  # share of sure matches: no other space is tried
RIDGES = (0.03, 0.3, 3.0, 30.0)  # of the mean variance of a component; each output takes the one that errs least


@dataclass(frozen=True)
class PartnerSearch(Record):
    """How sure the partners are that a search by content found."""

    mutual: float  # share of the queries whose nearest reference image has them as its nearest
    sure: float  # share of those that are also nearer than chance explains
    sure_null: float  # what chance leaves of these: those that were near with the nearest image left out
    trait: str  # by which the first matches were found
    queries: int
    derived = ("needed",)

    @property
    def holds(self) -> bool:
        """Whether most images have found their partner, beyond what chance finds."""
        return self.sure >= self.needed and self.mutual >= thresholds.MUTUAL

    @property
    def needed(self) -> float:
        """The share of sure partners that images without partners do not reach."""
        chance = 1 - thresholds.GAPS_BY_CHANCE
        spread = float(np.sqrt(chance * thresholds.GAPS_BY_CHANCE / max(self.queries, 1)))
        return max(thresholds.NEARER_THAN_CHANCE, chance + thresholds.PARTNERS_BEYOND * spread)


@dataclass(frozen=True, eq=False)
class Partners:
    """The partner of each shifted image, −1 where it was not found, and how sure that is."""

    order: Order
    search: PartnerSearch


def find_partners(reference: ImageSet, shifted: ImageSet, rng: np.random.Generator) -> Partners:
    """Look for the partner of each shifted image.

    First matches are mutual nearest neighbours in the traits that shifts leave alone, or among principal components,
    which a fixed permutation of pixels changes in sign alone. From them ridge regression learns what a reference
    image looks like when it is shifted; its predictions give more matches, and so on. No match is made by a
    regression that has learned from it.
    """
    count = min(SETTINGS.partner_queries, max(500, DISTANCES // max(len(reference), 1)))
    queries = np.sort(rng.permutation(len(shifted))[:count])
    x, y = traits_of(reference.images), traits_of(shifted.images)
    parts_x, parts_y = ({k: principal(v, COMPONENTS, rng) for k, v in side.items()} for side in (x, y))
    a, b = (np.concatenate(list(parts.values()), axis=1) for parts in (parts_x, parts_y))
    best, within = Partners(np.full(len(queries), -1), PartnerSearch(0.0, 0.0, 0.0, "none", len(queries))), (a, b)
    for name, p, q in _spaces(x, y, parts_x, parts_y, rng):
        before = 0.0
        matches, space = _matched(_distances(q[queries], p), name), (p, q)
        for _ in range(ROUNDS):
            sure = matches.search.sure
            if sure > best.search.sure:
                best, within = matches, space
            if np.sum(matches.order >= 0) < thresholds.FEWEST_MATCHES or sure < before + GAIN:
                break
            before = sure
            matches, space = _matched(_crosswise(a, b[queries], matches.order, rng), name), None
        if best.search.sure > NEARLY_ALL:
            break
    if not best.search.holds:
        return best
    if within is None:  # the best matches were predicted: now learn from all of them
        matched = np.flatnonzero(best.order >= 0)
        weights, error, origin, middle = _regression(a[best.order[matched]], b[queries[matched]])
        within = (a - origin) @ weights / error, (b - middle) / error
    return replace(best, order=_assigned(*within))


def _spaces(
    x: dict[str, Trait],
    y: dict[str, Trait],
    parts_x: dict[str, Trait],
    parts_y: dict[str, Trait],
    rng: np.random.Generator,
) -> Iterator[tuple[str, Trait, Trait]]:
    """Spaces in which both sides can be compared before anything is known, the likeliest first."""
    for name in x:
        p, q = ((side[name] - side[name].mean(axis=0)) / (side[name].std() + 1e-9) for side in (x, y))
        # The plane of the reference's components: distances there are cheap, and free of most noise.
        plane = axes(p, COMPONENTS, rng)
        p, q = p @ plane, q @ plane
        yield name, _unit(p), _unit(q)
        if name == "pixels":
            yield "opposite pixels", _unit(p), -_unit(q)
    for name in ("pixels", "amplitudes"):
        yield f"components of {name}", *_same_signs(parts_x[name], parts_y[name])


def _unit(scores: Trait) -> Trait:
    """Scores over their sd, the small components' no more than tenfold."""
    sd = scores.std(axis=0)
    return scores / np.sqrt(np.maximum(sd, 0.1 * sd.max() + 1e-9))


def _same_signs(p: Trait, q: Trait) -> tuple[Trait, Trait]:
    """Leading components of two sets, each sign chosen so that third moments agree."""
    count = min(SIGNED, p.shape[1], q.shape[1])
    p, q = (np.clip(s[:, :count] / (s[:, :count].std(axis=0) + 1e-9), -3, 3) for s in (p, q))
    agree = np.sum(((p**2).T @ p / len(p)) * ((q**2).T @ q / len(q)), axis=0)
    weight = np.linspace(1, 0.3, count, dtype=np.float32)
    return p * weight, q * weight * np.where(agree < 0, -1, 1).astype(np.float32)


def _distances(queries: Trait, references: Trait) -> Float32[np.ndarray, "q r"]:
    """Squared Euclidean distances."""
    q, r = (np.einsum("nd,nd->n", side, side) for side in (queries, references))
    return q[:, None] + r[None] - 2 * queries @ references.T


def _matched(distance: Float32[np.ndarray, "q r"], trait: str) -> Partners:
    """For each query its partner, −1 if unsure.

    Sure is a match where each is the other's nearest and the second nearest is further, in ratio, than images are
    that are no partners: the third than the second. Of random images the first gap is twice the second (Rényi's
    spacings), so that those are doubled.
    """
    q, r = distance.shape
    if r < 4:
        return Partners(np.full(q, -1), PartnerSearch(0.0, 0.0, 0.0, trait, q))
    rows = np.arange(q)[:, None]
    nearest = np.argpartition(distance, 3, axis=1)[:, :3]
    nearest = nearest[rows, np.argsort(distance[rows, nearest], axis=1)]
    d = distance[rows, nearest].astype(np.float64)
    d = np.log(np.maximum(d, 1e-6 * d[:, 2:3] + 1e-12))
    first, second = d[:, 1] - d[:, 0], 2 * (d[:, 2] - d[:, 1])
    mutual = np.argmin(distance, axis=0)[nearest[:, 0]] == np.arange(q)
    sure = mutual & (first > np.quantile(second, thresholds.GAPS_BY_CHANCE))
    by_chance = float(np.mean(mutual) * (1 - thresholds.GAPS_BY_CHANCE))
    search = PartnerSearch(float(np.mean(mutual)), float(np.mean(sure)), by_chance, trait, q)
    return Partners(np.where(sure, nearest[:, 0], -1), search)


def _crosswise(a: Trait, b: Trait, matched: Order, rng: np.random.Generator) -> Float32[np.ndarray, "q r"]:
    """Distances of the queries from what the references are predicted to become.

    The prediction for each half of the queries is learned from the other half's matches.
    """
    half = rng.permutation(len(b)) % 2 == 0
    distance = np.empty((len(b), len(a)), np.float32)
    for side in (half, ~half):
        learn = np.flatnonzero((matched >= 0) & ~side)
        if len(learn) < 2:  # nothing to learn from: no reference image is nearer than another
            distance[side] = 0
            continue
        weights, error, origin, middle = _regression(a[matched[learn]], b[learn])
        distance[side] = _distances((b[side] - middle) / error, (a - origin) @ weights / error)
    return distance


def _regression(a: Trait, b: Trait) -> tuple[Trait, Row, Row, Row]:
    """Ridge regression of b from a.

    Returns weights, leave-one-out root mean squared errors of outputs, and both means.
    """
    origin, middle = a.mean(axis=0), b.mean(axis=0)
    u, s, v = np.linalg.svd(a - origin, full_matrices=False)
    target = u.T @ (b - middle)
    size = max(len(a) * float(np.mean(a.var(axis=0))), 1e-9)
    least = np.full(b.shape[1], np.inf)
    shrunk = np.zeros_like(target)
    for ridge in RIDGES:
        kept = s**2 / (s**2 + ridge * size)
        residual = (b - middle - u @ (kept[:, None] * target)) / (1 - np.minimum(u**2 @ kept, 0.99))[:, None]
        error = np.sqrt(np.mean(residual**2, axis=0))
        better = error < least
        least[better] = error[better]
        shrunk[:, better] = (kept / np.maximum(s, 1e-9))[:, None] * target[:, better]
    error = least + 0.02 * b.std(axis=0) + 1e-6
    return (v.T @ shrunk).astype(np.float32), error.astype(np.float32), origin, middle


def _assigned(predicted: Trait, after: Trait) -> Order:
    """One reference image at most for each shifted image: the assignment of least total distance.

    Of many images, mutual nearest neighbours.
    """
    if max(len(predicted), len(after)) <= SETTINGS.partner_queries:
        distance = _distances(after, predicted)
        rows, columns = linear_sum_assignment(distance)
        order = np.full(len(after), -1)
        order[rows] = columns
        # An image that was left over stands far behind the nearest one.
        near = distance[rows, columns] <= np.partition(distance[rows], 2, axis=1)[:, 2]
        order[rows[~near]] = -1
        return order
    nearest = np.empty(len(after), np.int64)
    least, by = np.full(len(predicted), np.inf), np.full(len(predicted), -1)
    for start in range(0, len(after), SETTINGS.partner_queries):
        distance = _distances(after[start : start + SETTINGS.partner_queries], predicted)
        nearest[start : start + SETTINGS.partner_queries] = np.argmin(distance, axis=1)
        row = np.argmin(distance, axis=0)
        value = distance[row, np.arange(len(predicted))]
        by, least = np.where(value < least, row + start, by), np.minimum(value, least)
    return np.where(by[nearest] == np.arange(len(after)), nearest, -1)
