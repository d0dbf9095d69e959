"""A lowered network: operations for the native step, and where parameters and masks come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt64

from shiftassay.kernels import native
from shiftassay.kernels.structures import DROPOUT, KINDS, OPERATION
from shiftassay.random_stream import seed_for


class NotLowered(Exception):  # noqa: N818  # another path is taken, which is no error
    """A network that the native step cannot run.

    `layer` is the first that prevents it, `reason` says why.
    """

    def __init__(self, layer: str, reason: str):
        super().__init__(f"{layer}: {reason}")
        self.layer, self.reason = layer, reason


@dataclass(frozen=True)
class Step:
    """One operation: reads `input` (and `other`), writes `output`.

    `fields` and `parameters` are those of program.hpp.
    """

    kind: str
    layer: str
    input: int
    output: int
    other: int = -1
    fields: Mapping[str, int] = field(default_factory=dict)
    parameters: tuple[str | None, ...] = ()
    constants: int = -1


@dataclass(frozen=True)
class Mask:
    """A dropout layer: `units` masks an image, each for `positions` consecutive elements."""

    layer: str
    units: int
    positions: int
    p: float


@dataclass(frozen=True)
class Program:
    """A lowered network: its operations, and its parameters' places in one flat array.

    The parameters are in the order of `named_parameters`.
    """

    steps: tuple[Step, ...]
    elements: tuple[int, ...]
    masks: tuple[Mask, ...]
    constants: tuple[float, ...]
    shapes: Mapping[str, torch.Size]
    output: int
    log_probabilities: bool
    channels: int

    @property
    def parameter_count(self) -> int:
        return sum(shape.numel() for shape in self.shapes.values())

    def compile(self, build: str | None = None) -> native.Program:
        """Hand the program to the native step; `build` overrides the choice by processor."""
        offsets: dict[str | None, int] = {None: -1}
        at = 0
        for name, shape in self.shapes.items():
            offsets[name] = at
            at += shape.numel()
        operations = np.zeros(len(self.steps), OPERATION)
        for row, step in zip(operations, self.steps, strict=True):
            row["dropout"] = -1
            for name, number in step.fields.items():
                row[name] = number
            row["kind"], row["input"], row["other"], row["output"] = (
                KINDS.index(step.kind),
                step.input,
                step.other,
                step.output,
            )
            row["parameters"] = [offsets[name] for name in (*step.parameters, *[None] * (8 - len(step.parameters)))]
            row["constants"] = step.constants
        dropouts = np.zeros(len(self.masks), DROPOUT)
        for row, mask in zip(dropouts, self.masks, strict=True):
            scale = 1 / (1 - mask.p) if mask.p < 1 else 0.0
            row["units"], row["positions"] = mask.units, mask.positions
            row["threshold"], row["scale"] = round(mask.p * 65536), scale
        return native.Program(
            operations,
            np.array(self.elements),
            dropouts,
            np.array(self.constants, np.float32),
            self.parameter_count,
            self.output,
            self.log_probabilities,
            self.channels,
            build,
        )

    def keys(self, member_seed: int, epoch: int) -> UInt64[np.ndarray, "dropouts"]:
        """The keys of an epoch's dropout masks."""
        return np.array([seed_for(member_seed, epoch, "dropout", mask.layer) for mask in self.masks], np.uint64)

    def pack(self, state: Mapping[str, torch.Tensor]) -> Float[np.ndarray, "parameters"]:
        """A state dict's parameters as one flat array."""
        parts = [state[name].detach().cpu().to(torch.float32).reshape(-1).numpy() for name in self.shapes]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def unpack(self, flat: Float[np.ndarray, "parameters"]) -> dict[str, torch.Tensor]:
        """A state dict's parameters from one flat array; copies."""
        parts = torch.from_numpy(flat.copy()).split([shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
