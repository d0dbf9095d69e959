"""A shift that leaves nothing but edges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int32
from scipy.ndimage import correlate1d, gaussian_filter, label, maximum_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.own_interval import OwnInterval, where_fewest_are_wrong
from shiftassay.shifts.parameters import Parameters

CHUNK = 1000
FEW, MANY, MOST = 16, 60, 300  # pictures for each sd, for those near the best, and for its thresholds
SDS = np.array([0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0])
FINE_STEPS = (1e-3, 3e-4, 1e-4, 3e-5)  # of the sd, for its interval
SMALLEST, LARGEST = 0.05, 50.0  # pixels of the sd
TIE = 1e-5  # gradients whose relative difference is smaller are equal: rounding must not decide

Edges = Bool[np.ndarray, "n h w"]
Gradient = Float[np.ndarray, "n h w"]


@FAMILIES.register("canny_edges")
@dataclass(frozen=True)
class CannyEdges(Shift):
    """Replace the picture by its edges: 1 on edges one pixel wide, 0 elsewhere.

    The image is smoothed by a Gaussian. A pixel is an edge where the gradient's size is largest across the edge, is
    above `low`, and the pixel is connected to one whose gradient is above `high`. Gradients are Sobel sums: 4 at a
    sharp edge from black to white before smoothing.

    Parameters:
        sd: of the smoothing in pixels, above 0 and at most 50.
        low: threshold of the gradient for weak edges, above 0.
        high: threshold of the gradient for strong edges, at least `low`.

    Source: Canny 1986, "A computational approach to edge detection".
    """

    family: ClassVar[str] = "canny_edges"
    group: ClassVar[str] = "overlay"
    tier: ClassVar[int] = 1
    hides_moves: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("sd",)
    grid: ClassVar[tuple[Parameters, ...]] = (
        {},
        *({"sd": sd, "low": low, "high": 2 * low} for sd in (0.7, 1.0, 1.4, 2.0) for low in (0.1, 0.2, 0.4)),
    )
    why: ClassVar[str] = (
        "A filled stroke becomes two thin outlines with black between them: where weights expect ink there is none."
    )
    information: ClassVar[Information] = "reduced"

    sd: float = 1.0
    low: float = 0.1
    high: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.sd <= 50 or not 0 < self.low <= self.high:
            raise BadInput(
                "canny_edges: sd must be above 0 and at most 50, and 0 < low ≤ high, "
                f"not {self.sd:g}, {self.low:g} and {self.high:g}."
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
        """The sd of least mismatch, with thresholds that separate edges from other gradients.

        `low` lies below all edges and above the ridges that touch an edge without being one. `high` lies below the
        largest gradient of every edge and above that of every connected ridge that is no edge. The usual 0.1 and 0.2
        are kept where they fit as well as others. Nothing is returned unless the shifted images are black and white.
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
        errors = np.array([_fit_thresholds(cls, few, sd).error for sd in SDS])
        sd = SDS[errors.argmin()]
        if errors.min() > 0.6 * wanted.mean():
            return []
        for step in (0.1, 0.03, 0.01, 0.003):
            tried = sd + step * np.arange(-2, 3)
            fits = [_fit_thresholds(cls, more, s) for s in tried[tried > SMALLEST]]
            sd = min(fits, key=lambda fit: fit.error).shift.sd
        # Of equally good ones, the middle one.
        least = min(fit.error for fit in fits)
        equal = [fit.shift.sd for fit in fits if fit.error <= least + 1e-6]
        return [_fit_thresholds(cls, pairs.first(MOST // channels), equal[len(equal) // 2]).shift]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """All numbers under which hardly more pixels are wrong than under the best.

        Nothing tells them apart. Of `sd` with whatever thresholds suit it, of the thresholds with any such `sd`.
        """
        few = pairs.first(max(MOST // pairs.reference.shape[1], 1))
        fits: dict[float, _Fit] = {}

        def wrong(sd: float) -> float:
            fits[sd] = _fit_thresholds(type(self), few, sd)
            return fits[sd].error * few.reference.size

        of_sd = where_fewest_are_wrong(wrong, self.sd, FINE_STEPS, (SMALLEST, LARGEST))
        best = fits[of_sd.estimate]
        as_good = [fit for sd, fit in fits.items() if of_sd.low < sd < of_sd.high]
        return {
            "sd": of_sd,
            "low": OwnInterval(best.shift.low, min(f.low[0] for f in as_good), max(f.low[1] for f in as_good)),
            "high": OwnInterval(best.shift.high, min(f.high[0] for f in as_good), max(f.high[1] for f in as_good)),
        }

    def _edges(self, pictures: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
        gradient, ridges = _gradient_and_ridges(pictures, self.sd)
        weak = ridges & (gradient >= self.low)
        parts = _connected_parts(weak)
        strong = np.zeros(parts.max() + 1, bool)
        strong[parts[weak & (gradient >= self.high)]] = True
        strong[0] = False
        return strong[parts].astype(np.float32)


def _gradient_and_ridges(pictures: Float[np.ndarray, "n h w"], sd: float) -> tuple[Gradient, Edges]:
    """The gradient's size in smoothed pictures, and where it is largest across an edge."""
    # Normalized by the smoothing's weight inside the picture, so that the border itself is no edge.
    inside = gaussian_filter(np.ones(pictures.shape[1:], np.float32), sd, mode="constant")
    smooth = gaussian_filter(pictures, (0, sd, sd), mode="constant") / inside
    dx, dy = _sobel(smooth, along=2, across=1), _sobel(smooth, along=1, across=2)
    gradient = np.hypot(dx, dy)
    return gradient, _ridges(gradient, dx, dy)


def _connected_parts(edges: Edges) -> Int32[np.ndarray, "n h w"]:
    """A number from 1 for each connected part, 0 elsewhere."""
    within = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])  # never from one picture to the next
    parts = np.zeros(edges.shape, np.int32)
    label(edges, within, output=parts)
    return parts


class _Fit(NamedTuple):
    """The thresholds that suit an sd best, and those that suit it as well.

    `error` is the share of pixels that is then wrong.
    """

    shift: CannyEdges
    error: float
    low: tuple[float, float]
    high: tuple[float, float]


def _fit_thresholds(cls: type[CannyEdges], pairs: Pairs, sd: float) -> _Fit:
    h, w = pairs.reference.shape[2:]
    pictures, wanted = pairs.reference.reshape(-1, h, w), pairs.shifted.reshape(-1, h, w) > 0.5
    gradient, ridges = _gradient_and_ridges(pictures, sd)
    edges = ridges & wanted
    touching = maximum_filter(edges, (0, 3, 3)) & ridges & ~wanted
    fits = []
    lows, low_ends = _separating_thresholds(gradient[touching], gradient[edges], 0.1)
    for low in lows:
        parts = _connected_parts(ridges & (gradient >= low))
        peak = np.zeros(parts.max() + 1)
        np.maximum.at(peak, parts.ravel(), gradient.ravel())
        share = np.bincount(parts.ravel(), wanted.ravel()) / np.maximum(np.bincount(parts.ravel()), 1)
        is_edge = share[1:] > 0.5
        highs, high_ends = _separating_thresholds(peak[1:][~is_edge], peak[1:][is_edge], 0.2)
        shift = cls(float(sd), float(low), float(max(highs[0], low)))
        fits.append(_Fit(shift, float(np.mean((shift._edges(pictures) > 0.5) != wanted)), low_ends, high_ends))
    return min(fits, key=lambda fit: fit.error)


def _separating_thresholds(
    below: np.ndarray, above: np.ndarray, usual: float
) -> tuple[list[float], tuple[float, float]]:
    """The thresholds that best separate two sets, and between which ends all such thresholds are.

    The usual one if it is among them, the middle one, the highest.

    >>> thresholds, ends = _separating_thresholds(np.array([0.3, 0.4]), np.array([0.6, 0.9]), 0.45)
    >>> [round(float(v), 3) for v in thresholds], ends
    ([0.45, 0.5, 0.5], (0.4, 0.6))
    """
    values = np.concatenate([below, above])
    order = np.argsort(values, kind="stable")
    lies_below = np.r_[np.ones(len(below)), np.zeros(len(above))][order]
    # wrong[i]: the threshold lies between the values i − 1 and i.
    wrong = np.r_[lies_below.sum(), lies_below.sum() - np.cumsum(lies_below)] + np.r_[0, np.cumsum(1 - lies_below)]
    ordered = np.r_[1e-3, np.maximum(values[order], 1e-3), np.maximum(values.max(initial=0) * 1.1, usual * 1.1)]
    best = np.flatnonzero(wrong == wrong.min())
    as_good = wrong[np.searchsorted(values[order], usual)] == wrong.min()
    thresholds = [float(ordered[i] + ordered[i + 1]) / 2 for i in (best[len(best) // 2], best[-1])]
    ends = float(ordered[best[0]]), float(ordered[best[-1] + 1])
    return [usual, *thresholds] if as_good else thresholds, ends


def _sobel(pictures: Float[np.ndarray, "n h w"], along: int, across: int) -> Gradient:
    """Sobel's sum of differences along one axis."""
    return correlate1d(correlate1d(pictures, [-1, 0, 1], along), [1, 2, 1], across)


def _ridges(gradient: Gradient, dx: Gradient, dy: Gradient) -> Edges:
    """Where the gradient is no smaller than one pixel ahead and behind in its own direction.

    Those values are interpolated between two neighbours (non-maximum suppression).
    """
    padded = np.pad(gradient, ((0, 0), (1, 1), (1, 1)))

    def neighbor(down: int, right: int) -> Gradient:
        h, w = gradient.shape[1:]
        return padded[:, 1 + down : 1 + down + h, 1 + right : 1 + right + w]

    flat = np.abs(dx) >= np.abs(dy)
    same = (dx >= 0) == (dy >= 0)  # the gradient points down and right, or up and left
    share = np.minimum(np.abs(dx), np.abs(dy)) / np.maximum(np.maximum(np.abs(dx), np.abs(dy)), 1e-12)
    ridge = gradient > 0
    for sign in (1, -1):
        straight = np.where(flat, neighbor(0, sign), neighbor(sign, 0))
        other_diagonal = np.where(flat, neighbor(-sign, sign), neighbor(sign, -sign))
        diagonal = np.where(same, neighbor(sign, sign), other_diagonal)
        ridge &= gradient >= ((1 - share) * straight + share * diagonal) * np.float32(1 - TIE)
    ridge[:, [0, -1]] = False
    ridge[:, :, [0, -1]] = False
    return ridge
