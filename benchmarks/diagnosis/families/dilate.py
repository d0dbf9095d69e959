"""Dilations by SciPy and OpenCV: alone, without pairs, and after a rotation."""

from collections.abc import Iterator

import numpy as np
from benchmarks.diagnosis.case import Case, Part, by
from benchmarks.diagnosis.geometry import rotate
from scipy import ndimage

GROUP = "morphology"


def cases() -> Iterator[Case]:
    for size in (3, 5):
        yield Case(GROUP, (dilate(size),))
    yield Case(GROUP, (dilate(2, "cv2"),))
    yield Case(GROUP, (dilate(4, "cv2"),))
    yield Case("unpaired", (dilate(3),), "unpaired")
    yield Case("compose", (rotate(25.0), dilate(3)))


def dilate(size: int, way: str = "float") -> Part:
    return Part("dilate", {"size": size}, by(_by_opencv if way == "cv2" else _by_scipy, {"size": size}), GROUP, way=way)


def _by_scipy(images: np.ndarray, rng: np.random.Generator, size: np.ndarray) -> np.ndarray:
    return np.stack([ndimage.grey_dilation(image, (int(size[0]),) * 2) for image in images])


def _by_opencv(images: np.ndarray, rng: np.random.Generator, size: np.ndarray) -> np.ndarray:
    import cv2

    return np.stack([cv2.dilate(image, np.ones((int(size[0]),) * 2, np.uint8)) for image in images])
