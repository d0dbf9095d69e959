"""What a network's layers make of images, whatever the network."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from shiftassay.models.predict import answering, batch_of, logits_of

BATCH = 500
SILENT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Flatten, nn.Identity)


def activations(
    model: nn.Module,
    images: Float32[np.ndarray, "n c h w"],
    layers: Collection[str] | None = None,
    units: int | None = None,
) -> dict[str, Float32[np.ndarray, "n _"]]:
    """The output of every layer for every image, in the order in which the layers work.

    `layers` names the layers wanted, all if None. Of a layer with more than `units` units, so many are kept, evenly
    spread. A layer is a module without children. Layers without a tensor that has a row for each image are left out; of
    a layer that is called several times, the first call counts.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.ReLU())
    >>> {name: values.shape for name, values in activations(model, np.ones((3, 1, 2, 2), np.float32)).items()}
    {'1': (3, 2), '2': (3, 2)}
    """
    outputs: dict[str, list[np.ndarray]] = {}
    called: set[str] = set()

    def keep(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim > 1 and len(output) == rows and name not in called:
                called.add(name)
                flat = output.detach().flatten(1).float().cpu().numpy()
                spread = np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], units or flat.shape[1])).astype(int)
                outputs.setdefault(name, []).append(flat[:, spread])

        return hook

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in model.named_modules()
        if not list(module.children()) and not isinstance(module, SILENT) and (layers is None or name in layers)
    ]
    try:
        with answering(model), torch.no_grad():
            batch = batch_of(images.shape[1:], BATCH)
            for start in range(0, len(images), batch):
                part = torch.from_numpy(images[start : start + batch])
                rows = len(part)
                called.clear()
                logits_of(part, model=model)
    finally:
        for handle in handles:
            handle.remove()
    joined = {name: np.concatenate(parts) for name, parts in outputs.items()}
    return {name: values for name, values in joined.items() if len(values) == len(images)}
