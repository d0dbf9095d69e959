"""The geometry that leads from pictures of one size to pictures of another, from a few pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.registration import Axis, Registration, registered
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.framing import Framing
from shiftassay.shifts.resizing import PREFERRED, Kernel, Resized, Size, resize

PAIRS = 8
VALUES = 1_200_000  # of the larger side, that pairs are compared by at full size
LEAST_CORRELATION = 0.5  # pictures that do not belong together reach 0.25
NEAR = 1.2  # pixels of the output that an end may be off where the registration saw it
TRIED, REFINED = 16, 4  # framings that are compared with some kernels, and with all
ROUNDING = 0.15 / 255  # a root mean square that does not decide between two framings
EXACT = 0.4 / 255  # a root mean square of what is rounded alone: any larger one is worse
SURE = 1.0  # standard errors of a difference that does
ROUNDED_DOWN = 0.4  # pixels by which pictures that become smaller seem moved, where positions are rounded down
SIMPLER = 0.1  # squared pixels that a number less is worth, before framings are compared at full size
LEVELS = 64  # bins of grey values, for what became of them
ALIKE = 0.03  # of white: what a grey value became is known so well
TINY = 1e-6
FLAT = 0.6  # of the deviation inside of a frame: what stands around the picture has less
FIRST: tuple[tuple[Kernel, bool], ...] = (("bilinear", True), ("nearest", False), ("nearest_floor", False))


class Way(NamedTuple):
    """Along one axis, how the source comes into the output.

    The `cut` is resized to so many pixels, and begins at that `place`.
    """

    cut: tuple[int, int]
    resized: int
    place: int

    @property
    def axis(self) -> Axis:
        scale = self.resized / (self.cut[1] - self.cut[0])
        return Axis(scale, self.place - self.cut[0] * scale)


def framing_between(reference: Images, shifted: Float32[np.ndarray, "n channels height width"]) -> Framing | None:
    """What leads from the reference's pictures to the shifted ones of another size.

    None where nothing does. Image i of both belong together; a few are enough. Whatever else happened to colours, or
    noise, hardly matters: the pictures are compared after the best polynomial of grey values and colours.
    """
    size = max(reference[0, 0].size, shifted[0, 0].size)
    few = slice(max(2, min(PAIRS, VALUES // size)))
    gray = [side[:PAIRS].mean(1, dtype=np.float32) for side in (reference, shifted)]
    registration = registered(*gray)
    if registration is None or registration.correlation < LEAST_CORRELATION:
        return None
    before, after = reference[few], gray[1][few]
    if before.shape[1] != 3:
        before = before[:, :1]
    sizes = before.shape[2:], after.shape[1:]
    near = [*_framings(registration, *sizes), *_framings(_rounded_down(registration), *sizes)]
    near = _best(_with_kernels(near, FIRST), gray[0][few][:, None], after)
    plain = dict.fromkeys(replace(framing, kernel="bilinear", antialias=True) for framing in near)
    best = _best(_with_kernels(list(plain)[:REFINED], PREFERRED), before, after)[0]
    if not best.is_padded:
        return best
    around = _around_picture(best)
    inside, outside = (gray[1][:, place].std(1).mean() for place in (~around, around))
    if outside >= FLAT * inside:
        return None
    fill = _fill(shifted[:, :, around])
    return replace(best, fill=fill if isinstance(fill, tuple) else _before_colors(fill, best, before, after))


def shift_of(framing: Framing) -> Shift:
    """The framing as one shift, or as several in a row."""
    families = [FAMILIES[name] for name in FAMILIES if FAMILIES[name].group == "framing"]
    alone = [shift for cls in families if (shift := cls.of_framing(framing)) is not None]
    return alone[0] if alone else Compose(tuple(shift_of(stage) for stage in framing.stages))


def _framings(registration: Registration, source: Size, output: Size) -> list[Framing]:
    """The framings of whole numbers that come near a registration, nearest and simplest first."""
    axes = (registration.vertical, registration.horizontal)
    ways = [list(_ways(axis, n, m)) for axis, n, m in zip(axes, source, output, strict=True)]
    framings: dict[Framing, float] = {}
    for vertical, horizontal in product(*ways):
        (top, bottom), (left, right) = vertical.cut, horizontal.cut
        framing = Framing(
            source,
            (left, top, right, bottom),
            (vertical.resized, horizontal.resized),
            (horizontal.place, vertical.place),
            output,
        )
        if framing.is_cut and (framing.is_cropped or framing.is_padded):
            continue
        distance = sum(
            _distance(way.axis, axis, n, m) ** 2
            for way, axis, n, m in zip((vertical, horizontal), axes, source, output, strict=True)
        )
        framings[framing] = distance + SIMPLER * _numbers(framing)
    return sorted(framings, key=lambda f: framings[f])[:TRIED]


def _rounded_down(registration: Registration) -> Registration:
    """Where pictures lie that look so because positions in a larger source were rounded down."""
    vertical, horizontal = (
        axis._replace(offset=axis.offset - ROUNDED_DOWN) if axis.scale < 1 else axis
        for axis in (registration.vertical, registration.horizontal)
    )
    return Registration(vertical, horizontal, registration.correlation)


def _ways(axis: Axis, before: int, after: int) -> Iterator[Way]:
    """The ways along one axis that come near: resized and then placed, or cut and then resized."""
    for resized in _around(axis.scale * before):
        for place in _around(axis.offset + (axis.scale * before - resized) / 2):
            yield from _near(Way((0, before), resized, place), axis, before, after)
    for start in _around(-axis.offset / axis.scale):
        for end in _around((after - axis.offset) / axis.scale):
            if 0 <= start < end <= before and (start, end) != (0, before):
                yield from _near(Way((start, end), after, 0), axis, before, after)


def _near(way: Way, axis: Axis, before: int, after: int) -> Iterable[Way]:
    return [way] if _distance(way.axis, axis, before, after) < NEAR else []


def _around(value: float) -> range:
    return range(max(round(value) - 1, -(10**6)), round(value) + 2) if value > -1e6 else range(0)


def _distance(one: Axis, other: Axis, before: int, after: int) -> float:
    """How far apart two axes put what the output shows of the source, at most.

    In pixels of the output.
    """
    low, high = max(other.offset, 0.0), min(other.offset + other.scale * before, float(after))
    at = ((end - other.offset) / other.scale for end in (low, high))
    return max(abs((one.scale - other.scale) * x + one.offset - other.offset) for x in at)


def _numbers(framing: Framing) -> float:
    """How many numbers describe it, beside the two sizes and the kernel."""
    h, w = framing.resized
    stretched = framing.resized == framing.output
    kept = framing.keeps_aspect
    filling = kept and not stretched and (h == framing.output[0] or w == framing.output[1])
    count = 0.0 if stretched or not framing.is_resized or filling else 1.0 if kept else 2.0
    if framing.is_cut:
        (height, width), (whole_height, whole_width) = framing.cut_size, framing.source
        plain = height == width or abs(height * whole_width / whole_height - width) <= 1.01
        count += 1 if plain else (height < whole_height) + (width < whole_width)
        left, top, right, bottom = framing.cut
        count += (abs(left - (whole_width - right)) > 1) + (abs(top - (whole_height - bottom)) > 1)
    for place, side, whole in zip(framing.place, (w, h), framing.output[::-1], strict=True):
        count += 0 if abs(2 * place + side - whole) <= 1 else 1
    return count


def _with_kernels(framings: list[Framing], kernels: tuple[tuple[Kernel, bool], ...]) -> list[Framing]:
    """The framings with each kernel; with one where nothing is resized.

    Without antialiasing, what is enlarged bilinearly is the same.
    """
    return [
        replace(framing, kernel=kernel, antialias=antialias)
        for framing in framings
        for kernel, antialias in (kernels if framing.is_resized else kernels[:1])
        if (kernel, antialias) != ("bilinear", False) or framing.shrinks
    ]


def _best(framings: list[Framing], before: Images, after: Float32[np.ndarray, "n y x"]) -> list[Framing]:
    """The framings that come nearest, best first: the simplest of those that come as near."""
    errors = np.stack([errors_of(framing, before, after) for framing in framings])
    means = errors.mean(1)
    least = int(means.argmin())
    spread = (errors - errors[least]).std(1) / np.sqrt(max(errors.shape[1] - 1, 1))
    if means[least] <= EXACT**2:
        tied = means <= max(EXACT**2, means[least] + ROUNDING**2)
    else:
        tied = means - means[least] <= np.maximum(ROUNDING**2, SURE * spread)
    order = sorted(
        range(len(framings)),
        key=lambda i: (not tied[i], _numbers(framings[i]) if tied[i] else 0, i if tied[i] else means[i]),
    )
    return [framings[i] for i in order]


def framed(images: Images, framing: Framing) -> tuple[Resized, tuple[slice, slice]]:
    """What a frame shows of the pictures, and which rows and columns of the frame."""
    left, top, right, bottom = framing.cut
    small = resize(
        np.ascontiguousarray(images[:, :, top:bottom, left:right]), framing.resized, framing.kernel, framing.antialias
    )
    left, top, right, bottom = framing.seen
    x, y = max(framing.place[0], 0), max(framing.place[1], 0)
    return small[:, :, top:bottom, left:right], (slice(y, y + bottom - top), slice(x, x + right - left))


def errors_of(framing: Framing, before: Images, after: Float32[np.ndarray, "n y x"]) -> Float64[np.ndarray, "n"]:
    """Each image's mean squared error after the best polynomial of grey values and colours."""
    made, (rows, columns) = framed(before, framing)
    wanted = after[:, rows, columns].reshape(len(after), -1).astype(np.float64)
    errors = []
    for image, target in zip(made.astype(np.float64), wanted, strict=True):
        flat = image.reshape(len(image), -1)
        gray = flat.mean(0)
        design = np.stack([np.ones_like(gray), *flat, gray**2, gray**3, np.sqrt(np.maximum(gray, 0))])
        normal = design @ design.T
        normal[np.diag_indices(len(normal))] += 1e-9 * len(gray)
        rest = target - np.linalg.solve(normal, design @ target) @ design
        errors.append(np.mean(rest**2))
    return np.array(errors)


def _before_colors(fill: float, framing: Framing, before: Images, after: Float32[np.ndarray, "n y x"]) -> float:
    """The grey value that became this one.

    Itself where colours stayed, or black or white where that may be; else the value whose pixels came nearest.
    """
    made, (rows, columns) = framed(before, framing)
    values, became = made.mean(1).ravel(), after[:, rows, columns].ravel()
    ends = np.linspace(values.min(), values.max() + TINY, LEVELS + 1)
    level = np.clip(np.searchsorted(ends, values, "right") - 1, 0, LEVELS - 1)
    count = np.bincount(level, minlength=LEVELS)
    centers, means = (np.bincount(level, of, LEVELS)[count > 0] / count[count > 0] for of in (values, became))
    if np.average(np.abs(means - centers), weights=count[count > 0]) < ALIKE:
        return fill
    usual = [value for value in (fill, 0.0, 1.0) if abs(np.interp(value, centers, means) - fill) < ALIKE]
    return usual[0] if usual else float(centers[np.abs(means - fill).argmin()])


def _around_picture(framing: Framing) -> Bool[np.ndarray, "height width"]:
    """Which pixels of the frame the picture leaves free."""
    (left, top), (height, width) = framing.place, framing.resized
    around = np.ones(framing.output, bool)
    around[max(top, 0) : top + height, max(left, 0) : left + width] = False
    return around


def _fill(around: Float32[np.ndarray, "n c pixels"]) -> float | tuple[float, ...]:
    """The colour around the picture: one number where all channels have it."""
    values = [float(np.median(channel)) for channel in np.moveaxis(around, 1, 0)]
    return values[0] if len(set(values)) == 1 else tuple(values)
