"""Resizing images to another height and width, as the usual libraries do it."""

from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32
from PIL import Image
from scipy.ndimage import gaussian_filter

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import in_bytes

Kernel = Literal["nearest", "nearest_floor", "box", "bilinear", "hamming", "bicubic", "lanczos", "area", "gaussian"]
"""How a pixel is made of those around it.

`nearest` takes the pixel whose centre is nearest, as Pillow does; `nearest_floor` rounds positions down, as OpenCV's
INTER_NEAREST and torch's "nearest" do. `area` is the mean over the pixel's area, as OpenCV's INTER_AREA. `gaussian`
smooths what becomes smaller by a Gaussian and reads it bilinearly, as scikit-image's resize does.
"""
KERNELS: tuple[Kernel, ...] = get_args(Kernel)
SOME = 32  # pixels of a side, which tell whether values are in bytes
PLAIN: tuple[Kernel, ...] = ("nearest", "nearest_floor", "bilinear", "bicubic")
"""The kernels that exist without antialiasing."""
PREFERRED: tuple[tuple[Kernel, bool], ...] = (
    ("bilinear", True),
    ("bilinear", False),
    ("bicubic", True),
    ("bicubic", False),
    ("area", True),
    ("lanczos", True),
    ("nearest", False),
    ("nearest_floor", False),
    ("box", True),
    ("hamming", True),
    ("gaussian", True),
)
"""Kernels, each with or without antialiasing, in the order in which they are said where they make the same pictures."""
Size = tuple[int, int]
"""Height and width."""
Resized = Float32[np.ndarray, "n c height width"]
"""Images of another height and width than those that a function is given."""


def resize(images: Images, size: Size, kernel: Kernel = "bilinear", antialias: bool = True) -> Resized:
    """Images of this height and width; the result is in bytes where the images are.

    With antialiasing, the kernel is as wide as a pixel of the result, as in Pillow. Without, it reads the pixels next
    to a position however small the result is, as in OpenCV. Values outside of [0, 1] are only kept where the images
    have such. Raises `BadInput` for kernels that do not exist without antialiasing.
    """
    check_kernel("resize", kernel, antialias)
    if images.shape[2:] == size:
        return images.copy()
    low, high = min(float(images.min()), 0.0), max(float(images.max()), 1.0)
    step = max(1, min(images.shape[2:]) // SOME)
    bytes_ = low == 0 and high == 1 and in_bytes(images[:, :, ::step, ::step])
    if kernel == "area":
        small = _area_means(images, size)
    elif kernel == "gaussian":
        sd = [max(before / after - 1, 0) / 2 for before, after in zip(images.shape[2:], size, strict=True)]
        small = _without_antialiasing(gaussian_filter(images, (0, 0, *sd), mode="mirror"), size, "bilinear")
    elif kernel == "nearest_floor" or not (antialias or kernel == "nearest"):
        small = _without_antialiasing(images, size, kernel)
    else:
        return _by_pillow(images, size, Image.Resampling[kernel.upper()], bytes_, low, high)
    small = np.clip(small, low, high)
    return np.rint(small * 255).astype(np.float32) / 255 if bytes_ else small


def check_kernel(name: str, kernel: Kernel, antialias: bool) -> None:
    """Raise `BadInput` for a kernel that does not exist without antialiasing."""
    if not antialias and kernel not in PLAIN:
        raise BadInput(
            f"{name}: {kernel} always smooths a picture that becomes smaller. Without antialias, kernel is "
            f"{', '.join(PLAIN[:-1])} or {PLAIN[-1]}."
        )


def _by_pillow(images: Images, size: Size, kernel: Image.Resampling, bytes_: bool, low: float, high: float) -> Resized:
    n, c = images.shape[:2]
    planes = images.reshape(n * c, *images.shape[2:])
    if bytes_:  # Pillow's own arithmetic of bytes: equal to what it makes of pictures
        planes = np.rint(planes * 255).astype(np.uint8)
    height, width = size
    made = [np.asarray(Image.fromarray(plane).resize((width, height), kernel)) for plane in planes]
    small = np.stack(made).reshape(n, c, *size).astype(np.float32)
    return small / 255 if bytes_ else np.clip(small, low, high)


def _without_antialiasing(images: Images, size: Size, kernel: Kernel) -> Resized:
    mode = "nearest" if kernel == "nearest_floor" else kernel
    smooth = {} if mode == "nearest" else {"align_corners": False}
    return torch.nn.functional.interpolate(torch.from_numpy(images), size, mode=mode, **smooth).numpy()


def _area_means(images: Images, size: Size) -> Resized:
    rows, columns = (_overlaps(*sides) for sides in zip(images.shape[2:], size, strict=True))
    return (rows @ images @ columns.T).astype(np.float32)


def _overlaps(before: int, after: int) -> Float32[np.ndarray, "after before"]:
    """The share of each pixel of the result that lies on each pixel of the source."""
    ends = np.arange(after + 1) * (before / after)
    pixels = np.arange(before)
    shares = np.clip(np.minimum(ends[1:, None], pixels + 1) - np.maximum(ends[:-1, None], pixels), 0, None)
    return (shares * (after / before)).astype(np.float32)
