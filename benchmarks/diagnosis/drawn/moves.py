"""Shifts that move the picture, drawn."""

from collections.abc import Callable

import numpy as np
from benchmarks.diagnosis import geometry
from benchmarks.diagnosis.case import Parameter, Part
from benchmarks.diagnosis.drawn.draw import LIBRARIES, SIDE, Draw
from benchmarks.diagnosis.resample import Way

MOST_OFF_CENTER = 45.0  # degrees, and 0.3 of a scale: beyond, the other centre is a move of its own


def _rotate(draw: Draw) -> Part:
    angle = draw.to_and_fro("angle")
    size = _largest(angle)
    if not draw.each and draw.chance(0.1):
        return geometry.rotate(float(draw.rng.choice([90, 180, -90])), Way("np.rot90", "nearest"))
    if not draw.each and draw.chance(0.25):
        return geometry.rotate(angle, Way(draw.library(*(f"{name}.rotate" for name in LIBRARIES)), "bilinear"))
    return geometry.rotate(angle, draw.way(10 * np.radians(size), size <= MOST_OFF_CENTER))


def _translate(draw: Draw) -> Part:
    length, direction = draw.number("length"), draw.rng.uniform(0, 2 * np.pi)
    if draw.each:
        reach = {"low": -length, "high": length}
        return geometry.translate(reach, dict(reach), draw.way(0))
    dx, dy = float(length * np.cos(direction)), float(length * np.sin(direction))
    if draw.chance(0.2):
        dx, dy = (length, 0.0) if draw.chance(0.5) else (0.0, -length)
    if length >= 1 and draw.chance(0.3):
        return geometry.translate(float(round(dx)), float(round(dy)), draw.way(length))
    return geometry.translate(dx, dy, draw.way(0))


def _roll(draw: Draw) -> Part:
    """By so much that ink comes back on the other side: else it is a move, which `cases` sees to."""
    dx, dy = (int(draw.signed("length")) if draw.chance(0.7) else 0 for _ in range(2))
    if -(draw.side // 2) in (dx, dy):
        dx, dy = abs(dx), abs(dy)  # half of the side: the sign says nothing
    if draw.each:
        return geometry.roll({"values": [-dx, dx]}, {"values": [-dy, dy]})
    return geometry.roll(dx, dy)


def _scale(draw: Draw) -> Part | None:
    if draw.each:
        smaller, larger = draw.number("smaller"), draw.number("larger")
        factors = {"values": [smaller, larger]} if draw.chance(0.3) else {"low": smaller, "high": larger}
        return geometry.scale(factors, draw.way(0)) if larger - smaller > 0.2 else None
    factor = draw.number("smaller") if draw.chance(0.5) else draw.number("larger")
    if draw.chance(0.25):
        # A side that leaves the same on both sides of it, so that nothing moves.
        side = draw.side + 2 * round(draw.side * (factor - 1) / 2)
        if side == draw.side:
            return None
        return geometry.scale(
            side / draw.side, Way(draw.library("PIL.resize", "cv2.resize", "skimage.resize"), "bilinear")
        )
    return geometry.scale(factor, draw.way(10 * abs(factor - 1), abs(factor - 1) <= 0.3))


def _shear(draw: Draw) -> Part:
    factor = draw.to_and_fro("factor")
    return geometry.shear(factor, draw.way(10 * _largest(factor), True))


def _matrix(draw: Draw) -> list[list[float]] | None:
    """A turn of a stretched and slanted picture, moved.

    None where a simpler family, or two in a row, come near: the stretches must differ by 20%, the area must change by
    10%, and the move be at least a pixel of 28.
    """
    a, b, turn = draw.number("stretch"), draw.number("stretch"), np.radians(draw.number("angle"))
    move = draw.rng.uniform(-3, 3, 2) * draw.side / SIDE
    if abs(np.log(a / b)) < 0.2 or abs(np.log(a * b)) < 0.1 or np.hypot(*move) < draw.side / SIDE:
        return None
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    linear = rotation @ np.array([[a, draw.number("shear")], [0, b]])
    return np.column_stack([linear, move]).tolist()


def _affine(draw: Draw) -> Part | None:
    matrix = _matrix(draw)
    if draw.each:
        other = _matrix(draw)
        return None if matrix is None or other is None else geometry.affine({"values": [matrix, other]}, draw.way(3))
    return None if matrix is None else geometry.affine(matrix, draw.way(3))


def _corners(draw: Draw) -> list[list[float]] | None:
    """None where a parallelogram would do within a pixel."""
    corners = np.array([[draw.number("corner") for _ in range(2)] for _ in range(4)])
    bent = np.array([1, -1, 1, -1]) @ corners / 4
    return corners.tolist() if np.hypot(*bent) >= 1 else None


def _perspective(draw: Draw) -> Part | None:
    corners = _corners(draw)
    if draw.each:
        other = _corners(draw)
        both = None if corners is None or other is None else {"values": [corners, other]}
        return None if both is None else geometry.perspective(both, draw.way(3))
    return None if corners is None else geometry.perspective(corners, draw.way(3))


def _elastic(draw: Draw) -> Part | None:
    amplitude, smoothness = draw.number("amplitude"), draw.number("smoothness")
    if amplitude > 0.6 * smoothness:  # folds over itself
        return None
    way = Way(draw.library("scipy", "cv2"), draw.library("bilinear", "cubic"))
    return geometry.elastic(amplitude, smoothness, "per_image" if draw.each else "shared", way)


def _largest(value: Parameter) -> float:
    if isinstance(value, dict):
        return max(map(abs, value.get("values") or (value["low"], value["high"])))
    return abs(value)


MOVES: dict[str, Callable[[Draw], Part | None]] = {
    "rotate": _rotate,
    "translate": _translate,
    "roll": _roll,
    "scale": _scale,
    "shear": _shear,
    "affine": _affine,
    "perspective": _perspective,
    "elastic": _elastic,
    "flip_horizontal": lambda draw: geometry.flip_horizontal(),
    "flip_vertical": lambda draw: geometry.flip_vertical(),
    "transpose": lambda draw: geometry.transpose(),
}
"""By family."""
