"""Colours mixed, weighed and turned in pictures of coloured digits, by Pillow, OpenCV and NumPy."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from benchmarks.diagnosis.case import Case, Images, Part, by
from benchmarks.diagnosis.families.channel_order import colored
from benchmarks.diagnosis.filters import color_blur
from PIL import Image, ImageEnhance

GROUP = "colour"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
BT601, BT709, MEAN = (0.299, 0.587, 0.114), (0.2125, 0.7154, 0.0721), (1 / 3, 1 / 3, 1 / 3)
SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
PILLOW_STEP, OPENCV_STEP = 360 / 255, 2.0  # degrees of hue
Rng = np.random.Generator


def cases() -> Iterator[Case]:
    singles = [
        normalized(*IMAGENET),
        channel_rescale((0.9, 1.0, 0.7), (0.0, 0.0, 0.0)),
        grayscale(BT601, "PIL"),
        grayscale(BT709),
        saturation(0.4, "PIL"),
        saturation({"low": 0.3, "high": 0.9}),
        hue(40.0, "cv2"),
        color_matrix(SEPIA),
        color_blur(1.5, 0.8),
    ]
    for part in singles:
        yield Case(GROUP, (part,), prepare=colored)
    yield Case("unpaired", (grayscale(BT601),), "unpaired", prepare=colored)
    yield Case("compose", (_reversed(), normalized(*IMAGENET)), prepare=colored)


def normalized(mean: Sequence[float], sd: Sequence[float]) -> Part:
    """(x − mean) / sd."""
    scale = tuple(1 / s for s in sd)
    return channel_rescale(scale, tuple(-m / s for m, s in zip(mean, sd, strict=True)))


def channel_rescale(scale: Sequence[float], offset: Sequence[float], clip: bool = False) -> Part:
    def rescale(images: Images, rng: Rng) -> Images:
        made = np.stack([s * images[:, c] + o for c, (s, o) in enumerate(zip(scale, offset, strict=True))], 1)
        return np.clip(made, 0, 1) if clip else made

    parameters = {"scale": list(scale), "offset": list(offset), "clip": clip}
    return _part("channel_rescale", parameters, rescale, "reduced" if clip else "preserved")


def grayscale(weights: Sequence[float], way: str = "float") -> Part:
    """`PIL` and `cv2`: of bytes, with weights of their own."""

    def gray(images: Images, rng: Rng) -> Images:
        if way == "float":
            made = np.einsum("nchw,c->nhw", images, weights)
            return np.stack([made] * 3, 1)
        if way == "PIL":
            return _by_picture(images, lambda p: np.asarray(Image.fromarray(p).convert("L").convert("RGB")))
        import cv2

        return _by_picture(images, lambda p: np.stack([cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)] * 3, 2))

    return _part("grayscale", {"weights": list(weights)}, gray, way=way)


def saturation(factor: float | dict[str, float], way: str = "float") -> Part:
    def saturate(images: Images, rng: Rng, factor: np.ndarray) -> Images:
        if way == "PIL":
            pictures = zip(_as_bytes(images), factor, strict=True)
            made = [np.asarray(ImageEnhance.Color(Image.fromarray(p)).enhance(float(f))) for p, f in pictures]
            return _as_floats(np.stack(made))
        gray = np.einsum("nchw,c->nhw", images, BT601)[:, None]
        return np.clip((1 - factor[:, None, None, None]) * gray + factor[:, None, None, None] * images, 0, 1)

    parameters = {"factor": factor}
    largest = factor["high"] if isinstance(factor, dict) else factor
    return Part(
        "saturation",
        parameters,
        by(saturate, parameters),
        GROUP,
        "per_image" if isinstance(factor, dict) else "shared",
        "preserved" if largest <= 1 else "reduced",
        way,
    )


def hue(angle: float, way: str = "float") -> Part:
    """`PIL` and `cv2` on bytes turn by whole steps of theirs: the angle is the nearest of them."""
    step = {"PIL": PILLOW_STEP, "cv2": OPENCV_STEP}.get(way)
    steps = 0 if step is None else round(angle / step)

    def turn(images: Images, rng: Rng) -> Images:
        import cv2

        if way == "PIL":
            return _by_picture(images, lambda p: _turned_by_pillow(p, steps))
        if way == "cv2":
            return _by_picture(images, lambda p: _turned_by_opencv(p, steps))
        made = []
        for picture in images.transpose(0, 2, 3, 1):
            wheel = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2HSV)
            wheel[..., 0] = (wheel[..., 0] + angle) % 360
            made.append(cv2.cvtColor(wheel, cv2.COLOR_HSV2RGB))
        return np.stack(made).transpose(0, 3, 1, 2)

    return _part("hue", {"angle": angle if step is None else steps * step}, turn, "preserved", way)


def color_matrix(matrix: Sequence[Sequence[float]], offset: Sequence[float] = (0.0, 0.0, 0.0)) -> Part:
    def mix(images: Images, rng: Rng) -> Images:
        return np.clip(np.einsum("nchw,dc->ndhw", images, matrix) + np.reshape(offset, (3, 1, 1)), 0, 1)

    return _part("color_matrix", {"matrix": [list(row) for row in matrix], "offset": list(offset)}, mix)


def _reversed() -> Part:
    """BGR for RGB."""
    return _part("channel_order", {"order": [2, 1, 0]}, lambda images, rng: images[:, ::-1], "preserved")


def _part(
    family: str, parameters: dict, apply: Callable[..., Images], information: str = "reduced", way: str = "float"
) -> Part:
    return Part(family, parameters, by(apply, {}), GROUP, information=information, way=way)


def _turned_by_pillow(picture: np.ndarray, steps: int) -> np.ndarray:
    bands = Image.fromarray(picture).convert("HSV").split()
    turned = Image.fromarray((np.asarray(bands[0]).astype(int) + steps).astype(np.uint8))
    return np.asarray(Image.merge("HSV", (turned, *bands[1:])).convert("RGB"))


def _turned_by_opencv(picture: np.ndarray, steps: int) -> np.ndarray:
    import cv2

    wheel = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    wheel[..., 0] = ((wheel[..., 0].astype(int) + steps) % 180).astype(np.uint8)
    return cv2.cvtColor(wheel, cv2.COLOR_HSV2RGB)


def _by_picture(images: Images, make: Callable[[np.ndarray], np.ndarray]) -> Images:
    return _as_floats(np.stack([make(picture) for picture in _as_bytes(images)]))


def _as_bytes(images: Images) -> np.ndarray:
    """(n, h, w, 3)."""
    return np.ascontiguousarray(np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8).transpose(0, 2, 3, 1))


def _as_floats(pictures: np.ndarray) -> Images:
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
