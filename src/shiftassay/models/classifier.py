"""A model: a network with the normalisation of its images, and the card to build it from."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.networks.registry import build
from shiftassay.records import JsonValue, Record


@dataclass(frozen=True)
class ModelCard(Record):
    """A model card: what is needed to build a model again from its weights.

    It is the JSON sidecar of a weights file. A model that was trained elsewhere has no seed, and the trial "imported".
    """

    network: str
    parameters: Mapping[str, JsonValue]
    input_shape: tuple[int, int, int]
    classes: int
    mean: float
    sd: float
    seed: int | None
    data: str
    trial: str
    schema: str = "shiftassay.model/1"

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Raises `TypeError`, `ValueError` or `KeyError` for content that no card has."""
        check_sizes(content)
        return super().from_json(content)


def check_sizes(content: Mapping[str, JsonValue]) -> None:
    """Check that a card's images, classes and normalisation are possible.

    Raises `ValueError` or `KeyError`.
    """
    shape, classes = content["input_shape"], content["classes"]
    if not isinstance(shape, list | tuple) or len(shape) != 3 or not all(map(_is_count, shape)):
        raise ValueError("input_shape must be three whole numbers from 1: channels, height, width")
    if not _is_count(classes):
        raise ValueError("classes must be a whole number from 1")
    for name in ("mean", "sd"):
        value = content[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{name} must be a finite number, not {value!r}")
    if content["sd"] == 0:
        raise ValueError("sd must not be 0")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31


class Classifier(nn.Module):
    """A network behind its normalisation: images (black 0, white 1) to logits."""

    def __init__(self, network: nn.Module, card: ModelCard):
        super().__init__()
        self.network = network
        self.card = card

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        return self.network((images - self.card.mean) / self.card.sd)

    @classmethod
    def from_card(cls, card: ModelCard) -> "Classifier":
        """The untrained model that a card describes.

        The caller's random numbers are left alone.
        """
        with torch.random.fork_rng(devices=[]):
            return cls(build(card.network, card.input_shape, card.classes, card.parameters), card)
