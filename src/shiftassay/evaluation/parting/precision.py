"""Precision: were numbers rounded to fewer digits?

A model is imitated by rounding its weights, and what each layer gives, as arithmetic of that precision would. For eight
bits, weights and inputs of the layers that have weights become whole numbers times a scale, the usual way (Jacob et al.
2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference").
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from shiftassay.evaluation.parting.trial import Pair, Trial
from shiftassay.models.predict import copied

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
HALVES = {"fp16": torch.float16, "bfloat16": torch.bfloat16}
LEVELS = 127  # of a sign: weights in eight bits
STEPS = 255  # from the least to the largest: inputs in eight bits


def trials(pair: Pair) -> Iterator[Trial]:
    """Each model that has weights in single precision or more, with fewer digits."""
    for place, model in enumerate(pair.models):
        if not any(parameter.dtype in (torch.float32, torch.float64) for parameter in model.parameters()):
            continue
        for name, dtype in HALVES.items():
            yield Trial(place, f"in {name}", partial(_in_halves, model, dtype, rounds="layers"))
            yield Trial(place, f"with weights in {name}", partial(_in_halves, model, dtype, rounds="weights"))
            yield Trial(place, f"with weights and images in {name}", partial(_in_halves, model, dtype, rounds="images"))
        for per_channel in (False, True):
            scale = "a scale for each channel" if per_channel else "one scale for each tensor"
            for inputs in (False, True):
                what = "weights and inputs of layers" if inputs else "weights"
                yield Trial(place, f"with {what} in int8, {scale}", partial(_in_bytes, model, per_channel, inputs))


def why_nothing(pair: Pair) -> str:
    return f"neither {pair.names[0]} nor {pair.names[1]} has weights here that could be rounded"


def _in_halves(model: nn.Module, dtype: torch.dtype, rounds: Literal["weights", "images", "layers"]) -> nn.Module:
    """The model with rounded weights alone, with rounded images too, or with rounded layers.

    A layer's inputs and outputs are rounded then. Processors without arithmetic of half precision read such weights,
    and go on in single.
    """

    def rounded(numbers: Tensor) -> Tensor:
        return numbers.to(dtype).to(numbers.dtype) if numbers.is_floating_point() else numbers

    def hook(_: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(rounded(given) if isinstance(given, Tensor) else given for given in inputs)

    def after(_: nn.Module, __: object, output: object) -> object:
        return rounded(output) if isinstance(output, Tensor) else output

    changed = _with_weights(model, rounded)
    if rounds != "weights":
        changed.register_forward_pre_hook(hook)
    for module in changed.modules() if rounds == "layers" else ():
        if not list(module.children()):
            module.register_forward_pre_hook(hook)
            module.register_forward_hook(after)
    return changed


def _in_bytes(model: nn.Module, per_channel: bool, inputs: bool) -> nn.Module:
    changed = copied(model)
    for module in changed.modules():
        if isinstance(module, WEIGHTED):
            module.weight = nn.Parameter(in_int8(module.weight.detach(), per_channel), requires_grad=False)
            if inputs:
                module.register_forward_pre_hook(lambda _, given: (in_uint8(given[0]), *given[1:]))
    return changed


def _with_weights(model: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    changed = copied(model)
    with torch.no_grad():
        for tensor in (*changed.parameters(), *changed.buffers()):
            tensor.copy_(change(tensor))
    return changed


def in_int8(weights: Tensor, per_channel: bool) -> Tensor:
    """Weights as whole numbers from −127 to 127, times a scale for the tensor, or for each row.

    >>> in_int8(torch.tensor([[1.27, -0.004], [0.0127, 0.0]]), per_channel=False).abs().tolist()[0][1]
    0.0
    """
    largest = weights.abs().amax(tuple(range(1, weights.ndim)), keepdim=True) if per_channel else weights.abs().max()
    scale = (largest / LEVELS).clamp_min(torch.finfo(weights.dtype).tiny)
    return (weights / scale).round() * scale


def in_uint8(values: Tensor) -> Tensor:
    """Values as whole numbers from 0 to 255, times a scale.

    They reach from the least of a batch, or 0, to the largest.

    >>> [round(value, 4) for value in in_uint8(torch.tensor([-0.1, 0.0, 1.0])).tolist()]
    [-0.0992, 0.0, 1.0008]
    """
    low, high = values.min().clamp_max(0), values.max().clamp_min(0)
    scale = ((high - low) / STEPS).clamp_min(torch.finfo(values.dtype).tiny)
    zero = (-low / scale).round()
    return ((values / scale + zero).round().clamp(0, STEPS) - zero) * scale
