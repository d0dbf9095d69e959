"""Cases that put pixels elsewhere."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Part, by
from scipy import fft

GROUP = "rearrangement"


def parts() -> Iterator[Part]:
    for seed in range(3):
        yield pixel_permutation("shared", seed)
        yield row_permutation("shared", seed)
        yield column_permutation("shared", seed)
        yield phase_scramble("shared", seed)
    for block in (14, 7, 4, 2):
        yield block_permutation(block, "shared")
        yield block_permutation(block, "per_image")
    for family in (pixel_permutation, row_permutation, column_permutation, phase_scramble):
        yield family("per_image")


def pixel_permutation(scope: str = "shared", draw: int = 0) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> Any:
        n, h, w = x.shape
        flat = x.reshape(n, h * w)
        if scope == "per_image":
            return np.stack([rng.permutation(one) for one in flat]).reshape(x.shape)
        order = _order(rng, h * w, draw)
        return flat[:, order].reshape(x.shape), {"permutation": order}

    return _part("pixel_permutation", {}, transform, scope, draw, "destroyed")


def block_permutation(block: int, scope: str = "shared", draw: int = 0) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> Any:
        rows, columns = x.shape[1] // block, x.shape[2] // block
        shared = _order(rng, rows * columns, draw)
        while rows * columns == 4 and len({int(source) ^ to for to, source in enumerate(shared)}) == 1:  # a roll
            shared = rng.permutation(4)
        out = np.empty_like(x)
        for i, one in enumerate(x):
            order = shared if scope == "shared" else rng.permutation(rows * columns)
            for to, source in enumerate(order):
                a, b = divmod(to, columns)
                c, d = divmod(int(source), columns)
                out[i, a * block : (a + 1) * block, b * block : (b + 1) * block] = one[
                    c * block : (c + 1) * block, d * block : (d + 1) * block
                ]
        return out, {"permutation": shared} if scope == "shared" else {}

    return _part("block_permutation", {"block": block}, transform, scope, draw, "reduced")


def row_permutation(scope: str = "shared", draw: int = 0) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> Any:
        if scope == "per_image":
            return np.stack([one[rng.permutation(len(one))] for one in x])
        order = _order(rng, x.shape[1], draw)
        return x[:, order], {"permutation": order}

    return _part("row_permutation", {}, transform, scope, draw, "reduced")


def column_permutation(scope: str = "shared", draw: int = 0) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> Any:
        if scope == "per_image":
            return np.stack([one[:, rng.permutation(one.shape[1])] for one in x])
        order = _order(rng, x.shape[2], draw)
        return x[:, :, order], {"permutation": order}

    return _part("column_permutation", {}, transform, scope, draw, "reduced")


def phase_scramble(scope: str = "shared", draw: int = 0) -> Part:
    """By the full transform, with the phases of white noise."""

    def transform(x: np.ndarray, rng: np.random.Generator) -> Any:
        n, h, w = x.shape
        rng.random(draw + 1)
        noise = rng.random((n if scope == "per_image" else 1, h, w))
        turns = np.exp(1j * np.angle(np.asarray(fft.fft2(noise))))
        turns[:, 0, 0] = 1
        scrambled = np.asarray(fft.ifft2(np.asarray(fft.fft2(x)) * turns)).real
        drawn = {"phases": np.angle(turns[0, :, : w // 2 + 1]).ravel()}
        return np.clip(scrambled, 0, 1), drawn if scope == "shared" else {}

    return _part("phase_scramble", {}, transform, scope, draw, "destroyed")


def _part(family: str, parameters: dict[str, Any], transform: Any, scope: str, draw: int, left: str) -> Part:
    """`draw` numbers the permutations of a case; `left` is the information when every image has its own."""
    shared = "reduced" if family == "phase_scramble" else "preserved"
    way = f"draw{draw}" if scope == "shared" else "float"
    return Part(family, parameters, by(transform, {}), GROUP, scope, shared if scope == "shared" else left, way)


def _order(rng: np.random.Generator, count: int, draw: int) -> np.ndarray:
    return np.argsort(rng.random((draw + 1, count))[-1])
