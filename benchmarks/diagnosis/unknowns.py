"""Shifts that the catalogue does not have: the verdict on them is `unknown`."""

from collections.abc import Callable, Iterator

import numpy as np
from benchmarks.diagnosis.case import Case, Part, by, each
from benchmarks.diagnosis.resample import Way, displaced
from scipy import ndimage

GROUP = "unknown"
Transform = Callable[..., np.ndarray]


def cases() -> Iterator[Case]:
    for name, strengths in STRENGTHS.items():
        for strength in strengths:
            yield unknown_case(name, strength)
    for name in PLAIN:
        yield unknown_case(name, 1)


def unknown_case(name: str, strength: float, transform: Transform | None = None) -> Case:
    """A transformation of (images, generator, strength), by default one of this file."""
    transform = transform or SCALED.get(name) or PLAIN[name]

    def make(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.clip(transform(x, rng, strength), 0, 1)

    return Case(GROUP, (Part("unknown", {}, by(make, {}), GROUP, None, way=f"{name}-{strength:g}"),))


def _places(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pixel, about the centre: x, y, and the distance as a share of the picture's half."""
    h, w = x.shape[1:]
    y, a = np.mgrid[:h, :w]
    y, a = y - (h - 1) / 2, a - (w - 1) / 2
    return a, y, np.hypot(a, y) / (w / 2)


def _swirl(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    a, y, distance = _places(x)
    turn = strength * np.exp(-2 * distance**2)
    dx, dy = a * np.cos(turn) - y * np.sin(turn) - a, a * np.sin(turn) + y * np.cos(turn) - y
    return displaced(x, dx, dy, Way())


def _sine_warp(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    a, y, _ = _places(x)
    return displaced(x, strength * np.sin(2 * np.pi * y / 14), 0 * a, Way())


def _wave(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Sines of both coordinates, whose phase every image draws."""
    a, y, _ = _places(x)
    phase = each(rng.uniform(0, 2 * np.pi, len(x)))
    return displaced(x, strength * np.sin(y / 3 + phase), strength * np.cos(a / 3 + phase), Way())


def _ripple(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    a, y, distance = _places(x)
    out = strength * np.sin(9 * distance) / np.maximum(distance * 14, 1)
    return displaced(x, a * out, y * out, Way())


def _fisheye(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    a, y, distance = _places(x)
    return displaced(x, strength * a * (distance**2 - 0.3), strength * y * (distance**2 - 0.3), Way())


def _blend(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    return (1 - strength / 2) * x + strength / 2 * x[rng.permutation(len(x))]


def _smooth_field(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A gentle brightness that goes up in one direction and down in another, on each image otherwise."""
    a, y, _ = _places(x)
    tilt = rng.normal(size=(3, len(x)))
    field = (each(tilt[0]) * a + each(tilt[1]) * y) / 14 + each(tilt[2]) * (a * y) / 196
    return x + strength * 0.4 * field


def _spotlight(x: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """It grows dark away from a place that every image draws."""
    a, y, _ = _places(x)
    left, top = rng.uniform(-10, 10, (2, len(x)))
    return x * (1 - strength * np.minimum(np.hypot(a - each(left), y - each(top)) / 14, 1))


def _checkerboard(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Every other square is another image's."""
    rows, columns = np.indices(x.shape[1:]) // strength
    return np.where((rows + columns) % 2, x[rng.permutation(len(x))], x)


def _interlace(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    out = x.copy()
    out[:, ::2] = ndimage.shift(x[:, ::2], (0, 0, strength + 0.5), order=1)
    return out


def _clustered_salt(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """White crosses of five pixels."""
    seeds = rng.random(x.shape) < 0.006 * strength
    return np.maximum(x, ndimage.binary_dilation(seeds, ndimage.generate_binary_structure(2, 1)[None]))


def _row_jitter(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Each row of each image slips by its own number of pixels."""
    slips = rng.integers(-strength, strength + 1, x.shape[:2])
    columns = (np.arange(x.shape[2]) - slips[:, :, None]) % x.shape[2]
    return np.take_along_axis(x, columns, 2)


def _inverted_middle(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Greys alone change places: a map of values that rises, falls and rises."""
    return np.where((x > 0.2) & (x < 0.8), 1 - x, x)


def _posterised_half(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    left = np.arange(x.shape[2]) < x.shape[2] // 2
    return np.where(left, np.rint(x * 2) / 2, 1 - x)


def _local_contrast(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    mean = np.stack([ndimage.uniform_filter(one, 7) for one in x])
    square = np.stack([ndimage.uniform_filter(one**2, 7) for one in x])
    return 0.5 + 0.25 * (x - mean) / np.sqrt(np.maximum(square - mean**2, 0) + 0.01)


def _cut_mix(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """A rectangle of another image, where chance puts it."""
    out, other = x.copy(), x[rng.permutation(len(x))]
    for i, (top, left) in enumerate(rng.integers(0, 14, (len(x), 2))):
        out[i, top : top + 14, left : left + 14] = other[i, top : top + 14, left : left + 14]
    return out


def _mosaic(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Pieces 7 high and 4 wide change places, on each image otherwise."""
    n, h, w = x.shape
    cut = x.reshape(n, h // 7, 7, w // 4, 4).swapaxes(2, 3).reshape(n, -1, 7, 4)
    mixed = np.stack([one[rng.permutation(len(one))] for one in cut])
    return mixed.reshape(n, h // 7, w // 4, 7, 4).swapaxes(2, 3).reshape(x.shape)


def _mirrored_half(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    half = x.shape[2] // 2
    return np.concatenate([x[:, :, :half], x[:, :, :half][:, :, ::-1]], 2)


def _dithered(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Floyd and Steinberg's: black and white alone, the error passed on."""
    out = np.pad(x.astype(float), ((0, 0), (0, 1), (1, 1)))
    for row in range(x.shape[1]):
        for column in range(1, x.shape[2] + 1):
            old = out[:, row, column].copy()
            out[:, row, column] = old > 0.5
            error = old - out[:, row, column]
            for down, right, share in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                out[:, row + down, column + right] += error * share / 16
    return out[:, :-1, 1:-1]


def _self_quotient(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Each pixel beside the mean around it."""
    return 0.5 * x / (np.stack([ndimage.gaussian_filter(one, 2.0) for one in x]) + 0.2)


def _rank_filtered(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Each pixel becomes the nearer of the least and the largest value above and below it."""
    low, high = (np.stack([f(one, (5, 1)) for one in x]) for f in (ndimage.minimum_filter, ndimage.maximum_filter))
    return np.where(high - x < x - low, high, low)


def _polar(x: np.ndarray, rng: np.random.Generator, strength: int) -> np.ndarray:
    """Rows become distances from the centre, columns directions."""
    h, w = x.shape[1:]
    y, a = np.mgrid[:h, :w]
    at = 2 * np.pi * a / w
    dx, dy = (w - 1) / 2 + y / 2 * np.cos(at) - a, (h - 1) / 2 + y / 2 * np.sin(at) - y
    return displaced(x, dx, dy, Way())


def _each_image(transform: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda x, rng, strength: np.stack([transform(one) for one in x])


SCALED: dict[str, Transform] = {
    "swirl": _swirl,
    "sine_warp": _sine_warp,
    "wave": _wave,
    "ripple": _ripple,
    "fisheye": _fisheye,
    "blend": _blend,
    "smooth_field": _smooth_field,
    "spotlight": _spotlight,
    "checkerboard": _checkerboard,
    "interlace": _interlace,
    "clustered_salt": _clustered_salt,
    "row_jitter": _row_jitter,
}
STRENGTHS: dict[str, tuple[float, ...]] = {
    "swirl": (1.5, 3.0),
    "sine_warp": (2.0, 3.5),
    "wave": (2.0, 3.5),
    "ripple": (1.0, 1.75),
    "fisheye": (0.35, 0.7),
    "blend": (0.35, 0.7),
    "smooth_field": (0.35, 0.7),
    "spotlight": (0.5, 0.9),
    "checkerboard": (2, 4),
    "interlace": (2, 4),
    "clustered_salt": (2, 4),
    "row_jitter": (2, 4),
}
PLAIN: dict[str, Transform] = {
    "inverted_middle": _inverted_middle,
    "posterised_half": _posterised_half,
    "local_contrast": _local_contrast,
    "cut_mix": _cut_mix,
    "mosaic": _mosaic,
    "mirrored_half": _mirrored_half,
    "dithered": _dithered,
    "self_quotient": _self_quotient,
    "rank_filtered": _rank_filtered,
    "polar": _polar,
    "brighter_of_two": lambda x, rng, strength: np.maximum(x, x[rng.permutation(len(x))]),
    "outlined": _each_image(lambda one: ndimage.morphological_gradient(one, (3, 3))),
    "top_hat": _each_image(lambda one: ndimage.white_tophat(one, (3, 3))),
    "slope": _each_image(lambda one: ndimage.gaussian_gradient_magnitude(one, 1.0)),
    "dark_rows": lambda x, rng, strength: x * (np.arange(x.shape[1]) % 3 > 0)[:, None],
}
