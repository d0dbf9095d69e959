"""Layers with weights, and what a network answers when one of them is changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from torch import Tensor, nn

from shiftassay.models.predict import predict

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def weighted_layers(model: nn.Module) -> dict[str, nn.Module]:
    """The linear and convolutional layers, in the order in which they are registered."""
    return {name: module for name, module in model.named_modules() if isinstance(module, WEIGHTED)}


@contextmanager
def replacing(layer: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Within this context the layer's output is changed before the next one sees it."""
    handle = layer.register_forward_hook(lambda *call: change(call[-1]))
    try:
        yield
    finally:
        handle.remove()


def right_with(
    model: nn.Module, layer: nn.Module, change: Callable[[Tensor], Tensor], images: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Which images the model gets right when a layer's output is changed."""
    with replacing(layer, change):
        return predict(images, model=model).argmax(1) == labels
