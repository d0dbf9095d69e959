"""A network's layers, traced: what a drawing of its architecture shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from shiftassay.records import Record


@dataclass(frozen=True)
class Layer(Record):
    """A layer, with the operations without parameters that follow it.

    `shape` is that of its output for one image, before it is flattened; `inputs` are the places of the layers that it
    takes.
    """

    name: str
    operations: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    inputs: tuple[int, ...]


def layers_of(network: nn.Module, input_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """The layers of a network for images of (c, h, w), in the order of the forward pass.

    None where the network cannot be traced.
    """
    was_training = network.training
    try:
        traced = fx.GraphModule(network, _Tracer().trace(network))
        with torch.no_grad():
            ShapeProp(traced.eval()).propagate(torch.zeros(1, *input_shape))
    except Exception:  # whatever a network of any kind does where it is traced
        return ()
    finally:
        network.train(was_training)
    groups: list[list[fx.Node]] = []
    place: dict[fx.Node, int] = {}
    for node in traced.graph.nodes:
        if node.op == "output" or not _is_tensor(node):
            continue
        inputs = [other for other in node.all_input_nodes if other in place]
        if _continues(node, inputs, traced):
            groups[place[inputs[0]]].append(node)
        else:
            groups.append([node])
        place[node] = len(groups) - 1 if groups[-1][-1] is node else place[inputs[0]]
    return tuple(_layer(group, place, traced) for group in groups)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not isinstance(module, nn.Sequential)


def _is_tensor(node: fx.Node) -> bool:
    return "tensor_meta" in node.meta and hasattr(node.meta["tensor_meta"], "shape")


def _continues(node: fx.Node, inputs: Sequence[fx.Node], traced: fx.GraphModule) -> bool:
    """Whether a node, without parameters, takes one layer that nothing else takes."""
    return (
        len(inputs) == 1
        and inputs[0].op != "placeholder"
        and sum(_is_tensor(user) for user in inputs[0].users) == 1
        and not _parameters(node, traced)
    )


def _layer(group: Sequence[fx.Node], place: dict[fx.Node, int], traced: fx.GraphModule) -> Layer:
    first = group[0]
    last = [node for node in group if node is first or _operation(node, traced) not in RESHAPES][-1]
    inputs = sorted({place[node] for node in first.all_input_nodes if node in place})
    name = str(first.target) if first.op in ("call_module", "placeholder", "get_attr") else _operation(first, traced)
    operations = (_operation(node, traced) for node in group if node.op != "placeholder")
    shown = tuple(operation for operation in operations if operation not in RESHAPES)
    shape = tuple(last.meta["tensor_meta"].shape[1:])
    return Layer(name, shown, shape, sum(_parameters(node, traced) for node in group), tuple(inputs))


RESHAPES = ("flatten", "view", "reshape")


def _operation(node: fx.Node, traced: fx.GraphModule) -> str:
    """What a node does: a module's class with its details, or a function's name."""
    if node.op != "call_module":
        return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    module = traced.get_submodule(str(node.target))
    return ", ".join([type(module).__name__, *_details(module)])


def _details(module: nn.Module) -> Iterator[str]:
    """What tells a module from others of its class: kernel size, heads, dropout."""
    inner = [module, *module.children()]
    kernel = next((part.kernel_size for part in inner if isinstance(part, nn.Conv2d)), None)
    if kernel is not None:
        yield f"{kernel[0]} × {kernel[1]}"
    for part in inner:
        if isinstance(part, nn.MultiheadAttention):
            yield f"{part.num_heads} head{'s' * (part.num_heads > 1)}"
        if isinstance(part, nn.Dropout | nn.Dropout2d):
            yield f"{part.p:g}"


def _parameters(node: fx.Node, traced: fx.GraphModule) -> int:
    if node.op == "call_module":
        return sum(weights.numel() for weights in traced.get_submodule(str(node.target)).parameters())
    if node.op == "get_attr":
        value = getattr(traced, str(node.target), None)
        return value.numel() if isinstance(value, Tensor) else 0
    return 0
