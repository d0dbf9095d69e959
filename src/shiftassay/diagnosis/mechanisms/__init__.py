"""Why a network's accuracy moved or held: each possible reason is measured and tested."""

import math

import numpy as np
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis.mechanisms.aim import adds_up, cancels
from shiftassay.diagnosis.mechanisms.biases import biases
from shiftassay.diagnosis.mechanisms.calibration import overconfident
from shiftassay.diagnosis.mechanisms.case import Case, Measure, Mechanism
from shiftassay.diagnosis.mechanisms.class_prior import class_prior
from shiftassay.diagnosis.mechanisms.labels import out_of_step, renumbered, wrong_labels
from shiftassay.diagnosis.mechanisms.layers import dies_out, grows
from shiftassay.diagnosis.mechanisms.margins import first_order, narrow_margins_lost, within_margins
from shiftassay.diagnosis.mechanisms.matched import held_against_controls
from shiftassay.diagnosis.mechanisms.places import no_linear_map, one_linear_map, other_weights
from shiftassay.diagnosis.mechanisms.separation import classes_merge, network_merges
from shiftassay.diagnosis.mechanisms.span import outside_span
from shiftassay.diagnosis.mechanisms.units import beyond_range, silent_units, woken_units
from shiftassay.diagnosis.mechanisms.whereabouts import in_one_band, in_one_place
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import NotFinite
from shiftassay.progress import Watch, unwatched
from shiftassay.random_stream import seed_for
from shiftassay.shifts.ascent import NoGradient

MEASURES: tuple[Measure, ...] = (  # what takes nothing else to understand comes first
    renumbered,
    out_of_step,
    wrong_labels,
    class_prior,
    biases,
    adds_up,
    cancels,
    first_order,
    other_weights,
    one_linear_map,
    no_linear_map,
    in_one_place,
    in_one_band,
    outside_span,
    beyond_range,
    woken_units,
    silent_units,
    classes_merge,
    network_merges,
    grows,
    dies_out,
    within_margins,
    narrow_margins_lost,
    overconfident,
)


@one_thread_each()  # sums are then taken in one order, however many cores there are
def mechanisms(
    model: nn.Module,
    reference: ImageSet,
    shifted: ImageSet,
    labels: Int64[np.ndarray, "n"] | None = None,
    *,
    train: ImageSet | None = None,
    paired: bool = True,
    seed: int = 0,
    watch: Watch = unwatched,
) -> list[Mechanism]:
    """Measure why `model` does on `shifted` what it does, on a sample of the images.

    They are at most 2,000, and fewer where they are large (`measured_on`). `labels` stand in for those that an image
    set lacks. The mechanisms that are `present`, in their order, are the explanation; the others did not pass their
    tests, or a harmless change of the same size has them too. What can't be measured is left out: images are unpaired,
    there are no labels, the model has no gradient, or a change inside it makes its answers infinite.

    >>> rng = np.random.default_rng(0)
    >>> bright = ImageSet(rng.random((200, 1, 4, 4), np.float32), rng.integers(0, 2, 200))
    >>> dark = ImageSet(bright.images * np.float32(0.5), bright.labels)
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> [m.numbers["factor"] for m in mechanisms(model, bright, dark) if m.name == "biases" and m.present]
    [0.5]
    """
    case = case_of(model, reference, shifted, labels, train, paired, seed)
    measured = []
    for number, measure in enumerate(MEASURES):
        watch("measuring why accuracy moved", number, len(MEASURES))
        measured.append(_measured(measure, case))
    return [mechanism for mechanism in measured if mechanism is not None]


def measured_on(images: ImageSet) -> int:
    """On how many of the images mechanisms are measured: fewer of large ones."""
    affordable = SETTINGS.mechanism_values // max(1, math.prod(images.shape))
    return min(len(images), SETTINGS.mechanism_images, max(SETTINGS.fewest_for_mechanisms, affordable))


def _measured(measure: Measure, case: Case) -> Mechanism | None:
    try:
        mechanism = measure(case)
        return None if mechanism is None else held_against_controls(mechanism, case)
    except (NoGradient, NotFinite):
        return None


def case_of(
    model: nn.Module,
    reference: ImageSet,
    shifted: ImageSet,
    labels: Int64[np.ndarray, "n"] | None = None,
    train: ImageSet | None = None,
    paired: bool = True,
    seed: int = 0,
) -> Case:
    """The images that mechanisms are measured on: the same ones of both sets if they are paired."""
    rng = np.random.default_rng(seed_for(seed, "mechanisms"))
    before = np.sort(rng.permutation(len(reference))[: measured_on(reference)])
    after = before if paired else np.sort(rng.permutation(len(shifted))[: measured_on(shifted)])
    own = [images.labels if images.labels is not None else labels for images in (reference, shifted)]
    return Case(
        model,
        reference.images[before],
        shifted.images[after],
        None if own[0] is None else own[0][before],
        None if own[1] is None else own[1][after],
        None if train is None else train.images,
        paired,
        seed,
        ImageSet(shifted.images, own[1], classes=reference.classes if shifted.labels is None else shifted.classes),
    )
