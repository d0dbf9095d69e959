"""Who loses what tells classes apart: the images, or the network?"""

import numpy as np

from shiftassay.diagnosis.mechanisms.case import Case, Mechanism
from shiftassay.diagnosis.mechanisms.features import activations, weighted_layers

IMAGES = 1000
FALLS = 0.75
STAYS = 0.85


def classes_merge(case: Case) -> Mechanism | None:
    """Already in the images classes lie closer together, beside how far images of one class differ.

    The measure is the share of the variance between images that is between classes' means, cleared of what chance alone
    would give. Said where it falls to 75% of the reference's or less, by the upper end of a bootstrap interval.
    """
    found = _shares(case)
    if found is None:
        return None
    numbers, ends = found
    present = ends["pixels"][1] <= FALLS
    return Mechanism(
        "classes_merge",
        bool(present),
        f"The images themselves tell classes less well apart: {100 * numbers['pixels']:.0f}% of the variance of their pixels lies between "
        f"classes, on the reference {100 * numbers['pixels_reference']:.0f}%.",
        numbers,
    )


def network_merges(case: Case) -> Mechanism | None:
    """The images tell classes apart as well as before, but in the network's last features they run together.

    The same measure at the pixels (at least 85% of the reference's) and at what the last linear layer is given (75% or less).
    """
    found = _shares(case)
    if found is None or "features" not in found[0]:
        return None
    numbers, ends = found
    present = ends["pixels"][0] >= STAYS and ends["features"][1] <= FALLS
    return Mechanism(
        "network_merges",
        bool(present),
        f"It is the network that no longer tells classes apart, not the images: between classes lies {100 * numbers['features']:.0f}% of the variance "
        f"of its last features (reference {100 * numbers['features_reference']:.0f}%), but {100 * numbers['pixels']:.0f}% of that of the pixels "
        f"(reference {100 * numbers['pixels_reference']:.0f}%).",
        numbers,
    )


def _shares(case: Case) -> tuple[dict[str, float], dict[str, tuple[float, float]]] | None:
    if case.truth is None or case.reference_labels is None or not case.dropped:
        return None
    kept = vars(case).get("_shares")
    if kept is None:
        before, after = (
            case.rng("separation").permutation(n)[:IMAGES] for n in (len(case.reference), len(case.shifted))
        )
        sets = {
            "_reference": (case.reference[before], case.reference_labels[before]),
            "": (case.shifted[after], case.truth[after]),
        }
        numbers: dict[str, float] = {}
        ends: dict[str, tuple[float, float]] = {}
        layers = list(weighted_layers(case.model))
        spaces: dict[str, dict[str, np.ndarray]] = {"pixels": {}, "features": {}}
        for suffix, (images, _) in sets.items():
            spaces["pixels"][suffix] = images.reshape(len(images), -1)
            found = activations(case.model, images)
            if len(layers) > 1 and layers[-2] in found:
                spaces["features"][suffix] = np.maximum(found[layers[-2]], 0)
        rng = case.rng("separation bootstrap")
        for space, of in spaces.items():
            if not of:
                continue
            for suffix, (_, labels) in sets.items():
                numbers[space + suffix] = _between(of[suffix], labels)
            ratios = []
            for _ in range(30):
                draws = {s: rng.integers(0, len(labels), len(labels)) for s, (_, labels) in sets.items()}
                one, other = (_between(of[s][draws[s]], sets[s][1][draws[s]]) for s in ("", "_reference"))
                ratios.append(one / max(other, 1e-9))
            ends[space] = (float(np.quantile(ratios, 0.025)), float(np.quantile(ratios, 0.975)))
            numbers[space + "_ratio_low"], numbers[space + "_ratio_high"] = ends[space]
        kept = numbers, ends
        vars(case)["_shares"] = kept
    return kept


def _between(values: np.ndarray, labels: np.ndarray) -> float:
    """The share of variance between classes (ω²: Hays 1963), which is 0 on average where classes do not differ."""
    values = values.astype(np.float32)
    total = float(((values - values.mean(0)) ** 2).sum(dtype=np.float64))
    classes = np.unique(labels)
    within = sum(float(((v - v.mean(0)) ** 2).sum(dtype=np.float64)) for v in (values[labels == k] for k in classes))
    mean_square = within / max(len(values) - len(classes), 1)
    return float((total - within - (len(classes) - 1) * mean_square) / max(total + mean_square, 1e-12))
