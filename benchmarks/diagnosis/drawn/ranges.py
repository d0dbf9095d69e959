"""What strengths are drawn from, family by family, in the catalogue's units.

The ranges reach from a change that is hardly visible to one that leaves little of a digit. Where a draw changes less
than `cases.VISIBLE`, it is drawn again.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Range:
    """Uniform from `low` to `high`, or uniform in the logarithm, or a whole number, both ends included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        if self.log:
            return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        return float(rng.uniform(self.low, self.high))

    def signed(self, rng: np.random.Generator) -> float:
        """Of either sign."""
        return self.draw(rng) * float(rng.choice([-1, 1]))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


RANGES: dict[str, dict[str, Range]] = {
    "gain": {"darker": Range(0.15, 0.95), "brighter": Range(1.1, 3.0)},
    "offset": {"amount": Range(0.02, 0.6, log=True)},  # of either sign
    "gamma": {"exponent": Range(1.1, 4.0, log=True)},  # or one over it
    "threshold": {"level": Range(0.1, 0.9)},
    "quantize": {"levels": Range(3, 12, whole=True)},
    "rescale": {"scale": Range(0.3, 4.0, log=True), "offset": Range(0.05, 1.5, log=True)},  # offset of either sign
    "contrast": {"softer": Range(0.2, 0.9), "harder": Range(1.1, 2.5, log=True)},
    "solarize": {"in_bytes": Range(20, 230, whole=True)},
    "posterize": {"bits": Range(1, 5, whole=True)},
    "tone_curve": {"gain": Range(4.0, 12.0)},  # of a sigmoid; half of the curves are those of sRGB
    "byte_wrap": {"distance": Range(10, 118, whole=True)},  # of either sign; some are signed bytes
    "gaussian_noise": {"sd": Range(0.015, 0.6, log=True)},
    "uniform_noise": {"half_width": Range(0.025, 0.9, log=True)},
    "sign_noise": {"epsilon": Range(0.015, 0.5, log=True)},
    "impulse_noise": {"fraction": Range(0.005, 0.6, log=True)},
    "speckle_noise": {"sd": Range(0.05, 0.8, log=True)},
    "shot_noise": {"photons": Range(2.0, 300.0, log=True)},
    "fixed_pattern": {"sd": Range(0.015, 0.5, log=True)},
    "rotate": {"angle": Range(1.0, 180.0, log=True)},  # of either sign
    "translate": {"length": Range(0.3, 8.0, log=True)},  # in any direction
    "roll": {"length": Range(5, 14, whole=True)},  # along x, y or both; ink wraps
    "scale": {"smaller": Range(0.4, 0.97), "larger": Range(1.03, 2.0)},
    "shear": {"factor": Range(0.03, 1.0, log=True)},  # of either sign
    "affine": {"angle": Range(-25, 25), "stretch": Range(0.7, 1.4, log=True), "shear": Range(-0.4, 0.4)},
    "perspective": {"corner": Range(-5.0, 5.0)},
    "elastic": {"amplitude": Range(0.4, 3.0, log=True), "smoothness": Range(2.5, 5.0)},
    "gaussian_blur": {"sd": Range(0.45, 3.0, log=True)},
    "defocus_blur": {"radius": Range(1.25, 5.0, log=True)},
    "motion_blur": {"length": Range(2.5, 15.0, log=True), "angle": Range(0.0, 180.0)},
    "glass_blur": {"sd": Range(0.5, 1.2), "reach": Range(1, 3, whole=True), "rounds": Range(1, 2, whole=True)},
    "pixelate": {"factor": Range(2, 7, whole=True)},
    "jpeg": {"quality": Range(4, 80, log=True)},
    "occlusion": {"side": Range(4, 20, whole=True), "fill": Range(0.0, 1.0)},
    "stripe": {"columns": Range(1, 12, whole=True)},
    "pixel_dropout": {"fraction": Range(0.02, 0.8, log=True)},
    "fog": {"amount": Range(0.3, 4.0, log=True), "decay": Range(1.5, 3.5)},
    "spatter": {
        "coverage": Range(0.08, 0.6, log=True),
        "size": Range(1.0, 4.0),
        "softness": Range(0.5, 1.5),
        "shade": Range(0.1, 0.9),
    },
    "dotted_line": {"width": Range(1.3, 3.5), "dash": Range(1, 6, whole=True)},
    "zigzag": {"step": Range(1.5, 4.0), "height": Range(1.5, 5.0), "width": Range(1.3, 3.5)},
    "canny_edges": {"sd": Range(0.5, 2.0), "low": Range(0.05, 0.3), "more": Range(0.05, 0.4)},  # high is low + more
    "dilate": {"size": Range(2, 6, whole=True)},
    "channel_rescale": {
        "gain": Range(0.6, 1.3),
        "scale": Range(0.3, 4.0, log=True),
        "offset": Range(0.05, 1.5, log=True),  # of either sign
    },
    "saturation": {"weaker": Range(0.1, 0.8), "stronger": Range(1.25, 3.0)},
    "hue": {"angle": Range(10.0, 180.0, log=True)},  # of either sign
    "color_matrix": {"mixing": Range(0.1, 0.4)},
    "erode": {"size": Range(2, 3, whole=True)},
    "sharpen": {"amount": Range(0.4, 3.0, log=True), "sd": Range(0.6, 3.0, log=True)},
    "median": {"reach": Range(1, 2, whole=True)},  # the size is 2 reach + 1
    "zoom_blur": {"factor": Range(1.1, 1.6)},
    "resample": {"factor": Range(1.3, 5.0, log=True)},
    "webp": {"quality": Range(2, 60, whole=True)},
    "jpeg2000": {"ratio": Range(1.5, 2.5)},  # a file of a small picture is mostly its head
    "color_blur": {"sd": Range(0.8, 3.0, log=True), "amount": Range(0.4, 0.9)},
    "illumination": {"strength": Range(0.3, 0.85), "angle": Range(-180.0, 180.0)},
    "adversarial": {"linf": Range(0.03, 0.25, log=True), "l2": Range(0.8, 4.0, log=True)},
    "class_prior": {"spread": Range(0.5, 1.5)},  # sd of the logarithm of the classes' shares
    "label_permutation": {"classes": Range(2, 10, whole=True)},  # that change numbers
    "label_noise": {"fraction": Range(0.05, 0.7, log=True)},
    "label_misalignment": {"offset": Range(1, 20, whole=True)},  # of either sign; or shuffled
}
"""By family, then by what is drawn; the comments say what the drawn numbers are where their names do not."""

IMAGES = Range(60, 10_000, log=True)
UNPAIRED_IMAGES = Range(200, 10_000, log=True)
NULL_IMAGES = Range(60, 3000, log=True)  # without pairs, which takes longest
LEFT_OUT_IMAGES = Range(60, 3000, log=True)
SHARE = Range(0.2, 0.8)  # of images that are touched, where not all are

UNKNOWN: dict[str, Range] = {
    "blend": Range(0.2, 1.0),
    "checkerboard": Range(1, 7, whole=True),
    "interlace": Range(1, 6, whole=True),
    "clustered_salt": Range(0.5, 6.0, log=True),
    "row_jitter": Range(1, 6, whole=True),
    "posterised_half": Range(1, 1),
    "local_contrast": Range(0.3, 1.0),
    "cut_mix": Range(1, 1),
    "mosaic": Range(1, 1),
    "mirrored_half": Range(1, 1),
    "dithered": Range(1, 1),
    "polar": Range(1, 1),
    "brighter_of_two": Range(0.3, 1.0),
    "outlined": Range(0.3, 1.0),
    "slope": Range(0.3, 1.0),
    "dark_rows": Range(0.3, 1.0),
    "ghost": Range(0.25, 0.9),
    "grain": Range(0.05, 0.4, log=True),
    "banding": Range(0.05, 0.4, log=True),
    "dead_rows": Range(0.05, 0.5, log=True),
    "patch_gain": Range(0.15, 0.6),
    "holes": Range(3, 12, whole=True),
    "rain": Range(3, 20, whole=True),
    "spin_blur": Range(12.0, 60.0),
    "grid": Range(0.25, 1.0),
    "halftone": Range(0.3, 1.0),
    "shadow": Range(0.4, 0.9),
    "comb": Range(1.0, 4.0),
    "swapped_halves": Range(1, 1),
    "salted_edges": Range(0.1, 0.6),
    "tear": Range(2, 8, whole=True),
}
"""Of transformations that are in no catalogue: the argument of their function in `strangers`."""
