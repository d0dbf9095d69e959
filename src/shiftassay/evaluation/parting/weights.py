"""Weights: are some of them others?"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from shiftassay.evaluation.parting.trial import Pair, Trial
from shiftassay.models.predict import copied
from shiftassay.words.lists import first_of

MOST_LAYERS = 24  # with other weights: each of so many is tried alone


def trials(pair: Pair) -> Iterator[Trial]:
    """The second model with the weights of the first: all, the statistics, or one layer's.

    Only where both have tensors of the same names and shapes, some of which differ.
    """
    first, second = (tensors_of(model) for model in pair.models)
    if {name: tensor.shape for name, tensor in first.items()} != {name: t.shape for name, t in second.items()}:
        return
    differing = [name for name, tensor in first.items() if not torch.equal(tensor, second[name].to(tensor.dtype))]
    if not differing:
        return
    own = _own_names(pair.models[1])
    buffers = {own[name] for name, _ in pair.models[1].named_buffers()}
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in differing))
    statistics = [name for name in differing if name in buffers]
    given = partial(_given, pair, first)
    if 1 < len(layers) <= MOST_LAYERS:
        for layer in layers:
            names = [name for name in differing if name.rpartition(".")[0] == layer]
            yield Trial(1, f"with {pair.names[0]}'s weights in layer {layer}", partial(given, names))
    if statistics and len(statistics) < len(differing):
        yield Trial(1, f"with the running statistics of {pair.names[0]}", partial(given, statistics))
    where = f"; they differ in {first_of(layers, 'layers')}" if len(layers) <= MOST_LAYERS else ""
    yield Trial(1, f"with the weights of {pair.names[0]}{where}", partial(given, differing))


def why_nothing(pair: Pair) -> str:
    first, second = (tensors_of(model) for model in pair.models)
    if not first or not second:
        return f"{pair.names[0] if not first else pair.names[1]} shows none here"
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in (first, second)]
    return "all of them are equal" if shapes[0] == shapes[1] else "names or shapes differ"


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """A model's parameters and statistics, by their names without what was put around it."""
    own = _own_names(model)
    return {own[name]: tensor for name, tensor in model.state_dict().items()}


def _own_names(model: nn.Module) -> dict[str, str]:
    prefix = str(getattr(model, "prefix", ""))
    names = [name for name, _ in (*model.named_parameters(), *model.named_buffers())]
    return {name: name.removeprefix(prefix) for name in (*names, *model.state_dict())}


def _given(pair: Pair, tensors: dict[str, Tensor], names: list[str]) -> nn.Module:
    changed = copied(pair.models[1])
    own = tensors_of(changed)
    with torch.no_grad():
        for name in names:
            own[name].copy_(tensors[name])
    return changed
