"""Units that fall silent, that wake, or that are driven where they never were."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.diagnosis.mechanisms.features import right_with, weighted_layers
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.models.activations import activations
from shiftassay.words.numbers import percent


@briefly("units fall silent", extent=lambda case: _extent(case, silent=True))
def silent_units(case: Case) -> Mechanism | None:
    """Units that answer at least 2% of the reference's images and none of the shifted ones.

    Counted over linear and convolutional layers but the last, a unit being active where its output is above 0. The null
    is the same count between two halves of the reference, of the same size; reported where it is exceeded by 3% of the
    units.
    """
    return _switched(case, "silent_units", silent=True)


@briefly("units wake that never learned", extent=lambda case: _extent(case, silent=False))
def woken_units(case: Case) -> Mechanism | None:
    """Units wake that were silent on the reference: their weights were unused.

    They answer at least 2% of the shifted images and none of the reference's.
    """
    return _switched(case, "woken_units", silent=False)


@briefly("first-layer units are driven beyond what training drove them to", extent=lambda case: _extent_beyond(case))
def beyond_range(case: Case) -> Mechanism | None:
    """First-layer units are driven where training never took them, and that is what harms.

    A unit's range is that of its inputs on one half of the reference. Held to it, the network's accuracy must come back
    by a fifth of what was lost (McNemar's test at 1%), and inputs must be beyond the range at least 2% more often than
    on the other half.
    """
    if case.truth is None or not case.dropped:
        return None
    driven = case.memoized("driven", lambda: _driven(case))
    if driven is None:
        return None
    layer, beyond, usual = driven.layer, driven.beyond, driven.usual
    bounds = [torch.from_numpy(x) for x in (driven.low, driven.high)]

    def hold(output: torch.Tensor) -> torch.Tensor:
        shape = output.shape[1:]
        return output.clamp(bounds[0].reshape(shape), bounds[1].reshape(shape))

    right = right_with(case.model, layer, hold, case.shifted, case.truth)
    rest = driven.rest
    unharmed = float(right_with(case.model, layer, hold, case.reference[rest], _of(case, rest)).mean())
    restored, p_value = case.restores(right)
    present = (
        beyond - usual >= thresholds.UNITS_BEYOND
        and restored >= thresholds.RESTORED_BY_PART
        and p_value < thresholds.MECHANISM_LEVEL
    )
    return Mechanism(
        "beyond_range",
        bool(present),
        f"First-layer units leave their usual range: {percent(beyond)} of their values lie outside what half of the "
        f"reference gives ({percent(usual)} on its other half). With values held to that range, accuracy is "
        f"{percent(float(right.mean()), 1)} instead of {percent(case.after, 1)}.",
        {
            "beyond": beyond,
            "beyond_null": usual,
            "held": float(right.mean()),
            "held_reference": unharmed,
            "restored": restored,
            "p_value": p_value,
        },
    )


@dataclass(frozen=True, eq=False)
class _Driven:
    """The first layer's range on one half of the reference, and how often it is left.

    `rest` are images of the other half, `usual` is how often those leave it.
    """

    layer: nn.Module
    low: np.ndarray
    high: np.ndarray
    rest: np.ndarray
    beyond: float
    usual: float


def _driven(case: Case) -> _Driven | None:
    layers = weighted_layers(case.model)
    if len(layers) < 2:
        return None
    name, layer = next(iter(layers.items()))
    order = case.rng("range").permutation(len(case.reference))
    fit, rest = (half[: SETTINGS.unit_images] for half in np.split(order, [len(order) // 2]))
    images = (case.reference[fit], case.reference[rest], _some_shifted(case))
    fitted, null, shifted = (activations(case.model, x, [name]).get(name) for x in images)
    if fitted is None or null is None or shifted is None:
        return None
    low, high = fitted.min(0), fitted.max(0)
    beyond, usual = (float(((x < low) | (x > high)).mean()) for x in (shifted, null))
    return _Driven(layer, low, high, rest, beyond, usual)


def _extent_beyond(case: Case) -> Extent | None:
    driven = case.memoized("driven", lambda: _driven(case))
    if driven is None:
        return None
    words = f"{percent(driven.beyond)} of first-layer values lie outside that range"
    return Extent(driven.beyond - driven.usual, thresholds.UNITS_BEYOND, words)


def _some_shifted(case: Case) -> np.ndarray:
    """At most `SETTINGS.unit_images` shifted images, in a random order.

    A file may be sorted by class.
    """
    return case.shifted[case.rng("shifted images").permutation(len(case.shifted))[: SETTINGS.unit_images]]


def _of(case: Case, where: np.ndarray) -> np.ndarray:
    if case.reference_labels is not None:
        return case.reference_labels[where]
    return case.reference_logits[where].argmax(1)


def _switched(case: Case, name: str, silent: bool) -> Mechanism | None:
    switched = _share_switched(case, silent)
    if switched is None:
        return None
    share, null, units, images = switched
    what = (
        ("fall silent", "are active on the reference and on no shifted image")
        if silent
        else ("wake up", "are active on shifted images and on no image of the reference")
    )
    return Mechanism(
        name,
        bool(share - null >= thresholds.UNITS_EFFECT),
        f"Units {what[0]}: {percent(share)} of {units:,} {what[1]} ({percent(null)} between two halves of the "
        "reference).",
        {"share": share, "null": null, "units": units, "images": images},
    )


def _extent(case: Case, silent: bool) -> Extent | None:
    switched = _share_switched(case, silent)
    if switched is None:
        return None
    share, null = switched[:2]
    words = f"{percent(share)} of units {'fall silent' if silent else 'wake up'}"
    return Extent(share - null, thresholds.UNITS_EFFECT, words)


def _share_switched(case: Case, silent: bool) -> tuple[float, float, int, int] | None:
    """The share of units that switched, and between halves of the reference; units and images."""
    order = case.rng("units").permutation(len(case.reference))
    half = min(len(order) // 2, len(case.shifted), SETTINGS.unit_images)
    first, second = case.reference[order[:half]], case.reference[order[half : 2 * half]]
    layers = list(weighted_layers(case.model))[:-1]
    if not layers:
        return None
    rates = case.memoized(
        "rates", lambda: [_rates(case, x, layers) for x in (first, second, _some_shifted(case)[:half])]
    )
    if rates[0].size == 0:
        return None

    def count(before: np.ndarray, after: np.ndarray) -> int:
        gone, there = (after, before) if silent else (before, after)
        return int(((gone == 0) & (there >= thresholds.UNIT_AWAKE)).sum())

    units = rates[0].size
    share = count(rates[0], rates[2]) / units
    null = max(count(rates[0], rates[1]), count(rates[1], rates[0])) / units
    return share, null, units, half


def _rates(case: Case, images: np.ndarray, layers: list[str]) -> np.ndarray:
    """The share of images for which each unit's output is above 0."""
    outputs = activations(case.model, images, layers, SETTINGS.units)
    return np.concatenate([(outputs[name] > 0).mean(0) for name in layers if name in outputs] or [np.empty(0)])
