"""The id steers the features of every hidden layer (Perez et al. 2018, "FiLM")."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from shiftassay.models.designs.design import DESIGNS, Design, told_apart, with_id


@DESIGNS.register("film")
@dataclass(frozen=True)
class Film(Design):
    """Each hidden unit is scaled and moved by two numbers for each variant, before its ReLU."""

    def network(self) -> nn.Module:
        return SteeredMlp(math.prod(self.input_shape), len(self.shifts), self.classes, self.widths)

    def encode(
        self, images: Float[Tensor, "n c h w"], ids: Int64[Tensor, "n"], straight: bool = False
    ) -> Float[Tensor, "n ..."]:
        return with_id(images, ids, len(self.shifts))


class SteeredMlp(nn.Module):
    """A perceptron whose hidden units are scaled and shifted for each variant.

    h ← ReLU((1 + γ[variant]) · (W h + b) + β[variant]) in every hidden layer; γ and β start at 0.
    """

    def __init__(self, pixels: int, variants: int, classes: int, widths: Sequence[int]):
        super().__init__()
        self.variants = variants
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip((pixels, *widths[:-1]), widths, strict=True))
        self.scale = nn.ParameterList(torch.zeros(variants, width) for width in widths)
        self.move = nn.ParameterList(torch.zeros(variants, width) for width in widths)
        self.last = nn.Linear(widths[-1], classes)

    def forward(self, row: Float[Tensor, "n 1 1 units"]) -> Float[Tensor, "n classes"]:
        h, variant = told_apart(row, self.variants)
        for layer, scale, move in zip(self.layers, self.scale, self.move, strict=True):
            h = torch.relu((1 + variant @ scale) * layer(h) + variant @ move)
        return self.last(h)
