"""One diagnosis, given what the case says it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from benchmarks.diagnosis.attack import victim
from benchmarks.diagnosis.build import Built, with_channels
from benchmarks.diagnosis.case import Case

import shiftassay
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.family import FAMILIES


def diagnosed(case: Case, built: Built, seed: int) -> dict[str, Any]:
    """The JSON of the diagnosis."""
    if case.arrays:
        reference, shifted = np.rint(255 * built.reference), np.rint(255 * built.shifted)
        return shiftassay.diagnose(reference.astype(np.uint8), shifted.astype(np.float32), seed=seed).to_json()
    reference = ImageSet(with_channels(built.reference), built.labels, "reference")
    shifted = ImageSet(with_channels(built.shifted), built.shifted_labels, "shifted")
    with without(case.left_out):
        return shiftassay.diagnose(reference, shifted, model=victim() if case.model else None, seed=seed).to_json()


@contextmanager
def without(family: str | None) -> Iterator[None]:
    """The catalogue without one family."""
    list(FAMILIES)  # filled
    kept = dict(FAMILIES._entries)
    if family:
        del FAMILIES._entries[family]
    try:
        yield
    finally:
        FAMILIES._entries.clear()
        FAMILIES._entries.update(kept)
