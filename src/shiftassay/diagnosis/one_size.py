"""Two sets of different sizes brought to one: how one became the other."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from shiftassay.diagnosis.channels import with_same_channels
from shiftassay.diagnosis.pairing.matched import Order
from shiftassay.diagnosis.pairing.pair import by_name, pair
from shiftassay.diagnosis.summary import summarized
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.shifts.between_sizes import PAIRS, framing_between, shift_of
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import Shift
from shiftassay.shifts.framing import Framing
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.resizing import resize
from shiftassay.words.numbers import number

SQUARE = 32  # pixels of a side, in which pictures of any size are paired
LARGEST_ROUNDING, MEAN_ROUNDING = 2.02 / 255, 0.3 / 255  # what implementations of one kernel differ by


@dataclass(frozen=True, eq=False)
class OneSize:
    """The reference at the size of the shifted set.

    `framing` is what brought it there; None where the sets had one size.
    """

    reference: ImageSet
    shifted: ImageSet
    framing: Framing | None
    notes: tuple[str, ...] = ()

    @property
    def shift(self) -> Shift | None:
        return None if self.framing is None else shift_of(self.framing)

    @property
    def sentence(self) -> str:
        """What was found of the sizes; empty where there was one."""
        return "" if self.framing is None else f"{self.framing}. "

    def named(self, verdict: Verdict) -> Verdict:
        """A verdict on the sets of one size, with what happened to their size before it."""
        if self.shift is None or verdict.shift is None:
            return verdict
        framing = self.shift
        if isinstance(verdict.shift, Identity) or verdict.family == "reorder":
            parameters, ends = summarized(framing).parameters, {}
            return replace(verdict, shift=framing, parameters=parameters, intervals=ends)
        own = [summarized(part).to_json() for part in framing.components]
        ends = verdict.intervals.get("parts", [verdict.intervals]) if verdict.intervals else []
        return replace(
            verdict,
            shift=Compose((*framing.components, *verdict.shift.components)),
            parameters={"parts": [*own, *(part.to_json() for part in verdict.parts)]},
            intervals={"parts": [*({} for _ in own), *ends]} if ends else {},
        )


@one_thread_each()
def at_one_size(reference: ImageSet, shifted: ImageSet, seed: int = 0) -> OneSize:
    """Both sets in one shape.

    Channels are brought together, and the reference comes to the size of the shifted set. Raises `BadInput` where
    nothing is found that leads from one size to the other.
    """
    before, after, notes = with_same_channels(reference, shifted)
    if before.shape[0] != after.shape[0]:
        raise BadInput(
            f"{after.name}: its images have {after.shape[0]} channels, those of {before.name} {before.shape[0]}. "
            "Bring both to one number of channels."
        )
    if before.shape == after.shape:
        return OneSize(before, after, None, notes)
    framing, order = _found(before, after, seed)
    if framing is None:
        raise BadInput(
            f"{after.name}: its images are {_size(after)}, those of {before.name} {_size(before)}, and no resize, crop "
            "or frame leads from one to the other, as far as pictures that belong together were found. Give both sets "
            "in the same order or with the same file names, or bring them to one size in the way that you suspect."
        )
    same = _reframed(before, shift_of(framing))
    made = f"{before.name}: brought from {_size(before)} to {_size(after)}, the size of {after.name}"
    notes = (*notes, f"{made}, and shown to a model at that size.")
    return _without_rounding(OneSize(same, after, framing, notes), order)


def alike(before: ImageSet, after: ImageSet, framing: Shift | None) -> tuple[ImageSet, ImageSet]:
    """Both sets in one shape, by what `at_one_size` found."""
    before, after, _ = with_same_channels(before, after)
    return (before if framing is None else _reframed(before, framing)), after


def _reframed(images: ImageSet, framing: Shift) -> ImageSet:
    return replace(images, images=framing.apply(images.images, np.random.default_rng(0)))


def _without_rounding(one: OneSize, order: Order) -> OneSize:
    """The same, where all that is left is what another implementation of the same kernel rounds.

    Then the shifted images themselves stand for their partners: they are what that implementation makes of them.
    """
    if one.framing is None or not one.framing.is_resized or not np.all(order >= 0):
        return one
    if len(np.unique(order)) < len(order):
        return one
    largest, total = 0.0, 0.0
    for place, partner in enumerate(order):
        difference = np.abs(one.shifted.images[place] - one.reference.images[partner])
        largest, total = max(largest, float(difference.max())), total + float(difference.mean())
        if largest > LARGEST_ROUNDING:
            return one
    if largest == 0 or total / len(order) > MEAN_ROUNDING:
        return one
    images = one.reference.images.copy()
    images[order] = one.shifted.images
    note = (
        f"Made again from {one.reference.name}, the pictures differ by at most {number(255 * largest, 1)} grey levels "
        f"of 255, {number(255 * total / len(order), 2)} in the mean: as other implementations of the same kernel do."
    )
    return replace(one, reference=replace(one.reference, images=images), notes=(*one.notes, note))


def _found(before: ImageSet, after: ImageSet, seed: int) -> tuple[Framing | None, Order]:
    """What leads from one size to the other, and which pictures belong together.

    Those of one name; else those at one place of both sets; else as content tells.
    """
    order = by_name(before, after)
    if order is None and len(before) == len(after):
        in_place = np.arange(len(after))
        framing = _between(before, after, in_place, seed)
        if framing is not None:
            return framing, in_place
    if order is None:
        order = pair(_in_squares(before), _in_squares(after), seed).order
    if order is None:
        return None, np.full(len(after), -1)
    return _between(before, after, order, seed), order


def _between(before: ImageSet, after: ImageSet, order: Int64[np.ndarray, "n"], seed: int) -> Framing | None:
    places = np.flatnonzero(order >= 0)
    places = places[np.random.default_rng(seed_for(seed, "one size")).permutation(len(places))[: 8 * PAIRS]]
    detail = after.images[places].std((1, 2, 3))
    places = places[detail >= np.median(detail)][:PAIRS]
    return framing_between(before.images[order[places]], after.images[places])


def _in_squares(images: ImageSet) -> ImageSet:
    return replace(images, images=resize(images.images, (SQUARE, SQUARE), "area"))


def _size(images: ImageSet) -> str:
    return f"{images.shape[1]} × {images.shape[2]}"
