"""Adapt: a new first layer, or new statistics of batch norms.

A shift that all images share may have upset either.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from shiftassay.models.classifier import Classifier
from shiftassay.models.fronts import AsIs, front_of
from shiftassay.models.predict import copied, logits_of, predict
from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task
from shiftassay.repairs.tuning import tuned

PROBES = 64
ROUNDING = 1e-3
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@STRATEGIES.register("adapt")
class Adapt(Strategy):
    """A change of the first layer alone, or of the statistics of batch norms.

    The first layer is changed by a linear map on its weights, or by training.
    """

    name: ClassVar[str] = "adapt"
    intrusiveness: ClassVar[int] = 2

    def unfit(self, task: Task) -> str | None:
        if task.train is None:
            return "there are no training images"
        if task.shift.needs_model or any(part.scope == "per_image" for part in task.shift.components):
            return "what differs from image to image is not one map in front of the first layer"
        if task.share < 1:
            return "only some images are touched, and one first layer serves all"
        if _first_layer(task.model) is None:
            return "the model has no linear or convolutional layer"
        return task.untrainable

    def make(self, task: Task) -> RepairedModel | str:
        return _moved(task) or _statistics(task) or _trained(task)

    def key(self, task: Task) -> str:
        return repr((task.shift if _linear(task) else task.to_train_on).to_json())


def _moved(task: Task) -> RepairedModel | None:
    """The model with the inverse as one linear map, multiplied into its first layer's weights.

    This is exact, and needs no training.
    """
    first = _first_layer(task.model)
    if not isinstance(task.model, Classifier) or not isinstance(first, nn.Linear) or not _linear(task):
        return None
    probe = _shifted_probe(task)
    card = task.model.card
    if not _takes_pixels(task.model, first, (probe - card.mean) / card.sd):
        return None
    matrix, constant = _as_map(task)
    # W (U x + u − m) / s + b in terms of (x − m) / s
    model = copied(task.model)
    layer = _first_layer(model)
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        offset = (matrix.sum(1) * card.mean + constant - card.mean) / card.sd
        bias = layer.bias if layer.bias is not None else torch.zeros(layer.out_features)
        layer.bias = nn.Parameter((bias.double() + layer.weight.double() @ offset).float())
        layer.weight.copy_((layer.weight.double() @ matrix).float())
    undone = torch.from_numpy(np.ascontiguousarray(front_of(task.shift, task.shape)(probe)))
    if not np.allclose(predict(probe.numpy(), model=model), predict(undone.numpy(), model=task.model), atol=0.05):
        return None
    what = "the inverse is one linear map in front of layer 1, so its weights are multiplied by it: nothing is trained"
    return RepairedModel(model, what, parameters_trained=0)


def _linear(task: Task) -> bool:
    """Whether the inverse acts on shifted training images as a linear map plus a constant."""
    front = front_of(task.shift, task.shape)
    if (
        task.train is None
        or isinstance(front, AsIs)
        or any(part.scope == "per_image" for part in task.shift.components)
    ):
        return False
    probe = _shifted_probe(task)
    matrix, constant = _as_map(task)
    mapped = probe.flatten(1).double() @ matrix.T + constant
    return bool((mapped - front(probe).flatten(1)).abs().max() < ROUNDING)


def _shifted_probe(task: Task) -> Tensor:
    """A few training images under the shift."""
    return torch.from_numpy(np.ascontiguousarray(task.shifted(task.required_train.first(PROBES), 0).images))


def _as_map(task: Task) -> tuple[Tensor, Tensor]:
    """The matrix (p, p) and constant (p,) of the inverse.

    They come from its answers to single pixels and to black.
    """
    front, pixels = front_of(task.shift, task.shape), int(np.prod(task.shape))
    black = front(torch.zeros(1, *task.shape)).flatten().double()
    single = front(torch.eye(pixels).view(-1, *task.shape)).flatten(1).double()
    return (single - black).T, black


def _takes_pixels(model: Classifier, first: nn.Linear, normalized: Tensor) -> bool:
    """Whether the layer's input is the pixels in their order, and nothing else."""
    inputs_seen: list[Tensor] = []
    hook = first.register_forward_pre_hook(lambda _, inputs: inputs_seen.append(inputs[0].detach()))
    try:
        with torch.inference_mode():
            model.eval().network(normalized)
    finally:
        hook.remove()
    pixels = normalized.flatten(1)
    return len(inputs_seen) == 1 and inputs_seen[0].shape == pixels.shape and torch.equal(inputs_seen[0], pixels)


def _statistics(task: Task) -> RepairedModel | None:
    """Means and variances of batch norms, measured again on shifted training images."""
    model = copied(task.model).to("cpu")
    norms = [m for m in model.modules() if isinstance(m, NORMS) and m.track_running_stats]
    if not norms:
        return None
    images = task.epoch_of_shifted(0).images
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    with torch.inference_mode():
        for start in range(0, len(images), 500):
            logits_of(torch.from_numpy(images[start : start + 500]), model=model)
    what = f"the statistics of {len(norms)} batch norms, taken from training images under the shift"
    return RepairedModel(model.eval(), what, images=len(images), epochs=1)


def _trained(task: Task) -> RepairedModel:
    """The first layer trained further, all others as they were."""
    model = copied(task.model).requires_grad_(False)
    first = _first_layer(model)
    assert first is not None  # or the strategy is unfit
    first.requires_grad_(True)
    numbers = sum(weights.numel() for weights in first.parameters())
    return RepairedModel(
        tuned(task, model, task.epoch_of_shifted, same=task.repeats),
        "the first layer trained on, on training images under the shift, all others as they were",
        parameters_trained=numbers,
        images=task.shown,
        epochs=task.epochs,
    )


def _first_layer(model: nn.Module) -> nn.Linear | nn.Conv2d | None:
    return next((m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)), None)
