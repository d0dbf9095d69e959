"""Cases of two shifts, and of three, one after the other."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np
from benchmarks.diagnosis.blur import defocus_blur, gaussian_blur, jpeg, motion_blur, pixelate
from benchmarks.diagnosis.case import Answer, Case, Part
from benchmarks.diagnosis.geometry import (
    elastic,
    flip_horizontal,
    flip_vertical,
    perspective,
    rotate,
    scale,
    shear,
    translate,
    transpose,
)
from benchmarks.diagnosis.intensity import gain, gamma, invert, offset, quantize, threshold
from benchmarks.diagnosis.noise import (
    fixed_pattern,
    gaussian_noise,
    impulse_noise,
    shot_noise,
    speckle_noise,
    uniform_noise,
)
from benchmarks.diagnosis.overlay import (
    canny_edges,
    dotted_line,
    fog,
    occlusion,
    pixel_dropout,
    spatter,
    stripe,
    zigzag,
)
from benchmarks.diagnosis.rearrangement import block_permutation, column_permutation, pixel_permutation, row_permutation
from benchmarks.diagnosis.resample import Way
from benchmarks.diagnosis.sample import label_noise, label_permutation

GROUP = "compose"
PARTS = list[dict[str, Any]]
Also = Callable[[PARTS], tuple[Answer, ...]]
CV2 = Way("cv2", "cubic")
PIL = Way("PIL", "bilinear", rounded=True)


def cases() -> Iterator[Case]:
    for parts, also in (*_pairs(), *_triples()):
        yield Case(GROUP, parts, also=also)


def _pairs() -> Iterator[tuple[tuple[Part, ...], Also]]:
    """Where the order matters, in both."""
    for first, second in (
        (rotate(15.0), gaussian_noise(0.15)),
        (translate(3.0, -2.0), impulse_noise(0.1)),
        (scale(0.7, CV2), speckle_noise(0.35)),
        (gaussian_blur(1.2), gaussian_noise(0.15)),
        (gain(0.5), gaussian_noise(0.15)),
        (invert(), gaussian_noise(0.15)),
        (occlusion(8, 8, 10, 10), gaussian_noise(0.15)),
        (offset(0.3), impulse_noise(0.1)),
        (gain(0.5), impulse_noise(0.1)),
        (invert(), rotate(20.0)),
        (shear(0.4, PIL), invert()),
        (translate(4.0, 3.0), occlusion(8, 8, 10, 10, 0.5)),
        (rotate(-30.0, CV2), stripe([12, 13, 14, 15])),
        (gaussian_blur(1.2), occlusion(8, 8, 10, 10, 1.0)),
        (motion_blur(9.0, 45.0), shot_noise(12.0)),
        (threshold(0.5), gaussian_blur(1.2)),
        (row_permutation(), gaussian_blur(1.2)),
        (offset(0.2), gamma(2.0)),
        (flip_horizontal(), stripe([3, 4, 5, 6])),
        (pixel_permutation(), translate(3.0, 0.0)),
    ):
        yield (first, second), nothing
        yield (second, first), nothing
    for first, second in (
        (rotate(15.0, CV2), jpeg(15)),
        (rotate(25.0), canny_edges(1.0, 0.1, 0.2)),
        (translate(2.0, 2.0), quantize(3)),
        (rotate(10.0), threshold(0.5)),
        (defocus_blur(2.5), uniform_noise(0.25)),
        (rotate(15.0), fixed_pattern(0.15)),
        (shear(0.4), fog(1.5, 3.0)),
        (scale(0.8), zigzag(2.0, 2.0, 2.3)),
        (dotted_line(2.3, 2), invert()),
        (gaussian_blur(0.7), spatter(0.15, 3.0, 0.6)),
        (elastic(1.5, 4.0, "per_image"), gaussian_noise(0.1)),
        (perspective([[3, 2], [-2, 1], [-3, -2], [1, -2]]), gaussian_noise(0.1)),
        (rotate({"values": [-15.0, 15.0]}), gaussian_noise(0.1)),
        (label_permutation([1, 0, *range(2, 10)]), rotate(15.0)),
        (label_noise(0.3), invert()),
    ):
        yield (first, second), nothing
    for first, second in (
        (pixel_permutation(), gaussian_noise(0.15)),
        (pixel_permutation(), gain(0.5)),
        (pixel_permutation(), invert()),
        (block_permutation(7), gain(0.5)),
        (row_permutation(), column_permutation()),
        (flip_vertical(), gaussian_noise(0.15)),
        (flip_horizontal(), gain(0.5)),
        (flip_horizontal(), gaussian_blur(1.2)),
        (transpose(), gamma(2.0)),
        (transpose(), pixel_dropout(0.3)),
        (rotate(15.0), gain(0.4)),
        (rotate(-35.0, PIL), scale(0.8)),
        (translate(3.0, 1.0), gain(0.4)),
        (translate(-2.0, 4.0), gaussian_blur(1.2)),
        (gaussian_blur(1.2), gain(0.4)),
        (gaussian_blur(1.2), invert()),
        (pixelate(4), gain(0.6)),
        (translate({"low": -3.0, "high": 3.0}, {"low": -3.0, "high": 3.0}), gain(0.5)),
        (pixel_dropout(0.3), gain(0.5)),
        (scale(0.7), flip_vertical()),
    ):
        yield (first, second), any_order
    yield (translate(3.0, -2.0), scale(0.8)), moved
    yield (scale(0.8), translate(3.0, -2.0)), moved
    yield (translate(3.0, -2.0), rotate(20.0, CV2)), moved
    yield (rotate(20.0), translate(3.0, -2.0)), moved
    yield (translate(3.0, -2.0), flip_horizontal()), moved
    yield (rotate(20.0), flip_horizontal()), mirrored
    yield (rotate(-40.0), transpose()), mirrored
    yield (gain(0.5), offset(0.2)), line
    yield (invert(), gain(0.5)), line
    yield (gain(0.5), invert()), line
    yield (gamma(2.0), gain(0.5)), power
    yield (gain(0.5), gamma(2.0)), power


def _triples() -> Iterator[tuple[tuple[Part, ...], Also]]:
    yield from (
        ((rotate(15.0), gain(0.5), gaussian_noise(0.1)), _then(any_order)),
        ((translate(3.0, -2.0), gaussian_blur(1.2), impulse_noise(0.1)), _then(any_order)),
        ((invert(), rotate(20.0, CV2), gaussian_noise(0.1)), nothing),
        ((scale(0.7), offset(0.2), gaussian_noise(0.1)), nothing),
        ((shear(0.4), gaussian_blur(1.0), gain(0.5)), with_third(any_order)),
        ((flip_horizontal(), rotate(20.0), gain(0.5)), with_third(mirrored)),
        ((rotate(-25.0), occlusion(8, 8, 10, 10), gaussian_noise(0.1)), nothing),
        ((gain(0.5), gaussian_noise(0.1), pixel_permutation()), with_third(nothing)),
        ((gaussian_blur(1.2), gain(0.5), speckle_noise(0.35)), _then(any_order)),
        ((translate(4.0, 0.0), scale(0.8, CV2), invert()), _then(moved)),
        ((rotate(15.0), stripe([12, 13, 14, 15]), gaussian_blur(1.0)), nothing),
        ((gamma(2.0), shot_noise(12.0), transpose()), with_third(nothing)),
    )


def nothing(parts: PARTS) -> tuple[Answer, ...]:
    return ()


def any_order(parts: PARTS) -> tuple[Answer, ...]:
    """The same parts with the same parameters."""
    return tuple(_compose(*order) for order in permutations(parts))


def _then(also: Also) -> Also:
    """Of three: other answers on the first two, and then the third."""
    return lambda parts: tuple(_compose(*two, parts[2]) for two in _twos(also, parts))


def with_third(also: Also) -> Also:
    """Of three: the first two, or other answers on them, with the third wherever it may stand among them."""
    return lambda parts: tuple(
        _compose(*two[:place], parts[2], *two[place:]) for two in _twos(also, parts) for place in range(3)
    )


def _twos(also: Also, parts: PARTS) -> list[PARTS]:
    others = [answer.parameters["parts"] for answer in also(parts[:2]) if answer.parameters]
    return [parts[:2], *others]


def moved(parts: PARTS) -> tuple[Answer, ...]:
    """A move and a linear map M: move by d, then M, is M, then move by M d."""
    (i,) = (i for i, part in enumerate(parts) if part["family"] == "translate")
    move, linear = parts[i], parts[1 - i]
    matrix = _matrix(linear)
    d = (matrix if i == 0 else np.linalg.inv(matrix)) @ [move["parameters"]["dx"], move["parameters"]["dy"]]
    moved = {**move, "parameters": {"dx": d[0], "dy": d[1]}}
    return (_compose(linear, moved) if i == 0 else _compose(moved, linear),)


def mirrored(parts: PARTS) -> tuple[Answer, ...]:
    """A turn and a mirror, in either order, whichever mirror: the same reflection at other angles."""
    target = _matrix(parts[1]) @ _matrix(parts[0])
    composed = []
    for family in ("flip_horizontal", "flip_vertical", "transpose"):
        mirror = {"family": family, "parameters": {}, "scope": "shared"}
        for mirror_first in (True, False):
            turn = target @ _matrix(mirror) if mirror_first else _matrix(mirror) @ target
            angle = float(np.degrees(np.arctan2(turn[0, 1], turn[0, 0])))
            rotation = {"family": "rotate", "parameters": {"angle": angle}, "scope": "shared"}
            composed.append(_compose(mirror, rotation) if mirror_first else _compose(rotation, mirror))
    return tuple(composed)


def line(parts: PARTS) -> tuple[Answer, ...]:
    """a x + b as one, if what is cut off on the way is what would be cut off at the end."""
    values = np.linspace(0, 1, 101)
    straight, cut = _through(parts, values), _through(parts, values, cut=True)
    if not np.allclose(np.clip(straight, 0, 1), cut):
        return ()
    return (Answer("rescale", {"scale": straight[-1] - straight[0], "offset": straight[0]}),)


def power(parts: PARTS) -> tuple[Answer, ...]:
    """(x^e) f is (x f^(1/e))^e."""
    first, second = parts
    if first["family"] == "gamma":
        factor = second["parameters"]["factor"] ** (1 / first["parameters"]["exponent"])
        return (_compose({**second, "parameters": {"factor": factor}}, first),)
    factor = first["parameters"]["factor"] ** second["parameters"]["exponent"]
    return (_compose(second, {**first, "parameters": {"factor": factor}}),)


def _through(parts: PARTS, x: np.ndarray, cut: bool = False) -> np.ndarray:
    for part in parts:
        if part["family"] == "invert":
            x = 1 - x
        elif part["family"] == "gain":
            x = x * part["parameters"]["factor"]
        else:
            x = x + part["parameters"]["amount"]
        x = np.clip(x, 0, 1) if cut else x
    return x


def _compose(*parts: dict[str, Any]) -> Answer:
    return Answer("compose", {"parts": list(parts)}, None)


def _matrix(part: dict[str, Any]) -> np.ndarray:
    """Of (x, y), x right and y down, from input to output."""
    family, numbers = part["family"], part["parameters"]
    if family == "rotate":
        a = np.radians(numbers["angle"])
        return np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    if family == "scale":
        return numbers["factor"] * np.eye(2)
    if family == "shear":
        return np.array([[1, numbers["factor"]], [0, 1]])
    mirrors = {"flip_horizontal": [[-1, 0], [0, 1]], "flip_vertical": [[1, 0], [0, -1]], "transpose": [[0, 1], [1, 0]]}
    return np.array(mirrors[family], float)
