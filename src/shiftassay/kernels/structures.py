"""program.hpp's structures for ctypes and NumPy, and the names of its operations.

All are read from that file.
"""

import ctypes
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {"int64_t": ctypes.c_int64, "double": ctypes.c_double}
HEADER = Path(__file__).with_name("program.hpp")


@cache
def _text() -> str:
    """The header without comments, each continued line as one."""
    return re.sub(r"//[^\n]*", "", HEADER.read_text(encoding="utf-8")).replace("\\\n", " ")


def _kinds() -> tuple[str, ...]:
    """The operations, in the order of their numbers."""
    (listed,) = re.findall(r"#define SHIFTASSAY_OPERATIONS\(X\)([^\n]*)", _text())
    return tuple(re.findall(r"X\((\w+),", listed))


def _fields(struct: str) -> Iterator[tuple[str, str, int]]:
    """The name, the type and the length (0 for a single one) of each field of a structure."""
    (body,) = re.findall(rf"struct {struct} {{([^}}]*)}};", _text())
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        ((kind, names),) = re.findall(r"\A((?:const )?\w+\*?) (.*)\Z", declaration, re.DOTALL)
        for name, length in re.findall(r"(\w+)(?:\[(\d+)\])?", names):
            yield name, kind, int(length or 0)


def _row(struct: str) -> np.dtype:
    """A structure of numbers as a row of a NumPy array."""
    formats = {"int64_t": np.int64, "double": np.float64}
    return np.dtype([(name, formats[kind], *([n] if n else [])) for name, kind, n in _fields(struct)])


@cache
def _structure(struct: str) -> Any:
    """A structure for ctypes; every pointer is an address."""
    fields = [
        (name, ctypes.c_void_p if kind.endswith("*") else TYPES.get(kind) or _structure(kind))
        for name, kind, _ in _fields(struct)
    ]
    return type(struct, (ctypes.Structure,), {"_fields_": fields})


KINDS = _kinds()
OPERATION, DROPOUT = _row("Operation"), _row("Dropout")
Program, Images, Optimizer, Training, Evaluation = map(
    _structure, ("Program", "Images", "Optimizer", "Training", "Evaluation")
)
