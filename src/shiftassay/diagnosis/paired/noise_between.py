"""Compositions with noise that no undoing uncovers.

It came before a part that mixes pixels, or after one that covers some.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.execution.mapping import mapped
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.strength import is_clipped, strength_of, with_strength
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.parameters import Number


def with_noise(
    firsts: Sequence[Shift], covering: Sequence[Shift], pairs: Pairs, families: Sequence[str]
) -> list[Shift]:
    """Noise before each of the first parts, and after noise that covers.

    Its strength makes the whole change as large as it is.
    """
    noises = [f for f in families if FAMILIES[f].strengths and FAMILIES[f].composable()]
    shared = [first.components for first in firsts if all(part.scope == "shared" for part in first.components)]
    places = [_Place(noise, (), parts) for parts in shared for noise in noises]
    places += [_Place(noise, cover.components, ()) for cover in covering for noise in noises if noise != cover.family]
    return [shift for shift in mapped(partial(_as_large, pairs=pairs), places) if shift is not None]


@dataclass(frozen=True)
class _Place:
    """Where noise of a family is put: between earlier and later parts."""

    noise: str
    earlier: tuple[Shift, ...]
    later: tuple[Shift, ...]


def _as_large(place: _Place, pairs: Pairs) -> Shift | None:
    """The composition whose change has the energy of the change seen.

    None if no strength makes it as large.
    """
    family, clipped = FAMILIES[place.noise], is_clipped(pairs)
    if family.strengths is None:
        return None

    def composition(strength: Number) -> Shift:
        return Compose((*place.earlier, with_strength(family, strength, clipped), *place.later))

    try:
        return strength_of(composition, pairs, *family.strengths, varies=False)
    except (BadInput, np.linalg.LinAlgError):
        return None
