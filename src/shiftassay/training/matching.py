"""Matches the layers of a traced network to operations of the native step."""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIndexIssue=false, reportAssignmentType=false, reportOperatorIssue=false, reportCallIssue=false

import math
import operator
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import fx, nn

from shiftassay.networks.coordconv import Coordinates
from shiftassay.networks.transformer import Transformation
from shiftassay.training.draft import Draft
from shiftassay.training.patterns import attention, layers, shapes, spatial
from shiftassay.training.program import NotLowered
from shiftassay.training.symbols import Value, Vectors


class Matching:
    """Walks a traced graph in order; each node becomes a value or a step.

    Raises `NotLowered` where neither is possible.
    """

    def __init__(self, traced: fx.GraphModule, input_shape: tuple[int, int, int]):
        self.modules = dict(traced.named_modules())
        self.parameters = dict(traced.named_parameters())
        self.draft = Draft(math.prod(input_shape))
        self.called: set[str] = set()
        for node in traced.graph.nodes:
            self.draft.at[node] = self._match(node, input_shape)

    def _match(self, node: fx.Node, input_shape: tuple[int, int, int]) -> object:
        if node.op == "placeholder":
            if self.draft.at:
                raise NotLowered(node.name, "is a second input")
            return Value(0, tuple(input_shape))
        if node.op == "output":
            return self._finish(node)
        if self.draft.log_probabilities:
            raise NotLowered(self.draft.name(node), "follows the log-softmax, which has to come last")
        if node.op == "call_module":
            return self._module(node)
        if node.op in ("call_function", "call_method"):
            return self._function(node)
        if node.target in self.parameters:
            return Vectors(node.target, tuple(self.parameters[node.target].shape))
        raise NotLowered(self.draft.name(node), "reads an attribute of the network")

    def _finish(self, node: fx.Node) -> None:
        value = self.draft.value(node, node.args[0])
        if len(value.shape) != 1 or value.number == 0 or value.turned:
            raise NotLowered("output", f"expected one row of logits for each image, found {value.shape}")
        self.draft.output = value.number

    def _module(self, node: fx.Node) -> object:
        name, module = str(node.target), self.modules[str(node.target)]
        if name in self.called:
            raise NotLowered(name, "is called more than once")
        self.called.add(name)
        if module._forward_hooks or module._forward_pre_hooks:
            raise NotLowered(name, "has hooks")
        match module:
            case nn.Conv2d():
                return layers.convolution(self.draft, node, name, module)
            case nn.Linear():
                return layers.linear(self.draft, node, name, module)
            case nn.ReLU():
                return layers.relu(self.draft, node)
            case nn.MaxPool2d():
                options = (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
                return layers.pool(self.draft, node, *options, module.return_indices)
            case nn.Dropout() | nn.Dropout2d():
                return layers.dropout(self.draft, node, name, module)
            case nn.Flatten() | nn.Unflatten():
                return shapes.reshape(self.draft, node)
            case nn.Identity():
                return self.draft.at[node.args[0]]
            case nn.LogSoftmax():
                return layers.log_softmax(self.draft, node, module.dim)
            case Coordinates():
                return spatial.coordinates(self.draft, node, name, module)
            case Transformation(kind="affine", bound=0.0):
                return shapes.reshape(self.draft, node)
            case Transformation():
                return spatial.transform(self.draft, node, module)
            case nn.MultiheadAttention():
                return attention.attention(self.draft, node, name, module)
        raise NotLowered(name, f"{type(module).__name__} has no native counterpart")

    def _function(self, node: fx.Node) -> object:
        target = (
            node.target
            if isinstance(node.target, str)
            else FUNCTIONS.get(node.target, getattr(node.target, "__name__", ""))
        )
        if target in ("size", "getattr", "dim") or ("tensor_meta" not in node.meta and target != "getitem"):
            return None
        arguments = {**dict(enumerate(node.args)), **node.kwargs}

        def option(place: int, name: str, default: object = None) -> object:
            return arguments.get(name, arguments.get(place, default))

        match target:
            case "relu" | "relu_":
                return layers.relu(self.draft, node)
            case "max_pool2d":
                size, stride, padding = option(1, "kernel_size"), option(2, "stride"), option(3, "padding", 0)
                dilation, ceil = option(4, "dilation", 1), option(5, "ceil_mode", False)
                return layers.pool(
                    self.draft, node, size, stride, padding, dilation, ceil, option(6, "return_indices", False)
                )
            case "flatten" | "view" | "reshape" | "unflatten" | "squeeze" | "unsqueeze":
                return shapes.reshape(self.draft, node)
            case "contiguous" | "clone":
                return self.draft.at[node.args[0]]
            case "transpose" | "permute" | "swapaxes":
                return shapes.turn(self.draft, node)
            case "log_softmax":
                return layers.log_softmax(self.draft, node, option(1, "dim"))
            case "affine_grid":
                return spatial.grid(self.draft, node, option(0, "theta"), option(2, "align_corners", False))
            case "grid_sample":
                options = (
                    option(2, "mode", "bilinear"),
                    option(3, "padding_mode", "zeros"),
                    option(4, "align_corners", False),
                )
                return spatial.sample(self.draft, node, option(0, "input"), option(1, "grid"), options)
            case "getitem":
                return shapes.item(self.draft, node)
            case "add" | "add_" | "iadd":
                return attention.add(self.draft, node)
            case "dropout" | "dropout2d" | "feature_dropout":
                raise NotLowered(
                    target, "is a function, whose masks have no name; use an nn.Dropout or nn.Dropout2d module"
                )
        raise NotLowered(self.draft.name(node), f"{target} has no native counterpart")


FUNCTIONS: dict[Callable, str] = {
    F.relu: "relu",
    torch.relu: "relu",
    F.max_pool2d: "max_pool2d",
    torch.max_pool2d: "max_pool2d",
    operator.getitem: "getitem",
    operator.add: "add",
    operator.iadd: "add",
}
