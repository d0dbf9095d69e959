"""Shifts of colours, drawn: known constants and any, by the libraries that make them."""

from collections.abc import Callable

import numpy as np
from benchmarks.diagnosis.case import Part
from benchmarks.diagnosis.drawn.draw import Draw
from benchmarks.diagnosis.families import colors

KNOWN = 0.5  # of the draws: constants that libraries use
THIRD = 12.0  # degrees about a third of a turn, which is an order of channels


def _channel_rescale(draw: Draw) -> Part:
    if draw.chance(KNOWN):
        known = (colors.IMAGENET, colors.CIFAR, colors.CLIP)
        return colors.normalized(*known[draw.rng.integers(len(known))])
    if draw.chance(0.5):  # white balance
        gains = tuple(draw.number("gain") for _ in range(3))
        return colors.channel_rescale(gains, (0.0, 0.0, 0.0), clip=max(gains) > 1)
    scale = tuple(draw.number("scale") for _ in range(3))
    return colors.channel_rescale(scale, tuple(draw.signed("offset") for _ in range(3)))


def _grayscale(draw: Draw) -> Part:
    if draw.chance(0.5):
        return colors.grayscale(colors.BT601, draw.library("PIL", "cv2"))
    named = (colors.BT709, colors.MEAN, colors.BT601[::-1], (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    if draw.chance(0.7):
        return colors.grayscale(named[draw.rng.integers(len(named))])
    weights = draw.rng.dirichlet((4.0, 4.0, 4.0))
    return colors.grayscale(tuple(weights.tolist()))


def _saturation(draw: Draw) -> Part:
    way = draw.library("PIL", "float")
    if draw.each:
        return colors.saturation({"low": draw.number("weaker"), "high": draw.number("stronger")}, way)
    return colors.saturation(draw.number("weaker" if draw.chance(0.6) else "stronger"), way)


def _hue(draw: Draw) -> Part | None:
    angle = draw.signed("angle")
    return None if abs(abs(angle) - 120) < THIRD else colors.hue(angle, draw.library("PIL", "cv2", "float"))


def _color_matrix(draw: Draw) -> Part:
    if draw.chance(0.2):
        return colors.color_matrix(colors.SEPIA)
    matrix = np.eye(3) + draw.rng.uniform(-1, 1, (3, 3)) * draw.number("mixing")
    return colors.color_matrix(matrix.tolist())


COLORS: dict[str, Callable[[Draw], Part | None]] = {
    "channel_rescale": _channel_rescale,
    "grayscale": _grayscale,
    "saturation": _saturation,
    "hue": _hue,
    "color_matrix": _color_matrix,
}
