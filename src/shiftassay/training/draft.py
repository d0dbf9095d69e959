"""A program under construction, for a network that is being matched.

It has values, operations, masks and constants.
"""

# torch.fx types the arguments of a node as a union of everything that Python code can hold.
# pyright: reportArgumentType=false

import math
from collections.abc import Sequence

import torch
from torch import fx

from shiftassay.training.program import Mask, NotLowered, Step
from shiftassay.training.symbols import Value


class Draft:
    """The operations of the nodes matched so far; `at` maps each node to its value."""

    def __init__(self, elements: int):
        self.steps: list[Step] = []
        self.elements: list[int] = [elements]
        self.masks: list[Mask] = []
        self.constants: list[float] = []
        self.log_probabilities = False
        self.output = -1
        self.at: dict[fx.Node, object] = {}
        self.coordinates: dict[int, int] = {}

    def name(self, node: fx.Node) -> str:
        return str(node.target) if node.op == "call_module" else node.name

    def value(self, node: fx.Node, source: object = None, rank: int | None = None) -> Value:
        """The value that a node reads: its first argument or `source`.

        Raises `NotLowered` unless it has that rank.
        """
        value = self.at.get(node.args[0] if source is None else source)
        if not isinstance(value, Value):
            raise NotLowered(self.name(node), "reads what only attention, sampling or an addition can use")
        if rank is not None and (len(value.shape) != rank or value.turned):
            raise NotLowered(self.name(node), f"expected {rank} numbers to a shape, found {value.shape}")
        return value

    def emit(
        self,
        kind: str,
        node: fx.Node,
        value: Value,
        shape: tuple[int, ...],
        parameters: Sequence[str | None] = (),
        other: int = -1,
        constants: torch.Tensor | None = None,
        **fields: int,
    ) -> Value:
        """Add an operation that reads `value`; return the value that it writes."""
        self.elements.append(math.prod(shape))
        number, at = len(self.elements) - 1, -1
        if constants is not None:
            at = len(self.constants)
            self.constants += constants.reshape(-1).tolist()
        self.steps.append(Step(kind, self.name(node), value.number, number, other, fields, tuple(parameters), at))
        return Value(number, tuple(shape))
