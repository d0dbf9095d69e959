"""Tones and bytes as Pillow, OpenCV, scikit-image and NumPy change them, on grey pictures and on colour ones.

Images are (n, h, w), or (n, 3, h, w). What depends on the picture takes its colours together, so these makers are never
given single channels of a colour picture.
"""

from collections.abc import Callable

import numpy as np
from benchmarks.diagnosis.case import Images, Parameter, Part, by, each, eight_bits

GROUP, BYTES = "tone", "bytes"
POINTS = 17  # that stand for a curve
Rng = np.random.Generator


def contrast(factor: Parameter, way: str = "PIL") -> Part:
    def transform(x: Images, rng: Rng, factor: np.ndarray) -> Images:
        if way == "PIL":
            from PIL import Image, ImageEnhance

            enhanced = zip(_pictures(x), factor, strict=True)
            return _images(
                [np.asarray(ImageEnhance.Contrast(Image.fromarray(one)).enhance(float(f))) for one, f in enhanced]
            )
        luma = np.tensordot(x, [0.299, 0.587, 0.114], (1, 0)) if x.ndim == 4 else x
        mean = luma.mean((1, 2)).reshape(-1, *[1] * (x.ndim - 1))
        factors = factor.reshape(mean.shape)
        return np.clip(factors * x + (1 - factors) * mean, 0, 1)

    scope = "per_image" if isinstance(factor, dict) else "shared"
    highest = max(factor["high"] if isinstance(factor, dict) else factor, 0)
    information = "reduced" if highest > 1 else "preserved"
    return Part("contrast", {"factor": factor}, by(transform, {"factor": factor}), GROUP, scope, information, way)


def autocontrast() -> Part:
    from PIL import ImageOps

    return Part("autocontrast", {}, by(_by_pillow(ImageOps.autocontrast), {}), GROUP, way="PIL")


def dull(images: Images, rng: Rng) -> Images:
    """Pictures of little contrast, each of its own: what can be stretched."""
    darkest, range_ = rng.uniform(0.02, 0.2, len(images)), rng.uniform(0.4, 0.75, len(images))
    return eight_bits(each(darkest) + each(range_) * images)


def equalize(way: str = "PIL") -> Part:
    """By OpenCV each channel as a grey picture."""
    if way == "cv2":
        import cv2

        def equalized(x: Images, rng: Rng) -> Images:
            flat = np.rint(255 * x).astype(np.uint8).reshape(-1, *x.shape[-2:])
            return np.stack([cv2.equalizeHist(one) for one in flat]).reshape(x.shape) / 255

        return Part("equalize", {"like": "opencv"}, by(equalized, {}), GROUP, way=way)
    from PIL import ImageOps

    return Part("equalize", {}, by(_by_pillow(ImageOps.equalize), {}), GROUP, way=way)


def solarize(threshold: int) -> Part:
    """The threshold in bytes."""
    from PIL import ImageOps

    make = by(_by_pillow(lambda picture: ImageOps.solarize(picture, threshold)), {})
    return Part("solarize", {"threshold": threshold / 255}, make, GROUP, way="PIL")


def posterize(bits: int) -> Part:
    from PIL import ImageOps

    make = by(_by_pillow(lambda picture: ImageOps.posterize(picture, bits)), {})
    return Part("posterize", {"bits": bits}, make, GROUP, way="PIL")


def known_curve(name: str) -> Part:
    def curve(x: np.ndarray) -> np.ndarray:
        if name == "srgb_to_linear":
            return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)

    return Part("tone_curve", {"known": name}, by(lambda x, rng: curve(x), {}), GROUP, information="preserved")


def sigmoid(gain: float) -> Part:
    """scikit-image's S-shaped curve."""
    from skimage import exposure

    def curve(x: np.ndarray) -> np.ndarray:
        return exposure.adjust_sigmoid(x, 0.5, gain)  # pyright: ignore[reportArgumentType]  # any number

    at = np.linspace(0, 1, POINTS)
    points = np.stack([at, curve(at)], 1).tolist()
    make = by(lambda x, rng: curve(x), {})
    return Part("tone_curve", {"points": points}, make, GROUP, information="preserved", way="skimage")


def byte_wrap(amount: int) -> Part:
    """Bytes that overflow."""

    def wrapped(x: Images, rng: Rng) -> Images:
        return (np.rint(255 * x).astype(np.uint8) + np.uint8(amount % 256)) / 255

    return Part("byte_wrap", {"amount": amount, "low": 0}, by(wrapped, {}), BYTES, information="preserved", way="bytes")


def signed_bytes() -> Part:
    """Bytes that are taken for signed ones."""

    def signed(x: Images, rng: Rng) -> Images:
        return np.rint(255 * x).astype(np.uint8).view(np.int8) / 255

    return Part("byte_wrap", {"amount": 0, "low": -128}, by(signed, {}), BYTES, information="preserved", way="int8")


def buffer_layout(written: str, read: str) -> Part:
    """Colour pictures; `hwc` or `chw` each."""

    def taken(x: Images, rng: Rng) -> Images:
        n, c, h, w = x.shape
        buffer = x.transpose(0, 2, 3, 1).tobytes() if written == "hwc" else x.tobytes()
        flat = np.frombuffer(buffer, x.dtype)
        return flat.reshape(n, c, h, w) if read == "chw" else flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    parameters = {"written": written, "read": read}
    return Part("buffer_layout", parameters, by(taken, {}), BYTES, information="preserved", way="buffer")


def _by_pillow(change: Callable[..., object]) -> Callable[[Images, Rng], Images]:
    def transform(x: Images, rng: Rng) -> Images:
        from PIL import Image

        return _images([np.asarray(change(Image.fromarray(picture))) for picture in _pictures(x)])

    return transform


def _pictures(x: Images) -> np.ndarray:
    """As bytes, colours last."""
    of_bytes = np.rint(255 * np.clip(x, 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(of_bytes.transpose(0, 2, 3, 1)) if x.ndim == 4 else of_bytes


def _images(pictures: list[np.ndarray]) -> Images:
    made = np.stack(pictures) / 255
    return made.transpose(0, 3, 1, 2) if made.ndim == 4 else made
