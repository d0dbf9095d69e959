"""Edges alone are left."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter, label

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Shift

CHUNK = 1000
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

    def _edges(self, pictures: np.ndarray) -> np.ndarray:
        blur = (self.sd, self.sd)
        # What the smoothing loses over the border is given back, so that the border itself is no edge.
        inside = gaussian_filter(np.ones(pictures.shape[1:], np.float32), blur, mode="constant")
        smooth = gaussian_filter(pictures, (0, *blur), mode="constant") / inside
        dx, dy = _slope(smooth, along=2, across=1), _slope(smooth, along=1, across=2)
        slope = np.hypot(dx, dy)
        thin = _ridges(slope, dx, dy) & (slope >= self.low)
        within = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])  # never from one picture to the next
        parts = np.zeros(thin.shape, np.int32)
        label(thin, within, output=parts)
        strong = np.zeros(parts.max() + 1, bool)
        strong[parts[thin & (slope >= self.high)]] = True
        strong[0] = False
        return strong[parts].astype(np.float32)


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
