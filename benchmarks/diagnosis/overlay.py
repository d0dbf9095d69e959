"""Cases that lay something over the picture; MNIST-C's and ImageNet-C's are written from their definitions."""

from collections.abc import Iterator

import numpy as np
from benchmarks.diagnosis.case import Parameter, Part, by, each
from PIL import Image, ImageDraw
from scipy import ndimage, stats

GROUP = "overlay"
MARGIN = 2  # columns on either side of a zigzag
MAP = 256  # side of fog's fractal map


def parts() -> Iterator[Part]:
    for box in ((8, 8, 10, 10, 0.0), (3, 12, 20, 6, 0.5), (10, 4, 6, 18, 1.0)):
        yield occlusion(*box)
    yield occlusion({"low": 2, "high": 18}, {"low": 2, "high": 18}, 8, 8, 0.5)
    yield occlusion({"low": 4, "high": 14}, {"low": 4, "high": 14}, 10, 10, 0.0)
    for columns in ([12, 13, 14, 15], [*range(7), *range(21, 28)], [5, 10, 16, 22]):
        yield stripe(columns)
    for rounded in (False, True):
        for fraction in (0.1, 0.3, 0.6):
            yield pixel_dropout(fraction, rounded)
        for amount, decay in ((0.5, 2.0), (1.5, 3.0), (3.0, 1.5)):
            yield fog(amount, decay, rounded)
        for coverage, size, softness in ((0.15, 3.0, 0.6), (0.3, 2.0, 0.5), (0.5, 1.0, 1.5)):
            yield spatter(coverage, size, softness, rounded=rounded)
        for width, dash in ((1.5, 2), (2.3, 2), (3.0, 4)):
            yield dotted_line(width, dash, rounded)
        for step, height, width in ((2.0, 2.0, 2.3), (3.0, 2.0, 1.5), (3.0, 4.0, 3.0)):
            yield zigzag(step, height, width, rounded)
    for sd, low, high in ((1.0, 0.1, 0.2), (0.7, 0.3, 0.8), (1.5, 0.2, 0.5)):
        yield canny_edges(sd, low, high)


def occlusion(top: Parameter, left: Parameter, height: int, width: int, fill: float = 0.0) -> Part:
    """A rectangle drawn by Pillow; places drawn between two numbers are rounded."""

    def transform(x: np.ndarray, rng: np.random.Generator, top: np.ndarray, left: np.ndarray) -> np.ndarray:
        out = []
        for one, y, a in zip(x, np.rint(top).astype(int).tolist(), np.rint(left).astype(int).tolist(), strict=True):
            picture = Image.fromarray(one)
            ImageDraw.Draw(picture).rectangle((a, y, a + width - 1, y + height - 1), fill=fill)
            out.append(np.asarray(picture))
        return np.stack(out)

    parameters = {"top": top, "left": left, "height": height, "width": width, "fill": fill}
    scope = "per_image" if isinstance(top, dict) or isinstance(left, dict) else "shared"
    make = by(transform, {"top": top, "left": left})
    return Part("occlusion", parameters, make, GROUP, scope, way="PIL")


def stripe(columns: list[int]) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        inverted = np.isin(np.arange(x.shape[2]), columns)
        return np.abs(inverted - x)

    return Part("stripe", {"columns": columns}, by(transform, {}), GROUP, "shared", "preserved")


def pixel_dropout(fraction: Parameter, rounded: bool = False) -> Part:
    transform = lambda x, rng, fraction: (
        x * stats.bernoulli.rvs(np.broadcast_to(1 - each(fraction), x.shape), random_state=rng)
    )
    return Part(
        "pixel_dropout",
        {"fraction": fraction},
        by(transform, {"fraction": fraction}, rounded),
        GROUP,
        "per_image",
        way=_way(rounded),
    )


def fog(amount: float, decay: float, rounded: bool = False) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, h, w = x.shape
        clouds = np.concatenate([plasma(min(200, n - i), decay, rng)[:, :h, :w] for i in range(0, n, 200)])
        brightest = x.max((1, 2), keepdims=True)
        return np.clip((x + amount * clouds) * brightest / (brightest + amount), 0, 1)

    return Part(
        "fog", {"amount": amount, "decay": decay}, by(transform, {}, rounded), GROUP, "per_image", way=_way(rounded)
    )


def spatter(coverage: float, size: float, softness: float, shade: float = 63 / 255, rounded: bool = False) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        liquid = np.stack([ndimage.gaussian_filter(rng.normal(size=x.shape[1:]), size, mode="nearest") for _ in x])
        # The sd of smoothed white noise: the root of the sum of its kernel's squares.
        point = np.zeros((101, 101))
        point[50, 50] = 1
        sd = np.sqrt((ndimage.gaussian_filter(point, size) ** 2).sum())
        mud = (liquid > sd * stats.norm.isf(coverage)).astype(float)
        film = np.stack([ndimage.gaussian_filter(one, softness, mode="nearest") for one in mud])
        film = np.where(film < 0.8, 0, film)
        return np.clip(x * (1 - film) + shade * film, 0, 1)

    parameters = {"coverage": coverage, "size": size, "softness": softness, "shade": shade}
    return Part("spatter", parameters, by(transform, {}, rounded), GROUP, "per_image", way=_way(rounded))


def dotted_line(width: float, dash: int, rounded: bool = False) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        h, w = x.shape[1:]
        out = x.astype(float)
        for one in out:
            left, right = rng.integers(0, h - 1, 2)
            for column in range(w - 1):
                if column // dash % 2:
                    one[:, column] += _fading(left + (right - left) * column / (w - 1), h, width)
        return np.minimum(out, 1)

    return Part(
        "dotted_line", {"width": width, "dash": dash}, by(transform, {}, rounded), GROUP, "per_image", way=_way(rounded)
    )


def zigzag(step: float, height: float, width: float, rounded: bool = False) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        h, w = x.shape[1:]
        out = x.astype(float)
        for one in out:
            start, fall = rng.integers(0, h - 1), rng.integers(-5, 5)
            _draw_zigzag(one, start, fall, step, height, width, w - 1 - MARGIN)
        return np.minimum(out, 1)

    parameters = {"step": step, "height": height, "width": width}
    return Part("zigzag", parameters, by(transform, {}, rounded), GROUP, "per_image", way=_way(rounded))


def canny_edges(sd: float, low: float, high: float) -> Part:
    def transform(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        from skimage.feature import canny

        return np.stack([canny(one, sd, low, high) for one in x]).astype(np.float32)

    return Part("canny_edges", {"sd": sd, "low": low, "high": high}, by(transform, {}), GROUP, way="skimage")


def plasma(n: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Diamond-square on a map that wraps round, in place on a lattice that halves: ImageNet-C's `plasma_fractal`."""
    clouds = np.zeros((n, MAP, MAP), np.float32)
    step, wobble = MAP, 1.0
    while step >= 2:
        half = step // 2
        corners = clouds[:, ::step, ::step]
        square = corners + np.roll(corners, -1, 1)
        centers = (square + np.roll(square, -1, 2)) / 4 + _wobble(corners, wobble, rng)
        clouds[:, half::step, half::step] = centers
        across = corners + np.roll(corners, -1, 2) + centers + np.roll(centers, 1, 1)
        down = corners + np.roll(corners, -1, 1) + centers + np.roll(centers, 1, 2)
        clouds[:, ::step, half::step] = across / 4 + _wobble(corners, wobble, rng)
        clouds[:, half::step, ::step] = down / 4 + _wobble(corners, wobble, rng)
        step, wobble = half, wobble / decay
    clouds -= clouds.min((1, 2), keepdims=True)
    return clouds / clouds.max((1, 2), keepdims=True)


def _wobble(like: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-size, size, like.shape).astype(np.float32)


def _fading(row: float, h: int, width: float) -> np.ndarray:
    """A column's ink near a line: 1 + log(1 − d / width) at a distance of d rows, until it is 0."""
    distance = np.abs(np.arange(h) - row)
    ink = np.zeros(h)
    near = distance < width
    ink[near] = np.maximum(1 + np.log(1 - distance[near] / width), 0)
    return ink


def _draw_zigzag(one: np.ndarray, start: int, fall: int, step: float, height: float, width: float, last: int) -> None:
    """Corners at 0, then at step, 3 step, 5 step … along the line, by turns below and above it."""
    slope = np.arctan2(fall, last - MARGIN)
    along, across, sign = 0.0, 0.0, 1
    here = np.array([MARGIN, start], float)
    while here[0] < last:
        along, across = (step, height) if along == 0 else (along + 2 * step, height * sign)
        sign = -sign
        x = MARGIN + np.cos(slope) * along - np.sin(slope) * across
        there = np.array([x, start + np.sin(slope) * along + np.cos(slope) * across])
        for column in range(int(np.floor(here[0])), int(np.ceil(min(there[0], last)))):
            row = here[1] + (there[1] - here[1]) * (column - here[0]) / (there[0] - here[0])
            if 0 <= column < one.shape[1]:
                one[:, column] += _fading(row, len(one), width)
        here = there


def _way(rounded: bool) -> str:
    return "bytes" if rounded else "float"
