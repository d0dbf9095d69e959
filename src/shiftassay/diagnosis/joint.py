"""Fitting the numbers of all parts of a composition together."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from shiftassay.shifts.family import Shift
from shiftassay.shifts.fitting import refine
from shiftassay.shifts.pairs import Pairs
from shiftassay.shifts.several import Compose

IMAGES = 100


def polished(how: Shift, pairs: Pairs) -> Shift:
    """The composition with the shared numbers of its parts fitted together; then a noise's strength, by the energy it leaves."""
    if not isinstance(how, Compose):
        return how
    pairs = pairs.first(IMAGES)
    joint = Joint(how.parts)
    if not len(joint.begin):
        return how
    fitted = joint.at(refine(joint, joint.begin[None], pairs))  # pyright: ignore[reportArgumentType]
    return fitted


@dataclass(frozen=True)
class Joint:
    """A composition as a fit sees a family: its numbers in a row. Parts that are drawn or have no derivative stay as they are."""

    parts: tuple[Shift, ...]

    @property
    def free(self) -> list[tuple[int, str]]:
        return [
            (i, name)
            for i, part in enumerate(self.parts)
            for name, searched in part.search.items()
            if searched.step and isinstance(getattr(part, name, None), float)
        ]

    @property
    def begin(self) -> np.ndarray:
        return np.array([getattr(self.parts[i], name) for i, name in self.free])

    def steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        searched = [self.parts[i].search[name] for i, name in self.free]
        return tuple(np.array([getattr(s, key) for s in searched]) for key in ("step", "low", "high"))  # pyright: ignore[reportReturnType]

    def at(self, numbers: np.ndarray) -> Compose:
        from dataclasses import replace

        parts = list(self.parts)
        for (i, name), value in zip(self.free, numbers, strict=True):
            parts[i] = replace(parts[i], **{name: float(value)})
        return Compose(tuple(parts))
