"""A shift of one family, drawn: its strength, its scope, and who makes it."""

from collections.abc import Callable

import numpy as np
from benchmarks.diagnosis import attack, blur, filters, intensity, noise, overlay, rearrangement, sample, tones
from benchmarks.diagnosis.case import Part
from benchmarks.diagnosis.drawn.colors import COLORS
from benchmarks.diagnosis.drawn.draw import LIBRARIES, Draw, Rng
from benchmarks.diagnosis.drawn.moves import MOVES
from benchmarks.diagnosis.families import channel_order, dilate

PER_IMAGE = 0.25  # of the draws whose family can: a strength that is drawn for each image


def drawn_part(family: str, rng: Rng, per_image: bool | None = None, smooth: bool = False) -> Part | None:
    """A shift of the family; None where this draw is to be drawn again.

    `per_image`: whether a strength is drawn for each image, else as chance has it; `smooth`: no nearest-neighbour
    sampling, which would leave little of what comes before.
    """
    each = rng.random() < PER_IMAGE if per_image is None else per_image
    return SINGLES[family](Draw(family, rng, each, smooth))


def _gain(draw: Draw) -> Part:
    if draw.each:
        low, high = sorted((draw.number("darker"), draw.number("darker")))
        return intensity.gain({"low": low, "high": max(high, 1.3 * low)})
    if draw.chance(0.6):
        return intensity.gain(draw.number("darker"))
    return intensity.gain(draw.number("brighter"), clip=draw.chance(0.75))


def _contrast(draw: Draw) -> Part:
    way = draw.library("PIL", "float")
    if draw.each:
        low, high = draw.number("softer"), draw.number("harder")
        return tones.contrast({"low": low, "high": high}, way)
    return tones.contrast(draw.number("softer" if draw.chance(0.5) else "harder"), way)


def _tone_curve(draw: Draw) -> Part:
    if draw.chance(0.5):
        return tones.known_curve(draw.library("srgb_to_linear", "linear_to_srgb"))
    return tones.sigmoid(draw.number("gain"))


def _byte_wrap(draw: Draw) -> Part:
    if draw.chance(0.2):
        return tones.signed_bytes()
    return tones.byte_wrap(int(draw.signed("distance")))


def _buffer_layout(draw: Draw) -> Part:
    written, read = ("hwc", "chw") if draw.chance(0.5) else ("chw", "hwc")
    return tones.buffer_layout(written, read)


def _gamma(draw: Draw) -> Part:
    exponent = draw.spread("exponent")
    if draw.chance(0.5):
        return intensity.gamma(exponent)
    if isinstance(exponent, dict):
        return intensity.gamma({"low": 1 / exponent["high"], "high": 1 / exponent["low"]})
    return intensity.gamma(1 / exponent)


def _rescale(draw: Draw) -> Part:
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


def _noise(maker: Callable[..., Part], name: str, per_image: bool = True) -> Callable[[Draw], Part]:
    """Noise, sometimes not cut off at black and white, sometimes of a strength that every image draws."""

    def drawn(draw: Draw) -> Part:
        strength = draw.spread(name) if per_image and draw.chance(0.5) else draw.number(name)
        return maker(strength, clip=not draw.chance(0.15))

    return drawn


def _impulse_noise(draw: Draw) -> Part:
    return noise.impulse_noise(draw.spread("fraction"))


def _motion_blur(draw: Draw) -> Part:
    if draw.each:
        reach = draw.spread("length")
        return blur.motion_blur(reach, draw.number("angle"))
    if draw.chance(0.15):
        length = max(draw.number("length"), 5.0)
        angle = draw.number("angle") + (180.0 if draw.chance(0.5) else 0.0)
        return blur.motion_blur(length, angle, fading=0.5 * length)
    return blur.motion_blur(draw.number("length"), draw.number("angle"))


def _pixelate(draw: Draw) -> Part:
    factor = draw.whole("factor")
    return blur.pixelate(factor, draw.library("PIL", "cv2", "float") if draw.side % factor == 0 else "float")


def _jpeg(draw: Draw) -> Part:
    quality = draw.spread("quality")
    return blur.jpeg(quality if isinstance(quality, dict) else round(quality), draw.library("PIL", "cv2"))


def _occlusion(draw: Draw) -> Part:
    height, width = draw.whole("side"), draw.whole("side")
    fill = 0.0 if draw.chance(0.3) else draw.number("fill")
    if draw.each:
        height, width = min(height, draw.side // 2), min(width, draw.side // 2)
        top, left = ({"low": 2, "high": draw.side - 2 - side} for side in (height, width))
        return overlay.occlusion(top, left, height, width, fill)
    top, left = (int(draw.rng.integers(0, draw.side - side + 1)) for side in (height, width))
    return overlay.occlusion(top, left, height, width, fill)


def _stripe(draw: Draw) -> Part:
    count = draw.whole("columns")
    if draw.chance(0.5):
        first = int(draw.rng.integers(0, draw.side - count + 1))
        return overlay.stripe(list(range(first, first + count)))
    return overlay.stripe(sorted(draw.rng.permutation(draw.side)[:count].tolist()))


def _order(maker: Callable[..., Part]) -> Callable[[Draw], Part]:
    return lambda draw: maker("per_image" if draw.each else "shared")


def _block_permutation(draw: Draw) -> Part:
    block = int(draw.rng.choice([14, 7, 4, 2]))
    return rearrangement.block_permutation(block, "per_image" if draw.each else "shared")


def _adversarial(draw: Draw) -> Part:
    norm = draw.library("linf", "l2")
    method = "pgd" if norm == "l2" or draw.chance(0.5) else "fgsm"
    return attack.adversarial(method, draw.number(norm), norm)


def _canny_edges(draw: Draw) -> Part:
    low = draw.number("low")
    return overlay.canny_edges(draw.number("sd"), low, low + draw.number("more"))


def _dilate(draw: Draw) -> Part:
    """Even sizes by OpenCV, whose anchor is the usual one: SciPy's is a pixel further."""
    size = draw.whole("size")
    return dilate.dilate(size, draw.library("cv2", "float") if size % 2 else "cv2")


def _sharpen(draw: Draw) -> Part:
    return filters.sharpen(draw.number("amount"), draw.number("sd"), draw.library("scipy", "PIL-bytes"))


def _median(draw: Draw) -> Part:
    return filters.median(2 * draw.whole("reach") + 1, draw.library("scipy", "cv2-bytes", "PIL-bytes"))


def _erode(draw: Draw) -> Part:
    size = draw.whole("size")
    return filters.erode(size, draw.library("cv2", "scipy") if size % 2 else "cv2")


def _zoom_blur(draw: Draw) -> Part:
    factor = draw.number("factor")
    return filters.zoom_blur(factor, 2 + int((factor - 1) * draw.side))


def _resample(draw: Draw) -> Part | None:
    """Not by blocks that are pixelation, nor by kernels that read the same pixels."""
    factor, way = round(draw.number("factor"), 2), draw.library("PIL", "cv2")
    if way == "PIL":
        down, antialias = draw.library("bilinear", "bicubic", "lanczos", "box"), True
        return filters.resample(factor, down, draw.library("bilinear", "bicubic"), antialias, way)
    down = draw.library("bilinear", "bicubic", "area")
    return filters.resample(factor, down, draw.library("bilinear", "bicubic"), down == "area", way)


def _color_blur(draw: Draw) -> Part:
    return filters.color_blur(draw.number("sd"), 1.0 if draw.chance(0.7) else draw.number("amount"))


def _illumination(draw: Draw) -> Part:
    return filters.illumination(
        draw.library("vignette", "bell", "slope"), draw.number("strength"), draw.number("angle")
    )


def _channel_order(draw: Draw) -> Part:
    orders = ((2, 1, 0), (1, 2, 0), (0, 2, 1), (1, 0, 2), (2, 0, 1))
    order = orders[draw.rng.integers(len(orders))]
    return channel_order.channel_order(order, "cv2" if order == (2, 1, 0) and draw.chance(0.5) else "float")


def _class_prior(draw: Draw) -> Part:
    return sample.class_prior(drawn_shares(draw.number("spread"), draw.rng))


def drawn_shares(spread: float, rng: Rng) -> list[float]:
    """Of ten classes: their logarithms have this sd."""
    shares = np.exp(spread * rng.normal(size=sample.CLASSES))
    return (shares / shares.sum()).tolist()


def _label_permutation(draw: Draw) -> Part:
    changed = draw.rng.permutation(sample.CLASSES)[: draw.whole("classes")]
    mapping = np.arange(sample.CLASSES)
    mapping[changed] = np.roll(changed, 1)
    return sample.label_permutation(mapping.tolist())


def _label_misalignment(draw: Draw) -> Part:
    return sample.label_misalignment(None if draw.chance(0.25) else int(draw.signed("offset")))


SINGLES: dict[str, Callable[[Draw], Part | None]] = {
    "invert": lambda draw: intensity.invert(),
    "gain": _gain,
    "offset": lambda draw: intensity.offset(draw.spread("amount") if draw.each else draw.signed("amount")),
    "gamma": _gamma,
    "threshold": lambda draw: intensity.threshold(draw.spread("level")),
    "quantize": lambda draw: intensity.quantize(draw.whole("levels")),
    "rescale": _rescale,
    "contrast": _contrast,
    "autocontrast": lambda draw: tones.autocontrast(),
    "equalize": lambda draw: tones.equalize(draw.library("PIL", "cv2")),
    "solarize": lambda draw: tones.solarize(draw.whole("in_bytes")),
    "posterize": lambda draw: tones.posterize(draw.whole("bits")),
    "tone_curve": _tone_curve,
    "byte_wrap": _byte_wrap,
    "buffer_layout": _buffer_layout,
    "gaussian_noise": _noise(noise.gaussian_noise, "sd"),
    "uniform_noise": _noise(noise.uniform_noise, "half_width"),
    "sign_noise": _noise(noise.sign_noise, "epsilon"),
    "impulse_noise": _impulse_noise,
    "speckle_noise": _noise(noise.speckle_noise, "sd"),
    "shot_noise": _noise(noise.shot_noise, "photons"),
    "fixed_pattern": _noise(noise.fixed_pattern, "sd", per_image=False),
    **MOVES,
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
    "erode": _erode,
    "sharpen": _sharpen,
    "median": _median,
    "zoom_blur": _zoom_blur,
    "resample": _resample,
    "webp": lambda draw: filters.webp(draw.whole("quality")),
    "jpeg2000": lambda draw: filters.jpeg2000(round(draw.number("ratio"), 2)),
    "illumination": _illumination,
    "color_blur": _color_blur,
    "channel_order": _channel_order,
    **COLORS,
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
IN_COLOR = ("channel_order", "buffer_layout", "color_blur", *COLORS)
PICTURE = tuple(family for family in SINGLES if family not in SAMPLE)
