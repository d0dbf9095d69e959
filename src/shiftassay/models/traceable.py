"""An undo as tensor operations that can be exported, found from what it does to images.

A shift undoes arrays with whatever library it likes, which no exported file can hold. Most undos are one of a few
simple maps all the same. Which one, and its numbers, follow from answers to chosen images; images under the shift check
it.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.fronts import AsIs, Front, Several, Sort, Undo, front_of
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Shift

EQUAL = 1e-4  # the largest difference of a pixel that is rounding: a fortieth of a grey level
PROBES = 16  # images that are shifted, to check a map on
MOST_PIXELS = 48 * 48  # of which each is asked for by itself
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
        return front(torch.from_numpy(images)).numpy()

    wanted = undo(probe)
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


class FrontModule(nn.Module):
    """A front that is made of tensor operations already."""

    def __init__(self, front: Front):
        super().__init__()
        self.front = front

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return self.front(images)


class ChannelMap(nn.Module):
    """At each pixel, `matrix` @ channels + `offset`: (c, c) and (c,)."""

    def __init__(self, matrix: np.ndarray, offset: np.ndarray):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix.astype(np.float32)))
        self.register_buffer("offset", torch.from_numpy(offset.astype(np.float32)).view(-1, 1, 1))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        n, c, h, w = images.shape
        return (self.matrix @ images.reshape(n, c, h * w)).reshape(n, c, h, w) + self.offset


class PlaceMap(nn.Module):
    """Each value from a place of the image, of all channels, or a constant where that place is −1."""

    def __init__(self, places: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("places", torch.from_numpy(np.maximum(places, 0)))
        self.register_buffer("kept", torch.from_numpy((places >= 0).astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        moved = images.flatten(1)[:, self.places] * self.kept + self.constant
        return moved.reshape(images.shape)


class NeighbourMap(nn.Module):
    """In each channel, each pixel a weighted sum of a few, plus a constant: (p, k), (p, k) and (p,) of p pixels."""

    def __init__(self, places: np.ndarray, weights: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("places", torch.from_numpy(places))
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        sums = (images.flatten(2)[:, :, self.places] * self.weights).sum(-1)
        return (sums + self.constant).reshape(images.shape)


class MatrixMap(nn.Module):
    """In each channel, pixels @ `matrix` + `constant`: (p, p) and (p,)."""

    def __init__(self, matrix: np.ndarray, constant: np.ndarray):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix.astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return (images.flatten(2) @ self.matrix + self.constant).reshape(images.shape)


def _probe(shift: Shift, shape: tuple[int, int, int]) -> Images:
    """Images under the shift: noise, and smooth ones, whose values stay between black and white in the undo."""
    rng = np.random.default_rng(0)
    noise = rng.random((PROBES // 2, *shape), np.float32)
    rows, columns = np.linspace(0, 1, shape[1])[:, None], np.linspace(0, 1, shape[2])
    waves = [np.sin(a * rows + b * columns + c) for a, b, c in rng.uniform(1, 6, (PROBES // 2 * shape[0], 3))]
    smooth = (0.5 + 0.4 * np.stack(waves)).astype(np.float32).reshape(-1, *shape)
    return catalog.shift(ImageSet(np.concatenate([noise, smooth])), shift, 0).images


def _maps(undo: UndoFunction, probe: Images, wanted: Images, shape: tuple[int, int, int]) -> Iterator[nn.Module]:
    """The maps that an undo may be, the simplest first, with the numbers that its answers give."""
    yield _channel_map(probe, wanted)
    if (moved := _place_map(undo, shape)) is not None:
        yield moved
    if shape[1] * shape[2] <= MOST_PIXELS:
        yield _pixel_map(undo, shape)


def _channel_map(probe: Images, wanted: Images) -> ChannelMap:
    """By least squares on the pixels whose undone values are not cut off."""
    channels = probe.shape[1]
    x, y = (images.transpose(0, 2, 3, 1).reshape(-1, channels).astype(np.float64) for images in (probe, wanted))
    inside = ((y > 1e-6) & (y < 1 - 1e-6)).all(1)
    if inside.sum() <= channels:
        inside[:] = True
    design = np.column_stack([x[inside], np.ones(inside.sum())])
    solution = np.linalg.lstsq(design, y[inside], rcond=None)[0]
    return ChannelMap(solution[:-1].T, solution[-1])


def _place_map(undo: UndoFunction, shape: tuple[int, int, int]) -> PlaceMap | None:
    """From two images whose values number the places, once up and once down: what answers both alike is constant."""
    count = int(np.prod(shape))
    numbers = ((np.arange(count) + 1) / (count + 1)).astype(np.float32).reshape(1, *shape)
    up, down = (undo(images)[0].ravel().astype(np.float64) for images in (numbers, 1 - numbers))
    places = np.rint(up * (count + 1)).astype(np.int64) - 1
    constant = np.abs(up - down) < 1e-6
    if len(up) != count or (~constant & ((places < 0) | (places >= count))).any():
        return None
    return PlaceMap(np.where(constant, -1, places), np.where(constant, up, 0.0))


def _pixel_map(undo: UndoFunction, shape: tuple[int, int, int]) -> nn.Module:
    """From the answers to single white pixels, the same in all channels."""
    _, height, width = shape
    pixels = height * width
    black = undo(np.zeros((1, *shape), np.float32))[0, 0].ravel().astype(np.float64)
    matrix = np.empty((pixels, pixels))
    for start in range(0, pixels, 256):
        rows = np.eye(pixels, dtype=np.float32)[start : start + 256].reshape(-1, 1, height, width)
        alike = np.ascontiguousarray(np.broadcast_to(rows, (len(rows), *shape)))
        matrix[start : start + 256] = undo(alike)[:, 0].reshape(len(rows), pixels) - black
    matrix[np.abs(matrix) < 1e-7] = 0
    most = int((matrix != 0).sum(0).max(initial=1))
    if most > MOST_NEIGHBOURS:
        return MatrixMap(matrix, black)
    places = np.ascontiguousarray(np.argsort(-np.abs(matrix), axis=0)[: max(most, 1)].T)
    return NeighbourMap(places, np.take_along_axis(matrix.T, places, 1), black)
