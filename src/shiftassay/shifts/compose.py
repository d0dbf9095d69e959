"""Several shifts, one after the other."""

from dataclasses import dataclass, replace
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.identity import Identity

FROM_MOST_TO_LEAST: tuple[Information, ...] = ("preserved", "reduced", "destroyed")

_begun: WeakKeyDictionary[Pairs, dict[Shift, Shift]] = WeakKeyDictionary()


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
    def components(self) -> tuple[Shift, ...]:
        return self.parts

    @property
    def information(self) -> Information:
        return FROM_MOST_TO_LEAST[max(FROM_MOST_TO_LEAST.index(part.information) for part in self.parts)]

    @property
    def needs_model(self) -> bool:
        return any(part.needs_model for part in self.parts)

    @property
    def degrees_of_freedom(self) -> int:
        return sum(part.degrees_of_freedom for part in self.parts)

    def realize(self, shape: tuple[int, int, int], rng: np.random.Generator) -> "Compose":
        return replace(self, parts=tuple(part.realize(shape, own) for part, own in self._with_generators(rng)))

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        for part, own in self._with_generators(rng):
            images = part.apply(images, own, context)
        return images

    def apply_to_set(self, image_set: ImageSet, rng: np.random.Generator, context: Context | None = None) -> ImageSet:
        for part, own in self._with_generators(rng):
            image_set = part.apply_to_set(image_set, own, context)
        return image_set

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        for part, own in reversed(self._with_generators(rng)):
            undone = part.undo(images, own)
            if undone is None:
                return None
            images = undone
        return images

    def infer_draws(self, pairs: Pairs) -> "Compose | None":
        """Part by part, each against what the parts before it made; parts that can't be followed stay as they are."""
        images, parts = pairs.reference, []
        for part, own in self._with_generators(np.random.default_rng(0)):
            last = len(parts) == len(self.parts) - 1
            more = Pairs(images, pairs.shifted, contrast=not last)
            found = part.infer_draws(more) or part if parts or last else begun_by(part, pairs)
            images = found.apply(images, own)
            parts.append(found)
        return replace(self, parts=tuple(parts))

    def normal_form(self) -> Shift:
        """The parts in their normal forms, neighbours said more simply where they can be, and none that changes nothing."""
        parts = [part for part in map(in_normal_form, self.parts) if not isinstance(part, Identity)]
        for i in range(len(parts) - 1):
            parts[i : i + 2] = _simpler(*parts[i : i + 2])
        parts = [part for part in parts if not part.is_identity]
        return Compose(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else Identity())

    def rounded(self) -> Shift:
        return self._part_by_part(tuple(part.rounded() for part in self.parts))

    def without_negligible(self) -> Shift:
        return self._part_by_part(tuple(part.without_negligible() for part in self.parts))

    def _part_by_part(self, parts: tuple[Shift, ...]) -> Shift:
        """Of these parts; the same object if they are the same."""
        return self if parts == self.parts else Compose(parts)

    def _with_generators(self, rng: np.random.Generator) -> list[tuple[Shift, np.random.Generator]]:
        return list(zip(self.parts, rng.spawn(len(self.parts)), strict=True))

    def __str__(self) -> str:
        return "; then ".join(map(str, self.parts))


def begun_by(how: Shift, pairs: Pairs) -> Shift:
    """A shift that others follow with what it drew for each image found out: once for all compositions that begin with it."""
    known = _begun.setdefault(pairs, {})
    if how not in known:
        known[how] = how.infer_draws(replace(pairs, contrast=True)) or how
    return known[how]


def in_normal_form(how: Shift) -> Shift:
    """The same shift in the words of the family that needs the fewest numbers for it, if that family is registered."""
    simplest = how.normal_form()
    return simplest if simplest.family in FAMILIES else how


def _simpler(first: Shift, then: Shift) -> tuple[Shift, Shift]:
    """Two neighbours, said more simply if one of them knows how."""
    if (both := first.simplify_with(then)) is not None:
        return both
    if (both := then.simplify_with(first)) is not None:
        return both[1], both[0]
    return first, then
