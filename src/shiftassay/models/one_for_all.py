"""One model for several variants, which is told at test time which variant an image is from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.errors import BadInput, unknown_name
from shiftassay.models.classifier import check_sizes
from shiftassay.models.designs.design import DESIGNS, Design
from shiftassay.shifts.catalogue import make
from shiftassay.shifts.family import Shift

SCHEMA = "shiftassay.one-for-all/1"


@dataclass(frozen=True)
class OneForAllCard:
    """What must be known to build the model again from its weights: its design, and the variants it knows with their shifts, as JSON."""

    design: str
    variants: dict[str, dict[str, Any]]
    widths: tuple[int, ...]
    input_shape: tuple[int, int, int]
    classes: int
    mean: float
    sd: float
    seed: int
    data: str
    trial: str
    schema: str = SCHEMA

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "OneForAllCard":
        """Raises `TypeError`, `ValueError` or `KeyError` for content that no card has."""
        check_sizes(content)
        shape, widths = tuple(content["input_shape"]), tuple(content["widths"])
        return cls(**{**content, "input_shape": shape, "widths": widths})


class OneForAll(nn.Module):
    """Images as the lab knows them (black 0, white 1) and their variants' ids to logits: a design behind its normalisation."""

    def __init__(self, card: OneForAllCard):
        super().__init__()
        self.card = card
        self.design = design_of(card.design, shifts_of(card.variants), card.input_shape, card.classes, card.widths)
        with torch.random.fork_rng(devices=[]):
            self.network = self.design.network()

    def forward(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"] | None = None, straight: bool = False
    ) -> Float[Tensor, "n classes"]:
        if ids is None:
            raise untold(self.card)
        return self.network((self.design.encode(images, ids, straight) - self.card.mean) / self.card.sd)

    def on(self, variant: str, straight: bool = False) -> "Told":
        """The model for images that are all of one variant: any function that takes a model takes it. Raises `BadInput`."""
        if variant not in self.card.variants:
            raise unknown_name("variant", variant, self.card.variants)
        return Told(self, list(self.card.variants).index(variant), straight).eval()


class Told(nn.Module):
    """A model for several variants that has been told the variant."""

    def __init__(self, model: OneForAll, number: int, straight: bool = False):
        super().__init__()
        self.model, self.number, self.straight = model, number, straight

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        ids = torch.full((len(images),), self.number, device=images.device)
        return self.model(images, ids, self.straight)


def told(model: nn.Module, variant: str | None) -> nn.Module:
    """A model that answers images: one for several variants needs to be told the variant, any other one must not be.

    Raises `BadInput`.
    """
    if not isinstance(model, OneForAll):
        if variant is not None:
            raise BadInput(f"--variant {variant}: this model knows no variants. Leave it out, or train one with 'shiftassay train one-for-all'.")  # fmt: skip
        return model
    if variant is None:
        raise untold(model.card)
    return model.on(variant)


def untold(card: OneForAllCard) -> BadInput:
    """An error for images of nobody knows which variant."""
    known = ", ".join(card.variants)
    return BadInput(
        f"the model serves several variants: {known}. Say which: shiftassay predict … --variant NAME, or model.on(NAME) in Python."
    )


def design_of(
    name: str, shifts: Mapping[str, Shift], input_shape: tuple[int, int, int], classes: int, widths: tuple[int, ...]
) -> Design:
    """A design by its name, for variants in this order. Raises `BadInput` for an unknown one."""
    return DESIGNS[name](tuple(shifts.values()), input_shape, classes, widths)


def shifts_of(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, Shift]:
    """Shifts from their JSON."""
    return {n: make(how["family"], dict(how["parameters"]), how["scope"]) for n, how in variants.items()}
