"""Traits by which images are recognised after a shift.

Some group of shifts leaves each trait unchanged.
"""

import numpy as np
from jaxtyping import Float32
from scipy.sparse import csr_array

from shiftassay.imagesets.image_set import Images
from shiftassay.statistics.principal import axes

Trait = Float32[np.ndarray, "_ _"]
ANGLES = 32  # of the rays that rings are sampled on: at 28 pixels neighbours are less than three apart at the border


def traits_of(images: Images) -> dict[str, Trait]:
    """Traits of each image by name, none of them scaled.

    `pixels` survive intensity, blur, noise and every fixed linear map; `values`, sorted, any rearrangement;
    `amplitudes` of the Fourier transform rolls and random phases; `rings`, amplitudes of the harmonics along circles
    about the centre, rotations; `sums` of rows and columns rows or columns in another order.
    """
    gray = images.mean(axis=1)
    return {
        "pixels": images.reshape(len(images), -1),
        "values": np.sort(images.reshape(len(images), -1), axis=1),
        "amplitudes": np.abs(np.fft.rfft2(gray)).reshape(len(gray), -1).astype(np.float32),
        "rings": _rings(gray),
        "sums": np.concatenate([gray.sum(axis=1), gray.sum(axis=2)], axis=1),
    }


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
