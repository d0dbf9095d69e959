"""Attention from position to position, and what is added to positions."""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIndexIssue=false, reportAssignmentType=false, reportOperatorIssue=false, reportCallIssue=false

from torch import fx, nn

from shiftassay.training.draft import Draft
from shiftassay.training.program import NotLowered
from shiftassay.training.symbols import Attended, Projection, Value, Vectors


def attention(draft: Draft, node: fx.Node, name: str, module: nn.MultiheadAttention) -> Attended:
    parts = [draft.at.get(argument) for argument in node.args[:3]]
    given = {name for name, argument in node.kwargs.items() if argument not in (None, False)} - {"average_attn_weights"}
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


def add(draft: Draft, node: fx.Node) -> Value:
    sides = [draft.at.get(argument) for argument in node.args if isinstance(argument, fx.Node)]
    for here, there in (sides, sides[::-1]) if len(sides) == 2 else ():
        if isinstance(here, Vectors) and isinstance(there, Value) and there.turned and here.shape == there.shape:
            sizes = {"channels": there.shape[1], "height": there.shape[0], "width": 1}
            result = draft.emit("encode", node, there, there.shape, [here.parameter], **sizes)
            return Value(result.number, there.shape, True)
        if isinstance(here, Attended) and here.of == there:
            width = there.shape[1]
            names = [f"{layer}.weight" for layer in here.projections]
            own = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
            names += [f"{here.layer}.{part}" for part in own]
            sizes = {"channels": width, "height": there.shape[0], "width": 1, "heads": here.heads}
            kind = "across" if here.across_batch else "attention"
            result = draft.emit(kind, node, there, there.shape, names, **sizes)
            return Value(result.number, there.shape, True)
    raise NotLowered(
        draft.name(node), "adds other than attention to what it attended to, or a vector for each position"
    )
