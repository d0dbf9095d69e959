"""Channels exchanged in pictures of coloured digits on coloured ground.

Alone, without pairs, and before or after a rotation or a gain.
"""

from collections.abc import Callable, Iterator

import numpy as np
from benchmarks.diagnosis.case import Case, Part, by, eight_bits
from scipy import ndimage

GROUP = "colour"
INK, GROUND = np.array([1.0, 0.7, 0.5]), np.array([0.6, 0.8, 1.0])


def cases() -> Iterator[Case]:
    for order in ((2, 1, 0), (1, 2, 0), (0, 2, 1)):
        yield Case(GROUP, (channel_order(order),), prepare=colored)
    yield Case(GROUP, (channel_order((2, 1, 0), "cv2"),), prepare=colored)
    yield Case("unpaired", (channel_order((2, 1, 0)),), "unpaired", prepare=colored)
    yield Case("compose", (_rotate(20.0), channel_order((2, 1, 0))), prepare=colored)
    yield Case("compose", (channel_order((2, 1, 0)), _rotate(-35.0)), prepare=colored, also=_any_order)
    yield Case("compose", (_gain(0.6), channel_order((1, 2, 0))), prepare=colored, also=_any_order)


def colored(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 3, h, w): each digit in a colour of its own, most of them reddish, on a smooth bluish ground."""
    n, h, w = images.shape
    ground = 0.5 + 1.6 * ndimage.gaussian_filter(rng.normal(size=(n, 3, h, w)), (0, 0, 3, 3), mode="wrap")
    ink = rng.uniform(0.2, 1, (n, 3, 1, 1)) * INK[:, None, None]
    cover = images[:, None]
    return eight_bits(cover * ink + (1 - cover) * np.clip(ground, 0, 1) * GROUND[:, None, None])


def channel_order(order: tuple[int, ...], way: str = "float") -> Part:
    def reorder(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if way == "float":
            return images[:, list(order)]
        import cv2

        return np.stack(
            [cv2.cvtColor(image.transpose(1, 2, 0), cv2.COLOR_BGR2RGB).transpose(2, 0, 1) for image in images]
        )

    return _part("channel_order", {"order": list(order)}, reorder, "preserved", way)


def _rotate(angle: float) -> Part:
    def rotate(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.clip(ndimage.rotate(images, angle, (3, 2), reshape=False, order=1, mode="grid-constant"), 0, 1)

    return _part("rotate", {"angle": angle}, rotate)


def _gain(factor: float) -> Part:
    return _part("gain", {"factor": factor}, lambda images, rng: factor * images, "preserved")


def _part(
    family: str, parameters: dict, apply: Callable[..., np.ndarray], information: str = "reduced", way: str = "float"
) -> Part:
    return Part(family, parameters, by(apply, {}), GROUP, information=information, way=way)


def _any_order(parts: list[dict]) -> tuple:
    """An order of channels commutes with geometric shifts, and with intensity maps that all channels share."""
    from benchmarks.diagnosis.compositions import any_order

    return any_order(parts)
