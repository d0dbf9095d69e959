"""Where in the network does the shift grow, or die out?"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.controls import derangement, shuffled_residual
from shiftassay.diagnosis.mechanisms.case import Case, Extent, Mechanism, briefly
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.models.activations import activations
from shiftassay.records import Record
from shiftassay.words.numbers import percent

PIXELS = "the pixels"


@briefly("it grows on its way through the network", extent=lambda case: _extent(case))
def grows(case: Case) -> Mechanism | None:
    """Layer by layer the shift grows, relative to the distance between classes.

    The measure is distance from the reference over distance between classes, at the last layer against at the pixels.
    Reported where it grows 1.5 times, and 1.5 times as much as for the shuffled residual, a change of the same size;
    both by the lower end of a bootstrap interval over images.
    """
    measured = _measured(case)
    if measured is None:
        return None
    shift, control, ratios = measured
    growth, low = _growth(shift, case)
    against, against_low = _growth(shift, case, control)
    present = (
        shift[0].mean() >= thresholds.LAYER_MOVED
        and low >= thresholds.LAYER_GROWS
        and against_low >= thresholds.LAYER_GROWS
    )
    distance = ratios.distance
    steps = [b / max(a, 1e-9) for a, b in pairwise(distance)]
    largest = int(np.argmax(steps))
    return Mechanism(
        "grows",
        bool(present),
        f"The change grows from layer to layer: it is {percent(distance[0])} of the distance between classes in the "
        f"pixels and {percent(distance[-1])} at the output. That is {against:.1f} times the growth of the same change "
        f"shuffled over the image; most of it is at {ratios.layers[largest + 1]} ({steps[largest]:.2g} times).",
        {
            **ratios.to_json(),
            "growth": growth,
            "growth_low": low,
            "against_shuffled": against,
            "against_shuffled_low": against_low,
        },
    )


@briefly("it dies out on its way through the network")
def dies_out(case: Case) -> Mechanism | None:
    """Layer by layer the shift shrinks, relative to the distance between classes.

    Reported where it shrinks by a third at least, to half of that distance or less, and accuracy holds.
    """
    measured = _measured(case)
    if measured is None:
        return None
    shift, _, ratios = measured
    inverse, low = _growth(shift, case, invert=True)
    distance = ratios.distance
    present = (
        distance[0] >= thresholds.LAYER_MOVED
        and low >= 1 / thresholds.LAYER_SHRINKS
        and distance[-1] <= thresholds.LAYER_HARMLESS
        and not case.dropped
    )
    return Mechanism(
        "dies_out",
        bool(present),
        f"The change shrinks from layer to layer: it is {percent(distance[0])} of the distance between classes in the "
        f"pixels and {percent(distance[-1])} at the output.",
        {**ratios.to_json(), "growth": 1 / max(inverse, 1e-9), "shrinks_low": low},
    )


def _extent(case: Case) -> Extent | None:
    measured = _measured(case)
    if measured is None:
        return None
    shift, control, ratios = measured
    least = min(_growth(shift, case)[1], _growth(shift, case, control)[1])
    pixels, output = (percent(ratios.distance[k]) for k in (0, -1))
    words = f"the change is {pixels} of the distance between classes in the pixels and {output} at the output"
    return Extent(least, thresholds.LAYER_GROWS, words)


@dataclass(frozen=True)
class Ratios(Record):
    """Mean distance over that between classes at each layer: of the shift and of the control."""

    layers: tuple[str, ...]
    distance: tuple[float, ...]
    shuffled: tuple[float, ...]


Distances = list[np.ndarray]
"""At the pixels and after every layer: each image's distance over that between classes."""


def _measured(case: Case) -> tuple[Distances, Distances, Ratios] | None:
    """Distances of the shift, of the shuffled residual, and the numbers to be given."""
    return case.memoized("layers", lambda: _distances(case)) if case.paired and case.truth is not None else None


def _distances(case: Case) -> tuple[Distances, Distances, Ratios] | None:
    some = case.rng("layers").permutation(len(case.reference))[: SETTINGS.layer_images]
    assert case.truth is not None
    reference, shifted, truth = case.reference[some], case.shifted[some], case.truth[some]
    control = shuffled_residual(reference, shifted, case.rng("layers control"))
    base, moved, shuffled = (
        {PIXELS: x.reshape(len(x), -1), **activations(case.model, x, units=SETTINGS.units)}
        for x in (reference, shifted, control)
    )
    other = derangement(len(some), case.rng("layers pairs"))
    differ = truth != truth[other]
    if differ.sum() < 20:
        return None
    between = {name: np.linalg.norm(x[differ] - x[other][differ], axis=1).mean() for name, x in base.items()}
    names = [name for name in base if name in moved and name in shuffled and between[name] > 1e-9]
    if len(names) < 2 or names[0] != PIXELS:  # no layer whose output depends on the image
        return None
    distances = [
        [np.linalg.norm(x[name] - base[name], axis=1) / between[name] for name in names] for x in (moved, shuffled)
    ]
    ratios = Ratios(
        layers=(PIXELS, *(f"layer {name}" for name in names[1:])),
        distance=tuple(float(d.mean()) for d in distances[0]),
        shuffled=tuple(float(d.mean()) for d in distances[1]),
    )
    return distances[0], distances[1], ratios


def _growth(
    shift: Distances, case: Case, control: Distances | None = None, invert: bool = False
) -> tuple[float, float]:
    """Growth from the pixels to the last layer, and the lower end of its bootstrap interval.

    Relative to the control's growth, if there is a control.
    """

    def of(rows: np.ndarray) -> float:
        ratio = shift[-1][rows].mean() / max(shift[0][rows].mean(), 1e-12)
        if control is not None:
            ratio /= max(control[-1][rows].mean() / max(control[0][rows].mean(), 1e-12), 1e-12)
        return float(1 / max(ratio, 1e-12) if invert else ratio)

    n, rng = len(shift[0]), case.rng("layers bootstrap")
    draws = [of(rng.integers(0, n, n)) for _ in range(200)]
    return float(of(np.arange(n))), float(np.quantile(draws, 0.025))
