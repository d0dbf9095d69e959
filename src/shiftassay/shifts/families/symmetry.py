"""Shifts that mirror the picture."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.parameters import Parameters


@FAMILIES.register("flip_horizontal")
@dataclass(frozen=True)
class FlipHorizontal(Shift):
    """Mirror the picture left to right."""

    family: ClassVar[str] = "flip_horizontal"
    group: ClassVar[str] = "geometry"
    also_called: ClassVar[tuple[str, ...]] = ("mirror", "hflip")
    mirror: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = ({},)
    why: ClassVar[str] = (
        "A mirrored digit is none, or another one: only those that are nearly their own mirror images, 0, 1 and 8, "
        "still meet their weights."
    )
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images[:, :, :, ::-1].copy()

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images[:, :, :, ::-1].copy()

    def undo_steps(self) -> Steps:
        return Steps("images = images[:, :, ::-1]")


@FAMILIES.register("flip_vertical")
@dataclass(frozen=True)
class FlipVertical(Shift):
    """Mirror the picture top to bottom."""

    family: ClassVar[str] = "flip_vertical"
    group: ClassVar[str] = "geometry"
    also_called: ClassVar[tuple[str, ...]] = ("vflip",)
    mirror: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = ({},)
    why: ClassVar[str] = (
        "Tops and bottoms change places, and with them what tells 6 from 9 and 2 from 5: strokes meet other digits' "
        "weights."
    )
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return images[:, :, ::-1].copy()

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return images[:, :, ::-1].copy()

    def undo_steps(self) -> Steps:
        return Steps("images = images[:, ::-1]")


@FAMILIES.register("transpose")
@dataclass(frozen=True)
class Transpose(Shift):
    """Exchange rows and columns of square pictures, as reading a file in the wrong order does."""

    family: ClassVar[str] = "transpose"
    group: ClassVar[str] = "geometry"
    also_called: ClassVar[tuple[str, ...]] = ("swap_axes",)
    mirror: ClassVar[bool] = True
    grid: ClassVar[tuple[Parameters, ...]] = ({},)
    why: ClassVar[str] = (
        "Horizontal strokes become vertical ones: the picture is turned and mirrored, and nearly every weight meets "
        "another pixel."
    )
    information: ClassVar[Information] = "preserved"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _transposed(images)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _transposed(images)

    def undo_steps(self) -> Steps:
        return Steps("images = images.swapaxes(1, 2)")


def _transposed(images: Images) -> Images:
    h, w = images.shape[2:]
    if h != w:
        raise BadInput(f"transpose: it keeps the size of square images only, these are {h} × {w}.")
    return np.ascontiguousarray(images.swapaxes(2, 3))
