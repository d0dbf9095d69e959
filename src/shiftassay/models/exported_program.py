"""Exported programs (`.pt2`, written by torch.export.save), whose reading may run code."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from shiftassay.errors import BadInput
from shiftassay.models.predict import reason
from shiftassay.models.prepared import Prepared
from shiftassay.models.takes import Takes
from shiftassay.models.weights_file import check_size

TAKES = "shiftassay.takes"  # our own entry in a file


class ProgramModule(nn.Module):
    """A program's module, with gradients and weights, but without named layers.

    It has one mode, that in which it was exported.
    """

    prefix = "program."

    def __init__(self, module: nn.Module):
        super().__init__()
        self.program = module

    def forward(self, images: Tensor) -> Tensor:
        return self.program(images)

    def train(self, mode: bool = True) -> Self:
        for module in self.modules():
            module.training = mode  # the program's own module refuses to be asked
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        with warnings.catch_warnings(action="ignore"):  # PyTorch copies what it calls deprecated itself
            return type(self)(copy.deepcopy(self.program, memo))


def load_program(path: Path, takes: str | None = None, trust: bool = False) -> Prepared:
    """The model in an exported program, from images (black 0, white 1) to logits.

    Layout, size and type are read from the file; `takes` says what it doesn't. PyTorch reads such files by unpickling,
    which runs whatever code is in them, so that this is done with `trust` alone. Raises `BadInput`.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file. Name an exported program, or the folder of a run.")
    if not trust:
        raise BadInput(
            f"{path}: reading an exported program runs whatever code is in it. Add --trust if you trust where it comes "
            "from, or export the model as ONNX, which holds no code."
        )
    check_size(path)
    ours: dict[str, Any] = {TAKES: ""}
    with quiet_export():
        try:
            program = torch.export.load(path, extra_files=ours)
            module = program.module()
        except Exception as error:  # a damaged or foreign file may raise anything
            raise BadInput(
                f"{path}: can't be read as an exported program ({reason(error)}). Export it again."
            ) from None
    read = _inputs(program, path).stated(_text(ours[TAKES]), str(path))
    return Prepared(ProgramModule(module), read.stated(takes, str(path)).known(str(path)), str(path))


@contextmanager
def quiet_export() -> Iterator[None]:
    """Within it, PyTorch does not log what it thinks of exporting and reading."""
    loggers = [logging.getLogger(name) for name in ("torch.export", "torch.onnx", "torch._export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _inputs(program: ExportedProgram, path: Path) -> Takes:
    names = program.graph_signature.user_inputs
    tensors = [node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(tensors) != 1 or not isinstance(tensors[0], Tensor):
        raise BadInput(f"{path}: takes {len(names)} inputs, and images are one tensor. Export it with one input.")
    sizes = [size if isinstance(size, int) else None for size in tensors[0].shape]
    return Takes.of_array(sizes, tensors[0].dtype, str(path))


def _text(entry: str | bytes) -> str | None:
    return (entry.decode(errors="replace") if isinstance(entry, bytes) else entry) or None
