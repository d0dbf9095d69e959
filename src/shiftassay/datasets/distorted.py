"""Data sets in which each image, for training and test, has a distortion of its own.

After the experiments of the spatial transformer paper (Jaderberg et al. 2015, section 4.1 and appendix). Names are
`<data set>-<distortion>`: `mnist-rts`, `fashion-mnist-rotated`. Where the paper leaves a choice open (the scale and
corners of a projective image, quadrilaterals that fold), the docstrings say ours.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, Float64

from shiftassay.errors import BadInput, unknown_name
from shiftassay.imagesets.dataset import Dataset, known_datasets, load_dataset
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.random_stream import seed_for
from shiftassay.shifts.warp import displace, grid, warp

Distorted = Float32[np.ndarray, "n c out out"]
Distort = Callable[[Images, np.random.Generator], Distorted]


def named_dataset(name: str) -> Dataset:
    """A data set by its name, plain or distorted; the same images every time.

    Raises `BadInput` for an unknown name.

    >>> named_dataset("mnist-rts").test.images.shape
    (10000, 1, 42, 42)
    """
    base, _, distortion = name.rpartition("-")
    if distortion not in DISTORTIONS or not base:
        return load_dataset(name)
    plain = load_dataset(base)
    _, height, width = plain.train.shape
    if height != width:
        raise BadInput(f"{name}: distortions are defined for square images, those of {base} are {height} × {width}.")
    return Dataset(name, _distorted(plain.train, name, distortion), _distorted(plain.test, name, distortion))


def check_name(name: str) -> None:
    """Raise `BadInput` unless the name is a data set's, followed by a distortion's.

    Nothing is read or made.
    """
    base, _, distortion = name.rpartition("-")
    if distortion not in DISTORTIONS or base not in known_datasets():
        raise unknown_name("distorted data set", name, known_distortions())


def known_distortions() -> dict[str, str]:
    """Every name that `named_dataset` takes, and where it comes from."""
    about = {f"mnist-{name}": (distort.__doc__ or "").splitlines()[0] for name, distort in DISTORTIONS.items()}
    return {**known_datasets(), **about}


def rotated(images: Images, rng: np.random.Generator) -> Distorted:
    """R: rotated by −90° to 90°."""
    return _affine(images, images.shape[-1], rng.uniform(-90, 90, len(images)))


def rts(images: Images, rng: np.random.Generator) -> Distorted:
    """RTS: rotated, scaled, and translated in a square half as wide again (42 × 42 for MNIST).

    Angles are between −45° and 45°, factors between 0.7 and 1.2.
    """
    n, side = len(images), images.shape[-1]
    out = side * 3 // 2
    scale = rng.uniform(0.7, 1.2, n)
    room = (out - scale * side) / 2
    return _affine(images, out, rng.uniform(-45, 45, n), scale, rng.uniform(-1, 1, (n, 2)) * room[:, None])


def projective(images: Images, rng: np.random.Generator) -> Distorted:
    """P: a random projective transformation.

    Scaled by 0.75 to 1, each corner moved by N(0, 5 px) on each axis. Folded quadrilaterals are redrawn.
    """
    n, side = len(images), images.shape[-1]
    square = (side - 1) / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    corners = np.empty((n, 4, 2))
    missing = np.arange(n)
    while len(missing):
        scale = rng.uniform(0.75, 1, (len(missing), 1, 1))
        corners[missing] = scale * square + rng.normal(0, 5 * side / 28, (len(missing), 4, 2))
        missing = missing[~_convex(corners[missing])]
    return warp(images, _homography(corners, square))


def elastic(images: Images, rng: np.random.Generator) -> Distorted:
    """E: warped by a thin-plate spline.

    Its 4 × 4 control points are moved by N(0, 1.5 px) on each axis.
    """
    n, side = len(images), images.shape[-1]
    points, spread = _spline(side)
    moves = rng.normal(0, 1.5 * side / 28, (n, len(points), 2))
    field = np.einsum("pk,nkx->nxp", spread, moves).astype(np.float32)
    return displace(images, field.reshape(n, 2, side, side))


def cluttered(images: Images, rng: np.random.Generator, patches: int = 16, patch: int = 6) -> Distorted:
    """TC: translated in 60 × 60 pixels (for MNIST), among clutter.

    The clutter is 16 patches of 6 × 6 pixels from other images.
    """
    n, c, _, side = images.shape
    out = side * 15 // 7
    canvas = np.zeros((n, c, out, out), np.float32)
    index = np.arange(n)
    for _ in range(patches):
        source = (index + rng.integers(1, max(n, 2), n)) % n
        cut = _windows(images, patch, rng.integers(0, side - patch + 1, (n, 2)), source)
        _paste(canvas, cut, rng.integers(0, out - patch + 1, (n, 2)))
    _paste(canvas, images, rng.integers(0, out - side + 1, (n, 2)))
    return canvas


DISTORTIONS: dict[str, Distort] = {
    "rotated": rotated,
    "rts": rts,
    "projective": projective,
    "elastic": elastic,
    "cluttered": cluttered,
}


def _distorted(plain: ImageSet, name: str, distortion: str) -> ImageSet:
    part = plain.name.rpartition(":")[2]
    images = DISTORTIONS[distortion](plain.images, np.random.default_rng(seed_for("distorted", distortion, part)))
    return ImageSet(images, plain.labels, f"{name}:{part}", plain.unit, plain.integer)


def _affine(
    images: Images, out: int, angles: np.ndarray, scale: np.ndarray | float = 1.0, place: np.ndarray | float = 0.0
) -> Distorted:
    """Rotate, scale and move in a square of `out` pixels.

    Angles are counter-clockwise in degrees, moves in pixels.
    """
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    back = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2) / np.reshape(scale, (-1, 1, 1))
    offset = -back @ np.broadcast_to(place, (len(images), 2))[..., None]
    return warp(images, np.concatenate([back, offset], axis=2), (out, out))


def _convex(corners: Float64[np.ndarray, "n 4 2"]) -> Bool[np.ndarray, "n"]:
    """Whether each quadrilateral is convex, with its orientation before the corners moved."""
    edges = np.roll(corners, -1, axis=1) - corners
    following = np.roll(edges, -1, axis=1)
    return np.all(edges[..., 0] * following[..., 1] > edges[..., 1] * following[..., 0], axis=1)


def _homography(
    corners: Float64[np.ndarray, "n 4 2"], square: Float64[np.ndarray, "4 2"]
) -> Float64[np.ndarray, "n 3 3"]:
    """The projective maps that take four corners to those of the square."""
    x, y = corners[..., 0], corners[..., 1]
    u, v = np.broadcast_to(square[:, 0], x.shape), np.broadcast_to(square[:, 1], y.shape)
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = [
        np.stack([x, y, one, none, none, none, -u * x, -u * y], -1),
        np.stack([none, none, none, x, y, one, -v * x, -v * y], -1),
    ]
    solved = np.linalg.solve(np.concatenate(rows, 1), np.concatenate([u, v], 1)[..., None])[..., 0]
    return np.concatenate([solved, np.ones((len(x), 1))], 1).reshape(-1, 3, 3)


def _spline(side: int, across: int = 4) -> tuple[Float64[np.ndarray, "k 2"], Float64[np.ndarray, "p k"]]:
    """Control points, and the matrix from their displacements to those of every pixel.

    A thin-plate spline is linear in the displacements of its control points.
    """
    line = np.linspace(-1, 1, across) * (side - 1) / 2
    points, places = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), grid(side, side).reshape(2, -1).T
    system = np.block([[_radial(points, points), _plane(points)], [_plane(points).T, np.zeros((3, 3))]])
    spread = np.linalg.solve(system.T, np.hstack([_radial(places, points), _plane(places)]).T).T
    return points, spread[:, : len(points)]


def _radial(places: Float64[np.ndarray, "p 2"], points: Float64[np.ndarray, "k 2"]) -> Float64[np.ndarray, "p k"]:
    """The thin plate's r² log r."""
    squared = ((places[:, None] - points[None]) ** 2).sum(-1)
    return 0.5 * squared * np.log(np.where(squared > 0, squared, 1))


def _plane(places: Float64[np.ndarray, "p 2"]) -> Float64[np.ndarray, "p 3"]:
    return np.hstack([np.ones((len(places), 1)), places])


def _windows(images: Images, size: int, at: np.ndarray, source: np.ndarray) -> Distorted:
    """A window of size × size of each source image, with its top left corner at (row, column)."""
    offsets = np.arange(size)
    rows, columns = at[:, 0, None] + offsets, at[:, 1, None] + offsets
    return np.moveaxis(images[source[:, None, None], :, rows[:, :, None], columns[:, None, :]], -1, 1)


def _paste(canvas: Images, pieces: Distorted, at: np.ndarray) -> None:
    """Put a piece onto each canvas, the brighter of both in every pixel."""
    rows, columns = at[:, 0, None] + np.arange(pieces.shape[2]), at[:, 1, None] + np.arange(pieces.shape[3])
    where = (np.arange(len(canvas))[:, None, None], slice(None), rows[:, :, None], columns[:, None, :])
    canvas[where] = np.maximum(canvas[where], np.moveaxis(pieces, 1, -1))
