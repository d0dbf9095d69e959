"""Pixels that moved meet weights that were trained for others."""

from dataclasses import dataclass

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.controls import derangement
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.diagnosis.mechanisms.features import weighted_layers
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.models.activations import activations
from shiftassay.models.predict import predict
from shiftassay.records import Record
from shiftassay.words.numbers import number, percent

RIDGE = 1e-2  # of the mean variance of a pixel


@dataclass(frozen=True)
class MapNumbers(Record):
    """Accuracies with the map and without, and what it restores of the loss."""

    after: float
    mapped: float
    wrong_partners: float
    restored: float
    p_value: float
    could_restore: float
    images: int


@briefly("each weight on the pixels meets another pixel than in training", extent=lambda case: _extent(case))
def other_weights(case: Case) -> Mechanism | None:
    """Pixels keep their values but move: the first layer's units get pixels they did not learn.

    Two measures: of the shifted image's sorted values the share of variance that the reference's sorted values explain
    (at least 98%: values are kept), and the mean correlation of first-layer units' inputs before and after over images
    (below 0.8). Its null is other images' inputs.
    """
    if not case.paired or not case.dropped:
        return None
    first_layer = _first_layer(case)
    if first_layer is None:
        return None
    values, kept, null, name = first_layer
    present = values >= thresholds.SAME_VALUES and kept < thresholds.PLACES_KEPT
    return Mechanism(
        "other_weights",
        bool(present),
        f"Pixels kept their values ({percent(values, 1)} of the variance of sorted values is unchanged) and moved to "
        "other places, where they meet weights that were trained for other pixels. Over images, a first-layer unit's "
        f"input correlates {number(kept, 2)} with its input on the reference (with that of other images "
        f"{number(null, 2)}).",
        {"values_kept": values, "kept": kept, "other_images": null, "layer": name},
    )


@briefly("the layers after the first are still right", extent=lambda case: _extent(case))
def one_linear_map(case: Case) -> Mechanism | None:
    """One linear map of pixels, the same for all images, restores accuracy.

    Only the first layer's weights are wrong. The map (ridge regression from shifted to reference pixels, which a linear
    first layer could absorb) is fitted on one half of the images and their partners, and judged on the other; the null
    is a map fitted to other images' partners. Reported where it restores 30% of the loss (McNemar's test at 1%), more
    than the null, and pixels kept their values.
    """
    mapped = _mapped(case)
    if mapped is None:
        return None
    restored, null, numbers, moved = mapped
    present = (
        moved
        and restored >= thresholds.RESTORED_BY_MAP
        and numbers.p_value < thresholds.MECHANISM_LEVEL
        and restored > null + 0.1
    )
    return Mechanism(
        "one_linear_map",
        bool(present),
        "Only the first layer's weights are wrong: one linear map of the pixels, fitted to one half of the images, "
        f"takes accuracy on the other half from {percent(numbers.after, 1)} to {percent(numbers.mapped, 1)}, and all "
        f"later layers stay as they are (a map fitted to wrong pairs of images: {percent(numbers.wrong_partners, 1)}).",
        numbers.to_json(),
    )


@briefly("no single set of weights fits all images", extent=lambda case: _extent(case))
def no_linear_map(case: Case) -> Mechanism | None:
    """Pixels moved, and no linear map that is the same for all images restores accuracy.

    Reported where the map of `one_linear_map` restores less than 10% of the loss, and where images suffice: the same
    number of images, moved by one permutation drawn for the purpose, would be brought back by 30% or more.
    """
    mapped = _mapped(case)
    if mapped is None:
        return None
    restored, _, numbers, moved = mapped
    present = moved and restored < 0.1 and numbers.could_restore >= thresholds.RESTORED_BY_MAP
    return Mechanism(
        "no_linear_map",
        bool(present),
        "No fixed first-layer weights fit all images: one linear map of the pixels, fitted to one half of the images, "
        f"leaves accuracy on the other half where it was ({percent(numbers.after, 1)} before, "
        f"{percent(numbers.mapped, 1)} after). The method works: fitted to one permutation shared by all images, it "
        f"restores {percent(min(numbers.could_restore, 1.0))} of the lost accuracy.",
        numbers.to_json(),
    )


def _extent(case: Case) -> Extent | None:
    """How far first-layer inputs moved, if pixels kept their values."""
    first_layer = _first_layer(case)
    if first_layer is None:
        return None
    values, kept = first_layer[:2]
    if values < thresholds.SAME_VALUES:
        return Extent(0.0, 1 - thresholds.PLACES_KEPT, "pixels change their values")
    return Extent(
        1 - kept, 1 - thresholds.PLACES_KEPT, f"first-layer inputs correlate {number(kept, 2)} with the reference's"
    )


def _first_layer(case: Case) -> tuple[float, float, float, str] | None:
    return case.memoized("first layer", lambda: _inputs(case))


def _inputs(case: Case) -> tuple[float, float, float, str] | None:
    """How much of sorted values and of the first layer's inputs is kept.

    Then the latter's null, and the layer.
    """
    layers = weighted_layers(case.model)
    if not layers:
        return None
    name = next(iter(layers))
    some = case.rng("places").permutation(len(case.reference))[: SETTINGS.places_images]
    reference, shifted = case.reference[some], case.shifted[some]
    before, after = (activations(case.model, x, [name]).get(name) for x in (reference, shifted))
    if before is None or after is None:
        return None
    other = before[derangement(len(some), case.rng("other images"))]
    return _values_kept(reference, shifted), _correlation(before, after), _correlation(other, after), name


def _values_kept(reference: np.ndarray, shifted: np.ndarray) -> float:
    one, other = (np.sort(x.reshape(len(x), -1), axis=1).astype(np.float64) for x in (reference, shifted))
    variance = ((one - one.mean(1, keepdims=True)) ** 2).sum()
    return float(1 - ((one - other) ** 2).sum() / max(variance, 1e-12))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation over images of each unit, weighed by the unit's spread."""
    one, other = one - one.mean(0), other - other.mean(0)
    products = (one * other).sum(0, dtype=np.float64)
    lengths = np.sqrt((one**2).sum(0, dtype=np.float64) * (other**2).sum(0, dtype=np.float64))
    return float(products.sum() / max(lengths.sum(), 1e-12))


def _mapped(case: Case) -> tuple[float, float, MapNumbers, bool] | None:
    """What the linear map restores, what one fitted to wrong partners does, and the numbers.

    Last comes whether pixels moved.
    """
    if not case.paired or not case.dropped or case.reference[0].size > SETTINGS.mapped_pixels:
        return None
    return case.memoized("mapped", lambda: _maps(case))


def _maps(case: Case) -> tuple[float, float, MapNumbers, bool]:
    order = case.rng("halves").permutation(len(case.reference))
    fit, judge = order[: len(order) // 2], order[len(order) // 2 :]
    wrong = fit[derangement(len(fit), case.rng("wrong partners"))]
    permutation = case.rng("a permutation").permutation(case.reference[0].size)
    permuted = case.reference.reshape(len(order), -1)[:, permutation].reshape(case.reference.shape)
    mapped = _right(case, case.shifted, fit, fit, judge)
    mistaken = _right(case, case.shifted, fit, wrong, judge)
    could = float(_right(case, permuted, fit, fit, judge).mean())
    restored, p_value = case.restores(mapped, judge)
    harmed = float(case.right(permuted).mean())
    numbers = MapNumbers(
        after=float(case.right_after[judge].mean()),
        mapped=float(mapped.mean()),
        wrong_partners=float(mistaken.mean()),
        restored=restored,
        p_value=p_value,
        could_restore=(could - harmed) / max(case.before - harmed, 1e-9),
        images=len(fit),
    )
    values = _first_layer(case)
    moved = values is not None and values[0] >= thresholds.SAME_VALUES and values[1] < thresholds.PLACES_KEPT
    return restored, case.restores(mistaken, judge)[0], numbers, moved


def _right(case: Case, images: np.ndarray, fit: np.ndarray, partners: np.ndarray, judge: np.ndarray) -> np.ndarray:
    """Which images of one half are right once mapped by what was fitted on the other."""
    assert case.truth is not None
    inputs, targets = (x.reshape(len(x), -1).astype(np.float64) for x in (images, case.reference))
    means = inputs[fit].mean(0), targets[partners].mean(0)
    x, y = inputs[fit] - means[0], targets[partners] - means[1]
    ridge = RIDGE * len(fit) * x.var(0).mean()
    weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    back = ((inputs[judge] - means[0]) @ weights + means[1]).astype(np.float32).reshape(-1, *images.shape[1:])
    return predict(back, model=case.model).argmax(1) == case.truth[judge]
