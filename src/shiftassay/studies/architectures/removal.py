"""Taking a module out of a trained network, to see what it is worth there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from jaxtyping import Float32
from numpy import ndarray
from torch import Tensor, nn

from shiftassay.models.classifier import Classifier
from shiftassay.networks.attention import PositionAttention
from shiftassay.networks.coordconv import Coordinates
from shiftassay.studies.architectures.members import has_attention, spatial_transformer
from shiftassay.studies.architectures.transformations import thetas

TRANSFORMER, AIM, ATTENTION, COORDINATES = "transformer", "transformer's aim", "attention", "coordinates"


def removable_modules(network: nn.Module) -> dict[str, str]:
    """What can be removed from a trained network, and what replaces it."""
    removable = {}
    if spatial_transformer(network):
        removable[TRANSFORMER] = "the identity"
        removable[AIM] = "its mean transformation, the same for every image"
    if has_attention(network):
        removable[ATTENTION] = "the residual alone"
    if any(isinstance(module, Coordinates) for module in network.modules()):
        removable[COORDINATES] = "zeros"
    return removable


@contextmanager
def without(model: Classifier, module: str, images: Float32[ndarray, "n c h w"]) -> Iterator[None]:
    """A context in which a module of the network has no effect.

    The mean transformation is that of `images`.
    """
    network = model.network
    with ExitStack() as stack:
        if module in (TRANSFORMER, AIM):
            theta = torch.eye(2, 3) if module == TRANSFORMER else thetas(model, images, batch=1000).mean(0)
            stack.enter_context(patch.object(network, "theta", lambda shown: theta.expand(len(shown), 2, 3)))
        for layer in network.modules():
            if module == ATTENTION and isinstance(layer, PositionAttention):
                stack.enter_context(patch.object(layer, "forward", lambda x: x))
            if module == COORDINATES and isinstance(layer, Coordinates):
                stack.enter_context(patch.object(layer, "forward", _append_zeros(2 + layer.radius)))
        yield


def _append_zeros(channels: int) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([x, x.new_zeros(len(x), channels, *x.shape[2:])], dim=1)
