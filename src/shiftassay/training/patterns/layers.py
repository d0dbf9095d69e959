"""Layers with weights, and what follows them.

Convolutions, linear layers, ReLU, pooling, dropout, log-softmax.
"""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIndexIssue=false, reportAssignmentType=false, reportOperatorIssue=false, reportCallIssue=false

import math

from torch import fx, nn

from shiftassay.training.draft import Draft
from shiftassay.training.program import Mask, NotLowered
from shiftassay.training.symbols import Projection, Value


def convolution(draft: Draft, node: fx.Node, name: str, module: nn.Conv2d) -> Value:
    value = draft.value(node, rank=3)
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
    constants = draft.coordinates.get(value.number, 0)
    if any(padding):
        shape = (channels, height + 2 * padding[0], width + 2 * padding[1])
        sizes = {"channels": channels, "height": height, "width": width}
        value = draft.emit("pad", node, value, shape, **sizes, pad_top=padding[0], pad_left=padding[1])
        height, width = shape[1:]
    shape = (module.out_channels, height - kernel[0] + 1, width - kernel[1] + 1)
    return draft.emit(
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


def linear(draft: Draft, node: fx.Node, name: str, module: nn.Linear) -> object:
    value = draft.value(node)
    if value.turned:
        if module.bias is not None or module.in_features != module.out_features:
            raise NotLowered(name, "projects positions with a bias or to another width, which attention here does not")
        return Projection(value, name)
    value = draft.value(node, rank=1)
    parameters = (f"{name}.weight", f"{name}.bias" if module.bias is not None else None)
    sizes = {"channels": module.in_features, "outputs": module.out_features}
    return draft.emit("linear", node, value, (module.out_features,), parameters, **sizes)


def relu(draft: Draft, node: fx.Node) -> Value:
    value = draft.value(node)
    result = draft.emit("relu", node, value, value.shape, relu=1)
    return Value(result.number, value.shape, value.turned)


def pool(draft: Draft, node: fx.Node, size, stride, padding, dilation, ceil: bool, indices: bool) -> Value:
    value = draft.value(node, rank=3)
    pairs = [tuple(x) if isinstance(x, tuple | list) else (x, x) for x in (size, stride or size, padding, dilation)]
    (high, wide), steps, padding, dilation = pairs
    if high != wide or steps != (high, wide) or padding != (0, 0) or dilation != (1, 1) or ceil or indices:
        raise NotLowered(draft.name(node), "pools by other than whole square windows side by side")
    channels, height, width = value.shape
    if high > 11 or high > height or high > width:
        raise NotLowered(draft.name(node), f"has a window of {high} × {high}")
    sizes = {"channels": channels, "height": height, "width": width}
    return draft.emit("pool", node, value, (channels, height // high, width // high), **sizes, pool=high)


def dropout(draft: Draft, node: fx.Node, name: str, module: nn.Dropout | nn.Dropout2d) -> Value:
    channelwise = isinstance(module, nn.Dropout2d)
    value = draft.value(node, rank=3 if channelwise else None)
    if module.p == 0:
        return value
    if value.turned:
        raise NotLowered(name, "drops elements of attention's positions")
    units = value.shape[0] if channelwise else math.prod(value.shape)
    draft.masks.append(Mask(name, units, math.prod(value.shape) // units, module.p))
    return draft.emit("dropout", node, value, value.shape, dropout=len(draft.masks) - 1, channelwise=int(channelwise))


def log_softmax(draft: Draft, node: fx.Node, dim: object) -> Value:
    value = draft.value(node, rank=1)
    if dim not in (1, -1):
        raise NotLowered(draft.name(node), f"is taken over axis {dim}")
    draft.log_probabilities = True
    return value
