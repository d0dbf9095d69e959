"""What a spatial transformer makes of the image before the rest of the network sees it."""

import torch
from torch import Tensor, nn

from shiftassay.networks.transformer import sampled
from shiftassay.play.views.view import VIEWS, Line, Look, Panel, View, picture_of
from shiftassay.studies.architectures.members import spatial_transformer

LINES = 7  # of the grid, in either direction


@VIEWS.register("transformation")
class TransformationView(View):
    """The grid that is sampled, on the image, and the image sampled there."""

    @classmethod
    def watches(cls, module: nn.Module) -> bool:
        return spatial_transformer(module) is not None

    @classmethod
    def panels(cls, look: Look) -> list[Panel]:
        panels, whole = [], picture_of(look.image[0])
        for call in look.calls:
            transformer = spatial_transformer(call.module)
            assert transformer is not None
            with torch.no_grad():
                theta = transformer.theta(call.arguments[0])
                seen = sampled(look.image, theta)
            panels += [
                Panel("Sampling grid", "Where the transformer samples the picture.", whole, lines=_grid(theta[0])),
                Panel("What it sees", "The picture after the transformer.", picture_of(seen[0])),
            ]
        return panels


def _grid(theta: Tensor) -> tuple[Line, ...]:
    """The lines of an even grid of the output, where they lie on the input."""
    at = torch.linspace(-1, 1, LINES).tolist()
    ends = [((a, -1.0), (a, 1.0)) for a in at] + [((-1.0, a), (1.0, a)) for a in at]
    return tuple(tuple(_moved(theta, x, y) for x, y in line) for line in ends)


def _moved(theta: Tensor, x: float, y: float) -> tuple[float, float]:
    moved = (theta.double() @ torch.tensor([x, y, 1.0], dtype=torch.float64) + 1) / 2
    return float(moved[0]), float(moved[1])
