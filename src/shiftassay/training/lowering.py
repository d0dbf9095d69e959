"""Lowers a plain `nn.Module` to a program of the native step.

Where that is impossible, it names the layer that prevents it.
"""

import threading
from dataclasses import replace

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from shiftassay.networks.coordconv import Coordinates
from shiftassay.networks.transformer import Transformation
from shiftassay.training.matching import Matching
from shiftassay.training.program import NotLowered, Program, Step


def lower(network: nn.Module, input_shape: tuple[int, int, int]) -> Program:
    """Trace `network` for images of `input_shape` (c, h, w), and match its layers.

    Raises `NotLowered` for the first layer that the native step lacks.
    """
    shapes = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            raise NotLowered(name, "is frozen")
        if parameter.dtype != torch.float32:
            raise NotLowered(name, f"is {parameter.dtype}, not float32")
        shapes[name] = parameter.shape
    with _tracing:
        draft = Matching(_trace(network, input_shape), input_shape).draft
    steps, numbers = _renumber(_fuse(draft.steps, draft.output))
    used = {name for step in steps for name in step.parameters}
    for name in shapes:
        if name not in used:
            raise NotLowered(name, "is a parameter that no layer of the forward pass uses")
    return Program(
        tuple(steps),
        tuple(draft.elements[number] for number in numbers),
        tuple(draft.masks),
        tuple(draft.constants),
        shapes,
        numbers[draft.output],
        draft.log_probabilities,
        input_shape[0],
    )


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, Coordinates | Transformation) or super().is_leaf_module(module, name)


# torch.fx patches nn.Module while it traces.
_tracing = threading.RLock()


def _trace(network: nn.Module, input_shape: tuple[int, int, int]) -> fx.GraphModule:
    try:
        traced = fx.GraphModule(network, _Tracer().trace(network))
    except Exception as error:
        raise NotLowered(type(network).__name__, f"cannot be traced ({error})") from error
    modes = {module: module.training for module in network.modules()}
    parameter = next(network.parameters(), torch.empty(0))
    try:
        network.eval()
        with torch.no_grad():
            # Three images: a number that no reshape of a sensible network mentions.
            ShapeProp(traced).propagate(torch.zeros(3, *input_shape, device=parameter.device))
    except Exception as error:
        message = str(error).strip().splitlines()[0]
        raise NotLowered(type(network).__name__, f"does not run on images of {input_shape} ({message})") from error
    finally:
        for module, training in modes.items():
            module.training = training
    traced.graph.eliminate_dead_code()
    return traced


def _fuse(steps: list[Step], output: int) -> list[Step]:
    """Fuse dropout, pooling and ReLU into the convolution or linear layer before them.

    They must be the only readers of its output. A convolution's stage runs channel dropout, pooling, ReLU in that order
    (ReLU before pooling gives the same numbers and gradients, ties at zero included); a linear layer's runs ReLU, then
    dropout.
    """
    readers: dict[int, int] = {output: 1}
    for step in steps:
        for value in {step.input, step.other} - {-1}:
            readers[value] = readers.get(value, 0) + 1
    fused: list[Step] = []
    for step in steps:
        into = next((i for i, earlier in enumerate(fused) if earlier.output == step.input), None)
        if into is None or readers[step.input] != 1 or not _takes(fused[into], step):
            fused.append(step)
            continue
        gained = {name: step.fields[name] for name in ("pool", "relu", "dropout") if name in step.fields}
        fused[into] = replace(fused[into], output=step.output, fields={**fused[into].fields, **gained})
    return fused


def _takes(step: Step, following: Step) -> bool:
    has = step.fields
    match step.kind, following.kind:
        case "convolution", "dropout":
            return following.fields["channelwise"] == 1 and not {"dropout", "pool", "relu"} & has.keys()
        case "convolution", "pool":
            return "pool" not in has
        case "convolution" | "pool", "relu":
            return "relu" not in has
        case "linear", "relu":
            return not {"relu", "dropout"} & has.keys()
        case "linear", "dropout":
            return "dropout" not in has
    return False


def _renumber(steps: list[Step]) -> tuple[list[Step], dict[int, int]]:
    """Remove the values that fusing made superfluous: new steps, and the old numbers in order."""
    numbers = {-1: -1, 0: 0}
    for step in steps:
        numbers[step.output] = len(numbers) - 1
    steps = [
        replace(step, input=numbers[step.input], other=numbers[step.other], output=numbers[step.output])
        for step in steps
    ]
    del numbers[-1]
    return steps, numbers
