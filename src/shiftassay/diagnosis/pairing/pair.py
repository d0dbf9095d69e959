"""Which image of the reference became which shifted image.

The order is the same, another, or unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Bool, Int64
from pydantic import BeforeValidator, model_validator

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.pairing.partners import Partners, PartnerSearch, find_partners
from shiftassay.diagnosis.pairing.same_order import OrderTest, order_test
from shiftassay.diagnosis.pairing.shared import Shared, shared_images
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.shared_names import are_numbers, shared_names
from shiftassay.random_stream import seed_for
from shiftassay.records import JsonObject, Record

Kind = Literal["same_order", "by_name", "reordered", "unpaired"]
Order = Annotated[Int64[np.ndarray, "n"], BeforeValidator(lambda places: np.asarray(places, np.int64))]


@dataclass(frozen=True)
class PairingEvidence(Record):
    """What decided which image belongs to which.

    `order` is the test for the same order, None if the counts differ or nearly all images are the same; `partners` is
    the search by content, None if it was not needed.
    """

    order: OrderTest | None
    partners: PartnerSearch | None


@dataclass(frozen=True, eq=False)
class Pairing(Record):
    """How the images of a shifted set belong to those of its reference, and the evidence.

    `order` holds, for each shifted image, the place of its reference image, −1 where it was not found; None if
    unpaired. Of unpaired sets, `shared` are the places in the reference and in the shifted set of images that are in
    both.
    """

    kind: Kind
    order: Order | None
    evidence: PairingEvidence
    shared: tuple[tuple[int, int], ...] = ()
    derived = ("images",)

    @property
    def complete(self) -> bool:
        """Whether every shifted image has a partner."""
        return self.order is not None and bool(np.all(self.order >= 0))

    @property
    def in_place(self) -> bool:
        """Whether image i of one set is the partner of image i of the other, for every image."""
        return self.order is not None and np.array_equal(self.order, np.arange(len(self.order)))

    @property
    def partnered(self) -> float | None:
        """The share of the shifted images that have a partner; None if unpaired."""
        if self.order is None:
            return None if self.kind == "unpaired" else 1.0
        return float(np.mean(self.order >= 0))

    @property
    def images(self) -> int | None:
        """The number of shifted images; None if unpaired."""
        return None if self.order is None else len(self.order)

    def to_json(self) -> JsonObject:
        """Its fields and `found`, the share of images with partners.

        The order is written unless it is the same and complete; the shared images only of unpaired sets.
        """
        content = {**super().to_json(), "found": self.partnered}
        if self.in_place:
            content["order"] = None
        names = ("kind", "found", "order", "evidence", *(["shared"] if self.kind == "unpaired" else []), "images")
        return {name: content[name] for name in names}

    @model_validator(mode="before")
    @classmethod
    def _with_order(cls, content: Any) -> Any:
        """Restore the same order, which is not written.

        JSON from before it had the number of images leaves it None.
        """
        if not isinstance(content, Mapping) or content.get("order") is not None or not content.get("images"):
            return content
        return {**content, "order": np.arange(content["images"])}


@one_thread_each()
def pair(reference: ImageSet, shifted: ImageSet, seed: int = 0) -> Pairing:
    """Find out how the images belong together, whatever shift lies between them.

    Pictures with names belong together by name. Names that are mere numbers may number other pictures: what belongs
    together by them has to be found in the same order by content as well, where there are enough images to tell.
    Without names, images that are in both sets, value for value, are set apart first: a few of them say nothing of the
    others. Of the rest the same order is tested (see `order_test`), then partners are looked for by content (see
    `find_partners`).

    >>> from shiftassay.imagesets.dataset import load_dataset
    >>> from shiftassay.shifts.catalog import shift
    >>> digits = load_dataset("mnist").test.first(200)
    >>> pair(digits, shift(digits, "pixel_permutation:scope=per_image")).kind
    'same_order'
    >>> pairing = pair(digits, shift(digits, "reorder+invert", seed=1))
    >>> pairing.kind, int((pairing.order >= 0).sum())
    ('reordered', 200)
    """
    named = by_name(reference, shifted)
    if named is None:
        return _by_content(reference, shifted, seed)
    pairing = Pairing("by_name", named, PairingEvidence(None, None))
    if not (len(reference) == len(shifted) and pairing.in_place and are_numbers(shifted.names or ())):
        return pairing
    content = _by_content(reference, shifted, seed)
    contradicted = content.kind != "same_order" and (content.evidence.order is not None or content.kind == "reordered")
    return content if contradicted else replace(pairing, evidence=content.evidence)


def names_note(reference: ImageSet, shifted: ImageSet, pairing: Pairing) -> str | None:
    """A sentence on names that both sets have, where they did not decide the pairing."""
    if pairing.kind == "by_name" or by_name(reference, shifted) is None:
        return None
    return (
        f"The pictures of {reference.name} and {shifted.name} have the same numbers for names, but by content those of "
        "one number do not belong together: the names were not taken."
    )


def few_note(reference: ImageSet, shifted: ImageSet, pairing: Pairing) -> str | None:
    """A sentence where the same order had to be assumed."""
    if pairing.kind != "same_order" or len(shifted) >= thresholds.FEWEST_SOUGHT:
        return None
    if len(shifted) == 1:
        return f"The only images of {reference.name} and {shifted.name} were taken to belong together."
    return (
        f"Image i of {reference.name} and image i of {shifted.name} were taken to belong together: "
        f"{len(shifted)} images are too few to test it."
    )


def by_name(reference: ImageSet, shifted: ImageSet) -> Int64[np.ndarray, "n"] | None:
    """The place in the reference of each shifted image's name; None where names tell nothing."""
    if reference.names is None or shifted.names is None:
        return None
    places, partners = shared_names(reference.names, shifted.names)
    order = np.full(len(shifted), -1)
    order[partners] = places
    return order if len(places) else None


def _by_content(reference: ImageSet, shifted: ImageSet, seed: int) -> Pairing:
    """How the images belong together by their content and their order."""
    rng = np.random.default_rng(seed_for(seed, "pairing"))
    shared = shared_images(reference, shifted)
    test, order = None, None
    if len(reference) == len(shifted):
        test, order = _same_order(reference, shifted, shared, rng)
    if order is not None:
        return Pairing("same_order", order, _evidence(test, None))
    partners, order = _elsewhere(reference, shifted, shared, rng)
    if order is not None:
        same = np.arange(len(order))
        if len(reference) == len(shifted) and np.mean(order == same) > 1 - thresholds.FOUND_ELSEWHERE:
            return Pairing("same_order", same, _evidence(test, partners))
        return Pairing("reordered", order, _evidence(test, partners))
    return Pairing("unpaired", None, _evidence(test, partners), shared.pairs)


def _same_order(
    reference: ImageSet, shifted: ImageSet, shared: Shared, rng: np.random.Generator
) -> tuple[OrderTest | None, Int64[np.ndarray, "n"] | None]:
    """The test of the images that are not shared, and the order if it is the same one."""
    n = len(shifted)
    in_place = shared.in_place
    if np.mean((shared.unambiguous >= 0) & ~in_place) >= thresholds.FOUND_ELSEWHERE:
        return None, None
    blank = [_blank(side) for side in (reference, shifted)]
    informative = ~(blank[0] & blank[1])
    if informative.any():
        same_share = float(np.mean(in_place[informative]))
    else:
        same_share = float(np.array_equal(reference.images, shifted.images))
    if same_share == 1:
        return None, np.arange(n)
    if n < thresholds.FEWEST_SOUGHT:  # too few to find another order in; `few_note` says so
        return None, np.arange(n)
    # Images that occur more than once are left in: some are at their place by chance, and without these the rest
    # would look less alike than chance has it.
    rest = np.flatnonzero(~(blank[0] | blank[1] | (in_place & shared.unique)))
    if len(rest) < thresholds.FEWEST_RANKED:
        return None, np.arange(n) if same_share >= thresholds.SHARED_MOST else None
    test = order_test(_at(reference, rest), _at(shifted, rest), rng, beside_known=same_share >= thresholds.SHARED_MOST)
    if test.holds:
        return test, np.arange(n)
    return test, np.where(
        in_place | ~informative, np.arange(n), -1
    ) if same_share >= thresholds.SHARED_NEARLY_ALL else None


def _elsewhere(
    reference: ImageSet, shifted: ImageSet, shared: Shared, rng: np.random.Generator
) -> tuple[Partners | None, Int64[np.ndarray, "n"] | None]:
    """Partners of the images that are not shared, and the order if there is one."""
    partner = shared.unambiguous
    blank = _blank(shifted)
    if not blank.all():
        share = float(np.mean(partner[~blank] >= 0))
        # Of an image that occurs more than once, any place will do, if most occur once.
        if share >= thresholds.SHARED_MOST and np.mean(shared.places[~blank] >= 0) >= thresholds.SHARED_NEARLY_ALL:
            order = np.where(partner >= 0, partner, shared.places)
            return Partners(order, PartnerSearch(share, share, 0.0, "values", len(order))), order
    free = np.setdiff1d(np.flatnonzero(~_blank(reference)), partner)
    rest = np.flatnonzero((partner < 0) & ~blank)
    if min(len(free), len(rest)) < thresholds.FEWEST_SOUGHT:
        return None, partner if np.mean(shared.unique) >= thresholds.SHARED_MOSTLY else None
    partners = find_partners(_at(reference, free), _at(shifted, rest), rng)
    if not partners.search.holds:
        return partners, None
    order = partner.copy()
    order[rest] = np.where(partners.order >= 0, free[partners.order], -1)
    return partners, order


def _blank(images: ImageSet) -> Bool[np.ndarray, "n"]:
    """Which images are of one value: they are all alike, whatever they were before."""
    flat = images.images.reshape(len(images), -1)
    return flat.max(axis=1) == flat.min(axis=1)


def _at(images: ImageSet, places: Int64[np.ndarray, "k"]) -> ImageSet:
    if len(places) == len(images):
        return images
    return images.subset(places)


def _evidence(test: OrderTest | None, partners: Partners | None) -> PairingEvidence:
    return PairingEvidence(test, None if partners is None else partners.search)
