"""One description for shifts that are the same: the one with the fewest numbers, in the words of the catalogue."""

from collections.abc import Callable
from dataclasses import replace

from shiftassay.shifts.compose import Compose
from shiftassay.shifts.families.blur import MotionBlur
from shiftassay.shifts.families.geometry import Rotate, Translate
from shiftassay.shifts.families.intensity import Gain, Invert, Quantize, Rescale, Threshold
from shiftassay.shifts.families.symmetry import FlipHorizontal, FlipVertical
from shiftassay.shifts.family import FAMILIES, Choice, Shift
from shiftassay.shifts.identity import Identity

UNITS = (255.0, 1 / 255)
CLOSE = 2e-3  # relative difference of a factor from one that has a name
SMALL = 0.03  # an offset that may be none
WHOLE, NEARLY = 0.02, 0.12  # pixels within which a move is one by whole pixels, and within which it may be
QUARTER = 0.3  # degrees within which a rotation is a quarter or half turn


def canonical(how: Shift) -> Shift:
    """The same shift in its own name, if that is registered.

    >>> print(canonical(Rescale(-1.0, 1.0)))
    invert
    >>> print(canonical(Rescale(255.0, 0.0)), canonical(Gain(255.0)), sep="; ")
    rescale (scale = 255), the same for all images; rescale (scale = 255), the same for all images
    >>> print(canonical(Rotate(-179.9999)))
    rotate (angle = 180), the same for all images
    >>> print(canonical(Translate(2.5, -0.0005)))
    translate (dx = 2.5), the same for all images
    """
    renamed = _renamed(how)
    return renamed if renamed.family in FAMILIES else how


def _renamed(how: Shift) -> Shift:
    if isinstance(how, Compose):
        parts = _less_turned([p for p in map(canonical, how.parts) if not isinstance(p, Identity)])
        return Compose(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else Identity())
    if isinstance(how, Rescale) and isinstance(how.scale, float) and isinstance(how.offset, float):
        return _linear(how)
    if isinstance(how, Gain) and isinstance(how.factor, float) and any(_near(how.factor, unit) for unit in UNITS):
        return Rescale(how.factor, 0.0)
    if isinstance(how, Quantize) and how.levels == 2:
        return Threshold(0.5, scope=how.scope)
    if isinstance(how, Translate):
        return _whole_move(how, WHOLE)
    if isinstance(how, Rotate) and isinstance(how.angle, float):
        return replace(how, angle=_turn(how.angle))
    if isinstance(how, Rotate) and isinstance(how.angle, Choice):
        return replace(how, angle=Choice(tuple(_turn(a) for a in how.angle.values)))
    if isinstance(how, MotionBlur) and how.fading is None and isinstance(how.angle, float):
        return replace(how, angle=how.angle % 180)
    return how


def with_whole_moves(how: Shift) -> Shift:
    """A composition whose moves by nearly whole pixels are by whole ones; the same object if there are none.

    A fit that resamples otherwise than the maker did does not get nearer to them.
    """
    return _part_by_part(how, lambda part: _whole_move(part, NEARLY) if isinstance(part, Translate) else part)


def without_offset(how: Shift) -> Shift:
    """A composition in which a rescaling that hardly adds anything is a gain; the same object if there is none."""
    return _part_by_part(how, lambda part: _gain(part) if isinstance(part, Rescale) else part)


def _part_by_part(how: Shift, change: Callable[[Shift], Shift]) -> Shift:
    """A composition with each of its parts changed; the same object if none is, or if it is no composition."""
    if not isinstance(how, Compose):
        return how
    parts = tuple(map(change, how.parts))
    return how if parts == how.parts else Compose(parts)


def _gain(how: Rescale) -> Shift:
    if not (isinstance(how.scale, float) and isinstance(how.offset, float)):
        return how
    return Gain(how.scale) if how.scale > 0 and abs(how.offset) < SMALL else how


def _less_turned(parts: list[Shift]) -> list[Shift]:
    """One mirror beside a rotation by more than a quarter turn is the other mirror beside one by less, or none."""
    other = {FlipHorizontal: FlipVertical, FlipVertical: FlipHorizontal}
    for i in range(len(parts) - 1):
        first, last = parts[i : i + 2]
        turned, mirror = (first, last) if isinstance(first, Rotate) else (last, first)
        if isinstance(turned, Rotate) and type(mirror) in other:
            angle = turned.angle
            if isinstance(angle, float) and abs(angle) > 90 and other[type(mirror)].family in FAMILIES:
                less = replace(turned, angle=_turn(angle + 180)), other[type(mirror)]()
                parts[i : i + 2] = less if turned is first else less[::-1]
    return [part for part in parts if not (isinstance(part, Rotate) and part.angle == 0)]


def _linear(how: Rescale) -> Shift:
    scale, offset = how.scale, how.offset
    assert isinstance(scale, float)
    assert isinstance(offset, float)
    if _near(scale, -1) and _near(offset, 1):
        return Invert()
    if abs(offset) > CLOSE * abs(scale):
        return how
    if _near(scale, 1):
        return Identity()
    if any(_near(scale, unit) for unit in UNITS) or scale < 0:
        return replace(how, offset=0.0)
    return Gain(scale)


def _near(value: float, target: int | float) -> bool:
    return abs(value - target) <= CLOSE * abs(target)


def _whole_move(how: Translate, within: float) -> Translate:
    """By whole pixels where it nearly is, unless it differs from image to image."""
    if not (isinstance(how.dx, float) and isinstance(how.dy, float)):
        return how
    return replace(how, dx=_whole(how.dx, within), dy=_whole(how.dy, within))


def _whole(pixels: float, within: float) -> float:
    return float(round(pixels)) if abs(pixels - round(pixels)) < within else pixels


def _turn(angle: float) -> float:
    """Within (−180, 180]; a quarter turn where it is as good as one."""
    nearest = 90.0 * round(angle / 90)
    angle = nearest if abs(angle - nearest) < QUARTER and nearest % 360 else angle
    return 180 - (180 - angle) % 360
