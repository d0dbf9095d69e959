"""Resampling as different libraries do it: the same map, other kernels, other roundings, another centre."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

ORDERS = {"nearest": 0, "bilinear": 1, "cubic": 3}


@dataclass(frozen=True)
class Way:
    """A library, its kernel, its centre, and whether the result is rounded to bytes.

    The centre is h/2, else (h − 1)/2.
    """

    library: str = "scipy"
    kernel: str = "bilinear"
    half: bool = False
    rounded: bool = False

    def __str__(self) -> str:
        return f"{self.library}-{self.kernel}" + ("-half" if self.half else "") + ("-bytes" if self.rounded else "")


WAYS = (
    Way("scipy", "bilinear"),
    Way("cv2", "cubic", rounded=True),
    Way("PIL", "nearest", half=True),
    Way("skimage", "bilinear", half=True, rounded=True),
    Way("cv2", "bilinear"),
    Way("PIL", "cubic", rounded=True),
    Way("scipy", "nearest"),
    Way("PIL", "bilinear", half=True),
    Way("scipy", "cubic", half=True),
)


def mapped(images: np.ndarray, back: np.ndarray, way: Way) -> np.ndarray:
    """Each image sampled where its 3 × 3 matrix takes (x, y, 1), all counted from the centre, x right and y down.

    Pillow and OpenCV take bytes too, and colours: images (n, h, w, c), whose bytes stay bytes.
    """
    n, h, w = images.shape[:3]
    center = np.eye(3)
    center[:2, 2] = (w - 1) / 2 + way.half / 2, (h - 1) / 2 + way.half / 2
    in_pixels = center @ back @ np.linalg.inv(center)
    function = LIBRARIES[way.library]
    made = np.stack([function(images[i], in_pixels[i], way.kernel) for i in range(n)])
    return clipped(made)


def displaced(images: np.ndarray, dx: np.ndarray, dy: np.ndarray, way: Way) -> np.ndarray:
    """out(x, y) = in(x + dx, y + dy), with displacements (h, w) or (n, h, w)."""
    n, h, w = images.shape
    y, x = np.mgrid[:h, :w].astype(float)
    dx, dy = np.broadcast_to(dx, images.shape), np.broadcast_to(dy, images.shape)
    if way.library == "cv2":
        import cv2

        flag = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[way.kernel]
        fetch = lambda i: cv2.remap(images[i], (x + dx[i]).astype(np.float32), (y + dy[i]).astype(np.float32), flag)
    else:
        order = ORDERS[way.kernel]
        fetch = lambda i: ndimage.map_coordinates(images[i], [y + dy[i], x + dx[i]], order=order)
    return np.clip(np.stack([fetch(i) for i in range(n)]), 0, 1)


def clipped(images: np.ndarray) -> np.ndarray:
    """Between black and white, as bytes are anyway."""
    return images if images.dtype == np.uint8 else np.clip(images, 0, 1)


def _scipy(image: np.ndarray, back: np.ndarray, kernel: str) -> np.ndarray:
    order = ORDERS[kernel]
    if np.allclose(back[2], (0, 0, 1)):
        return ndimage.affine_transform(image, back[1::-1, 1::-1], back[1::-1, 2], order=order, mode="constant")
    h, w = image.shape
    y, x = np.mgrid[:h, :w].astype(float)
    at = np.tensordot(back, np.stack([x, y, np.ones_like(x)]), 1)
    return ndimage.map_coordinates(image, [at[1] / at[2], at[0] / at[2]], order=order)


def _cv2(image: np.ndarray, back: np.ndarray, kernel: str) -> np.ndarray:
    import cv2

    flags = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[kernel]
    size = image.shape[1::-1]
    if np.allclose(back[2], (0, 0, 1)):
        return cv2.warpAffine(image, back[:2], size, flags=flags | cv2.WARP_INVERSE_MAP)
    return cv2.warpPerspective(image, back, size, flags=flags | cv2.WARP_INVERSE_MAP)


def _pil(image: np.ndarray, back: np.ndarray, kernel: str) -> np.ndarray:
    """Pillow counts places from the picture's corner: pixel i's centre is at i + ½."""
    corner = np.eye(3)
    corner[:2, 2] = 0.5
    data = corner @ back @ np.linalg.inv(corner)
    resample = {
        "nearest": Image.Resampling.NEAREST,
        "bilinear": Image.Resampling.BILINEAR,
        "cubic": Image.Resampling.BICUBIC,
    }
    picture = Image.fromarray(image)
    if np.allclose(data[2], (0, 0, 1)):
        kind, numbers = Image.Transform.AFFINE, data[:2].ravel()
    else:
        kind, numbers = Image.Transform.PERSPECTIVE, (data / data[2, 2]).ravel()[:8]
    return np.asarray(picture.transform(picture.size, kind, numbers.tolist(), resample[kernel]))


def _skimage(image: np.ndarray, back: np.ndarray, kernel: str) -> np.ndarray:
    from skimage.transform import warp

    return warp(image, back, order=ORDERS[kernel], preserve_range=True)


LIBRARIES: dict[str, Callable[[np.ndarray, np.ndarray, str], np.ndarray]] = {
    "scipy": _scipy,
    "cv2": _cv2,
    "PIL": _pil,
    "skimage": _skimage,
}
