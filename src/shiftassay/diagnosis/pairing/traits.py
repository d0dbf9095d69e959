"""Traits by which images are recognised after a shift.

Some group of shifts leaves each trait unchanged.
"""

import numpy as np
from jaxtyping import Float32
from scipy.sparse import csr_array

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import SMALL_SIDE, block_means
from shiftassay.statistics.principal import axes

CHUNK = 1 << 24  # values of images that are looked at at a time
MOST_VALUES = 4096  # sorted values of an image
Trait = Float32[np.ndarray, "_ _"]
ANGLES = 32  # of the rays that rings are sampled on: at 28 pixels neighbours are less than three apart at the border


def traits_of(images: Images) -> dict[str, Trait]:
    """Traits of each image by name, none of them scaled.

    `pixels` survive intensity, blur, noise and every fixed linear map; `values`, sorted, any rearrangement;
    `amplitudes` of the Fourier transform rolls and random phases; `rings`, amplitudes of the harmonics along circles
    about the centre, rotations; `sums` of rows and columns rows or columns in another order. Large pictures are made
    small first, but for values and sums.
    """
    step = max(1, CHUNK // images[0].size)
    parts = [_traits_of_some(images[start : start + step]) for start in range(0, len(images), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _traits_of_some(images: Images) -> dict[str, Trait]:
    small = block_means(images, max(1, min(images.shape[2:]) // SMALL_SIDE))
    gray, full = small.mean(axis=1), images.mean(axis=1)
    return {
        "pixels": small.reshape(len(small), -1),
        "values": _sorted_values(images.reshape(len(images), -1)),
        "amplitudes": np.abs(np.fft.rfft2(gray)).reshape(len(gray), -1).astype(np.float32),
        "rings": _rings(gray),
        "sums": np.concatenate([full.sum(axis=1), full.sum(axis=2)], axis=1),
    }


def _sorted_values(flat: Trait) -> Trait:
    """Each image's values from low to high: all of a small one, evenly many of a large one."""
    ordered = np.sort(flat, axis=1)
    if flat.shape[1] <= MOST_VALUES:
        return ordered
    return ordered[:, np.linspace(0, flat.shape[1] - 1, MOST_VALUES).astype(int)]


def principal(trait: Trait, count: int, rng: np.random.Generator) -> Trait:
    """The scores of the leading principal components, scaled alike.

    The mean square over all components is 1. Components of no variance are left out.
    """
    centered = trait - trait.mean(axis=0)
    scores = centered @ axes(centered, count, rng)
    sd = scores.std(axis=0)
    scores = scores[:, sd > 1e-4 * max(float(sd.max(initial=0)), 1e-12)]
    size = np.sqrt(np.mean(scores**2)) if scores.size else 1.0
    return (scores / max(size, 1e-12)).astype(np.float32)


def _rings(gray: Float32[np.ndarray, "n h w"]) -> Trait:
    n, h, w = gray.shape
    radii = np.arange(0.5, min(h, w) / 2)
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    x = (w - 1) / 2 + np.outer(radii, np.cos(angles)).ravel()
    y = (h - 1) / 2 + np.outer(radii, np.sin(angles)).ravel()
    polar = (_bilinear(x, y, h, w) @ gray.reshape(n, -1).T).T.reshape(n, len(radii), ANGLES)
    # Longer rings count for more: they hold more of the picture.
    weight = np.sqrt(radii)[:, None]
    return (np.abs(np.fft.rfft(polar, axis=2))[:, :, :9] * weight).reshape(n, -1).astype(np.float32)


def _bilinear(x: np.ndarray, y: np.ndarray, h: int, w: int) -> csr_array:
    """The matrix that reads images at the places (x, y)."""
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    entries = []
    for dx in (0, 1):
        for dy in (0, 1):
            weight = (1 - np.abs(x - left - dx)) * (1 - np.abs(y - top - dy))
            at = np.clip(top + dy, 0, h - 1) * w + np.clip(left + dx, 0, w - 1)
            entries.append((weight, np.arange(len(x)), at))
    weights, rows, columns = (np.concatenate(part) for part in zip(*entries, strict=True))
    return csr_array((weights.astype(np.float32), (rows, columns)), shape=(len(x), h * w))
