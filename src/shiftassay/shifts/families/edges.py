"""Edges alone are left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter, label, maximum_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift

CHUNK = 1000
FEW, MANY, MOST = 16, 60, 300  # pictures for each sd, for those near the best, and for its thresholds
SDS = np.array([0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0])
TIE = 1e-5  # slopes that differ by less are equal: rounding decides nothing


@FAMILIES.register("canny_edges")
@dataclass(frozen=True)
class CannyEdges(Shift):
    """1 on edges one pixel wide, 0 elsewhere (Canny 1986).

    The image is smoothed by a Gaussian of `sd` pixels. Edges are where the gradient (Sobel's sums, 4 at a sharp edge
    from black to white before smoothing) is largest across the edge and above `low`, and which hang together with a pixel above `high`.
    """

    family: ClassVar[str] = "canny_edges"
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    hides_moves: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "A filled stroke becomes two thin outlines with black between them: where weights expect ink there is none."
    )
    information: ClassVar[Information] = "reduced"

    sd: float = 1.0
    low: float = 0.1
    high: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sd <= 0 or not 0 < self.low <= self.high:
            raise BadInput(
                f"canny_edges: sd must be above 0 and 0 < low ≤ high, not {self.sd:g}, {self.low:g} and {self.high:g}."
            )

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        n, c, h, w = images.shape
        edges = np.empty((n * c, h, w), np.float32)
        pictures = images.reshape(edges.shape)
        for start in range(0, len(edges), CHUNK):
            edges[start : start + CHUNK] = self._edges(pictures[start : start + CHUNK])
        return edges.reshape(images.shape)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The sd of least mismatch, its thresholds between the slopes that are edges and those that aren't.

        `low` lies below all edges and above the ridges that touch an edge without being one; `high` below the steepest slope of every
        edge and above that of every ridge that hangs together but is no edge. Where 0.1 and 0.2 lie there too, they can't
        be told from others and are kept. Nothing is returned unless the shifted images are black and white.
        """
        if pairs.contrast:  # whatever the two grey values are
            low, high = float(pairs.shifted.min()), float(pairs.shifted.max())
            pairs = replace(pairs, shifted=(pairs.shifted - low) / max(high - low, 1e-9), contrast=False)
        wanted = pairs.shifted > 0.5
        if np.abs(pairs.shifted - wanted).mean() > 0.06 or not 0.005 < wanted.mean() < 0.6:
            return []
        if min(wanted.shape[2:]) < 4:
            return []
        channels = pairs.reference.shape[1]
        few, more = pairs.first(max(FEW // channels, 4)), pairs.first(max(MANY // channels, 4))
        errors = np.array([_fitted(cls, few, sd)[1] for sd in SDS])
        sd = SDS[errors.argmin()]
        if errors.min() > 0.6 * wanted.mean():
            return []
        for step in (0.1, 0.03):
            tried = sd + step * np.arange(-2, 3)
            found = [_fitted(cls, more, s) for s in tried[tried > 0.05]]
            sd = min(found, key=lambda f: f[1])[0].sd
        # Between the equally good, the middle one.
        least = min(error for _, error in found)
        equal = [how.sd for how, error in found if error <= least + 1e-6]
        return [_fitted(cls, pairs.first(MOST // channels), equal[len(equal) // 2], thorough=True)[0]]

    def _edges(self, pictures: np.ndarray) -> np.ndarray:
        slope, ridges = _ridged(pictures, self.sd)
        thin = ridges & (slope >= self.low)
        parts = _parts(thin)
        strong = np.zeros(parts.max() + 1, bool)
        strong[parts[thin & (slope >= self.high)]] = True
        strong[0] = False
        return strong[parts].astype(np.float32)


def _ridged(pictures: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """The slope of smoothed pictures (n, h, w), and where it is largest across an edge."""
    # What the smoothing loses over the border is given back, so that the border itself is no edge.
    inside = gaussian_filter(np.ones(pictures.shape[1:], np.float32), sd, mode="constant")
    smooth = gaussian_filter(pictures, (0, sd, sd), mode="constant") / inside
    dx, dy = _slope(smooth, along=2, across=1), _slope(smooth, along=1, across=2)
    slope = np.hypot(dx, dy)
    return slope, _ridges(slope, dx, dy)


def _parts(thin: np.ndarray) -> np.ndarray:
    """A number for each piece that hangs together, 0 elsewhere."""
    within = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])  # never from one picture to the next
    parts = np.zeros(thin.shape, np.int32)
    label(thin, within, output=parts)
    return parts


def _fitted(cls: type[CannyEdges], pairs: Pairs, sd: float, thorough: bool = False) -> tuple[CannyEdges, float]:
    """The thresholds that suit an sd best, and the share of pixels that is then wrong."""
    h, w = pairs.reference.shape[2:]
    pictures, wanted = pairs.reference.reshape(-1, h, w), pairs.shifted.reshape(-1, h, w) > 0.5
    slope, ridges = _ridged(pictures, sd)
    edges = ridges & wanted
    near = maximum_filter(edges, (0, 3, 3)) & ridges & ~wanted
    found = []
    for low in _between(slope[near], slope[edges], 0.1)[: None if thorough else 1]:
        parts = _parts(ridges & (slope >= low))
        steepest = np.zeros(parts.max() + 1)
        np.maximum.at(steepest, parts.ravel(), slope.ravel())
        share = np.bincount(parts.ravel(), wanted.ravel()) / np.maximum(np.bincount(parts.ravel()), 1)
        is_edge = share[1:] > 0.5
        high = max(_between(steepest[1:][~is_edge], steepest[1:][is_edge], 0.2)[0], low)
        how = cls(float(sd), float(low), float(high))
        found.append((how, float(np.mean((how._edges(pictures) > 0.5) != wanted))))
    return min(found, key=lambda f: f[1])


def _between(below: np.ndarray, above: np.ndarray, usual: float) -> list[float]:
    """The thresholds that sort best what should lie below from what should lie above: the usual one if it is one of them, the middle, the highest.

    >>> [round(float(v), 3) for v in _between(np.array([0.3, 0.4]), np.array([0.6, 0.9]), 0.45)]
    [0.45, 0.5, 0.5]
    """
    values = np.concatenate([below, above])
    order = np.argsort(values, kind="stable")
    lies_below = np.r_[np.ones(len(below)), np.zeros(len(above))][order]
    # wrong[i]: the threshold lies between the values i − 1 and i.
    wrong = np.r_[lies_below.sum(), lies_below.sum() - np.cumsum(lies_below)] + np.r_[0, np.cumsum(1 - lies_below)]
    ordered = np.r_[1e-3, np.maximum(values[order], 1e-3), np.maximum(values.max(initial=0) * 1.1, usual * 1.1)]
    best = np.flatnonzero(wrong == wrong.min())
    as_good = wrong[np.searchsorted(values[order], usual)] == wrong.min()
    found = [float(ordered[i] + ordered[i + 1]) / 2 for i in (best[len(best) // 2], best[-1])]
    return [usual, *found] if as_good else found


def _slope(pictures: np.ndarray, along: int, across: int) -> np.ndarray:
    """Sobel's sum of differences along one axis."""
    return correlate1d(correlate1d(pictures, [-1, 0, 1], along), [1, 2, 1], across)


def _ridges(slope: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Where the slope is no smaller than a pixel ahead and a pixel behind along the gradient, interpolated between two neighbours."""
    padded = np.pad(slope, ((0, 0), (1, 1), (1, 1)))

    def at(down: int, right: int) -> np.ndarray:
        h, w = slope.shape[1:]
        return padded[:, 1 + down : 1 + down + h, 1 + right : 1 + right + w]

    flat = np.abs(dx) >= np.abs(dy)
    same = (dx >= 0) == (dy >= 0)  # the gradient points down and right, or up and left
    share = np.minimum(np.abs(dx), np.abs(dy)) / np.maximum(np.maximum(np.abs(dx), np.abs(dy)), 1e-12)
    ridge = slope > 0
    for sign in (1, -1):
        straight = np.where(flat, at(0, sign), at(sign, 0))
        diagonal = np.where(same, at(sign, sign), np.where(flat, at(-sign, sign), at(sign, -sign)))
        ridge &= slope >= ((1 - share) * straight + share * diagonal) * np.float32(1 - TIE)
    ridge[:, [0, -1]] = False
    ridge[:, :, [0, -1]] = False
    return ridge
