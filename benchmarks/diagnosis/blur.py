"""Cases that spread pixels over their neighbours, or store the picture with less."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Parameter, Part, by
from PIL import Image, ImageFilter
from scipy import ndimage

GROUP = "blur"
FINE = 15  # points along a pixel's side, or steps to a pixel along a line


def parts() -> Iterator[Part]:
    for sd in (0.7, 1.2, 2.0):
        for library in ("scipy", "cv2", "PIL-bytes", "skimage-bytes"):
            yield gaussian_blur(sd, library)
    yield gaussian_blur({"low": 0.6, "high": 2.0}, "scipy")
    for radius in (1.5, 2.5, 4.0, {"low": 1.5, "high": 4.0}):
        for rounded in (False, True):
            yield defocus_blur(radius, rounded)
    for length, angle in (
        (5.0, 0.0),
        (9.0, 45.0),
        (13.0, 110.0),
        (9.0, {"low": 20.0, "high": 70.0}),
        ({"low": 5, "high": 13}, 0.0),
    ):
        for rounded in (False, True):
            yield motion_blur(length, angle, rounded)
    yield motion_blur(11.0, 180.0, fading=5.0)
    for sd, reach, rounds in ((0.7, 1, 2), (0.9, 2, 1), (1.1, 3, 2)):
        yield glass_blur(sd, reach, rounds)
    for factor, way in ((2, "PIL"), (4, "cv2"), (7, "PIL-bytes"), (3, "float")):
        yield pixelate(factor, way)
    for quality in (60, 30, 10, {"low": 10, "high": 60}):
        for library in ("PIL", "cv2"):
            yield jpeg(quality, library)


def gaussian_blur(sd: Parameter, library: str = "scipy") -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, sd: np.ndarray) -> np.ndarray:
        blur = GAUSSIANS[library.removesuffix("-bytes")]
        return np.stack([blur(one, s) for one, s in zip(x, sd.tolist(), strict=True)])

    return _part("gaussian_blur", {"sd": sd}, transform, library)


def defocus_blur(radius: Parameter, rounded: bool = False) -> Part:
    """Correlated with a disc, drawn finely and shrunk; the border is repeated."""

    def transform(x: np.ndarray, rng: np.random.Generator, radius: np.ndarray) -> np.ndarray:
        kernels = {r: disc_kernel(r) for r in set(radius.tolist())}
        return np.stack(
            [ndimage.correlate(one, kernels[r], mode="nearest") for one, r in zip(x, radius.tolist(), strict=True)]
        )

    return _part("defocus_blur", {"radius": radius}, transform, "scipy" + ("-bytes" if rounded else ""))


def motion_blur(length: Parameter, angle: Parameter = 0.0, rounded: bool = False, fading: float | None = None) -> Part:
    """The mean of copies moved along the line."""

    def transform(x: np.ndarray, rng: np.random.Generator, length: np.ndarray, angle: np.ndarray) -> np.ndarray:
        lines = np.stack([length, np.radians(angle)], 1)
        if (lines == lines[0]).all():
            return _smeared(x, line_kernel(*lines[0], fading))
        return np.concatenate([_smeared(x[i : i + 1], line_kernel(*line, fading)) for i, line in enumerate(lines)])

    parameters = {"length": length, "angle": angle}
    part = _part("motion_blur", parameters, transform, "scipy" + ("-bytes" if rounded else ""))
    truth = parameters if fading is None else {**parameters, "fading": fading}
    return Part(part.family, truth, part.make, GROUP, part.scope, way=part.way)


def glass_blur(sd: float, reach: int, rounds: int) -> Part:
    """Glass blur as in ImageNet-C's code.

    Smoothed, pixels swapped with neighbours from the lower right to the upper left, smoothed.
    """

    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, h, w = x.shape
        x = np.stack([ndimage.gaussian_filter(one, sd, mode="nearest") for one in x])
        every = np.arange(n)
        for _ in range(rounds):
            for y in range(h - reach, reach, -1):
                for a in range(w - reach, reach, -1):
                    swaps = rng.random(n) < 0.5
                    dy, dx = np.where(swaps, rng.integers(-reach, reach, (2, n)), 0)
                    here, there = x[:, y, a].copy(), x[every, y + dy, a + dx]
                    x[every, y + dy, a + dx] = here
                    x[:, y, a] = there
        return np.stack([ndimage.gaussian_filter(one, sd, mode="nearest") for one in x])

    return Part("glass_blur", {"sd": sd, "reach": reach, "rounds": rounds}, by(transform, {}), GROUP, "per_image")


def pixelate(factor: int, way: str = "float") -> Part:
    """Shrunk and enlarged by a library where the blocks come out even; by hand where the last ones are smaller."""

    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        h, w = x.shape[1:]
        if way == "float":
            out = x.copy()
            for top in range(0, h, factor):
                for left in range(0, w, factor):
                    block = (slice(None), slice(top, top + factor), slice(left, left + factor))
                    out[block] = x[block].mean((1, 2), keepdims=True)
            return out
        if way == "cv2":
            import cv2

            small = [cv2.resize(one, (w // factor, h // factor), interpolation=cv2.INTER_AREA) for one in x]
            return np.stack([cv2.resize(one, (w, h), interpolation=cv2.INTER_NEAREST) for one in small])
        pictures = [Image.fromarray(one) for one in x]
        small = [p.resize((w // factor, h // factor), Image.Resampling.BOX) for p in pictures]
        return np.stack([np.asarray(p.resize((w, h), Image.Resampling.NEAREST)) for p in small])

    return Part("pixelate", {"factor": factor}, by(transform, {}, way.endswith("-bytes")), GROUP, way=way)


def jpeg(quality: Parameter, library: str = "PIL") -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator, quality: np.ndarray) -> np.ndarray:
        stored = zip(np.rint(255 * x).astype(np.uint8), np.rint(quality).astype(int).tolist(), strict=True)
        return np.stack([JPEGS[library](one, q) for one, q in stored]) / np.float32(255)

    return _part("jpeg", {"quality": quality}, transform, library)


def _part(family: str, parameters: dict[str, Parameter], transform: Callable[..., Any], way: str) -> Part:
    scope = "per_image" if any(isinstance(v, dict) for v in parameters.values()) else "shared"
    return Part(family, parameters, by(transform, parameters, way.endswith("-bytes")), GROUP, scope, way=way)


def disc_kernel(radius: float) -> np.ndarray:
    reach = int(np.ceil(radius - 0.5))
    side = (2 * reach + 1) * FINE
    y, x = (np.mgrid[:side, :side] + 0.5) / FINE - (reach + 0.5)
    kernel = (x**2 + y**2 <= radius**2).reshape(2 * reach + 1, FINE, 2 * reach + 1, FINE).mean((1, 3))
    return kernel / kernel.sum()


def line_kernel(length: float, angle: float, fading: float | None) -> np.ndarray:
    """A line's weights, from points a fraction of a pixel apart that are shared out among four pixels each."""
    reach = int(np.ceil(length)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    if fading is None:
        steps = np.linspace(-length / 2, length / 2, int(length * FINE) // 2 * 2 + 1)
        weights = np.ones_like(steps)
    else:
        steps = np.arange(int(np.ceil(length))).astype(float)
        weights = np.exp(-0.5 * (steps / fading) ** 2)
    for step, weight in zip(steps, weights, strict=True):
        x, y = reach + step * np.cos(angle), reach - step * np.sin(angle)
        left, top = int(np.floor(x)), int(np.floor(y))
        for a, share in ((left, left + 1 - x), (left + 1, x - left)):
            for b, part in ((top, top + 1 - y), (top + 1, y - top)):
                if share * part > 0:
                    kernel[b, a] += weight * share * part
    return kernel / kernel.sum()


def _smeared(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A convolution as a sum over the kernel's few weights; the border is repeated."""
    reach = len(kernel) // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    h, w = x.shape[1:]
    out = np.zeros(x.shape)
    for row, column in np.argwhere(kernel > 0):
        top, left = 2 * reach - row, 2 * reach - column
        out += kernel[row, column] * padded[:, top : top + h, left : left + w]
    return out


def _cv2_gaussian(image: np.ndarray, sd: float) -> np.ndarray:
    import cv2

    side = 2 * int(np.ceil(4 * sd)) + 1
    return cv2.GaussianBlur(image, (side, side), sd, borderType=cv2.BORDER_REPLICATE)


def _pil_gaussian(image: np.ndarray, sd: float) -> np.ndarray:
    picture = Image.fromarray(np.rint(255 * image).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(sd)), np.float32) / 255


def _skimage_gaussian(image: np.ndarray, sd: float) -> np.ndarray:
    from skimage.filters import gaussian

    return gaussian(image, sd, mode="reflect", preserve_range=True)


def _pil_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _cv2_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    import cv2

    colored = image.ndim == 3
    stored = cv2.imencode(".jpg", image[..., ::-1] if colored else image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    read = cv2.imdecode(stored, cv2.IMREAD_COLOR if colored else cv2.IMREAD_GRAYSCALE)
    assert read is not None
    return read[..., ::-1] if colored else read


GAUSSIANS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "scipy": lambda image, sd: ndimage.gaussian_filter(image, sd, mode="nearest"),
    "cv2": _cv2_gaussian,
    "PIL": _pil_gaussian,
    "skimage": _skimage_gaussian,
}
JPEGS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"PIL": _pil_jpeg, "cv2": _cv2_jpeg}
