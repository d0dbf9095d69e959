"""Which image of the reference became which shifted image: the same order, another order, or no telling."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64

from shiftassay.arrays.image_set import ImageSet
from shiftassay.cores import one_thread_each
from shiftassay.diagnosis.partners import Partners, find_partners
from shiftassay.diagnosis.same_order import OrderTest, order_test
from shiftassay.noise import seed_for

Kind = Literal["same_order", "reordered", "unpaired"]
MOVED = 0.05  # share of images found, value for value, at another place only, from which on the order is another one


@dataclass(frozen=True, eq=False)
class Pairing:
    """How the images of a shifted set belong to those of its reference, and the evidence."""

    kind: Kind
    order: Int64[np.ndarray, "n"] | None
    """For each shifted image the place of its reference image, −1 where it was not found; None if unpaired."""
    evidence: dict[str, Any]
    """`order`: the test for the same order (None if the counts differ); `partners`: the search by content (None if not needed)."""

    def to_json(self) -> dict[str, Any]:
        """The kind, how many shifted images have a partner, and the evidence; the order itself if it is another one."""
        found = None if self.order is None else float(np.mean(self.order >= 0))
        order = self.order.tolist() if self.kind == "reordered" and self.order is not None else None
        return {"kind": self.kind, "found": found, "order": order, "evidence": self.evidence}


@one_thread_each()
def pair(reference: ImageSet, shifted: ImageSet, seed: int = 0) -> Pairing:
    """Find out how the images belong together, whatever shift lies between them.

    First the same order is tested (see `order_test`), then partners are looked for by content (see `find_partners`).

    >>> from shiftassay.arrays.dataset import load_dataset
    >>> from shiftassay.shifts.catalogue import shift
    >>> digits = load_dataset("mnist").test.first(200)
    >>> pair(digits, shift(digits, "pixel_permutation:scope=per_image")).kind
    'same_order'
    >>> found = pair(digits, shift(digits, "reorder+invert", seed=1))
    >>> found.kind, int((found.order >= 0).sum())
    ('reordered', 200)
    """
    rng = np.random.default_rng(seed_for(seed, "pairing"))
    known = _value_for_value(reference, shifted)
    test = None
    if len(reference) == len(shifted):
        test = order_test(reference, shifted, rng)
        elsewhere = np.mean((known >= 0) & (known != np.arange(len(known))))
        if test.holds and elsewhere < MOVED:
            return Pairing("same_order", np.arange(len(shifted)), _evidence(test, None))
    partners = find_partners(reference, shifted, known, rng)
    kind: Kind = "reordered" if partners.holds else "unpaired"
    return Pairing(kind, partners.order if partners.holds else None, _evidence(test, partners))


def _value_for_value(reference: ImageSet, shifted: ImageSet) -> Int64[np.ndarray, "n"]:
    """Where each shifted image stands unchanged in the reference; its own place first, −1 if nowhere or at several others."""
    where: dict[bytes, list[int]] = {}
    for i, image in enumerate(reference.images):
        where.setdefault(image.tobytes(), []).append(i)
    order = np.full(len(shifted), -1)
    for i, image in enumerate(shifted.images):
        places = where.get(image.tobytes(), [])
        if i in places:
            order[i] = i
        elif len(places) == 1:
            order[i] = places[0]
    return order


def _evidence(test: OrderTest | None, partners: Partners | None) -> dict[str, Any]:
    return {
        "order": None if test is None else asdict(test),
        "partners": None if partners is None else partners.to_json(),
    }
