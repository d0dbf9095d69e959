"""A shift of one family, drawn: its strength, its scope, and who makes it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from benchmarks.diagnosis import attack, blur, geometry, intensity, noise, overlay, rearrangement, sample
from benchmarks.diagnosis.case import Images, Labels, Made, Parameter, Part, eight_bits
from benchmarks.diagnosis.drawn.ranges import RANGES
from benchmarks.diagnosis.families import channel_order, dilate
from benchmarks.diagnosis.resample import Way

PER_IMAGE = 0.25  # of the draws whose family can: a strength that is drawn for each image
LIBRARIES = ("scipy", "cv2", "PIL", "skimage")
KERNELS = ("bilinear", "cubic", "nearest")
HALF_PIXEL = 0.2  # of the draws: about h/2 instead of (h − 1)/2, as some libraries do
MOST_OFF_CENTER = 45.0  # degrees, and 0.3 of a scale: beyond, the other centre is a move of its own
COARSE = 1.5  # pixels that a map must move the ends of a digit (10 from the centre) under nearest-neighbour sampling
Rng = np.random.Generator
SIDE = 28


def drawn_part(family: str, rng: Rng, per_image: bool | None = None, smooth: bool = False) -> Part | None:
    """A shift of the family; None where this draw is to be drawn again.

    `per_image`: whether a strength is drawn for each image, else as chance has it; `smooth`: no nearest-neighbour
    sampling, which would leave little of what comes before.
    """
    each = rng.random() < PER_IMAGE if per_image is None else per_image
    return SINGLES[family](_Draw(family, rng, each, smooth))


def stored(part: Part, how: str) -> Part:
    """The part with its result rounded as a file would: `float` (not at all), `bytes`, `half` (float16)."""
    if how == "float":
        return part

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        made = part.make(images, labels, rng)
        rounded = eight_bits(made.images) if how == "bytes" else made.images.astype(np.float16).astype(np.float32)
        return replace(made, images=rounded)

    return replace(part, make=make, way=f"{part.way}-{how}")


class _Draw:
    """One draw: its family's ranges, the generator, and what was asked for."""

    def __init__(self, family: str, rng: Rng, each: bool, smooth: bool) -> None:
        self.family, self.rng, self.each, self.smooth = family, rng, each, smooth

    def number(self, name: str) -> float:
        return RANGES[self.family][name].draw(self.rng)

    def whole(self, name: str) -> int:
        return int(self.number(name))

    def signed(self, name: str) -> float:
        return RANGES[self.family][name].signed(self.rng)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def spread(self, name: str) -> Parameter:
        """A number, or the ends of a range of them, at least a factor of 1.5 apart."""
        if not self.each:
            return self.number(name)
        while True:
            low, high = sorted((self.number(name), self.number(name)))
            if high >= 1.5 * low:
                return {"low": low, "high": high}

    def to_and_fro(self, name: str) -> Parameter:
        """A number of either sign; or of both signs, as two values or as a range about 0."""
        if not self.each:
            return self.signed(name)
        size = self.number(name)
        return {"values": [-size, size]} if self.chance(0.5) else {"low": -size, "high": size}

    def way(self, reach: float, half: bool = False) -> Way:
        """A library and its kernel for a map that moves the ends of a digit by `reach` pixels."""
        kernels = KERNELS[:2] if self.smooth or reach < COARSE else KERNELS
        library, kernel = str(self.rng.choice(LIBRARIES)), str(self.rng.choice(kernels))
        return Way(library, kernel, half and self.chance(HALF_PIXEL))

    def library(self, *names: str) -> str:
        return str(self.rng.choice(names))


def _largest(value: Parameter) -> float:
    if isinstance(value, dict):
        return max(map(abs, value.get("values") or (value["low"], value["high"])))
    return abs(value)


def _gain(draw: _Draw) -> Part:
    if draw.each:
        low, high = sorted((draw.number("darker"), draw.number("darker")))
        return intensity.gain({"low": low, "high": max(high, 1.3 * low)})
    if draw.chance(0.6):
        return intensity.gain(draw.number("darker"))
    return intensity.gain(draw.number("brighter"), clip=draw.chance(0.75))


def _gamma(draw: _Draw) -> Part:
    exponent = draw.spread("exponent")
    if draw.chance(0.5):
        return intensity.gamma(exponent)
    if isinstance(exponent, dict):
        return intensity.gamma({"low": 1 / exponent["high"], "high": 1 / exponent["low"]})
    return intensity.gamma(1 / exponent)


def _rescale(draw: _Draw) -> Part:
    if draw.chance(0.2):
        known = ((255.0, 0.0), (2.0, -1.0), (1 / 0.3081, -0.1307 / 0.3081), (1 / 0.353, -0.286 / 0.353))
        return intensity.rescale(*known[draw.rng.integers(len(known))])
    if draw.each:
        scale = {"low": 0.5 * draw.number("scale"), "high": 2 * draw.number("scale")}
        if scale["high"] < 1.3 * scale["low"]:
            return _rescale(draw)
        size = draw.number("offset")
        return intensity.rescale(scale, {"low": -size, "high": size})
    return intensity.rescale(draw.number("scale"), draw.signed("offset"))


def _noise(maker: Callable[..., Part], name: str, per_image: bool = True) -> Callable[[_Draw], Part]:
    """Noise, sometimes not cut off at black and white, sometimes of a strength that every image draws."""

    def drawn(draw: _Draw) -> Part:
        strength = draw.spread(name) if per_image and draw.chance(0.5) else draw.number(name)
        return maker(strength, clip=not draw.chance(0.15))

    return drawn


def _impulse_noise(draw: _Draw) -> Part:
    return noise.impulse_noise(draw.spread("fraction"))


def _rotate(draw: _Draw) -> Part:
    angle = draw.to_and_fro("angle")
    size = _largest(angle)
    if not draw.each and draw.chance(0.1):
        return geometry.rotate(float(draw.rng.choice([90, 180, -90])), Way("np.rot90", "nearest"))
    if not draw.each and draw.chance(0.25):
        return geometry.rotate(angle, Way(draw.library(*(f"{name}.rotate" for name in LIBRARIES)), "bilinear"))
    return geometry.rotate(angle, draw.way(10 * np.radians(size), size <= MOST_OFF_CENTER))


def _translate(draw: _Draw) -> Part:
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


def _roll(draw: _Draw) -> Part:
    """By so much that ink comes back on the other side: else it is a move, which `cases` sees to."""
    dx, dy = (int(draw.signed("length")) if draw.chance(0.7) else 0 for _ in range(2))
    if -14 in (dx, dy):
        dx, dy = abs(dx), abs(dy)  # half of the side: the sign says nothing
    if draw.each:
        return geometry.roll({"values": [-dx, dx]}, {"values": [-dy, dy]})
    return geometry.roll(dx, dy)


def _scale(draw: _Draw) -> Part | None:
    if draw.each:
        smaller, larger = draw.number("smaller"), draw.number("larger")
        factors = {"values": [smaller, larger]} if draw.chance(0.3) else {"low": smaller, "high": larger}
        return geometry.scale(factors, draw.way(0)) if larger - smaller > 0.2 else None
    factor = draw.number("smaller") if draw.chance(0.5) else draw.number("larger")
    if draw.chance(0.25):
        # A side that leaves the same on both sides of it, so that nothing moves.
        side = SIDE + 2 * round(SIDE * (factor - 1) / 2)
        if side == SIDE:
            return None
        return geometry.scale(side / SIDE, Way(draw.library("PIL.resize", "cv2.resize", "skimage.resize"), "bilinear"))
    return geometry.scale(factor, draw.way(10 * abs(factor - 1), abs(factor - 1) <= 0.3))


def _shear(draw: _Draw) -> Part:
    factor = draw.to_and_fro("factor")
    return geometry.shear(factor, draw.way(10 * _largest(factor), True))


def _matrix(draw: _Draw) -> list[list[float]] | None:
    """A turn of a stretched and slanted picture, moved.

    None where a simpler family, or two in a row, come near: the stretches must differ by 20%, the area must change by
    10%, and the move be at least a pixel.
    """
    a, b, turn = draw.number("stretch"), draw.number("stretch"), np.radians(draw.number("angle"))
    move = draw.rng.uniform(-3, 3, 2)
    if abs(np.log(a / b)) < 0.2 or abs(np.log(a * b)) < 0.1 or np.hypot(*move) < 1:
        return None
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    linear = rotation @ np.array([[a, draw.number("shear")], [0, b]])
    return np.column_stack([linear, move]).tolist()


def _affine(draw: _Draw) -> Part | None:
    matrix = _matrix(draw)
    if draw.each:
        other = _matrix(draw)
        return None if matrix is None or other is None else geometry.affine({"values": [matrix, other]}, draw.way(3))
    return None if matrix is None else geometry.affine(matrix, draw.way(3))


def _corners(draw: _Draw) -> list[list[float]] | None:
    """None where a parallelogram would do within a pixel."""
    corners = np.array([[draw.number("corner") for _ in range(2)] for _ in range(4)])
    bent = np.array([1, -1, 1, -1]) @ corners / 4
    return corners.tolist() if np.hypot(*bent) >= 1 else None


def _perspective(draw: _Draw) -> Part | None:
    corners = _corners(draw)
    if draw.each:
        other = _corners(draw)
        both = None if corners is None or other is None else {"values": [corners, other]}
        return None if both is None else geometry.perspective(both, draw.way(3))
    return None if corners is None else geometry.perspective(corners, draw.way(3))


def _elastic(draw: _Draw) -> Part | None:
    amplitude, smoothness = draw.number("amplitude"), draw.number("smoothness")
    if amplitude > 0.6 * smoothness:  # folds over itself
        return None
    way = Way(draw.library("scipy", "cv2"), draw.library("bilinear", "cubic"))
    return geometry.elastic(amplitude, smoothness, "per_image" if draw.each else "shared", way)


def _motion_blur(draw: _Draw) -> Part:
    if draw.each:
        reach = draw.spread("length")
        return blur.motion_blur(reach, draw.number("angle"))
    if draw.chance(0.15):
        length = max(draw.number("length"), 5.0)
        angle = draw.number("angle") + (180.0 if draw.chance(0.5) else 0.0)
        return blur.motion_blur(length, angle, fading=0.5 * length)
    return blur.motion_blur(draw.number("length"), draw.number("angle"))


def _pixelate(draw: _Draw) -> Part:
    factor = draw.whole("factor")
    return blur.pixelate(factor, draw.library("PIL", "cv2", "float") if SIDE % factor == 0 else "float")


def _jpeg(draw: _Draw) -> Part:
    quality = draw.spread("quality")
    return blur.jpeg(quality if isinstance(quality, dict) else round(quality), draw.library("PIL", "cv2"))


def _occlusion(draw: _Draw) -> Part:
    height, width = draw.whole("side"), draw.whole("side")
    fill = 0.0 if draw.chance(0.3) else draw.number("fill")
    if draw.each:
        place = {"low": 2, "high": 26 - min(height, 14)}, {"low": 2, "high": 26 - min(width, 14)}
        return overlay.occlusion(*place, min(height, 14), min(width, 14), fill)
    top, left = (int(draw.rng.integers(0, SIDE - side + 1)) for side in (height, width))
    return overlay.occlusion(top, left, height, width, fill)


def _stripe(draw: _Draw) -> Part:
    count = draw.whole("columns")
    if draw.chance(0.5):
        first = int(draw.rng.integers(0, SIDE - count + 1))
        return overlay.stripe(list(range(first, first + count)))
    return overlay.stripe(sorted(draw.rng.permutation(SIDE)[:count].tolist()))


def _order(maker: Callable[..., Part]) -> Callable[[_Draw], Part]:
    return lambda draw: maker("per_image" if draw.each else "shared")


def _block_permutation(draw: _Draw) -> Part:
    block = int(draw.rng.choice([14, 7, 4, 2]))
    return rearrangement.block_permutation(block, "per_image" if draw.each else "shared")


def _adversarial(draw: _Draw) -> Part:
    norm = draw.library("linf", "l2")
    method = "pgd" if norm == "l2" or draw.chance(0.5) else "fgsm"
    return attack.adversarial(method, draw.number(norm), norm)


def _canny_edges(draw: _Draw) -> Part:
    low = draw.number("low")
    return overlay.canny_edges(draw.number("sd"), low, low + draw.number("more"))


def _dilate(draw: _Draw) -> Part:
    """Even sizes by OpenCV, whose anchor is the usual one: SciPy's is a pixel further."""
    size = draw.whole("size")
    return dilate.dilate(size, draw.library("cv2", "float") if size % 2 else "cv2")


def _channel_order(draw: _Draw) -> Part:
    orders = ((2, 1, 0), (1, 2, 0), (0, 2, 1), (1, 0, 2), (2, 0, 1))
    order = orders[draw.rng.integers(len(orders))]
    return channel_order.channel_order(order, "cv2" if order == (2, 1, 0) and draw.chance(0.5) else "float")


def _class_prior(draw: _Draw) -> Part:
    return sample.class_prior(drawn_shares(draw.number("spread"), draw.rng))


def drawn_shares(spread: float, rng: Rng) -> list[float]:
    """Of ten classes: their logarithms have this sd."""
    shares = np.exp(spread * rng.normal(size=sample.CLASSES))
    return (shares / shares.sum()).tolist()


def _label_permutation(draw: _Draw) -> Part:
    changed = draw.rng.permutation(sample.CLASSES)[: draw.whole("classes")]
    mapping = np.arange(sample.CLASSES)
    mapping[changed] = np.roll(changed, 1)
    return sample.label_permutation(mapping.tolist())


def _label_misalignment(draw: _Draw) -> Part:
    return sample.label_misalignment(None if draw.chance(0.25) else int(draw.signed("offset")))


SINGLES: dict[str, Callable[[_Draw], Part | None]] = {
    "invert": lambda draw: intensity.invert(),
    "gain": _gain,
    "offset": lambda draw: intensity.offset(draw.spread("amount") if draw.each else draw.signed("amount")),
    "gamma": _gamma,
    "threshold": lambda draw: intensity.threshold(draw.spread("level")),
    "quantize": lambda draw: intensity.quantize(draw.whole("levels")),
    "rescale": _rescale,
    "gaussian_noise": _noise(noise.gaussian_noise, "sd"),
    "uniform_noise": _noise(noise.uniform_noise, "half_width"),
    "sign_noise": _noise(noise.sign_noise, "epsilon"),
    "impulse_noise": _impulse_noise,
    "speckle_noise": _noise(noise.speckle_noise, "sd"),
    "shot_noise": _noise(noise.shot_noise, "photons"),
    "fixed_pattern": _noise(noise.fixed_pattern, "sd", per_image=False),
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
    "gaussian_blur": lambda draw: blur.gaussian_blur(draw.spread("sd"), draw.library(*LIBRARIES)),
    "defocus_blur": lambda draw: blur.defocus_blur(draw.spread("radius")),
    "motion_blur": _motion_blur,
    "glass_blur": lambda draw: blur.glass_blur(draw.number("sd"), draw.whole("reach"), draw.whole("rounds")),
    "pixelate": _pixelate,
    "jpeg": _jpeg,
    "occlusion": _occlusion,
    "stripe": _stripe,
    "pixel_dropout": lambda draw: overlay.pixel_dropout(draw.spread("fraction")),
    "fog": lambda draw: overlay.fog(draw.number("amount"), draw.number("decay")),
    "spatter": lambda draw: overlay.spatter(
        draw.number("coverage"), draw.number("size"), draw.number("softness"), draw.number("shade")
    ),
    "dotted_line": lambda draw: overlay.dotted_line(draw.number("width"), draw.whole("dash")),
    "zigzag": lambda draw: overlay.zigzag(draw.number("step"), draw.number("height"), draw.number("width")),
    "canny_edges": _canny_edges,
    "dilate": _dilate,
    "channel_order": _channel_order,
    "pixel_permutation": _order(rearrangement.pixel_permutation),
    "row_permutation": _order(rearrangement.row_permutation),
    "column_permutation": _order(rearrangement.column_permutation),
    "block_permutation": _block_permutation,
    "phase_scramble": _order(rearrangement.phase_scramble),
    "adversarial": _adversarial,
    "reorder": lambda draw: sample.reorder(),
    "class_prior": _class_prior,
    "label_permutation": _label_permutation,
    "label_noise": lambda draw: sample.label_noise(draw.number("fraction")),
    "label_misalignment": _label_misalignment,
}
"""Every family of the catalogue that a set may be shifted by."""
SAMPLE = ("reorder", "class_prior", "label_permutation", "label_noise", "label_misalignment")
PICTURE = tuple(family for family in SINGLES if family not in SAMPLE)
