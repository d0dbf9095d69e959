"""What strengths are drawn from on photographs of 224 × 224: those of digits, but for what differs.

A photograph has more and finer detail: noise and JPEG are seen earlier, and lengths in pixels are longer.
"""

from dataclasses import replace

from benchmarks.diagnosis.drawn.ranges import RANGES, Range
from benchmarks.photographs.source import SIZE

OTHER: dict[str, dict[str, Range]] = {
    "offset": {"amount": Range(0.02, 0.5, log=True)},
    "gamma": {"exponent": Range(1.1, 3.0, log=True)},
    "quantize": {"levels": Range(3, 16, whole=True)},
    "gaussian_noise": {"sd": Range(0.015, 0.4, log=True)},
    "uniform_noise": {"half_width": Range(0.025, 0.6, log=True)},
    "sign_noise": {"epsilon": Range(0.015, 0.4, log=True)},
    "impulse_noise": {"fraction": Range(0.005, 0.4, log=True)},
    "speckle_noise": {"sd": Range(0.05, 0.7, log=True)},
    "shot_noise": {"photons": Range(3.0, 500.0, log=True)},
    "fixed_pattern": {"sd": Range(0.015, 0.4, log=True)},
    "jpeg": {"quality": Range(5, 90, log=True)},
    "webp": {"quality": Range(2, 90, whole=True)},
    "jpeg2000": {"ratio": Range(8.0, 120.0, log=True)},
    "zoom_blur": {"factor": Range(1.05, 1.4)},
    "illumination": {"strength": Range(0.15, 0.85), "angle": Range(-180.0, 180.0)},
    "pixel_dropout": {"fraction": Range(0.01, 0.8, log=True)},
    "canny_edges": {"sd": Range(0.8, 3.0), "low": Range(0.03, 0.2), "more": Range(0.05, 0.3)},
    "shear": {"factor": Range(0.03, 0.6, log=True)},
    "fog": {"amount": Range(0.3, 4.0, log=True), "decay": Range(1.5, 3.0)},  # ImageNet-C's are 1.5 … 3 and 2 … 1.4
}
IN_PIXELS: dict[str, dict[str, Range]] = {
    "translate": {"length": Range(0.5, 64.0, log=True)},
    "roll": {"length": Range(8, 112, whole=True)},
    "perspective": {"corner": Range(-40.0, 40.0)},
    "elastic": {"amplitude": Range(1.0, 12.0, log=True), "smoothness": Range(6.0, 30.0)},
    "gaussian_blur": {"sd": Range(0.6, 6.0, log=True)},
    "defocus_blur": {"radius": Range(1.25, 10.0, log=True)},
    "motion_blur": {"length": Range(3.0, 40.0, log=True)},
    "glass_blur": {"sd": Range(0.5, 1.5), "reach": Range(1, 4, whole=True), "rounds": Range(1, 2, whole=True)},
    "pixelate": {"factor": Range(2, 16, whole=True)},
    "occlusion": {"side": Range(20, 160, whole=True)},
    "stripe": {"columns": Range(2, 96, whole=True)},
    "spatter": {"size": Range(1.5, 10.0), "softness": Range(0.5, 2.5)},
    "dotted_line": {"width": Range(1.5, 10.0), "dash": Range(2, 24, whole=True)},
    "zigzag": {"step": Range(3.0, 24.0), "height": Range(3.0, 32.0), "width": Range(1.5, 8.0)},
    "dilate": {"size": Range(2, 9, whole=True)},
    "erode": {"size": Range(2, 9, whole=True)},
    "sharpen": {"sd": Range(0.6, 6.0, log=True)},
    "median": {"reach": Range(1, 4, whole=True)},
    "resample": {"factor": Range(1.2, 8.0, log=True)},
    "color_blur": {"sd": Range(1.5, 12.0, log=True)},
}
"""Lengths, whose upper ends shrink with the picture."""


def ranges(size: int) -> dict[str, dict[str, Range]]:
    """By family, then by what is drawn, for photographs of this size."""
    pixels = {
        family: {name: _shrunk(length, size) for name, length in of_family.items()}
        for family, of_family in IN_PIXELS.items()
    }
    families = {**RANGES, **OTHER, **pixels}
    return {family: {**RANGES.get(family, {}), **of_family} for family, of_family in families.items()}


def _shrunk(length: Range, size: int) -> Range:
    """Up to the same share of the side, and up to twice the lower end at least."""
    if length.low < 0:
        return replace(length, low=length.low * size / SIZE, high=length.high * size / SIZE)
    return replace(length, high=max(length.high * size / SIZE, 2 * length.low) if size < SIZE else length.high)
