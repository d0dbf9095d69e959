"""Cases that move the picture."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Parameter, Part, by
from benchmarks.diagnosis.resample import ORDERS, WAYS, Way, clipped, displaced, mapped
from PIL import Image
from scipy import ndimage

GROUP = "geometry"
PLAIN = Way()
CORNERS = (
    [[3, 2], [-2, 1], [-3, -2], [1, -2]],
    [[0, 4], [0, -1], [0, 1], [0, -4]],
    [[5, 0], [-5, 0], [1, 2], [-1, 2]],
)
MATRICES = (
    [[1.1, 0.15, 1.0], [-0.1, 0.9, -1.5]],
    [[0.8, -0.3, 0.0], [0.1, 1.2, 2.0]],
    [[1.0, 0.3, -2.0], [0.25, 1.1, 0.0]],
)


def parts() -> Iterator[Part]:
    ways = _cycle(WAYS)
    for strength in (
        5.0,
        15.0,
        -40.0,
        90.0,
        {"low": -30.0, "high": 30.0},
        {"values": [-15.0, 15.0]},
        {"values": [-30.0, 30.0]},
    ):
        for _ in range(3):
            yield rotate(strength, next(ways) if strength != 90 else _uncentered(next(ways)))
    for angle, library in (
        (10.0, "scipy.rotate"),
        (25.0, "PIL.rotate"),
        (-60.0, "skimage.rotate"),
        (33.0, "cv2.rotate"),
    ):
        yield rotate(angle, Way(library, "bilinear"))
    for quarter in (90.0, 180.0, -90.0):
        yield rotate(quarter, Way("np.rot90", "nearest"))
    for dx, dy in (
        (1.0, 0.0),
        (2.5, -1.25),
        (-4.0, 3.0),
        ({"low": -4, "high": 4}, {"low": -3, "high": 3}),
        ({"values": [-3.0, 3.0]},) * 2,
    ):
        for _ in range(3):
            yield translate(dx, dy, next(ways))
    for dx, dy in ((9, 0), (0, -8), (13, 7), ({"values": [-9, 9]}, {"values": [-8, 8]})):
        yield roll(dx, dy)
    for factor in (0.9, 0.7, 1.3, {"low": 0.6, "high": 1.2}, {"values": [0.8, 1.25]}):
        for _ in range(3):
            yield scale(factor, next(ways))
    for factor, library in ((0.5, "PIL.resize"), (1.5, "cv2.resize"), (18 / 28, "skimage.resize")):
        yield scale(factor, Way(library, "bilinear"))
    for factor in (0.15, 0.4, -0.8, {"low": -0.5, "high": 0.5}, {"values": [-0.4, 0.4]}):
        for _ in range(3):
            yield shear(factor, next(ways))
    for matrix in (*MATRICES, {"values": [MATRICES[0], MATRICES[1]]}):
        for _ in range(2):
            yield affine(matrix, _uncentered(next(ways)))
    for corners in (*CORNERS, {"values": [CORNERS[0], CORNERS[1]]}):
        for _ in range(2):
            yield perspective(corners, _uncentered(next(ways)))
    for amplitude, smoothness in ((0.7, 3.0), (1.5, 4.0), (2.5, 5.0)):
        for scope in ("shared", "per_image"):
            yield elastic(amplitude, smoothness, scope, Way("scipy", "bilinear"))
            yield elastic(amplitude, smoothness, scope, Way("cv2", "cubic", rounded=True))
    yield from (flip_horizontal(), flip_vertical(), transpose())


def rotate(angle: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, angle: np.ndarray) -> np.ndarray:
        if way.library in ROTATIONS:
            return clipped(np.stack([ROTATIONS[way.library](one, a) for one, a in zip(x, angle, strict=True)]))
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        # Forward, with y down, counter-clockwise on the screen: (x, y) to (cos x + sin y, −sin x + cos y).
        return mapped(x, _matrices(cos, -sin, sin, cos), way)

    quarters = not isinstance(angle, dict) and angle % 90 == 0
    return _part("rotate", {"angle": angle}, transform, way, information="preserved" if quarters else "reduced")


def translate(dx: Parameter, dy: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        if way.library == "scipy":
            order = ORDERS[way.kernel]
            moved = [ndimage.shift(one, (b, a), order=order) for one, a, b in zip(x, dx, dy, strict=True)]
            return np.clip(np.stack(moved), 0, 1)
        one = np.ones(len(x))
        return mapped(x, _matrices(one, 0 * one, 0 * one, one, -dx, -dy), way)

    if way.kernel == "nearest" and not all(isinstance(d, float) and d.is_integer() for d in (dx, dy)):
        way = Way(way.library, "bilinear", way.half, way.rounded)  # no fraction would be left of it
    return _part("translate", {"dx": dx, "dy": dy}, transform, way)


def roll(dx: Parameter, dy: Parameter) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        moves = zip(x, dx.astype(int), dy.astype(int), strict=True)
        return np.stack([np.roll(one, (b, a), (0, 1)) for one, a, b in moves])

    return _part("roll", {"dx": dx, "dy": dy}, transform, Way("np.roll", "nearest"), information="preserved")


def scale(factor: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, factor: np.ndarray) -> np.ndarray:
        if way.library in SIZES:
            return np.clip(
                np.stack([_centered(SIZES[way.library](one, round(factor[0] * len(one))), one.shape) for one in x]),
                0,
                1,
            )
        return mapped(x, _matrices(1 / factor, 0 * factor, 0 * factor, 1 / factor), way)

    return _part("scale", {"factor": factor}, transform, way)


def shear(factor: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, factor: np.ndarray) -> np.ndarray:
        one = np.ones(len(x))
        return mapped(x, _matrices(one, -factor, 0 * one, one), way)

    return _part("shear", {"factor": factor}, transform, way)


def affine(matrix: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, matrix: np.ndarray) -> np.ndarray:
        forward = np.tile(np.eye(3), (len(x), 1, 1))
        forward[:, :2] = matrix
        return mapped(x, np.linalg.inv(forward), way)

    return _part("affine", {"matrix": matrix}, transform, way)


def perspective(corners: Parameter, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, corners: np.ndarray) -> np.ndarray:
        h, w = x.shape[1:3]
        start = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [(w - 1) / 2, (h - 1) / 2]
        return mapped(x, np.stack([_homography(start + moved, start) for moved in corners]), way)

    return _part("perspective", {"corners": corners}, transform, way)


def elastic(amplitude: float, smoothness: float, scope: str, way: Way = PLAIN) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        n, h, w = x.shape
        count = n if scope == "per_image" else 1
        # Smoothing round the borders is a product in Fourier space; the gain there makes the sd what it should be.
        fy, fx = np.fft.fftfreq(h), np.fft.fftfreq(w)
        response = np.exp(-2 * (np.pi * smoothness) ** 2 * (fy[:, None] ** 2 + fx**2))
        white = np.fft.fft2(rng.normal(size=(count, 2, h, w)))
        field = np.fft.ifft2(white * response).real * (amplitude / np.sqrt((response**2).mean()))
        return displaced(x, field[:, 0], field[:, 1], way), {} if scope == "per_image" else {"field": field[0].ravel()}

    make = by(transform, {}, way.rounded)
    return Part("elastic", {"amplitude": amplitude, "smoothness": smoothness}, make, GROUP, scope, way=str(way))


def flip_horizontal() -> Part:
    return Part(
        "flip_horizontal",
        {},
        by(lambda x, rng: np.stack([np.fliplr(one) for one in x]), {}),
        GROUP,
        "shared",
        "preserved",
    )


def flip_vertical() -> Part:
    return Part(
        "flip_vertical",
        {},
        by(lambda x, rng: np.stack([np.flipud(one) for one in x]), {}),
        GROUP,
        "shared",
        "preserved",
    )


def transpose() -> Part:
    transform = lambda x, rng: np.stack(
        [np.asarray(Image.fromarray(one).transpose(Image.Transpose.TRANSPOSE)) for one in x]
    )
    return Part("transpose", {}, by(transform, {}), GROUP, "shared", "preserved", "PIL")


def _part(
    family: str, parameters: dict[str, Parameter], transform: Callable[..., Any], way: Way, information: str = "reduced"
) -> Part:
    scope = "per_image" if any(isinstance(v, dict) for v in parameters.values()) else "shared"
    return Part(family, parameters, by(transform, parameters, way.rounded), GROUP, scope, information, str(way))


def _matrices(a: Any, b: Any, c: Any, d: Any, e: Any = 0, f: Any = 0) -> np.ndarray:
    """((a b e), (c d f), (0 0 1)) of each image."""
    zero = np.zeros_like(a)
    rows = [[a, b, zero + e], [c, d, zero + f], [zero, zero, zero + 1]]
    return np.moveaxis(np.array(rows), -1, 0)


def _homography(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The 3 × 3 matrix that takes four points to four others.

    It is the null vector of eight equations (direct linear transform).
    """
    rows = []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, -u], [0, 0, 0, x, y, 1, -v * x, -v * y, -v]]
    null = np.linalg.svd(np.array(rows))[2][-1]
    return (null / null[-1]).reshape(3, 3)


def _centered(small: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """In the middle of black, or the middle of it."""
    away = (shape[0] - len(small)) // 2
    return np.pad(small, away) if away >= 0 else small[-away : -away + shape[0], -away : -away + shape[1]]


def _pil_resize(image: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def _cv2_resize(image: np.ndarray, side: int) -> np.ndarray:
    import cv2

    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def _skimage_resize(image: np.ndarray, side: int) -> np.ndarray:
    from skimage.transform import resize

    return resize(image, (side, side), order=1, anti_aliasing=True)


def _skimage_rotate(image: np.ndarray, angle: float) -> np.ndarray:
    from skimage.transform import rotate

    return rotate(image, angle, order=1)


def _cv2_rotate(image: np.ndarray, angle: float) -> np.ndarray:
    import cv2

    h, w = image.shape[:2]
    return cv2.warpAffine(image, cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), angle, 1.0), (w, h))


def _uncentered(way: Way) -> Way:
    """About (h − 1)/2: where the other centre would be another shift."""
    return Way(way.library, way.kernel, False, way.rounded)


def _cycle(ways: tuple[Way, ...]) -> Iterator[Way]:
    while True:
        yield from ways


SIZES = {"PIL.resize": _pil_resize, "cv2.resize": _cv2_resize, "skimage.resize": _skimage_resize}
ROTATIONS = {
    "scipy.rotate": lambda image, angle: ndimage.rotate(image, angle, reshape=False, order=1),
    "PIL.rotate": lambda image, angle: np.asarray(Image.fromarray(image).rotate(angle, Image.Resampling.BILINEAR)),
    "skimage.rotate": _skimage_rotate,
    "cv2.rotate": _cv2_rotate,
    "np.rot90": lambda image, angle: np.rot90(image, round(angle / 90)),
}
