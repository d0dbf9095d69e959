"""Controls: sets as far from the reference as the shifted one, without the suspected structure."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float32, Int64

BINS = 8  # of grey values between black and white


def shuffled_residual(
    reference: Float32[np.ndarray, "n c h w"], shifted: Float32[np.ndarray, "n c h w"], rng: np.random.Generator
) -> Float32[np.ndarray, "n c h w"]:
    """The reference with each image's residual shuffled over its pixels of like value.

    This is noise of the same L2 and L∞ norms, and of the same signs on black, on white and on each of eight ranges of
    grey between them, since clipped values can move one way only. For noise that is drawn pixel by pixel, it is another
    draw; for all else, the link between a pixel's place and its change is lost.

    >>> black = np.zeros((1, 1, 1, 4), np.float32)
    >>> moved = shuffled_residual(black, np.array([[[[0.5, 0, 0, 0]]]], np.float32), np.random.default_rng(1))
    >>> sorted(moved.ravel().tolist()), moved.ravel().tolist() != [0.5, 0, 0, 0]
    ([0.0, 0.0, 0.0, 0.5], True)
    """
    flat = reference.reshape(len(reference), -1)
    residual = shifted.reshape(flat.shape) - flat
    low, high = flat.min(), flat.max()
    gray = np.floor((flat - low) / max(high - low, 1e-12) * BINS)
    stratum = np.where(flat <= low, -1, np.where(flat >= high, BINS, gray))
    to, source = (np.argsort(stratum + 0.999 * rng.random(flat.shape), axis=1) for _ in range(2))
    shuffled = np.empty_like(flat)
    np.put_along_axis(shuffled, to, np.take_along_axis(residual, source, 1), 1)
    return _clipped(flat + shuffled, reference, shifted).reshape(reference.shape)


def transplanted_residual(
    reference: Float32[np.ndarray, "n c h w"], shifted: Float32[np.ndarray, "n c h w"], rng: np.random.Generator
) -> Float32[np.ndarray, "n c h w"]:
    """The reference, each image with another image's residual.

    Changes keep their places but belong to another image.
    """
    other = derangement(len(reference), rng)
    return _clipped(reference + (shifted - reference)[other], reference, shifted)


def signed_at_random(
    reference: Float32[np.ndarray, "n c h w"], shifted: Float32[np.ndarray, "n c h w"], rng: np.random.Generator
) -> Float32[np.ndarray, "n c h w"]:
    """The reference with each pixel's change added or subtracted, by chance.

    Where one of the two would leave the range of values that occur, the change keeps its sign: changes keep their
    places and sizes.

    >>> gray = np.full((1, 1, 1, 1000), 0.5, np.float32)
    >>> gray[..., 0] = 0
    >>> moved = signed_at_random(gray, gray + np.float32(0.25), np.random.default_rng(0))
    >>> np.unique(moved).tolist(), bool(abs(moved.mean() - 0.5) < 0.03)
    ([0.25, 0.75], True)
    """
    residual = shifted - reference
    low, high = min(reference.min(), shifted.min()), max(reference.max(), shifted.max())
    other = reference - residual
    flipped = (rng.random(reference.shape) < 0.5) & (other >= low) & (other <= high)
    return np.where(flipped, other, shifted).astype(np.float32)


Control = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

MATCHED: Mapping[str, Control] = {
    "shuffled over the image": shuffled_residual,
    "with random signs": signed_at_random,
    "taken from another image": transplanted_residual,
}
"""Controls of the same size, by what completes "the same change …"."""


def derangement(n: int, rng: np.random.Generator) -> Int64[np.ndarray, "n"]:
    """A permutation of n ≥ 2 places without fixed points: one cycle, drawn at random.

    >>> bool((derangement(5, np.random.default_rng(0)) == np.arange(5)).any())
    False
    """
    cycle = rng.permutation(n)
    places = np.empty(n, np.int64)
    places[cycle] = np.roll(cycle, 1)
    return places


def _clipped(images: np.ndarray, reference: np.ndarray, shifted: np.ndarray) -> np.ndarray:
    """Clipped to the range of values that occur."""
    low, high = min(reference.min(), shifted.min()), max(reference.max(), shifted.max())
    return np.clip(images, low, high).astype(np.float32)
