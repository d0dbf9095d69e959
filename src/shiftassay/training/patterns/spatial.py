"""Coordinates, and spatial transformers: transformations, their grids, sampling on these."""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIndexIssue=false, reportAssignmentType=false, reportOperatorIssue=false, reportCallIssue=false

import torch
import torch.nn.functional as F
from torch import fx

from shiftassay.networks.coordconv import Coordinates
from shiftassay.networks.transformer import IDENTITY, Transformation
from shiftassay.training.draft import Draft
from shiftassay.training.program import NotLowered
from shiftassay.training.symbols import Grid, Value


def coordinates(draft: Draft, node: fx.Node, name: str, module: Coordinates) -> Value:
    value = draft.value(node, rank=3)
    channels, height, width = value.shape
    more = 2 + module.radius
    sizes = {"channels": channels, "height": height, "width": width, "appended": more}
    appended = module(torch.zeros(1, channels, height, width))[0, channels:]
    result = draft.emit("coordinates", node, value, (channels + more, height, width), constants=appended, **sizes)
    draft.coordinates[result.number] = more
    return result


def transform(draft: Draft, node: fx.Node, module: Transformation) -> Value:
    value = draft.value(node, rank=1)
    constants = torch.tensor([module.bound, *module.identity])
    sizes = {"channels": len(module.identity), "transform": list(IDENTITY).index(module.kind)}
    return draft.emit("transform", node, value, (2, 3), constants=constants, **sizes)


def grid(draft: Draft, node: fx.Node, theta: fx.Node, corners: bool) -> Grid:
    value = draft.value(node, theta)
    if corners or value.shape != (2, 3):
        raise NotLowered(draft.name(node), "is no affine grid of 2 × 3 with align_corners=False")
    return Grid(value, tuple(node.meta["tensor_meta"].shape[1:3]))


def sample(draft: Draft, node: fx.Node, images: fx.Node, grid: fx.Node, options: tuple) -> Value:
    if options != ("bilinear", "zeros", False):
        raise NotLowered(
            draft.name(node), f"samples with {options}; the native step knows bilinear, zeros, align_corners=False"
        )
    value, where = draft.value(node, images, rank=3), draft.at.get(grid)
    if not isinstance(where, Grid):
        raise NotLowered(draft.name(node), "samples on a grid that is not affine")
    if value.number != 0:
        raise NotLowered(draft.name(node), "samples something other than the image itself")
    channels, height, width = value.shape
    sizes = {"channels": channels, "height": height, "width": width}
    sizes |= {"output_height": where.size[0], "output_width": where.size[1]}
    # PyTorch's own untransformed grid, so that coordinates agree with it to the last bit.
    grid = F.affine_grid(torch.eye(2, 3)[None], [1, 1, *where.size], align_corners=False)[0]
    constants = torch.cat([grid[0, :, 0], grid[:, 0, 1]])
    return draft.emit(
        "sample", node, value, (channels, *where.size), other=where.theta.number, constants=constants, **sizes
    )
