"""Makers of grey pictures at work on colour ones, and what colour pictures need makers of their own for.

Images are (n, 3, h, w) between 0 and 1, as everywhere in the benchmark.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.diagnosis import overlay
from benchmarks.diagnosis.blur import disc_kernel, line_kernel
from benchmarks.diagnosis.case import Images, Labels, Made, Parameter, Part, by

Rng = np.random.Generator
TAKES_COLORS = ("tone", "bytes")
"""Groups whose makers take colour pictures as they are."""
NATIVE = ("PIL", "cv2")
"""Libraries whose maps take colour pictures as bytes."""
IN_PICTURES = ("jpeg", "webp", "jpeg2000", "illumination")
"""Families whose makers take colour pictures."""


def colored(part: Part, as_bytes: bool) -> Part:
    """The part on colour pictures; `as_bytes`: by what its library does to bytes, where it takes them."""
    if part.group in ("colour", "sample", *TAKES_COLORS):
        return part
    if part.family in IN_PICTURES:
        return replace(part, make=_on_pictures(part, as_bytes=False))  # rounds to bytes by itself
    if part.group in ("intensity", "noise"):
        return replace(part, make=_on_values(part))
    if part.family in OWN_MAKERS:
        return OWN_MAKERS[part.family](part)
    if as_bytes and (_is_native_map(part) or (part.family == "gaussian_blur" and part.way == "cv2")):
        return replace(part, make=_on_pictures(part, as_bytes=True), way=f"{part.way}-native")
    return on_channels(part)


def _is_native_map(part: Part) -> bool:
    """Whether it is a map that Pillow or OpenCV computes on bytes."""
    library, _, kernel = part.way.partition("-")
    maps = part.family in ("rotate", "translate", "shear", "affine", "perspective", "scale")
    return maps and (library in NATIVE or library in ("PIL.rotate", "cv2.rotate")) and bool(kernel)


def on_channels(part: Part) -> Part:
    """The part on each channel as a grey picture, with the same draws for all of them."""

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        seed = int(rng.integers(2**63))
        made = [part.make(channel, labels, np.random.default_rng(seed)) for channel in np.moveaxis(images, 1, 0)]
        return replace(made[0], images=np.stack([one.images for one in made], 1))

    return replace(part, make=make)


def _on_values(part: Part) -> Callable[[Images, Labels, Rng], Made]:
    """The channels below each other in one tall grey picture: draws for each value, one strength for the picture."""

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        n, c, h, w = images.shape
        made = part.make(images.reshape(n, c * h, w), labels, rng)
        return replace(made, images=made.images.reshape(images.shape))

    return make


def _on_pictures(part: Part, as_bytes: bool) -> Callable[[Images, Labels, Rng], Made]:
    """Pictures (h, w, 3), as floats or as bytes."""

    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        pictures = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        if as_bytes:
            pictures = np.rint(255 * np.clip(pictures, 0, 1)).astype(np.uint8)
        made = part.make(pictures, labels, rng)
        back = np.ascontiguousarray(made.images.transpose(0, 3, 1, 2), np.float32)
        return replace(made, images=back / np.float32(255) if as_bytes else back)

    return make


def _defocus_blur(part: Part) -> Part:
    """By OpenCV, with the kernel that SciPy has for grey pictures: it is faster."""

    def transform(images: Images, rng: Rng, radius: np.ndarray) -> Images:
        kernels = {r: disc_kernel(r) for r in set(radius.tolist())}
        return _filtered(images, [kernels[r] for r in radius.tolist()])

    return _made_by(part, transform, ("radius",))


def _motion_blur(part: Part) -> Part:
    """By OpenCV, which correlates: the kernel is turned by half a turn."""
    fading: Any = part.parameters.get("fading")

    def transform(images: Images, rng: Rng, length: np.ndarray, angle: np.ndarray) -> Images:
        lines = list(zip(length.tolist(), np.radians(angle).tolist(), strict=True))
        kernels = {line: line_kernel(*line, fading)[::-1, ::-1] for line in set(lines)}
        return _filtered(images, [kernels[line] for line in lines])

    return _made_by(part, transform, ("length", "angle"))


def _filtered(images: Images, kernels: list[np.ndarray]) -> Images:
    """Each image correlated with its kernel; the border is repeated."""
    import cv2

    made = np.empty_like(images)
    for image, kernel, out in zip(images, kernels, made, strict=True):
        picture = np.ascontiguousarray(image.transpose(1, 2, 0))
        blurred = cv2.filter2D(picture, -1, np.ascontiguousarray(kernel), borderType=cv2.BORDER_REPLICATE)
        out[...] = blurred.transpose(2, 0, 1)
    return made


def _fog(part: Part) -> Part:
    """ImageNet-C's, on a map of 256 × 256: the same cloud in all channels, below the picture's brightest value."""
    amount, decay = (float(part.parameters[name]) for name in ("amount", "decay"))

    def transform(images: Images, rng: Rng) -> Images:
        made = np.empty_like(images)
        h, w = images.shape[2:]
        for image, out in zip(images, made, strict=True):
            cloud = overlay.plasma(1, decay, rng)[0, :h, :w]
            brightest = image.max()
            out[...] = np.clip((image + amount * cloud) * brightest / (brightest + amount), 0, 1)
        return made

    return _made_by(part, transform, ())


def _made_by(part: Part, transform: Callable[..., Images], names: tuple[str, ...]) -> Part:
    drawn: dict[str, Parameter] = {name: part.parameters[name] for name in names}
    return replace(part, make=by(transform, drawn), way="cv2" if names else part.way)


OWN_MAKERS: dict[str, Callable[[Part], Part]] = {
    "defocus_blur": _defocus_blur,
    "motion_blur": _motion_blur,
    "fog": _fog,
}
