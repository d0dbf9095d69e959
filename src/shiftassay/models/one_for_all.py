"""One model for several variants; which variant an image is from is given to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.errors import BadInput, unknown_name
from shiftassay.models.classifier import check_sizes
from shiftassay.models.designs.design import DESIGNS, Design
from shiftassay.records import Record
from shiftassay.shifts.catalog import ShiftField
from shiftassay.shifts.family import Shift

SCHEMA = "shiftassay.one-for-all/1"


@dataclass(frozen=True)
class OneForAllCard(Record):
    """What is needed to build the model again from its weights.

    `variants` are their shifts by name.
    """

    design: str
    variants: Mapping[str, ShiftField]
    widths: tuple[int, ...]
    input_shape: tuple[int, int, int]
    classes: int
    mean: float
    sd: float
    seed: int
    data: str
    trial: str
    schema: str = SCHEMA

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Raises `TypeError`, `ValueError` or `KeyError` for content that no card has."""
        check_sizes(content)
        return super().from_json(content)


class OneForAll(nn.Module):
    """A design with its normalisation: images (black 0, white 1) and variants' ids to logits."""

    def __init__(self, card: OneForAllCard):
        super().__init__()
        self.card = card
        self.design = design_of(card.design, card.variants, card.input_shape, card.classes, card.widths)
        with torch.random.fork_rng(devices=[]):
            self.network = self.design.network()

    def forward(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"] | None = None, straight: bool = False
    ) -> Float[Tensor, "n classes"]:
        if ids is None:
            raise variant_missing(self.card)
        return self.network((self.design.encode(images, ids, straight) - self.card.mean) / self.card.sd)

    def on(self, variant: str, straight: bool = False) -> "OnVariant":
        """The model for images that are all of one variant.

        Raises `BadInput` for an unknown variant.
        """
        if variant not in self.card.variants:
            raise unknown_name("variant", variant, self.card.variants)
        return OnVariant(self, list(self.card.variants).index(variant), straight).eval()


class OnVariant(nn.Module):
    """A model for several variants, for images that are all of one."""

    def __init__(self, model: OneForAll, number: int, straight: bool = False):
        super().__init__()
        self.model, self.number, self.straight = model, number, straight

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        ids = torch.full((len(images),), self.number, device=images.device)
        return self.model(images, ids, self.straight)


def for_variant(model: nn.Module, variant: str | None) -> nn.Module:
    """A model that answers images without being told their variant.

    One for several variants needs the variant here, any other takes none. Raises `BadInput`.
    """
    if not isinstance(model, OneForAll):
        if variant is not None:
            raise BadInput(
                f"--variant {variant}: this model knows no variants. Leave it out, or train one with "
                "'shiftassay train one-for-all'."
            )
        return model
    if variant is None:
        raise variant_missing(model.card)
    return model.on(variant)


def variant_missing(card: OneForAllCard) -> BadInput:
    """The error for images whose variant is not given."""
    return BadInput(
        f"the model serves several variants: {', '.join(card.variants)}. "
        "Say which: shiftassay predict … --variant NAME, or model.on(NAME) in Python."
    )


def design_of(
    name: str, shifts: Mapping[str, Shift], input_shape: tuple[int, int, int], classes: int, widths: tuple[int, ...]
) -> Design:
    """A design by its name, for variants in this order. Raises `BadInput` for an unknown one."""
    return DESIGNS[name](tuple(shifts.values()), input_shape, classes, widths)
