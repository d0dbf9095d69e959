"""Pictures that were made smaller and brought back to their size."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs
from shiftassay.shifts.families.resolution import Pixelate
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.resizing import PREFERRED, Kernel, Resized, Size, check_kernel, resize

FEW, VALUES, FEWEST = 24, 200_000, 3  # pairs that factors are compared on: of so many values in grey
EXACT, EXACT_VALUES = 24, 600_000  # pairs that kernels are compared on
FACTORS = (1.2, 1.5, 2.0, 2.7, 3.6, 5.0, 7.0, 10.0)  # to begin with
LARGEST = 20.0
WORTHWHILE = 0.9  # of the change: above, the best factor explains nothing
PROMISING = 3  # pairs of kernels that are tried with sizes a pixel off
SAME = (ROUNDING / 10) ** 2  # mean square by which two fits count as the same
BASE, SCALE = 0.5, 0.3  # of the test pictures that show a kernel: overshoots stay between black and white
UNEQUAL = 0.5 / 255  # rows that differ by less are copies
EDGE = 6  # the share of rows, one in so many, at either edge, whose copies tell nothing
AROUND = 1.8  # times the best size of a coarse grid, within which sizes are looked for
RIDGE = 1e-6
DIP = 0.6  # times the distances of sizes a pixel off: what the right size leaves at most


class Kernels(NamedTuple):
    """Down with or without antialiasing, and up."""

    down: Kernel
    antialias: bool
    up: Kernel


# Of the coarse grid: one that smooths, and one that hardly does.
FIRST = Kernels("bilinear", True, "bilinear"), Kernels("bicubic", False, "bicubic")

SMOOTH_UP: tuple[Kernel, ...] = ("bilinear", "bicubic", "lanczos")
COPYING_UP: tuple[Kernel, ...] = ("nearest", "nearest_floor")
MEANS: tuple[Kernel, ...] = ("area", "box")
ROUND_STEPS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)  # a factor is said as a multiple of the largest that is possible


@FAMILIES.register("resample")
@dataclass(frozen=True)
class Resample(Shift):
    """Make the picture smaller, then bring it back to its size.

    In between its height and width are divided by the factor, and rounded.

    Parameters:
        factor: above 1 and at most 100.
        down: the kernel by which it becomes smaller: nearest, nearest_floor, box, bilinear, hamming, bicubic, lanczos,
            area or gaussian.
        up: the kernel by which it is brought back.
        antialias: whether `down` widens with the factor, as Pillow's kernels do and OpenCV's do not.
    """

    family: ClassVar[str] = "resample"
    group: ClassVar[str] = "resolution"
    example: ClassVar[str] = "factor=2"
    also_called: ClassVar[tuple[str, ...]] = ("resize", "downscale")
    completed_by: ClassVar[tuple[str, ...]] = ("intensity", "noise", "colour")
    completes: ClassVar[tuple[str, ...]] = ("colour",)
    found_as_first_part: ClassVar[bool] = True
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"factor": v} for v in (1.5, 2.0, 3.0, 4.0))
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "Detail finer than the small picture's pixels is gone, or, without antialiasing, has turned into patterns "
        "that are not there."
    )
    information: ClassVar[Information] = "reduced"

    factor: float
    down: Kernel = "bilinear"
    up: Kernel = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "factor", lambda v: 1 < v <= 100, "above 1 and at most 100")
        if self.down.startswith("nearest"):
            object.__setattr__(self, "antialias", False)
        check_kernel(self.family, self.down, self.antialias)
        check_kernel(self.family, self.up, True)

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._back(resize(images, self._small(images), self.down, self.antialias), images)

    def alternatives(self) -> Mapping[str, Shift]:
        """Sizes rounded down; another bicubic kernel on the way back."""
        arguments = (self.factor, self.down, self.up, self.antialias)
        others: dict[str, Shift] = {"sizes rounded down": _OtherResample(*arguments, rounds_down=True)}
        if self.up == "bicubic":
            others["the other bicubic"] = _OtherResample(*arguments, other_bicubic=True)
        return others

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The size and the kernels of least squared error.

        Where rows are copies of each other, their number is the size. Elsewhere sizes are compared under a few pairs of
        kernels, all of them linear maps of rows and columns, from a coarse grid to the nearest pixel; then all kernels
        at the best size. Empty if the best explains less than a tenth of the change.
        """
        h, w = pairs.reference.shape[2:]
        if min(h, w) < 4 or not 0 < pairs.change < np.inf or pairs.shifted.min() < 0 or pairs.shifted.max() > 1:
            return []
        copied = _distinct_rows(pairs.shifted)
        if copied < h:
            ups, near = COPYING_UP, [copied] if copied >= h / LARGEST else []
        else:
            ups, near = SMOOTH_UP, _nearest_sizes(pairs)
        few = pairs.first_affordable(EXACT, EXACT_VALUES, FEWEST)
        unshifted = float(few.errors(few.reference).mean())
        fits: dict[Resample, float] = {}
        for size in near:
            fits |= _errors(_with_kernels(h, w, size, ((*down, up) for up in ups for down in _likely(up))), few)
        for best in sorted(fits, key=lambda s: fits[s])[:PROMISING]:
            rows = round(h / best.factor)
            near_rows = (rows - 1, rows + 1) if copied == h else ()
            kernels = (best.down, best.antialias, best.up)
            fits |= _errors([s for n in near_rows for s in _with_kernels(h, w, n, [kernels])], few)
        least = min(fits.values(), default=np.inf)
        if not least < WORTHWHILE * unshifted:
            return []
        best = next(shift for shift, error in fits.items() if error <= least + SAME)
        return [] if best._is_pixelated and (h % best.factor or w % best.factor) == 0 else [best]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The factors that lead to this size, whether sizes are rounded or rounded down."""
        side = max(pairs.reference.shape[2:])
        small = round(side / self.factor)
        return {"factor": OwnInterval(self.factor, side / (small + 1), side / (small - 0.5))}

    def normal_form(self) -> Shift:
        """A pixelation, if it is whole blocks that become their means."""
        return Pixelate(int(self.factor)) if self._is_pixelated else self

    @property
    def variant(self) -> tuple[object, ...]:
        return (*super().variant, self.down, self.up, self.antialias)

    @property
    def degrees_of_freedom(self) -> int:
        """Two: a factor, and a choice of kernels."""
        return 2

    @property
    def _is_pixelated(self) -> bool:
        return self.down in MEANS and self.up in COPYING_UP and self.factor == int(self.factor)

    def _small(self, images: Images) -> Size:
        h, w = images.shape[2:]
        return max(round(h / self.factor), 1), max(round(w / self.factor), 1)

    def _back(self, small: Resized, images: Images) -> Images:
        return np.clip(resize(small, images.shape[2:], self.up, _smooths(self.up, self.antialias)), 0, 1)


@dataclass(frozen=True)
class _OtherResample(Resample):
    """The same as other code makes it."""

    rounds_down: bool = False
    other_bicubic: bool = False

    def _small(self, images: Images) -> Size:
        h, w = images.shape[2:]
        return (int(h / self.factor), int(w / self.factor)) if self.rounds_down else super()._small(images)

    def _back(self, small: Resized, images: Images) -> Images:
        if not self.other_bicubic:
            return super()._back(small, images)
        other = not _smooths(self.up, self.antialias)
        return np.clip(resize(small, images.shape[2:], self.up, other), 0, 1)


def _smooths(up: Kernel, antialias: bool) -> bool:
    """Which of two bicubic kernels brings a picture back: its own library's."""
    return antialias if up == "bicubic" else not up.startswith("nearest")


def _distinct_rows(images: Images) -> int:
    """How many rows are no copies of the row above.

    All of them, where only rows near the edge are: every kernel repeats the outermost pixels.
    """
    few = images[:FEW]
    differing = np.abs(np.diff(few, axis=2)).max((0, 1, 3), initial=0) > UNEQUAL
    margin = len(differing) // EDGE
    return len(differing) + 1 if differing[margin : len(differing) - margin].all() else 1 + int(differing.sum())


def _with_kernels(h: int, w: int, rows: int, kernels: Iterable[tuple[Kernel, bool, Kernel]]) -> list[Resample]:
    """Resamplings of pictures of this size to so many rows."""
    if not 1 < h / max(rows, 1) <= LARGEST:
        return []
    return [Resample(_roundest(h, w, rows), down, up, antialias) for down, antialias, up in kernels]


def _roundest(h: int, w: int, rows: int) -> float:
    """The roundest of the factors that lead to this size."""
    columns = round(w * rows / h)
    for step in ROUND_STEPS:
        near = step * round(h / rows / step)
        if near > 1 and round(h / near) == rows and round(w / near) == columns:
            return round(float(near), 6)
    return h / rows


def _likely(up: Kernel) -> list[tuple[Kernel, bool]]:
    """The kernels down, in the order in which they are preferred.

    First come those that go with the kernel up.
    """
    alike = (*COPYING_UP, *MEANS) if up in COPYING_UP else (up,)
    return sorted(PREFERRED, key=lambda down: alike.index(down[0]) if down[0] in alike else len(alike))


def _errors(shifts: Iterable[Resample], pairs: Pairs) -> dict[Resample, float]:
    """The mean squared errors, the lower of both bicubic kernels."""
    errors = {}
    for shift in shifts:
        forms = [shift, *(s for name, s in shift.alternatives().items() if name == "the other bicubic")]
        made = (form.apply(pairs.reference, np.random.default_rng(0)) for form in forms)
        errors[shift] = min(float(pairs.errors(images).mean()) for images in made)
    return errors


def _nearest_sizes(pairs: Pairs) -> list[int]:
    """The numbers of rows that fit, by what a kernel can make of so many.

    Sizes are looked for around the best of a coarse grid. The last is the best by a remake with one pair of kernels.
    """
    h, w = pairs.reference.shape[2:]
    few = pairs.first_affordable(FEW, pairs.reference.shape[1] * VALUES, FEWEST)
    gray = Pairs(few.reference.mean(1, keepdims=True), few.shifted.mean(1, keepdims=True), pairs.contrast)
    coarse: dict[int, float] = {}
    for rows in {round(h / factor) for factor in FACTORS if 2 <= round(h / factor) < h}:
        sides = ((h, rows), (w, max(round(w * rows / h), 1)))
        maps = [[_through(kernels, *side) for side in sides] for kernels in FIRST]
        coarse[rows] = min(float(gray.errors(down @ gray.reference @ across.T).mean()) for down, across in maps)
    if not coarse or min(coarse.values()) > WORTHWHILE * float(gray.errors(gray.reference).mean()):
        return []
    best = min(coarse, key=lambda rows: coarse[rows])
    low, high = max(2, int(best / AROUND)), min(int(best * AROUND) + 1, h - 2)
    columns = gray.shifted.transpose(2, 0, 1, 3).reshape(h, -1).astype(np.float64)
    products = columns @ columns.T
    right: list[int] = []
    for up in SMOOTH_UP[:2]:
        distances = np.array([_distance(products, up, rows) for rows in range(low - 1, high + 2)])
        if len(distances) > 2:  # where the size is right, the distance is far below its neighbours'
            dips = distances[1:-1] / np.maximum(np.minimum(distances[:-2], distances[2:]), 1e-12)
            if dips.min() < DIP:
                right.append(low + int(dips.argmin()))
    return list(dict.fromkeys([*right, best])) if right or pairs.contrast else []


def _distance(products: Float64[np.ndarray, "h h"], up: Kernel, rows: int) -> float:
    """The columns' squared distance from what the kernel can make of so many rows.

    To a degree of freedom.

    Of the columns it takes the products of rows with each other.
    """
    h = len(products)
    basis = _matrix(up, True, rows, h).astype(np.float64)
    inner = basis.T @ basis + RIDGE * np.eye(rows)
    explained = np.linalg.solve(inner, basis.T @ products @ basis)
    return float(np.trace(products) - np.trace(explained)) / (h - rows)


def _through(kernels: Kernels, side: int, small: int) -> Float32[np.ndarray, "side side"]:
    """The linear map of a column of pixels to so many fewer and back."""
    down = _matrix(kernels.down, kernels.antialias, side, small)
    return _matrix(kernels.up, True, small, side) @ down


@lru_cache(maxsize=512)
def _matrix(kernel: Kernel, antialias: bool, before: int, after: int) -> Float32[np.ndarray, "after before"]:
    """What resizing does to a column of pixels."""
    units = np.float32(BASE) + np.float32(SCALE) * np.eye(before, dtype=np.float32)[None, None]
    try:
        made = resize(units, (after, before), kernel, antialias)
    except BadInput:
        made = resize(units, (after, before), kernel, True)
    return (made[0, 0] - np.float32(BASE)) / np.float32(SCALE)
