"""Transformations that are in no catalogue, with a strength: the verdict on them is `unknown`.

Left out are smooth displacements that all images share (swirls, lenses): an elastic field describes any of them. So are
fields of brightness and curves of grey values, which other catalogues have.
"""

import numpy as np
from benchmarks.diagnosis.case import each
from benchmarks.diagnosis.unknowns import PLAIN, SCALED, Transform
from scipy import ndimage

Rng = np.random.Generator


def _ghost(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """A second, fainter picture, 5 pixels to the right and 3 down."""
    return x + strength * ndimage.shift(x, (0, 3, 5), order=1)


def _grain(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Noise whose neighbours are alike."""
    field = ndimage.gaussian_filter(rng.normal(size=x.shape), (0, 1.2, 1.2), mode="wrap")
    return x + strength * field / field.std()


def _banding(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Each row of each image is lighter or darker."""
    return x + strength * rng.normal(size=(*x.shape[:2], 1))


def _dead_rows(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Rows that are white, of each image its own."""
    return np.where(rng.random((*x.shape[:2], 1)) < strength, 1.0, x)


def _patch_gain(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Each square of 7 × 7 pixels of each image has its own gain."""
    n, h, w = x.shape
    gains = 1 + strength * rng.choice([-1, 1], (n, h // 7, w // 7))
    return x * gains.repeat(7, 1).repeat(7, 2)


def _holes(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Grey squares of 3 × 3 pixels, where chance puts them."""
    out = x.copy()
    for image in out:
        for top, left in rng.integers(2, 23, (int(strength), 2)):
            image[top : top + 3, left : left + 3] = 0.5
    return out


def _rain(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Light slanted strokes of 6 pixels."""
    out = x.copy()
    for image in out:
        for top, left in zip(rng.integers(0, 22, int(strength)), rng.integers(0, 25, int(strength)), strict=True):
            for step in range(6):
                image[top + step, left + step // 2] += 0.6
    return out


def _spin_blur(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """The mean over turns about the centre."""
    angles = np.linspace(-strength / 2, strength / 2, 9)
    return np.mean([ndimage.rotate(x, angle, (2, 1), reshape=False, order=1) for angle in angles], axis=0)


def _grid(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Every fourth row and column is darker."""
    rows, columns = np.indices(x.shape[1:])
    return x * np.where((rows % 4 == 0) | (columns % 4 == 0), 1 - strength, 1)


def _halftone(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Partly replaced by black and white dots, by Bayer's 4 × 4 thresholds."""
    bayer = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5) / 16
    dots = x > np.tile(bayer, (x.shape[1] // 4, x.shape[2] // 4))
    return (1 - strength) * x + strength * dots


def _shadow(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """A soft dark disc, where chance puts it."""
    rows, columns = np.indices(x.shape[1:])
    top, left = rng.uniform(6, 22, (2, len(x)))
    distance = np.hypot(rows - each(top), columns - each(left))
    return x * (1 - strength / (1 + np.exp((distance - 6) / 1.0)))


def _comb(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Columns slide up and down by turns, by half a pixel or so beyond whole ones: whole ones are a permutation."""
    strength = np.floor(strength) + 0.3 + 0.4 * (strength % 1)
    out = x.copy()
    out[:, :, ::2] = ndimage.shift(x[:, :, ::2], (0, strength, 0), order=1)
    out[:, :, 1::2] = ndimage.shift(x[:, :, 1::2], (0, -strength, 0), order=1)
    return out


def _swapped_halves(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """The lower half is another image's."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[rng.permutation(len(x)), half:]], 1)


def _salted_edges(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Pixels at the edges of strokes become grey, by chance."""
    edges = ndimage.morphological_gradient(x, (1, 3, 3)) > 0.5
    return np.where(edges & (rng.random(x.shape) < strength), 0.5, x)


def _tear(x: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    """Everything below a row that each image draws slides to the right."""
    out = x.copy()
    for image, row in zip(out, rng.integers(10, 18, len(x)), strict=True):
        image[row:] = ndimage.shift(image[row:], (0, strength), order=0)
    return out


def _partly(transform: Transform) -> Transform:
    """Mixed with the image itself."""
    return lambda x, rng, strength: (1 - strength) * x + strength * transform(x, rng, 1)


STRANGERS: dict[str, Transform] = {
    **{name: SCALED[name] for name in ("blend", "checkerboard", "interlace", "clustered_salt", "row_jitter")},
    **{name: PLAIN[name] for name in ("posterised_half", "cut_mix", "mosaic", "mirrored_half", "dithered", "polar")},
    **{name: _partly(PLAIN[name]) for name in ("local_contrast", "brighter_of_two", "outlined", "slope", "dark_rows")},
    "ghost": _ghost,
    "grain": _grain,
    "banding": _banding,
    "dead_rows": _dead_rows,
    "patch_gain": _patch_gain,
    "holes": _holes,
    "rain": _rain,
    "spin_blur": _spin_blur,
    "grid": _grid,
    "halftone": _halftone,
    "shadow": _shadow,
    "comb": _comb,
    "swapped_halves": _swapped_halves,
    "salted_edges": _salted_edges,
    "tear": _tear,
}
"""By name: functions of images, a generator and a strength out of `ranges.UNKNOWN`."""
