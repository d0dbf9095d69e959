"""Reshaping, transposing and indexing of values."""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIndexIssue=false, reportAssignmentType=false, reportOperatorIssue=false, reportCallIssue=false

import math

from torch import fx

from shiftassay.training.draft import Draft
from shiftassay.training.program import NotLowered
from shiftassay.training.symbols import Attended, Value


def reshape(draft: Draft, node: fx.Node) -> Value:
    value = draft.value(node)
    shape = tuple(node.meta["tensor_meta"].shape)
    if value.turned or shape[0] != 3 or math.prod(shape[1:]) != math.prod(value.shape):
        raise NotLowered(draft.name(node), f"reshapes {value.shape} across images or turned positions")
    return Value(value.number, shape[1:])


def turn(draft: Draft, node: fx.Node) -> object:
    source = draft.at[node.args[0]]
    places = tuple(node.args[1]) if len(node.args) == 2 else tuple(node.args[1:])
    swap = sorted(p % 3 for p in places) == [1, 2] if len(places) == 2 else tuple(p % 3 for p in places) == (0, 2, 1)
    value = draft.value(node)
    if len(value.shape) != 2 or not swap or not isinstance(source, Value):
        raise NotLowered(draft.name(node), "turns axes other than channel and position")
    return Value(value.number, value.shape[::-1], not value.turned)


def item(draft: Draft, node: fx.Node) -> object:
    source = draft.at.get(node.args[0])
    if isinstance(source, Attended) and node.args[1] == 0:
        return source
    if isinstance(source, Attended | Value):
        raise NotLowered(draft.name(node), f"takes part {node.args[1]} of what it reads")
    return None
