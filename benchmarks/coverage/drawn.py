"""Cases drawn at random: the parameters of a family, who makes it, in floats or bytes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.diagnosis import blur, fashion, filters, geometry, intensity, noise, overlay, tones
from benchmarks.diagnosis.build import dataset
from benchmarks.diagnosis.case import Images, Labels, Made, Part, eight_bits
from benchmarks.diagnosis.families import colors
from benchmarks.diagnosis.families.channel_order import colored
from benchmarks.diagnosis.resample import Way

from shiftassay.random_stream import seed_for
from shiftassay.shifts.estimation.pairs import Pairs

Rng = np.random.Generator
FEWEST, MOST = 200, 600  # images
FASHION = 0.3  # of the cases, where it is installed
CORNER = 4.0  # pixels by which a corner moves, at most
KERNEL_SHARES = {"bilinear": 0.4, "cubic": 0.4, "nearest": 0.2}


@dataclass(frozen=True, eq=False)
class Drawn:
    """A case: the part that made it, or two in a row, and its pairs."""

    parts: tuple[Part, ...]
    dataset: str
    pairs: Pairs


def drawn(family: str, seed: int, number: int) -> Drawn:
    """Case `number` of a family: parameters, maker, number of images and images follow from the seed."""
    rng = np.random.default_rng(seed_for(seed, "coverage", family, number))
    parts = _noise_and(family.removeprefix(NOISE_AND), rng) if family in TWO_PARTS else (DRAWS[family](rng),)
    name = fashion.DATASET if fashion.INSTALLED_HERE and rng.random() < FASHION else "mnist"
    test = dataset(name).test
    assert test.labels is not None
    chosen = np.sort(rng.permutation(len(test))[: rng.integers(FEWEST, MOST + 1)])
    reference = test.images[chosen, 0]
    if family in IN_COLOUR:
        reference = colored(reference, rng).astype(np.float32)
    shifted = reference
    for part in parts:
        shifted = part.make(shifted, test.labels[chosen], rng).images
    sides = (np.asarray(side, np.float32) for side in (reference, shifted))
    return Drawn(parts, name, Pairs(*(side if side.ndim == 4 else side[:, None] for side in sides)))


def _way(rng: Rng, nearest: bool = True, half: bool = True) -> Way:
    kernels = {name: share for name, share in KERNEL_SHARES.items() if nearest or name != "nearest"}
    shares = np.array(list(kernels.values()))
    kernel = str(rng.choice(list(kernels), p=shares / shares.sum()))
    library = str(rng.choice(["scipy", "cv2", "PIL", "skimage"]))
    return Way(library, kernel, half and bool(rng.random() < 0.3), bool(rng.random() < 0.5))


def _rotate(rng: Rng) -> Part:
    angle = float(rng.uniform(-90, 90))
    if rng.random() < 0.3:
        library = str(rng.choice(["scipy.rotate", "PIL.rotate", "skimage.rotate", "cv2.rotate"]))
        return geometry.rotate(angle, Way(library, "bilinear", rounded=bool(rng.random() < 0.5)))
    # Nearest neighbours within 4 degrees of a quarter turn are that turn: no fraction is left.
    return geometry.rotate(angle, _way(rng, nearest=4 < abs(angle) < 86))


def _affine(rng: Rng) -> Part:
    linear = np.eye(2) + rng.uniform(-0.25, 0.25, (2, 2))
    return geometry.affine(np.c_[linear, rng.uniform(-2, 2, 2)].tolist(), _way(rng, half=False))


def _perspective(rng: Rng) -> Part:
    return geometry.perspective(rng.uniform(-CORNER, CORNER, (4, 2)).tolist(), _way(rng, half=False))


def _gaussian_blur(rng: Rng) -> Part:
    library = str(rng.choice(["scipy", "cv2", "skimage", "scipy-bytes", "cv2-bytes", "skimage-bytes", "PIL-bytes"]))
    return blur.gaussian_blur(_log(rng, 0.6, 3.0), library)


def _rescale(rng: Rng) -> Part:
    """In floats to any range; in bytes to one within black and white, as the family clips nothing."""
    if _coin(rng):
        return intensity.rescale(_log(rng, 0.3, 4.0), _signed(rng, 0.05, 2.0))
    scale = _log(rng, 0.3, 0.9)
    return _maybe_in_bytes(intensity.rescale(scale, float(rng.uniform(0.03, 1 - scale))), rounded=True)


def _hue(rng: Rng) -> Part:
    """An angle that is asked for; Pillow and OpenCV turn by whole steps of theirs, torchvision cuts Pillow's off."""
    angle, way = _signed(rng, 10, 150), str(rng.choice(["PIL", "cv2", "float"]))
    if way == "PIL":
        made = colors.hue(float(np.floor(angle / colors.PILLOW_STEP) * colors.PILLOW_STEP), way)
        return replace(made, parameters={"angle": angle})
    return replace(colors.hue(angle, way), parameters={"angle": angle})


def _zoom_blur(rng: Rng) -> Part:
    return _maybe_in_bytes(filters.zoom_blur(float(rng.uniform(1.1, 1.6)), int(rng.integers(8, 16))), _coin(rng))


def _resample(rng: Rng) -> Part:
    if _coin(rng):
        down, up = str(rng.choice(["box", "bilinear", "bicubic"])), str(rng.choice(["bilinear", "bicubic", "nearest"]))
        return filters.resample(float(rng.uniform(1.4, 3.5)), down, up, True, "PIL")
    return filters.resample(float(rng.uniform(1.4, 3.5)), "area", str(rng.choice(["bilinear", "bicubic"])), True, "cv2")


def _channel_rescale(rng: Rng) -> Part:
    clip = _coin(rng)
    part = colors.channel_rescale(rng.uniform(0.5, 1.5, 3).tolist(), rng.uniform(-0.2, 0.2, 3).tolist(), clip)
    return _maybe_in_bytes(part, clip and _coin(rng))


def _color_matrix(rng: Rng) -> Part:
    matrix = np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3))
    return _maybe_in_bytes(colors.color_matrix(matrix.tolist(), rng.uniform(-0.05, 0.05, 3).tolist()), _coin(rng))


def _elastic(rng: Rng) -> Part:
    way = _way(rng, nearest=False, half=False)
    return geometry.elastic(_log(rng, 0.4, 1.6), float(rng.uniform(2.5, 5)), "per_image", way)


def _spatter(rng: Rng) -> Part:
    coverage, size, softness = float(rng.uniform(0.08, 0.5)), _log(rng, 0.9, 4), float(rng.uniform(0.4, 1.6))
    return overlay.spatter(coverage, size, softness, float(rng.uniform(0.1, 1)), _coin(rng))


def _canny_edges(rng: Rng) -> Part:
    low = float(rng.uniform(0.05, 0.3))
    return overlay.canny_edges(float(rng.uniform(0.5, 2)), low, low + float(rng.uniform(0.05, 0.4)))


def _log(rng: Rng, low: float, high: float) -> float:
    """Between two numbers, uniformly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _coin(rng: Rng) -> bool:
    return bool(rng.random() < 0.5)


def _signed(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high) * rng.choice([-1, 1]))


DRAWS: dict[str, Callable[[Rng], Part]] = {
    "rotate": _rotate,
    "translate": lambda rng: geometry.translate(*map(float, rng.uniform(-5, 5, 2)), _way(rng, nearest=False)),
    "scale": lambda rng: geometry.scale(factor := _log(rng, 0.55, 1.8), _way(rng, nearest=abs(factor - 1) > 0.1)),
    "shear": lambda rng: geometry.shear(_signed(rng, 0.1, 0.8), _way(rng)),
    "affine": _affine,
    "perspective": _perspective,
    "gaussian_blur": _gaussian_blur,
    "defocus_blur": lambda rng: blur.defocus_blur(float(rng.uniform(1.2, 5)), _coin(rng)),
    "motion_blur": lambda rng: blur.motion_blur(float(rng.uniform(3, 12)), float(rng.uniform(0, 180)), _coin(rng)),
    "gain": lambda rng: intensity.gain(_log(rng, 0.25, 2.5), _coin(rng)),
    "offset": lambda rng: intensity.offset(_signed(rng, 0.05, 0.5), _coin(rng)),
    "gamma": lambda rng: intensity.gamma(_log(rng, 0.35, 3.0), _coin(rng)),
    "rescale": _rescale,
    "threshold": lambda rng: intensity.threshold(float(rng.uniform(0.1, 0.9))),
    "gaussian_noise": lambda rng: noise.gaussian_noise(_log(rng, 0.02, 0.6), *_kind(rng)),
    "uniform_noise": lambda rng: noise.uniform_noise(_log(rng, 0.04, 0.8), *_kind(rng)),
    "sign_noise": lambda rng: noise.sign_noise(_log(rng, 0.02, 0.4), *_kind(rng)),
    "impulse_noise": lambda rng: noise.impulse_noise(_log(rng, 0.01, 0.5), _coin(rng)),
    "speckle_noise": lambda rng: noise.speckle_noise(_log(rng, 0.08, 0.8), *_kind(rng)),
    "shot_noise": lambda rng: noise.shot_noise(_log(rng, 2.5, 90), *_kind(rng)),
    "pixel_dropout": lambda rng: overlay.pixel_dropout(float(rng.uniform(0.05, 0.8)), _coin(rng)),
    "fixed_pattern": lambda rng: noise.fixed_pattern(_log(rng, 0.03, 0.5), *_kind(rng)),
    "occlusion": lambda rng: _maybe_in_bytes(overlay.occlusion(*_box(rng), float(rng.uniform(0.1, 1))), _coin(rng)),
    "fog": lambda rng: overlay.fog(_log(rng, 0.3, 3), float(rng.uniform(1.4, 3)), _coin(rng)),
    "contrast": lambda rng: tones.contrast(_log(rng, 0.4, 2.0), str(rng.choice(["PIL", "float"]))),
    "solarize": lambda rng: tones.solarize(int(rng.integers(60, 220))),
    "sharpen": lambda rng: filters.sharpen(_log(rng, 0.5, 3), float(rng.uniform(0.8, 2.5)), _sharpened_by(rng)),
    "zoom_blur": _zoom_blur,
    "resample": _resample,
    "channel_rescale": _channel_rescale,
    "saturation": lambda rng: colors.saturation(_log(rng, 0.2, 2.5), str(rng.choice(["PIL", "float"]))),
    "hue": _hue,
    "color_matrix": _color_matrix,
    "grayscale": lambda rng: _maybe_in_bytes(colors.grayscale(rng.dirichlet((4, 4, 4)).tolist()), _coin(rng)),
    "color_blur": lambda rng: filters.color_blur(float(rng.uniform(1, 4)), float(rng.uniform(0.5, 1))),
    "dotted_line": lambda rng: overlay.dotted_line(float(rng.uniform(1.3, 3.5)), int(rng.integers(2, 5)), _coin(rng)),
    "zigzag": lambda rng: overlay.zigzag(*map(float, rng.uniform((1.5, 1.5, 1.3), (4.0, 5.0, 3.5))), _coin(rng)),
    "elastic": _elastic,
    "glass_blur": lambda rng: blur.glass_blur(float(rng.uniform(0.5, 1.2)), *map(int, rng.integers(1, (4, 3)))),
    "spatter": _spatter,
    "canny_edges": _canny_edges,
    "jpeg2000": lambda rng: filters.jpeg2000(_log(rng, 1.3, 3.2)),
}


NOISE_AND = "noise and "
TWO_PARTS = tuple(NOISE_AND + family for family in ("translate", "gaussian_blur", "gain", "offset", "gamma"))
NOISES: tuple[Callable[[Rng], Part], ...] = (
    lambda rng: noise.gaussian_noise(_log(rng, 0.05, 0.4), False, True),
    lambda rng: noise.uniform_noise(_log(rng, 0.08, 0.6), False, True),
    lambda rng: noise.speckle_noise(_log(rng, 0.1, 0.6), False, True),
    lambda rng: noise.shot_noise(_log(rng, 5, 60), False, True),
    lambda rng: noise.impulse_noise(_log(rng, 0.02, 0.4), False),
    lambda rng: overlay.pixel_dropout(float(rng.uniform(0.05, 0.4)), False),
)
PARTNERS: dict[str, Callable[[Rng], Part]] = {
    "translate": lambda rng: geometry.translate(*map(float, rng.uniform(-4, 4, 2)), Way("scipy", "bilinear")),
    "gaussian_blur": lambda rng: blur.gaussian_blur(_log(rng, 0.6, 2.0), "scipy"),
    "gain": lambda rng: intensity.gain(_log(rng, 0.3, 0.95), False),
    "offset": lambda rng: intensity.offset(_signed(rng, 0.05, 0.3), False),
    "gamma": lambda rng: intensity.gamma(_log(rng, 0.5, 2.0), False),
}


def _noise_and(family: str, rng: Rng) -> tuple[Part, ...]:
    """Noise and a part of this family, in either order, kept as floats or as bytes at the end."""
    parts = [NOISES[rng.integers(len(NOISES))](rng), PARTNERS[family](rng)]
    first, last = parts if _coin(rng) else reversed(parts)
    return first, _maybe_in_bytes(last, _coin(rng))


IN_COLOUR = ("grayscale", "channel_rescale", "saturation", "hue", "color_matrix", "color_blur")


def _sharpened_by(rng: Rng) -> str:
    return str(rng.choice(["scipy", "PIL-bytes"]))


def _kind(rng: Rng) -> tuple[bool, bool]:
    """In bytes or not, and clipped or not: bytes are always clipped."""
    rounded = _coin(rng)
    return rounded, rounded or _coin(rng)


def _maybe_in_bytes(part: Part, rounded: bool) -> Part:
    if not rounded:
        return part

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        made = part.make(images, labels, rng)
        return replace(made, images=eight_bits(made.images))

    return replace(part, make=make, way=f"{part.way}-bytes")


def _box(rng: Rng) -> tuple[int, int, int, int]:
    height, width = map(int, rng.integers(6, 18, 2))
    return int(rng.integers(2, 26 - height)), int(rng.integers(2, 26 - width)), height, width
