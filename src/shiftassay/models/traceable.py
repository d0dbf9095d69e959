"""An undo as tensor operations that can be exported, found from what it does to images.

A shift undoes arrays with whatever library it likes, which no exported file can hold. Most undos are one of a few
simple maps all the same. Which one, and its numbers, follow from answers to chosen images; images under the shift check
it.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronts import AsIs, Front, Several, Sort, Undo, front_of
from shiftassay.models.maps import AffineMap, ChannelMap, CurveMap, FrontModule, MatrixMap, NeighbourMap, PlaceMap
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Shift

EQUAL = 1e-4  # the largest difference of a pixel that is rounding: a fortieth of a grey level
PROBES = 16  # images that are shifted, to check a map on
MOST_PIXELS = 48 * 48  # of which each is asked for by itself
STEPS = (0.5, 0.1, 0.02, 0.004)  # of the spread of values, by which single pixels are made brighter
KNOTS = 16  # of a curve, for each grey level
MOST_NEIGHBOURS = 16  # pixels that one pixel is mixed from; with more, a matrix is kept

Images = Float32[np.ndarray, "n c h w"]
UndoFunction = Callable[[Images], Images]


def traceable_undo(shift: Shift, shape: tuple[int, int, int]) -> nn.Module:
    """A module that undoes a shift of images (c, h, w) with tensor operations alone.

    Raises `BadInput` for a shift that nobody can undo without an image's partner, and for an undo that is no map of
    values, of places, or of pixels to sums of pixels.
    """
    front = front_of(shift, shape)
    parts = front.parts if isinstance(front, Several) else (front,)
    if any(isinstance(part, AsIs | Sort) for part in parts):
        raise BadInput(
            f"{shift}: can't be undone without each image's partner, so that there is no undo to put in front. "
            "See 'shiftassay repair' for what else helps."
        )
    return traceable(front, shape)


def traceable(front: Front, shape: tuple[int, int, int]) -> nn.Module:
    """A front as a module of tensor operations, checked on images under the shift.

    Raises `BadInput` for an undo that is no map of values, of places, or of pixels to sums of pixels.
    """
    if isinstance(front, Several):
        return nn.Sequential(*(traceable(part, shape) for part in front.parts))
    if not isinstance(front, Undo):
        return FrontModule(front)
    probe = _probe(front.shift, shape)

    def undo(images: Images) -> Images:
        return front(torch.from_numpy(np.array(images))).numpy()

    wanted = undo(probe)
    if probe.shape[1:] != shape or wanted.shape != probe.shape:
        raise BadInput(f"{front}: changes the size of images, which no model's file can undo. Resize them before.")
    for module in _maps(undo, probe, wanted, shape):
        for candidate in (module, nn.Sequential(module, nn.Hardtanh(0.0, 1.0))):
            with torch.no_grad():
                undone = candidate(torch.from_numpy(probe)).numpy()
            if np.abs(undone - wanted).max() <= EQUAL * max(1.0, np.abs(wanted).max()):
                return candidate
    size = " × ".join(map(str, shape))
    raise BadInput(
        f"{front}: this undo can't be written into a file for images of {size}: it is no map of values, of places, or, "
        f"up to {MOST_PIXELS:,} pixels, of pixels to sums of pixels. Paste the code that the diagnosis gives instead."
    )


def _probe(shift: Shift, shape: tuple[int, int, int]) -> Images:
    """Images under the shift: noise, and smooth ones without black and white."""
    rng = np.random.default_rng(0)
    noise = rng.random((PROBES // 2, *shape), np.float32)
    rows, columns = np.linspace(0, 1, shape[1])[:, None], np.linspace(0, 1, shape[2])
    waves = [np.sin(a * rows + b * columns + c) for a, b, c in rng.uniform(1, 6, (PROBES // 2 * shape[0], 3))]
    smooth = (0.5 + 0.4 * np.stack(waves)).astype(np.float32).reshape(-1, *shape)
    return catalog.shift(ImageSet(np.concatenate([noise, smooth])), shift, 0).images.copy()


def _maps(undo: UndoFunction, probe: Images, wanted: Images, shape: tuple[int, int, int]) -> Iterator[nn.Module]:
    """The maps that an undo may be, the simplest first, with the numbers that its answers give."""
    yield _channel_map(probe, wanted)
    if probe.min() >= 0 and probe.max() <= 1:
        yield _curve_map(undo, shape)
    if (moved := _place_map(undo, shape)) is not None:
        yield moved
    if shape[1] * shape[2] <= MOST_PIXELS:
        yield _pixel_map(undo, probe, shape)
    elif (turned := _affine_map(undo, shape)) is not None:
        yield turned


def _channel_map(probe: Images, wanted: Images) -> ChannelMap:
    """By least squares on the pixels whose undone values are not cut off."""
    channels = probe.shape[1]
    x, y = (images.transpose(0, 2, 3, 1).reshape(-1, channels).astype(np.float64) for images in (probe, wanted))
    inside = np.flatnonzero(((y > 1e-6) & (y < 1 - 1e-6)).all(1))
    if len(inside) <= channels:
        inside = np.arange(len(y))
    design = np.column_stack([x[inside], np.ones(len(inside))])
    solution = np.linalg.lstsq(design, y[inside], rcond=None)[0]
    return ChannelMap(solution[:-1].T, solution[-1])


def _place_map(undo: UndoFunction, shape: tuple[int, int, int]) -> PlaceMap | None:
    """From two images whose values number the places, once up and once down.

    What is the same of both is constant.
    """
    count = int(np.prod(shape))
    numbers = ((np.arange(count) + 1) / (count + 1)).astype(np.float32).reshape(1, *shape)
    up, down = (undo(images)[0].ravel().astype(np.float64) for images in (numbers, 1 - numbers))
    places = np.rint(up * (count + 1)).astype(np.int64) - 1
    constant = np.abs(up - down) < 1e-6
    if len(up) != count or (~constant & ((places < 0) | (places >= count))).any():
        return None
    return PlaceMap(np.where(constant, -1, places), np.where(constant, up, 0.0))


def _curve_map(undo: UndoFunction, shape: tuple[int, int, int]) -> CurveMap:
    """From images whose pixels are its knots; all values of bytes are among these."""
    channels, height, width = shape
    knots = np.linspace(0, 1, 255 * KNOTS + 1, dtype=np.float32)
    grey = np.resize(knots, (-(-len(knots) // (height * width)), 1, height, width))
    undone = undo(np.broadcast_to(grey, (len(grey), *shape)))
    return CurveMap(knots, undone.transpose(1, 0, 2, 3).reshape(channels, -1)[:, : len(knots)])


def _affine_map(undo: UndoFunction, shape: tuple[int, int, int]) -> AffineMap | None:
    """From images whose values are their columns and rows, where nothing is from outside."""
    _, height, width = shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    size = max(height, width)
    ramps = np.stack([columns / size, rows / size, np.ones_like(rows), np.zeros_like(rows)])[:, None]
    x, y, white, black = undo(np.broadcast_to(ramps, (4, *shape))).astype(np.float64)
    inside = (white[0] - black[0] > 1 - 1e-5) & (x[0] * size > 1) & (y[0] * size > 1)
    inside &= (x[0] * size < width - 2) & (y[0] * size < height - 2)
    if inside.sum() < 100:
        return None
    design = np.column_stack([columns[inside], rows[inside], np.ones(inside.sum())])
    matrix = np.linalg.lstsq(design, size * np.column_stack([x[0][inside], y[0][inside]]), rcond=None)[0].T
    outside = white[0] - black[0] < 1e-5
    fill = black[:, outside].mean(1) if outside.any() else np.zeros(shape[0])
    return AffineMap(matrix, fill, height, width)


def _pixel_map(undo: UndoFunction, probe: Images, shape: tuple[int, int, int]) -> nn.Module:
    """From the answers to grey images with one brighter pixel, the same in all channels.

    Brighter by so little that nothing is cut off at black or white, and no less: answers are rounded.
    """
    _, height, width = shape
    pixels = height * width
    grey, undone, step = float(probe.mean()), np.empty(0), 0.0

    def answers(images: np.ndarray) -> np.ndarray:
        images = images.astype(np.float32).reshape(-1, 1, height, width)
        return undo(np.broadcast_to(images, (len(images), *shape)))[:, 0].reshape(-1, pixels).astype(np.float64)

    base = answers(np.full((1, pixels), grey))
    for step in float(probe.std()) * np.array(STEPS):
        undone = np.concatenate([answers(grey + step * rows) for rows in np.array_split(np.eye(pixels), 8)])
        if not ((undone == 0) | (undone == 1)).any():
            break
    matrix = (undone - base) / step
    matrix[np.abs(matrix) < 1e-5] = 0
    constant = base[0] - grey * matrix.sum(0)
    most = int((matrix != 0).sum(0).max(initial=1))
    if most > MOST_NEIGHBOURS:
        return MatrixMap(matrix, constant)
    places = np.ascontiguousarray(np.argsort(-np.abs(matrix), axis=0)[: max(most, 1)].T)
    return NeighbourMap(places, np.take_along_axis(matrix.T, places, 1), constant)
