"""Several shifts, one after the other."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Shift

FROM_MOST_TO_LEAST: tuple[Information, ...] = ("preserved", "reduced", "destroyed")


@FAMILIES.register("compose")
@dataclass(frozen=True)
class Compose(Shift):
    """The `parts`, applied in order and undone in reverse; each draws from a generator of its own."""

    family: ClassVar[str] = "compose"
    group: ClassVar[str] = "several"
    why: ClassVar[str] = (
        "Each part moves the image further from what was trained on, and a network that bears one may fail at both."
    )

    parts: tuple[Shift, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise BadInput("compose: it needs at least one part.")

    @property
    def information(self) -> Information:
        return FROM_MOST_TO_LEAST[max(FROM_MOST_TO_LEAST.index(part.information) for part in self.parts)]

    @property
    def needs_model(self) -> bool:
        return any(part.needs_model for part in self.parts)

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Compose":
        return replace(self, parts=tuple(part.drawn(shape, own) for part, own in self._with_generators(rng)))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        for part, own in self._with_generators(rng):
            images = part.apply(images, own, context)
        return images

    def on_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        for part, own in self._with_generators(rng):
            image_set = part.on_set(image_set, own, context)
        return image_set

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        for part, own in reversed(self._with_generators(rng)):
            undone = part.undo(images, own)
            if undone is None:
                return None
            images = undone
        return images

    def followed(self, pairs: Pairs) -> "Compose | None":
        """Part by part, each against what the parts before it made; parts that can't be followed stay as they are."""
        images, parts = pairs.reference, []
        for part, own in self._with_generators(np.random.default_rng(0)):
            last = len(parts) == len(self.parts) - 1
            more = Pairs(images, pairs.shifted, contrast=not last)
            found = part.followed(more) or part if parts or last else pairs.begun_by(part)
            images = found.apply(images, own)
            parts.append(found)
        return replace(self, parts=tuple(parts))

    def _with_generators(self, rng: np.random.Generator) -> list[tuple[Shift, np.random.Generator]]:
        return list(zip(self.parts, rng.spawn(len(self.parts)), strict=True))

    def __str__(self) -> str:
        return "; then ".join(map(str, self.parts))


def parts_of(how: Shift) -> tuple[Shift, ...]:
    """The parts of a composition, or the shift itself."""
    return how.parts if isinstance(how, Compose) else (how,)
