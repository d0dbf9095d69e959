"""Cases of filters, of resolution, of formats and of light, by Pillow, OpenCV, SciPy and NumPy."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Parameter, Part, by
from PIL import Image, ImageFilter
from scipy import ndimage

CURVED = 9  # gains a side that stand for a smooth field
Rng = np.random.Generator
Picture = np.ndarray
"""(h, w) or (h, w, 3), between 0 and 1."""


def sharpen(amount: float, sd: float, way: str = "scipy") -> Part:
    """By Pillow with a threshold of no grey levels, in percent."""

    def transform(one: Picture) -> Picture:
        if way == "PIL-bytes":
            mask = ImageFilter.UnsharpMask(sd, round(100 * amount), 0)
            return _floats(np.asarray(Image.fromarray(_bytes(one)).filter(mask)))
        return one + amount * (one - ndimage.gaussian_filter(one, sd, mode="nearest", axes=(0, 1)))

    return _part("sharpen", {"amount": amount, "sd": sd}, transform, "blur", way)


def median(size: int, way: str = "scipy") -> Part:
    def transform(one: Picture) -> Picture:
        if way == "cv2-bytes":
            import cv2

            return _floats(cv2.medianBlur(_bytes(one), size))
        if way == "PIL-bytes":
            return _floats(np.asarray(Image.fromarray(_bytes(one)).filter(ImageFilter.MedianFilter(size))))
        return ndimage.median_filter(one, size, mode="nearest", axes=(0, 1))

    return _part("median", {"size": size}, transform, "blur", way)


def erode(size: int, way: str = "scipy") -> Part:
    """Even sizes by OpenCV, whose anchor is the usual one."""

    def transform(one: Picture) -> Picture:
        if way == "cv2":
            import cv2

            return cv2.erode(one, np.ones((size, size), np.uint8))
        return ndimage.grey_erosion(one, size)

    return _part("erode", {"size": size}, transform, "morphology", way)


def zoom_blur(factor: float, zooms: int) -> Part:
    """The mean of so many zooms, from none to the largest."""

    def transform(one: Picture) -> Picture:
        import cv2

        h, w = one.shape[:2]
        total = np.zeros_like(one)
        for zoom in np.linspace(1, factor, zooms):
            about = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), 0, zoom)
            total += cv2.warpAffine(one, about, (w, h), borderMode=cv2.BORDER_REPLICATE)
        return total / np.float32(zooms)

    return _part("zoom_blur", {"factor": factor}, transform, "blur", "cv2")


def resample(factor: float, down: str, up: str, antialias: bool, way: str) -> Part:
    """By Pillow, which always antialiases, or by OpenCV, which does so for means of areas alone."""

    def transform(one: Picture) -> Picture:
        h, w = one.shape[:2]
        size = (round(w / factor), round(h / factor))
        if way == "cv2":
            import cv2

            kernels = {"bilinear": "LINEAR", "bicubic": "CUBIC", "area": "AREA", "nearest_floor": "NEAREST"}
            first, second = (getattr(cv2, f"INTER_{kernels[kernel]}") for kernel in (down, up))
            return cv2.resize(cv2.resize(one, size, interpolation=first), (w, h), interpolation=second)
        first, second = (Image.Resampling[kernel.upper()] for kernel in (down, up))
        return _floats(np.asarray(Image.fromarray(_bytes(one)).resize(size, first).resize((w, h), second)))

    parameters = {"factor": factor, "down": down, "up": up, "antialias": antialias}
    return _part("resample", parameters, transform, "resolution", way)


def webp(quality: int, way: str = "PIL") -> Part:
    def transform(one: Picture) -> Picture:
        if way == "cv2":
            import cv2

            code = cv2.imencode(".webp", _bytes(one)[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
            return _floats(np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED))[..., ::-1])
        return _stored(one, "WEBP", quality=quality)

    return _part("webp", {"quality": quality}, transform, "compression", way)


def jpeg2000(ratio: float) -> Part:
    def transform(one: Picture) -> Picture:
        return _stored(one, "JPEG2000", quality_mode="rates", quality_layers=[ratio])

    return _part("jpeg2000", {"ratio": ratio}, transform, "compression", "PIL")


def subsampled_jpeg(quality: int, subsampling: str) -> Part:
    """Of pictures in colour."""

    def transform(one: Picture) -> Picture:
        return _stored(one, "JPEG", quality=quality, subsampling=subsampling)

    return _part("jpeg", {"quality": quality, "subsampling": subsampling}, transform, "blur", "PIL")


def color_blur(sd: float, amount: float) -> Part:
    """Of pictures (3, h, w), by OpenCV's luma and chroma in floats."""

    def transform(one: Picture) -> Picture:
        import cv2

        planes = cv2.cvtColor(np.ascontiguousarray(one.transpose(1, 2, 0), np.float32), cv2.COLOR_RGB2YCrCb)
        blurred = cv2.GaussianBlur(planes, (0, 0), sd, borderType=cv2.BORDER_REPLICATE)
        planes[..., 1:] += amount * (blurred - planes)[..., 1:]
        return cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB).transpose(2, 0, 1)

    return _part("color_blur", {"sd": sd, "amount": amount}, transform, "colour", "cv2")


def illumination(kind: str, strength: float, angle: float = 0.0) -> Part:
    """Light that falls off from the middle, as a bell (`bell`) or not, or along a direction (`slope`)."""

    def gains(h: int, w: int) -> np.ndarray:
        y, x = np.meshgrid(np.linspace(-1, 1, h), np.linspace(-1, 1, w), indexing="ij")
        if kind == "slope":
            along = x * np.cos(np.radians(angle)) - y * np.sin(np.radians(angle))
            return 1 - strength * (along / np.abs(along).max() + 1) / 2
        squared = (x**2 + y**2) / 2
        return 1 - strength * squared if kind == "vignette" else np.exp(-2 * strength * squared)

    def transform(one: Picture) -> Picture:
        field = gains(*one.shape[:2]).astype(np.float32)
        return one * (field[..., None] if one.ndim == 3 else field)

    part = _part("illumination", {"field": gains(CURVED, CURVED).tolist()}, transform, "intensity", kind)
    return replace(part, information="preserved")


def _part(
    family: str, parameters: dict[str, Parameter], transform: Callable[[Picture], Picture], group: str, way: str
) -> Part:
    def make(images: np.ndarray, rng: Rng) -> np.ndarray:
        return np.stack([np.clip(transform(one), 0, 1) for one in images])

    return Part(family, parameters, by(make, {}, way.endswith("-bytes")), group, way=way)


def _stored(one: Picture, kind: str, **options: Any) -> Picture:
    file = BytesIO()
    Image.fromarray(_bytes(one)).save(file, kind, **options)
    return _floats(np.asarray(Image.open(file).convert("RGB" if one.ndim == 3 else "L")))


def _bytes(one: Picture) -> np.ndarray:
    return np.ascontiguousarray(np.rint(255 * np.clip(one, 0, 1)).astype(np.uint8))


def _floats(one: np.ndarray) -> Picture:
    return one.astype(np.float32) / np.float32(255)
