"""The short table that a traced network's layers are matched against."""

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
from shiftassay.networks.transformer import IDENTITY, Transformation
from shiftassay.training.program import Mask, NotLowered, Step
from shiftassay.training.symbols import Attended, Grid, Projection, Value, Vectors


class Matching:
    """Walks a traced graph in order; each node becomes a value, a step, or the reason why not."""

    def __init__(self, traced: fx.GraphModule, input_shape: tuple[int, int, int]):
        self.modules = dict(traced.named_modules())
        self.parameters = dict(traced.named_parameters())
        self.steps: list[Step] = []
        self.elements: list[int] = [math.prod(input_shape)]
        self.masks: list[Mask] = []
        self.log_probabilities = False
        self.output = -1
        self.at: dict[fx.Node, object] = {}
        self.constants: list[float] = []
        self.called: set[str] = set()
        self.coordinates: dict[int, int] = {}
        for node in traced.graph.nodes:
            self.at[node] = self._match(node, input_shape)

    def _match(self, node: fx.Node, input_shape: tuple[int, int, int]) -> object:
        if node.op == "placeholder":
            if self.at:
                raise NotLowered(node.name, "is a second input")
            return Value(0, tuple(input_shape))
        if node.op == "output":
            return self._finish(node)
        if self.log_probabilities:
            raise NotLowered(self._name(node), "follows the log-softmax, which has to come last")
        if node.op == "call_module":
            return self._module(node)
        if node.op in ("call_function", "call_method"):
            return self._function(node)
        if node.target in self.parameters:
            return Vectors(node.target, tuple(self.parameters[node.target].shape))
        raise NotLowered(self._name(node), "reads an attribute of the network")

    def _finish(self, node: fx.Node) -> None:
        value = self._value(node, node.args[0])
        if len(value.shape) != 1 or value.number == 0 or value.turned:
            raise NotLowered("output", f"expected one row of logits for each image, found {value.shape}")
        self.output = value.number

    def _module(self, node: fx.Node) -> object:
        name, module = str(node.target), self.modules[str(node.target)]
        if name in self.called:
            raise NotLowered(name, "is called more than once")
        self.called.add(name)
        if module._forward_hooks or module._forward_pre_hooks:
            raise NotLowered(name, "has hooks")
        match module:
            case nn.Conv2d():
                return self._convolution(node, name, module)
            case nn.Linear():
                return self._linear(node, name, module)
            case nn.ReLU():
                return self._relu(node)
            case nn.MaxPool2d():
                options = (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
                return self._pool(node, *options, module.return_indices)
            case nn.Dropout() | nn.Dropout2d():
                return self._dropout(node, name, module)
            case nn.Flatten() | nn.Unflatten():
                return self._reshape(node)
            case nn.Identity():
                return self.at[node.args[0]]
            case nn.LogSoftmax():
                return self._log_softmax(node, module.dim)
            case Coordinates():
                return self._coordinates(node, name, module)
            case Transformation(kind="affine", bound=0.0):
                return self._reshape(node)
            case Transformation():
                return self._transform(node, module)
            case nn.MultiheadAttention():
                return self._attention(node, name, module)
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
                return self._relu(node)
            case "max_pool2d":
                size, stride, padding = option(1, "kernel_size"), option(2, "stride"), option(3, "padding", 0)
                dilation, ceil = option(4, "dilation", 1), option(5, "ceil_mode", False)
                return self._pool(node, size, stride, padding, dilation, ceil, option(6, "return_indices", False))
            case "flatten" | "view" | "reshape" | "unflatten" | "squeeze" | "unsqueeze":
                return self._reshape(node)
            case "contiguous" | "clone":
                return self.at[node.args[0]]
            case "transpose" | "permute" | "swapaxes":
                return self._turn(node)
            case "log_softmax":
                return self._log_softmax(node, option(1, "dim"))
            case "affine_grid":
                return self._grid(node, option(0, "theta"), option(2, "align_corners", False))
            case "grid_sample":
                options = (
                    option(2, "mode", "bilinear"),
                    option(3, "padding_mode", "zeros"),
                    option(4, "align_corners", False),
                )
                return self._sample(node, option(0, "input"), option(1, "grid"), options)
            case "getitem":
                return self._item(node)
            case "add" | "add_" | "iadd":
                return self._add(node)
            case "dropout" | "dropout2d" | "feature_dropout":
                raise NotLowered(
                    target, "is a function, whose masks have no name; use an nn.Dropout or nn.Dropout2d module"
                )
        raise NotLowered(self._name(node), f"{target} has no native counterpart")

    def _name(self, node: fx.Node) -> str:
        return str(node.target) if node.op == "call_module" else node.name

    def _value(self, node: fx.Node, source: object = None, rank: int | None = None) -> Value:
        value = self.at.get(node.args[0] if source is None else source)
        if not isinstance(value, Value):
            raise NotLowered(self._name(node), "reads what only attention, sampling or an addition can use")
        if rank is not None and (len(value.shape) != rank or value.turned):
            raise NotLowered(self._name(node), f"expected {rank} numbers to a shape, found {value.shape}")
        return value

    def _emit(
        self,
        kind: str,
        node: fx.Node,
        value: Value,
        shape: tuple[int, ...],
        parameters=(),
        other=-1,
        constants=None,
        **fields,
    ) -> Value:
        self.elements.append(math.prod(shape))
        number, at = len(self.elements) - 1, -1
        if constants is not None:
            at = len(self.constants)
            self.constants += constants.reshape(-1).tolist()
        self.steps.append(Step(kind, self._name(node), value.number, number, other, fields, tuple(parameters), at))
        return Value(number, tuple(shape))

    def _convolution(self, node: fx.Node, name: str, module: nn.Conv2d) -> Value:
        value = self._value(node, rank=3)
        wanted = {"stride": (1, 1), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
        for option, only in wanted.items():
            if getattr(module, option) != only:
                raise NotLowered(name, f"has {option} {getattr(module, option)}; the native step knows only {only}")
        kernel, padding = module.kernel_size, module.padding
        if isinstance(padding, str):
            if padding == "same" and (kernel[0] % 2 == 0 or kernel[1] % 2 == 0):
                raise NotLowered(name, "pads an even kernel unevenly")
            padding = (kernel[0] // 2, kernel[1] // 2) if padding == "same" else (0, 0)
        channels, height, width = value.shape
        constants = self.coordinates.get(value.number, 0)
        if any(padding):
            shape = (channels, height + 2 * padding[0], width + 2 * padding[1])
            sizes = {"channels": channels, "height": height, "width": width}
            value = self._emit("pad", node, value, shape, **sizes, pad_top=padding[0], pad_left=padding[1])
            height, width = shape[1:]
        shape = (module.out_channels, height - kernel[0] + 1, width - kernel[1] + 1)
        return self._emit(
            "convolution",
            node,
            value,
            shape,
            (f"{name}.weight", f"{name}.bias" if module.bias is not None else None),
            channels=channels,
            height=height,
            width=width,
            outputs=module.out_channels,
            kernel_height=kernel[0],
            kernel_width=kernel[1],
            constant_channels=constants,
        )

    def _linear(self, node: fx.Node, name: str, module: nn.Linear) -> object:
        value = self._value(node)
        if value.turned:
            if module.bias is not None or module.in_features != module.out_features:
                raise NotLowered(
                    name, "projects positions with a bias or to another width, which attention here does not"
                )
            return Projection(value, name)
        value = self._value(node, rank=1)
        parameters = (f"{name}.weight", f"{name}.bias" if module.bias is not None else None)
        sizes = {"channels": module.in_features, "outputs": module.out_features}
        return self._emit("linear", node, value, (module.out_features,), parameters, **sizes)

    def _relu(self, node: fx.Node) -> Value:
        value = self._value(node)
        result = self._emit("relu", node, value, value.shape, relu=1)
        return Value(result.number, value.shape, value.turned)

    def _pool(self, node: fx.Node, size, stride, padding, dilation, ceil: bool, indices: bool) -> Value:
        value = self._value(node, rank=3)
        pairs = [tuple(x) if isinstance(x, tuple | list) else (x, x) for x in (size, stride or size, padding, dilation)]
        (high, wide), steps, padding, dilation = pairs
        if high != wide or steps != (high, wide) or padding != (0, 0) or dilation != (1, 1) or ceil or indices:
            raise NotLowered(self._name(node), "pools by other than whole square windows side by side")
        channels, height, width = value.shape
        if high > 11 or high > height or high > width:
            raise NotLowered(self._name(node), f"has a window of {high} × {high}")
        sizes = {"channels": channels, "height": height, "width": width}
        return self._emit("pool", node, value, (channels, height // high, width // high), **sizes, pool=high)

    def _dropout(self, node: fx.Node, name: str, module: nn.Dropout | nn.Dropout2d) -> Value:
        channelwise = isinstance(module, nn.Dropout2d)
        value = self._value(node, rank=3 if channelwise else None)
        if module.p == 0:
            return value
        if value.turned:
            raise NotLowered(name, "drops elements of attention's positions")
        units = value.shape[0] if channelwise else math.prod(value.shape)
        self.masks.append(Mask(name, units, math.prod(value.shape) // units, module.p))
        return self._emit(
            "dropout", node, value, value.shape, dropout=len(self.masks) - 1, channelwise=int(channelwise)
        )

    def _reshape(self, node: fx.Node) -> Value:
        value = self._value(node)
        shape = tuple(node.meta["tensor_meta"].shape)
        if value.turned or shape[0] != 3 or math.prod(shape[1:]) != math.prod(value.shape):
            raise NotLowered(self._name(node), f"reshapes {value.shape} across images or turned positions")
        return Value(value.number, shape[1:])

    def _turn(self, node: fx.Node) -> object:
        source = self.at[node.args[0]]
        places = tuple(node.args[1]) if len(node.args) == 2 else tuple(node.args[1:])
        swap = (
            sorted(p % 3 for p in places) == [1, 2] if len(places) == 2 else tuple(p % 3 for p in places) == (0, 2, 1)
        )
        value = self._value(node)
        if len(value.shape) != 2 or not swap or not isinstance(source, Value):
            raise NotLowered(self._name(node), "turns axes other than channel and position")
        return Value(value.number, value.shape[::-1], not value.turned)

    def _log_softmax(self, node: fx.Node, dim: object) -> Value:
        value = self._value(node, rank=1)
        if dim not in (1, -1):
            raise NotLowered(self._name(node), f"is taken over axis {dim}")
        self.log_probabilities = True
        return value

    def _coordinates(self, node: fx.Node, name: str, module: Coordinates) -> Value:
        value = self._value(node, rank=3)
        channels, height, width = value.shape
        more = 2 + module.radius
        sizes = {"channels": channels, "height": height, "width": width, "appended": more}
        appended = module(torch.zeros(1, channels, height, width))[0, channels:]
        result = self._emit("coordinates", node, value, (channels + more, height, width), constants=appended, **sizes)
        self.coordinates[result.number] = more
        return result

    def _transform(self, node: fx.Node, module: Transformation) -> Value:
        value = self._value(node, rank=1)
        constants = torch.tensor([module.bound, *module.identity])
        sizes = {"channels": len(module.identity), "transform": list(IDENTITY).index(module.kind)}
        return self._emit("transform", node, value, (2, 3), constants=constants, **sizes)

    def _grid(self, node: fx.Node, theta: fx.Node, corners: bool) -> Grid:
        value = self._value(node, theta)
        if corners or value.shape != (2, 3):
            raise NotLowered(self._name(node), "is no affine grid of 2 × 3 with align_corners=False")
        return Grid(value, tuple(node.meta["tensor_meta"].shape[1:3]))

    def _sample(self, node: fx.Node, images: fx.Node, grid: fx.Node, options: tuple) -> Value:
        if options != ("bilinear", "zeros", False):
            raise NotLowered(
                self._name(node), f"samples with {options}; the native step knows bilinear, zeros, align_corners=False"
            )
        value, where = self._value(node, images, rank=3), self.at.get(grid)
        if not isinstance(where, Grid):
            raise NotLowered(self._name(node), "samples on a grid that is not affine")
        if value.number != 0:
            raise NotLowered(self._name(node), "samples something other than the image itself")
        channels, height, width = value.shape
        sizes = {"channels": channels, "height": height, "width": width}
        sizes |= {"output_height": where.size[0], "output_width": where.size[1]}
        # PyTorch's own untransformed grid, so that coordinates agree with it to the last bit.
        grid = F.affine_grid(torch.eye(2, 3)[None], [1, 1, *where.size], align_corners=False)[0]
        constants = torch.cat([grid[0, :, 0], grid[:, 0, 1]])
        return self._emit(
            "sample", node, value, (channels, *where.size), other=where.theta.number, constants=constants, **sizes
        )

    def _attention(self, node: fx.Node, name: str, module: nn.MultiheadAttention) -> Attended:
        parts = [self.at.get(argument) for argument in node.args[:3]]
        given = {name for name, argument in node.kwargs.items() if argument not in (None, False)} - {
            "average_attn_weights"
        }
        if len(node.args) != 3 or given - {"need_weights"} or not all(isinstance(part, Projection) for part in parts):
            raise NotLowered(name, "attends to other than three projections of one image's positions, without masks")
        if len({part.of for part in parts}) != 1:
            raise NotLowered(name, "attends to projections of different things")
        odd = (
            not module._qkv_same_embed_dim
            or module.in_proj_bias is None
            or module.bias_k is not None
            or module.add_zero_attn
        )
        if odd or module.dropout > 0:
            raise NotLowered(name, "has dropout or no bias")
        layers = tuple(part.layer for part in parts)
        # The first axis holds the images. For batch_first=False it is the sequence.
        return Attended(parts[0].of, name, layers, module.num_heads, across_batch=not module.batch_first)

    def _item(self, node: fx.Node) -> object:
        source = self.at.get(node.args[0])
        if isinstance(source, Attended) and node.args[1] == 0:
            return source
        if isinstance(source, Attended | Value):
            raise NotLowered(self._name(node), f"takes part {node.args[1]} of what it reads")
        return None

    def _add(self, node: fx.Node) -> Value:
        sides = [self.at.get(argument) for argument in node.args if isinstance(argument, fx.Node)]
        for here, there in (sides, sides[::-1]) if len(sides) == 2 else ():
            if isinstance(here, Vectors) and isinstance(there, Value) and there.turned and here.shape == there.shape:
                sizes = {"channels": there.shape[1], "height": there.shape[0], "width": 1}
                result = self._emit("encode", node, there, there.shape, [here.parameter], **sizes)
                return Value(result.number, there.shape, True)
            if isinstance(here, Attended) and here.of == there:
                width = there.shape[1]
                names = [f"{layer}.weight" for layer in here.projections]
                own = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
                names += [f"{here.layer}.{part}" for part in own]
                sizes = {"channels": width, "height": there.shape[0], "width": 1, "heads": here.heads}
                kind = "across" if here.across_batch else "attention"
                result = self._emit(kind, node, there, there.shape, names, **sizes)
                return Value(result.number, there.shape, True)
        raise NotLowered(
            self._name(node), "adds other than attention to what it attended to, or a vector for each position"
        )


FUNCTIONS: dict[Callable, str] = {
    F.relu: "relu",
    torch.relu: "relu",
    F.max_pool2d: "max_pool2d",
    torch.max_pool2d: "max_pool2d",
    operator.getitem: "getitem",
    operator.add: "add",
    operator.iadd: "add",
}
