"""Mud on the lens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.levels import undo_intensity_map
from shiftassay.shifts.estimation.moments import matched
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check

USUAL = 63 / 255  # the published shade
SOFT_EDGE = 0.8  # of a drop: below this its film is too thin to be seen
COARSE, FINE, MANY = 16, 64, 600  # images of mud: for each start, for what is tried next, and to correct for those few
LAGS = (1, 2, 4, 8)
STARTS = tuple((size, softness) for size in (0.7, 1.0, 2.0, 4.0, 8.0) for softness in (0.1, 0.6, 1.5))
LEAST = 0.5  # pixels, the size of drops: smaller ones are single pixels, dropped or hit by impulses
TIED = 6.0  # distances as far apart as this may be chance
MNIST_C = ((0.029, 4.0, 0.6), (0.144, 3.0, 0.6), (0.239, 2.0, 0.5), (0.5, 1.0, 1.5), (0.57, 1.0, 1.5))  # likely ones
# What counts as near: the standard errors over a hundred images, of the log share covered, of the shares of
# neighbours also covered, of the mean film and of the share of full film
NEAR = np.array([0.04, 0.005, 0.01, 0.013, 0.015, 0.003, 0.01])


@FAMILIES.register("spatter")
@dataclass(frozen=True)
class Spatter(Shift):
    """Drops of mud of one `shade`: places where smooth noise is high (Hendrycks and Dietterich 2019).

    White noise is smoothed by a Gaussian of `size` pixels; its highest `coverage` (a share of the area, before the edges
    are softened) becomes mud, whose edges are softened by a Gaussian of `softness` pixels. What is then less than
    four fifths covered stays clean, so that the mud seen is less than `coverage`.
    """

    family: ClassVar[str] = "spatter"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "coverage=0.4"
    tier: ClassVar[int] = 1
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = tuple({"coverage": v} for v in (0.05, 0.1, 0.15, 0.25, 0.4))
    refined: ClassVar[tuple[str, ...] | None] = ("coverage",)
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Drops hide parts of strokes and leave grey blots on the background whose outlines look like strokes."
    )
    information: ClassVar[Information] = "reduced"

    coverage: float
    size: float = 1.0
    softness: float = 1.5
    shade: float = 63 / 255
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "coverage", lambda v: 0 < v < 1, "between 0 and 1, both excluded")
        check(self, "size", lambda v: v > 0.1, "above 0.1")
        check(self, "softness", lambda v: v >= 0, "0 or more")
        check(self, "shade", lambda v: 0 <= v <= 1, "between 0 and 1")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        noise = rng.standard_normal((len(images), 1, *images.shape[2:]), np.float32)
        liquid = gaussian_filter(noise, (0, 0, self.size, self.size), mode="nearest")
        impulse = np.zeros(2 * int(4 * self.size + 0.5) + 1)
        impulse[len(impulse) // 2] = 1
        sd = (
            gaussian_filter(impulse, self.size, mode="constant") ** 2
        ).sum()  # of the smoothed noise: the line's norm, twice
        mud = (liquid > sd * ndtri(1 - self.coverage)).astype(np.float32)
        film = gaussian_filter(mud, (0, 0, self.softness, self.softness), mode="nearest")
        film[film < SOFT_EDGE] = 0
        return np.clip(images * (1 - film) + np.float32(self.shade) * film, 0, 1)

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The shade by regression over the changed pixels, the rest by simulated moments of the film.

        Where mud is seen, shifted = (1 − film) reference + film · shade with a film that is independent of the reference, so that
        slope and intercept give shade, and then each pixel's film. The moments: the share that is covered, how
        often pixels 1, 2, 4 and 8 away from a covered one are covered too, the mean film and how much of it is full.
        """
        pairs = undo_intensity_map(pairs)
        reference, shifted = pairs.reference.astype(np.float64), pairs.shifted.astype(np.float64)
        changed = np.abs(shifted - reference) > 0.012
        if changed.sum() < 20 or changed.mean() > 0.9 or min(reference.shape[2:]) <= max(LAGS):
            return []
        x, y = reference[changed], shifted[changed]
        slope = np.cov(x, y)[0, 1] / x.var() if x.var() > 1e-4 else 1 - (1 + SOFT_EDGE) / 2
        shade = float((y.mean() - slope * x.mean()) / (1 - slope)) if slope < 0.9 else -1.0
        if not -0.2 < slope < 0.35 or not -0.02 <= shade <= 1.02:
            return []
        in_bytes = bool(np.abs(np.rint(255 * shifted[:20]) - 255 * shifted[:20]).max() < 1e-3)
        shade = float(np.clip(_seen_on_black(shifted[changed & (reference < 0.002)], shade, in_bytes), 0, 1))
        step = 1 / (255 * shade) if in_bytes and shade > 0.02 else 0.0  # of the film, as rounded values show it
        away = shade - reference
        told = np.abs(away) > 0.1  # elsewhere mud looks like the picture
        film = np.where(told, (shifted - reference) / np.where(told, away, 1), 0)
        covered = changed & told
        thick = film[covered]
        if not covered.any() or np.mean((thick > SOFT_EDGE - 0.1) & (thick < 1.1)) < 0.7:
            return []
        found = _moments(film, covered, told) / NEAR
        size = reference.shape[2:]
        share = float(covered.sum() / told.sum())
        if share > 0.9:
            return []
        odds = np.log(share / (1 - share))
        grid = [(odds + extra, np.log(size), softness) for size, softness in STARTS for extra in (0.05, 0.5)]
        known = [(np.log(c / (1 - c)), np.log(size), soft) for c, size, soft in MNIST_C]
        strides = np.array([0.2, 0.2, 0.2])
        start, _ = matched(lambda p: _made(p, COARSE, size, step), found, np.array(grid + known), strides, tries=4)
        best, _ = matched(lambda p: _made(p, FINE, size, step), found, start[None], strides, tries=35)
        # The few images that were simulated are not quite like many: by how much hardly depends on the parameters.
        few, many = (_made(best, n, size, step) for n in (FINE, MANY))
        best, _ = matched(lambda p: _made(p, FINE, size, step), found + few - many, best[None], strides / 3, tries=30)
        if np.exp(best[1]) < LEAST:
            return []
        # Size and softness trade off: a published set of parameters that explains as much is likelier than one close to it.
        published = np.array(known)
        likely = published[np.abs(published - best).sum(1).argmin()]
        away = [((_made(p, MANY, size, step) - found) ** 2).sum() for p in (best, likely)]
        return [_at(likely if away[1] < away[0] + TIED * max(1, 100 / len(pairs)) else best, shade)]


def _at(numbers: np.ndarray, shade: float) -> Spatter:
    """With the log odds of coverage, the log of size, softness."""
    return Spatter(float(1 / (1 + np.exp(-numbers[0]))), float(np.exp(numbers[1])), float(numbers[2]), shade)


def _made(numbers: np.ndarray, n: int, size: tuple[int, ...], step: float) -> np.ndarray:
    """The moments of n pictures of mud, as `matched` takes them."""
    if not -2.0 < numbers[1] < 3.0 or not 0 <= numbers[2] < 8 or abs(numbers[0]) > 8:
        return np.full(len(NEAR), np.nan)
    film = _at(numbers, 1.0).apply(np.zeros((n, 1, *size), np.float32), np.random.default_rng(0))
    if step:
        film = np.rint(film / step) * np.float32(step)
    return _moments(film, film > 0, np.ones(film.shape, bool)) / NEAR


def _seen_on_black(mud: np.ndarray, shade: float, in_bytes: bool) -> float:
    """The shade from the mud over black pixels: its full film is the brightest, its thinnest four fifths of the shade."""
    if len(mud) < 100:
        return shade
    thinnest, fullest = np.quantile(mud, [0.002, 0.998])
    flat = np.mean(mud > 0.996 * fullest) > 0.15
    seen = fullest if flat or thinnest > 0.87 * fullest else thinnest / SOFT_EDGE
    if abs(seen - shade) >= 0.1 * shade:
        return shade
    if in_bytes and seen != fullest:  # four fifths of what: known to half a grey value
        low, high = (thinnest + np.array([-0.5, 0.5]) / 255) / SOFT_EDGE
        return USUAL if low <= USUAL <= high else float(np.clip(shade, low, high))
    return float(seen)


def _moments(film: np.ndarray, covered: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Of the log share covered, of the neighbours of covered pixels, of the film; only of pixels that can tell."""
    total = max(covered.sum(), 1)
    neighbours = []
    for lag in LAGS:
        right = slice(None, -lag), slice(lag, None)
        a, b, c, d = (covered[:, :, right[0]], covered[:, :, right[1]], covered[..., right[0]], covered[..., right[1]])
        seen = (a & told[:, :, right[1]]).sum() + (c & told[..., right[1]]).sum()
        neighbours.append(((a & b).sum() + (c & d).sum()) / max(seen, 1))
    thick = film[covered]
    full = np.mean(thick > 0.97) if len(thick) else 0.0
    return np.array([np.log(total / told.sum()), *neighbours, thick.mean() if len(thick) else 0.0, full])
