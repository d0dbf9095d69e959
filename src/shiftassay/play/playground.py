"""The playground without its page: pictures, networks, and the shifts that can be put on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import aimed_at, labels_of, predict
from shiftassay.play.answers import AskedNetwork, NetworkAnswer
from shiftassay.play.controls import FamilyControls, controls_of
from shiftassay.play.pictures import as_url, pixels_of
from shiftassay.records import Record
from shiftassay.shifts import catalog
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.family import FAMILIES, Context, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.parameters import ParameterValue
from shiftassay.words.numbers import number

MOST_SHIFTS = 8  # on one picture


@dataclass(frozen=True)
class Setting(Record):
    """A shift as it is set on the page.

    Parameters that are missing are as in the family's example.
    """

    family: str
    parameters: Mapping[str, ParameterValue]
    per_image: bool = False


@dataclass(frozen=True)
class Answered(Record):
    """A shifted picture as a URL that holds it, and what every network says of it.

    `shift` and `values`, the range of the picture's values, are in words.
    """

    picture: str
    shift: str
    values: str
    answers: tuple[NetworkAnswer, ...]


@dataclass(frozen=True)
class Playground:
    """A set to take pictures from, models in evaluation mode by the names they are shown under."""

    image_set: ImageSet
    models: Mapping[str, nn.Module]

    @cached_property
    def families(self) -> dict[str, FamilyControls]:
        """The families that can be put on these pictures and keep their size."""
        return dict(self._offered())

    def shift(self, settings: Sequence[Setting]) -> Shift:
        """The shifts as set, in their order; the identity for none.

        Raises `BadInput`.
        """
        if len(settings) > MOST_SHIFTS:
            raise BadInput(f"{len(settings)} shifts on one picture. Put on at most {MOST_SHIFTS}.")
        parts = tuple(self._part(setting) for setting in settings)
        return Compose(parts) if len(parts) > 1 else parts[0] if parts else Identity()

    def answered(self, picture: Float32[np.ndarray, "1 c h w"], settings: Sequence[Setting], seed: int) -> Answered:
        """The shifted picture, and what every model says of it.

        Raises `BadInput` for settings that can't be.
        """
        shift = self.shift(settings)
        shifted = self.shifted(ImageSet(picture, name="the picture"), shift, seed).images
        if shifted.shape != picture.shape:
            raise BadInput(f"{shift} gives a picture of another size, which the networks don't take.")
        answers = tuple(network.answer(picture, shifted) for network in self._networks)
        values = f"values from {number(float(shifted.min()), 2)} to {number(float(shifted.max()), 2)}"
        return Answered(as_url(pixels_of(shifted[0])), str(shift), values, answers)

    def shifted(self, image_set: ImageSet, shift: Shift, seed: int) -> ImageSet:
        """A shifted set; what is aimed at a model is aimed at the first one.

        Images without labels are pushed away from what that model says of them. Raises `BadInput`.
        """
        return catalog.shift(image_set, shift, seed, _context(shift, image_set, next(iter(self.models.values()), None)))

    @cached_property
    def _networks(self) -> list[AskedNetwork]:
        return [AskedNetwork(name, model) for name, model in self.models.items()]

    def _part(self, setting: Setting) -> Shift:
        if setting.family not in self.families:
            raise BadInput(f"{setting.family!r} can't be put on these pictures.")
        return self.families[setting.family].shift(setting.parameters, setting.per_image)

    def _offered(self) -> Iterator[tuple[str, FamilyControls]]:
        one = self.image_set.first(1)
        for family in FAMILIES:
            try:
                controls = controls_of(family)
                shift = controls.shift({}, per_image=False)
                of_samples = shift.to_json()["scope"] is None
                if not of_samples and self.shifted(one, shift, 0).shape == one.shape:
                    yield family, controls
            except BadInput:  # it needs other images, colours or a model
                continue


def _context(shift: Shift, image_set: ImageSet, model: nn.Module | None) -> Context | None:
    """What a shift that attacks a model is given; None if there is no model or no need."""
    if model is None or not shift.needs_model:
        return None
    labels = image_set.labels
    return Context(labels_of(predict(image_set.images, model=model)) if labels is None else labels, aimed_at(model))
