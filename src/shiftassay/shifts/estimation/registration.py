"""Where pictures lie in pictures of another size, whatever happened to their colours.

A scale and an offset for each axis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy.fft import irfft2, next_fast_len, rfft2

from shiftassay.shifts.resizing import Size, resize

SEARCHED, STARTED, REFINED = 48, 96, 224  # pixels of the longer side: where scales are tried, and where they are fitted
USUAL = (0.875, 224 / 232, 0.9, 0.95, 0.8, 0.75)  # shares that pipelines crop to
STEP = 1.06  # between scales: correlation bears half of it
WIDEST, SMALLEST = 5.0, 0.4  # scales, beside the one that fills the output and the one that fits into it
STARTS = 6
CLEAR = 0.98  # correlation at the first try, that makes more tries pointless
LEAST_OVERLAP = 0.7  # of the shorter side of both
MARGIN = 1.5  # sd of the blur that the border is left out by
ITERATIONS = 8
TINY = 1e-12

Gray = Float32[np.ndarray, "n _ _"]
Stack = Float[np.ndarray, "n _ _"]


class Axis(NamedTuple):
    """Position x in the source lies at `scale` · x + `offset` in the output.

    Positions are in pixels from the edge.
    """

    scale: float
    offset: float


@dataclass(frozen=True)
class Registration:
    """How a picture lies in another along both axes, and how well they correlate there."""

    vertical: Axis
    horizontal: Axis
    correlation: float


def registered(source: Gray, output: Stack) -> Registration | None:
    """The registration of the best correlation, the same for all pairs.

    None where nothing overlaps. Scales are tried on small pictures, offsets by normalized cross-correlation (Padfield
    2012, "Masked object registration in the Fourier domain"), and the best are refined by least squares on blurred
    pictures.
    """
    source, output = (_centered(side) for side in (source, output))
    factor = min(1.0, SEARCHED / max(output.shape[1:]))
    small = _reduced(output, factor)
    exact = [a / b for a, b in zip(small.shape[1:], output.shape[1:], strict=True)]
    tried: list[Registration] = []
    for scales in dict.fromkeys(_scales(source.shape[1:], output.shape[1:])):
        if tried and tried[-1].correlation > CLEAR:
            break
        size = tuple(max(round(n * s * e), 1) for n, s, e in zip(source.shape[1:], scales, exact, strict=True))
        if min(size) < 4:
            continue
        (top, left), correlation = _best_offset(_resized(source, size), small)
        axes = [
            Axis(n / before / e, at / e)
            for n, before, e, at in zip(size, source.shape[1:], exact, (top, left), strict=True)
        ]
        tried.append(Registration(axes[0], axes[1], correlation))
    starts: list[Registration] = []
    for one in sorted(tried, key=lambda r: -r.correlation):
        if all(_apart(one, other, source.shape[1:]) > 0.03 * max(output.shape[1:]) for other in starts):
            starts.append(one)
    best = None
    for start in starts[:STARTS]:
        refined = _refined(source, output, start, STARTED)
        if best is None or refined.correlation > best.correlation:
            best = refined
        if best.correlation > CLEAR:
            break
    return None if best is None else _refined(source, output, best, REFINED)


def _scales(source: tuple[int, ...], output: tuple[int, ...]) -> Iterator[tuple[float, float]]:
    """Scales of height and width that pipelines use, then a grid of them."""
    stretch = output[0] / source[0], output[1] / source[1]
    fill, fit = max(stretch), min(stretch)
    yield stretch
    yield from ((s, s) for s in (fill, fit, 1.0))
    for share in USUAL:
        yield fill / share, fill / share
        yield stretch[0] / share, stretch[1] / share
    for number in range(int(np.log(WIDEST / SMALLEST) / np.log(STEP)) + 1):
        scale = SMALLEST * STEP**number
        if scale * fit <= WIDEST * fill / 1.5:
            yield scale * fit, scale * fit
        yield scale * stretch[0], scale * stretch[1]


def _best_offset(source: Stack, output: Gray) -> tuple[tuple[int, int], float]:
    """Where the source lies in the output at the best mean correlation, by its sign or not.

    Only offsets at which most of the smaller of the two overlaps.
    """
    sides = [a + b - 1 for a, b in zip(source.shape[1:], output.shape[1:], strict=True)]
    size = tuple(next_fast_len(side, real=True) for side in sides)

    def transform(images: np.ndarray, turned: bool = False) -> np.ndarray:
        return np.asarray(rfft2(images[..., ::-1, ::-1] if turned else images, size))

    def correlated(of_output: np.ndarray, of_source: np.ndarray) -> np.ndarray:
        return np.asarray(irfft2(of_output * of_source, size))[..., : sides[0], : sides[1]]

    ones_output, ones_source = np.ones((1, *output.shape[1:]), np.float32), np.ones((1, *source.shape[1:]), np.float32)
    everywhere_output, everywhere_source = transform(ones_output), transform(ones_source, True)
    values_output, values_source = transform(output), transform(source, True)
    count = np.maximum(np.rint(correlated(everywhere_output, everywhere_source)), 1)
    sum_output, sum_source = (
        correlated(values_output, everywhere_source),
        correlated(everywhere_output, values_source),
    )
    covariance = correlated(values_output, values_source) - sum_output * sum_source / count
    variance_output = correlated(transform(output**2), everywhere_source) - sum_output**2 / count
    variance_source = correlated(everywhere_output, transform(source**2, True)) - sum_source**2 / count
    least = 1e-4 * count  # of pictures with a variance of 1: where there is nothing, rounding must not correlate
    product = np.maximum(variance_output, least) * np.maximum(variance_source, least)
    mean = np.abs(np.mean(covariance / np.sqrt(product), axis=0))
    for axis, (a, b) in enumerate(zip(source.shape[1:], output.shape[1:], strict=True)):
        at = np.arange(a + b - 1) - (a - 1)
        overlap = np.minimum(at + a, b) - np.maximum(at, 0)
        mean = np.where(np.expand_dims(overlap >= LEAST_OVERLAP * min(a, b), 1 - axis), mean, 0)
    top, left = np.unravel_index(np.argmax(mean), mean.shape)
    return (int(top) - source.shape[1] + 1, int(left) - source.shape[2] + 1), float(mean[top, left])


def _refined(source: Gray, output: Stack, start: Registration, side: int) -> Registration:
    """Scale and offset of both axes by least squares.

    On pictures whose longer side has so many pixels.
    """
    factor = min(1.0, side / max(output.shape[1:]))
    small = _reduced(output, factor)
    exact = [a / b for a, b in zip(small.shape[1:], output.shape[1:], strict=True)]
    axes = (start.vertical, start.horizontal)
    blocks = [max(1, int(0.6 / (axis.scale * e))) for axis, e in zip(axes, exact, strict=True)]
    source = _block_means(source, blocks)
    axes = [Axis(a.scale * e * k, a.offset * e) for a, e, k in zip(axes, exact, blocks, strict=True)]
    correlation = start.correlation
    for blur in (2.0, 1.0):
        axes, correlation = _fitted(source, small, axes, blur)
    back = [Axis(a.scale / e / k, a.offset / e) for a, e, k in zip(axes, exact, blocks, strict=True)]
    return Registration(back[0], back[1], correlation)


def _fitted(source: Stack, output: Stack, axes: list[Axis], blur: float) -> tuple[list[Axis], float]:
    """Gauss-Newton steps from these axes, and the mean correlation that they reach."""
    blurs = [max(blur, 0.8 * axis.scale) for axis in axes]
    smooth = [_rows(Axis(1.0, 0.0), n, n, sd)[0] for n, sd in zip(output.shape[1:], blurs, strict=True)]
    target = _both(output, *smooth)
    best, reached = axes, -1.0
    for _ in range(ITERATIONS):
        inside = [
            _inside(a, n, m, sd) for a, n, m, sd in zip(axes, source.shape[1:], output.shape[1:], blurs, strict=True)
        ]
        if min(part.sum() for part in inside) < 4:
            break
        vertical, horizontal = (
            [matrix[part] for matrix in _rows(a, n, m, sd)]
            for a, n, m, sd, part in zip(axes, source.shape[1:], output.shape[1:], blurs, inside, strict=True)
        )
        wanted = target[:, inside[0]][:, :, inside[1]]
        across = source @ horizontal[0].T
        made = vertical[0] @ across
        slopes = [vertical[1] @ across, vertical[2] @ across] + [
            vertical[0] @ (source @ matrix.T) for matrix in horizontal[1:]
        ]
        step, correlation = _step(made, wanted, slopes)
        if correlation <= reached:
            break
        best, reached = axes, correlation
        axes = [Axis(max(a.scale + ds, 0.2 * a.scale), a.offset + dt) for a, (ds, dt) in zip(axes, step, strict=True)]
    return best, reached


def _step(made: Stack, wanted: Stack, slopes: list[Stack]) -> tuple[Float64[np.ndarray, "2 2"], float]:
    """The change of both axes that brings `made` nearer to `wanted`, and their correlation.

    Each image has a linear map of grey values of its own.
    """
    n = len(made)
    x, y = (_flat_centered(side) for side in (made, wanted))
    power, energy = (x * x).sum(1) + TINY, (y * y).sum(1) + TINY
    gain = (x * y).sum(1) / power
    correlation = float(abs(np.mean((x * y).sum(1) / np.sqrt(power * energy))))
    weight = 1 / energy
    rest = y - gain[:, None] * x
    columns = []
    for slope in slopes:
        d = _flat_centered(slope)
        d -= ((d * x).sum(1) / power)[:, None] * x
        columns.append(gain[:, None] * d)
    normal = np.array([[(weight * (a * b).sum(1)).sum() for a in columns] for b in columns])
    right = np.array([(weight * (a * rest).sum(1)).sum() for a in columns])
    normal[np.diag_indices(4)] *= 1 + 1e-6
    normal[np.diag_indices(4)] += TINY
    return np.linalg.solve(normal, right).reshape(2, 2) * (n > 0), correlation


def _rows(axis: Axis, before: int, after: int, sd: float) -> list[Float32[np.ndarray, "after before"]]:
    """A blurred resampling as a matrix, and its derivatives by scale and offset."""
    centers = np.arange(before) + 0.5
    distance = (axis.scale * centers + axis.offset)[None] - (np.arange(after) + 0.5)[:, None]
    weights = np.exp(-0.5 * (distance / sd) ** 2) + TINY**2
    weights[np.abs(distance) > 5 * sd] = 0
    total = weights.sum(1, keepdims=True) + TINY**2
    matrix = weights / total
    slope = -distance / sd**2
    by_offset = matrix * (slope - (matrix * slope).sum(1, keepdims=True))
    by_scale = matrix * (slope * centers - (matrix * (slope * centers)).sum(1, keepdims=True))
    return [m.astype(np.float32) for m in (matrix, by_scale, by_offset)]


def _inside(axis: Axis, before: int, after: int, sd: float) -> np.ndarray:
    """The rows of the output that show the source, but for its border."""
    centers = np.arange(after) + 0.5
    low, high = max(axis.offset, 0.0), min(axis.offset + axis.scale * before, float(after))
    margin = min(MARGIN * sd, 0.2 * (high - low))
    return (centers >= low + margin) & (centers <= high - margin)


def _apart(one: Registration, other: Registration, size: tuple[int, ...]) -> float:
    """The largest distance between where two registrations put a corner.

    In pixels of the output.
    """
    return max(
        abs(a.offset + at * n * a.scale - b.offset - at * n * b.scale)
        for n, a, b in zip(size, (one.vertical, one.horizontal), (other.vertical, other.horizontal), strict=True)
        for at in (0, 1)
    )


def _centered(images: Stack) -> Gray:
    """Images with mean 0 and variance 1."""
    images = images - images.mean((1, 2), keepdims=True)
    return (images / np.maximum(images.std((1, 2), keepdims=True), 1e-6)).astype(np.float32)


def _flat_centered(images: Stack) -> Float64[np.ndarray, "n p"]:
    flat = images.reshape(len(images), -1).astype(np.float64)
    return flat - flat.mean(1, keepdims=True)


def _both(images: Stack, rows: np.ndarray, columns: np.ndarray) -> Stack:
    return rows @ images @ columns.T


def _reduced(images: Stack, factor: float) -> Stack:
    if factor >= 1:
        return images
    return _resized(images, tuple(max(round(n * factor), 1) for n in images.shape[1:]))


def _resized(images: Stack, size: Size | tuple[int, ...]) -> Stack:
    height, width = size
    return resize(np.ascontiguousarray(images[:, None], np.float32), (height, width), "area")[:, 0]


def _block_means(images: Stack, blocks: list[int]) -> Stack:
    """Means of blocks; the last rows and columns are left out where they fill none."""
    (rows, columns), (n, height, width) = blocks, images.shape
    h, w = height // rows, width // columns
    if (rows, columns) == (1, 1) or min(h, w) < 1:
        return images
    return images[:, : h * rows, : w * columns].reshape(n, h, rows, w, columns).mean((2, 4))
