"""Dropout that reads its masks from `random_stream` instead of drawing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from shiftassay.random_stream import keep_mask, seed_for


@dataclass
class Place:
    """Where in the epoch the current batch starts."""

    position: int = 0


@contextmanager
def reading_masks(network: nn.Module, seed: int, epoch: int) -> Iterator[Place]:
    """Within this context, every dropout uses the masks of (seed, epoch, its name).

    That is `nn.Dropout` and `nn.Dropout2d`; dropout of any other kind draws from PyTorch's generator as it always does.
    The caller sets `position` of the yielded object before each batch.
    """
    place = Place()
    dropouts = {name: m for name, m in network.named_modules() if isinstance(m, nn.Dropout | nn.Dropout2d)}
    for name, module in dropouts.items():
        key = seed_for(seed, epoch, "dropout", name)
        vars(module)["forward"] = partial(_masked, module, key, place)
    try:
        yield place
    finally:
        for module in dropouts.values():
            del vars(module)["forward"]


def _masked(module: nn.Dropout | nn.Dropout2d, key: int, place: Place, x: Tensor) -> Tensor:
    if not module.training or module.p == 0:
        return x
    shape = x.shape[:2] if isinstance(module, nn.Dropout2d) else x.shape
    units = shape[1:].numel()
    mask = keep_mask(key, place.position * units, len(x) * units, module.p)
    kept = torch.from_numpy(mask).to(x.device).view(*shape, *[1] * (x.ndim - len(shape)))
    return x * kept / (1 - module.p) if module.p < 1 else x * 0
