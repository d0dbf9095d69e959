"""Who loses what tells classes apart: the images, or the network?"""

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.diagnosis.mechanisms.features import weighted_layers
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.models.activations import activations
from shiftassay.words.numbers import percent


@briefly("the images themselves tell classes apart less", extent=lambda case: _extent(case, "pixels"))
def classes_merge(case: Case) -> Mechanism | None:
    """Already in the images classes lie closer together, beside how far images of one class differ.

    The measure is the share of the variance between images that is between classes' means, cleared of what chance alone
    would give. Reported where it falls to 75% of the reference's or less, by the upper end of a bootstrap interval.
    """
    shares = _shares(case)
    if shares is None:
        return None
    numbers, ends = shares
    present = ends["pixels"][1] <= thresholds.SEPARATION_FALLS
    return Mechanism(
        "classes_merge",
        bool(present),
        f"The images of different classes differ less: {percent(numbers['pixels'])} of the variance of the pixels lies "
        f"between classes, on the reference {percent(numbers['pixels_reference'])}.",
        numbers,
    )


@briefly("the network's features run together", extent=lambda case: _extent(case, "features"))
def network_merges(case: Case) -> Mechanism | None:
    """The images separate classes as well as before; the network's last features do not.

    The same measure at the pixels (at least 85% of the reference's) and at what the last linear layer is given (75% or
    less).
    """
    shares = _shares(case)
    if shares is None or "features" not in shares[0]:
        return None
    numbers, ends = shares
    present = ends["pixels"][0] >= thresholds.SEPARATION_STAYS and ends["features"][1] <= thresholds.SEPARATION_FALLS
    return Mechanism(
        "network_merges",
        bool(present),
        "The images still separate the classes, the network's features do not: between classes lies "
        f"{percent(numbers['pixels'])} of the variance of the pixels (reference "
        f"{percent(numbers['pixels_reference'])}), and {percent(numbers['features'])} of that of the last hidden layer "
        f"(reference {percent(numbers['features_reference'])}).",
        numbers,
    )


Shares = tuple[dict[str, float], dict[str, tuple[float, float]]]
"""The shares by space and set, and for each space the ends of the interval of shifted over reference."""


def _shares(case: Case) -> Shares | None:
    return (
        case.memoized("shares", lambda: _measured(case)) if case.dropped and case.reference_labels is not None else None
    )


def _extent(case: Case, space: str) -> Extent | None:
    if case.truth is None or case.reference_labels is None:
        return None
    numbers, ends = case.memoized("shares", lambda: _measured(case))
    if space not in ends:
        return None
    where = "pixels" if space == "pixels" else "last hidden layer"
    words = f"{percent(numbers[space])} of the variance of the {where} lies between classes"
    return Extent(1 - ends[space][1], 1 - thresholds.SEPARATION_FALLS, words)


def _measured(case: Case) -> Shares:
    assert case.reference_labels is not None
    assert case.truth is not None
    before, after = (
        case.rng("separation").permutation(n)[: SETTINGS.separation_images]
        for n in (len(case.reference), len(case.shifted))
    )
    images = {"_reference": case.reference[before], "": case.shifted[after]}
    labels = {"_reference": case.reference_labels[before], "": case.truth[after]}
    spaces = {"pixels": {suffix: x.reshape(len(x), -1) for suffix, x in images.items()}}
    layers = list(weighted_layers(case.model))
    if len(layers) > 1:
        last = {suffix: activations(case.model, x, layers[-2:-1]).get(layers[-2]) for suffix, x in images.items()}
        features = {suffix: np.maximum(x, 0) for suffix, x in last.items() if x is not None}
        spaces |= {"features": features} if len(features) == 2 else {}
    rng = case.rng("separation bootstrap")
    numbers: dict[str, float] = {}
    ends: dict[str, tuple[float, float]] = {}
    for space, of in spaces.items():
        numbers |= {space + suffix: _between(of[suffix], labels[suffix]) for suffix in images}
        ratios = []
        for _ in range(SETTINGS.separation_resamples):
            draws = {suffix: rng.integers(0, len(x), len(x)) for suffix, x in labels.items()}
            one, other = (_between(of[suffix][rows], labels[suffix][rows]) for suffix, rows in draws.items())
            ratios.append(other / max(one, 1e-9))
        ends[space] = (float(np.quantile(ratios, 0.025)), float(np.quantile(ratios, 0.975)))
        numbers[space + "_ratio_low"], numbers[space + "_ratio_high"] = ends[space]
    return numbers, ends


def _between(values: np.ndarray, labels: np.ndarray) -> float:
    """The share of variance between classes (ω²: Hays 1963).

    It is 0 on average where classes do not differ.
    """
    values = values.astype(np.float32)
    total = float(((values - values.mean(0)) ** 2).sum(dtype=np.float64))
    classes = np.unique(labels)
    within = sum(float(((v - v.mean(0)) ** 2).sum(dtype=np.float64)) for v in (values[labels == k] for k in classes))
    mean_square = within / max(len(values) - len(classes), 1)
    return float((total - within - (len(classes) - 1) * mean_square) / max(total + mean_square, 1e-12))
