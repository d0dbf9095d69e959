"""What the training images never did: energy in directions in which they do not vary."""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.words.numbers import percent


@briefly("a part of it lies in directions that training images hardly use", extent=lambda case: _extent(case))
def outside_span(case: Case) -> Mechanism | None:
    """A part of the change lies where training images hardly vary; without it accuracy comes back.

    The span is that of the principal components that hold 95% of the variance of training images (without them, of one
    half of the reference). The control takes the same energy away, its pixels shuffled. Reported where the shifted
    images have at least 2% more of their energy outside than the reference has, and projecting on the span restores a
    fifth of what was lost, more than the control does.
    """
    if case.truth is None or not case.dropped:
        return None
    mean, basis, usual = case.once_of_reference("span", lambda: _span(case))
    dimensions, inside = basis.shape
    if dimensions - inside < 2:
        return None
    outside = _outside(case.shifted, mean, basis)
    projected = _projected(case.shifted, mean, basis)
    right = case.right(projected)
    removed = (case.shifted - projected).reshape(len(case.shifted), -1)
    shuffled = case.rng("shuffled").permuted(removed, axis=1).reshape(case.shifted.shape)
    control = case.right(case.shifted - shuffled)
    restored, p_value = case.restores(right)
    present = (
        outside - usual >= thresholds.OUTSIDE_SPAN
        and restored >= thresholds.RESTORED_BY_PART
        and p_value < thresholds.MECHANISM_LEVEL
        and restored > case.restores(control)[0] + 0.1
    )
    whose = "training images" if case.train is not None else "the reference"
    return Mechanism(
        "outside_span",
        bool(present),
        f"The shift puts energy where {whose} have almost none: {percent(outside)} of its images' energy lies outside "
        f"the {inside} of {dimensions} principal directions that hold 95% of the variance (reference "
        f"{percent(usual)}). Projected on these directions, accuracy is {percent(float(right.mean()), 1)} instead of "
        f"{percent(case.after, 1)}; as much energy taken away at random leaves {percent(float(control.mean()), 1)}.",
        {
            "outside": outside,
            "outside_reference": usual,
            "directions": inside,
            "of": dimensions,
            "projected": float(right.mean()),
            "taken_elsewhere": float(control.mean()),
            "restored": restored,
            "p_value": p_value,
        },
    )


def _extent(case: Case) -> Extent:
    mean, basis, usual = case.once_of_reference("span", lambda: _span(case))
    outside = _outside(case.shifted, mean, basis)
    words = f"{percent(outside)} of the energy lies outside these directions"
    return Extent(outside - usual, thresholds.OUTSIDE_SPAN, words)


def _span(case: Case) -> tuple[np.ndarray, np.ndarray, float]:
    """The mean of training images, their directions, and the reference's energy outside of them."""
    half = case.rng("span").permutation(len(case.reference))
    source = case.train if case.train is not None else case.reference[half[::2]]
    some = case.rng("training images").permutation(len(source))[: 2 * SETTINGS.span_images]
    flat = source[some].reshape(len(some), -1).astype(np.float64)
    mean = flat.mean(0)
    basis = _basis(flat - mean)
    return mean, basis, _outside(case.reference[half[1::2]], mean, basis)


def _basis(centered: np.ndarray) -> np.ndarray:
    """The directions of most variance, as columns, that hold 95% of it together."""
    if centered.shape[1] > 1024:  # the images' products with each other give the same directions, and cost less
        centered = centered[:1000]
        values, vectors = np.linalg.eigh(centered @ centered.T)
        values, vectors = values[::-1], vectors[:, ::-1]
        good = values > 1e-9 * max(values[0], 1e-300)
        vectors = centered.T @ vectors[:, good] / np.sqrt(values[good])
        values = values[good]
    else:
        values, vectors = np.linalg.eigh(centered.T @ centered)
        values, vectors = values[::-1], vectors[:, ::-1]
    share = np.cumsum(values) / max(values.sum(), 1e-300)
    return vectors[:, : int(np.searchsorted(share, thresholds.SPAN_ENERGY)) + 1]


def _outside(images: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> float:
    flat = images.reshape(len(images), -1) - mean
    return float(1 - ((flat @ basis) ** 2).sum() / max((flat**2).sum(), 1e-12))


def _projected(images: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1) - mean
    return (flat @ basis @ basis.T + mean).astype(np.float32).reshape(images.shape)
