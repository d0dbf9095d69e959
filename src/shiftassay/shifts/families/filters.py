"""Filters of photo editors that look at a pixel's neighbours: sharpening, and the median."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Float64

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.convolution import deconvolve, gaussian, separable
from shiftassay.shifts.estimation.fitting import refine
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.blur import GAUSSIAN_FORMS
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import Parameters, SearchRange
from shiftassay.shifts.sampling_code import DECONVOLUTION

FEW, VALUES, FEWEST = 60, 450_000, 3  # pairs for a fit: at most so many, of so many values, but at least so many
CLIPPED = 1e-3  # grey values nearer to black or white may have been clipped
WORTHWHILE = 0.8  # of the change: above, the best fit explains nothing
THRESHOLD = 2.5 / 255  # Pillow sharpens no difference of less than three grey levels
AT_A_TIME = 8_000_000  # values of windows that are sorted at a time
LARGEST = 9  # pixels: larger windows are not tried
PIECE = 96  # pixels a side of the middle of large pictures, in which sizes of windows are compared


@FAMILIES.register("sharpen")
@dataclass(frozen=True)
class Sharpen(Shift):
    """Add to each pixel its difference from the blurred picture: an unsharp mask.

    x + amount · (x − blurred x), clipped to [0, 1]; the blur is a Gaussian that repeats border pixels outwards.

    Parameters:
        amount: above 0 and at most 100; 1.5 is Pillow's default, 150 percent.
        sd: standard deviation of the Gaussian in pixels, above 0 and at most 50.
    """

    family: ClassVar[str] = "sharpen"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "amount=1.5,sd=1"
    also_called: ClassVar[tuple[str, ...]] = ("unsharp_mask",)
    found_as_first_part: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"amount": a, "sd": s} for a in (0.7, 2.0) for s in (0.8, 2.0))
    why: ClassVar[str] = (
        "Edges get dark and bright seams that the training images did not have, and noise and the blocks of JPEG "
        "stand out."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "amount": SearchRange((1.0,), 0.05, 0.01, 20.0),
        "sd": SearchRange((0.5, 0.8, 1.2, 2.0, 3.2, 5.0, 8.0), 0.05, 0.3, 20.0),
    }

    amount: float
    sd: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "amount", lambda v: 0 < v <= 100, "above 0 and at most 100")
        check(self, "sd", lambda v: 0 < v <= 50, "above 0 and at most 50")

    @classmethod
    def composable(cls) -> bool:
        """No: blurs before it, and maps of grey values after it, change its amount alone."""
        return False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._with_mask(images, images - separable(images, self._line()))

    def alternatives(self) -> Mapping[str, Shift]:
        """Other weights, small differences left alone, and kernels of three by three pixels."""
        forms = [_OtherSharpen(self.amount, self.sd, form, t) for t in (0.0, THRESHOLD) for form in GAUSSIAN_FORMS]
        named = {f"{o.form}{', small differences left alone' if o.threshold else ''}": o for o in forms}
        return {**named, **{name: _SmallKernel(self.amount, self.sd, name) for name in NEIGHBORS}}

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        line = self._line()[0]
        kernel = -self.amount * np.outer(line, line)
        kernel[len(line) // 2, len(line) // 2] += 1 + self.amount
        return deconvolve(images, kernel[None])

    def undo_steps(self) -> Steps:
        reach = len(self._line()[0]) // 2
        return Steps(
            f"line = np.exp(-(np.arange({-reach}, {reach + 1}) ** 2) / (2 * {literal(self.sd)} ** 2))\n"
            f"kernel = {literal(-self.amount)} * np.outer(line, line) / line.sum() ** 2\n"
            f"kernel[{reach}, {reach}] += 1 + {literal(self.amount)}\n"
            "images = deconvolve(images, kernel)",
            DECONVOLUTION,
        )

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The amounts by regression for a few blurs, the best of them refined by least squares.

        Clipped pixels do not count. Empty if the best explains less than a fifth of the change.
        """
        if not 0 < pairs.change < np.inf or pairs.contrast:
            return []
        few = pairs.first_affordable(FEW, VALUES, FEWEST)
        inside = (few.shifted > CLIPPED) & (few.shifted < 1 - CLIPPED)
        change = (few.shifted - few.reference)[inside].astype(np.float64)
        total = float(change @ change)
        fits: list[tuple[float, list[float]]] = []
        for sd in cls.search["sd"].starts:
            mask = (few.reference - separable(few.reference, _line_of(sd)))[inside].astype(np.float64)
            product, square = float(mask @ change), float(mask @ mask)
            if product > 0 and product**2 / square > (1 - WORTHWHILE) * total:
                fits.append((-(product**2) / square, [product / square, sd]))
        if not fits:
            return []
        _, low, high = cls.search_steps()
        start = np.clip(min(fits)[1], low, high)
        return [cls.from_numbers(refine(cls, start[None], few))]

    def _line(self) -> Float64[np.ndarray, "1 k"]:
        return _line_of(self.sd)

    def _with_mask(self, images: Images, mask: Images) -> Images:
        return np.clip(images + np.float32(self.amount) * mask, 0, 1)


@dataclass(frozen=True)
class _OtherSharpen(Sharpen):
    """The same as other code makes it."""

    form: str = "three boxes"
    threshold: float = 0.0

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        mask = images - separable(images, GAUSSIAN_FORMS[self.form](np.array([self.sd])))
        return self._with_mask(images, np.where(np.abs(mask) < self.threshold, np.float32(0), mask))


NEIGHBORS = {"four neighbours": (0.0, 0.25), "eight neighbours": (0.125, 0.125)}
"""Weights of the corners and of the sides, of 3 × 3 pixels."""


@dataclass(frozen=True)
class _SmallKernel(Sharpen):
    """The difference from the mean of the nearest pixels, with a Gaussian's share of it.

    As much as leaves the second moment of the Gaussian's mask.
    """

    form: str = "eight neighbours"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        corner, side = NEIGHBORS[self.form]
        share = self.sd**2 / (2 * side + 4 * corner)
        h, w = images.shape[2:]
        padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
        mean = np.zeros_like(images)
        for down, right in np.ndindex(3, 3):
            weight = (corner if down != 1 and right != 1 else side) if (down, right) != (1, 1) else 0.0
            mean += np.float32(weight) * padded[:, :, down : down + h, right : right + w]
        return self._with_mask(images, np.float32(share) * (images - mean))


def _line_of(sd: float) -> Float64[np.ndarray, "1 k"]:
    return gaussian(np.array([sd]), int(4 * sd + 0.5))


@FAMILIES.register("median")
@dataclass(frozen=True)
class Median(Shift):
    """Each pixel takes the median of the square around it, channel by channel.

    Border pixels are repeated outwards.

    Parameters:
        size: side of the square in pixels, an odd number from 1 to 31; 1 changes nothing.
    """

    family: ClassVar[str] = "median"
    group: ClassVar[str] = "blur"
    example: ClassVar[str] = "size=5"
    found_as_first_part: ClassVar[bool] = False
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"size": v} for v in (3, 5, 7))
    refined: ClassVar[tuple[str, ...] | None] = ()
    why: ClassVar[str] = (
        "Lines thinner than half of the square vanish and corners are rounded, while long edges stay as sharp as "
        "they were."
    )
    information: ClassVar[Information] = "reduced"

    size: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "size", lambda v: 1 <= v <= 31 and v % 2 == 1, "an odd number from 1 to 31")

    @classmethod
    def composable(cls) -> bool:
        """No: what follows it is rarely told from what precedes it."""
        return False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        middle = self.size**2 // 2
        made = np.empty_like(images)
        for part, windows in _windows(images, self.size):
            made[part] = np.partition(windows, middle, axis=-1)[..., middle]
        return made

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The size of least squared error, compared in the middle of large pictures.

        Empty if it explains less than a fifth of the change.
        """
        if not 0 < pairs.change < np.inf or pairs.contrast:
            return []
        h, w = pairs.reference.shape[2:]
        top, left = max(h - PIECE, 0) // 2, max(w - PIECE, 0) // 2
        piece = np.s_[:FEW, :, top : top + PIECE, left : left + PIECE]
        pieces = Pairs(pairs.reference[piece], pairs.shifted[piece])
        few = pieces.first_affordable(FEW, VALUES // 3, FEWEST)
        sizes = [cls(size) for size in range(3, min(LARGEST, h, w) + 1, 2)]
        errors = {s: float(few.errors(s.apply(few.reference, np.random.default_rng(0))).mean()) for s in sizes}
        best = min(sizes, key=lambda s: errors[s], default=None)
        return [best] if best and errors[best] < WORTHWHILE * few.change else []


def _windows(images: Images, size: int) -> Iterator[tuple[slice, Float32[np.ndarray, "m c h w k"]]]:
    """The values around each pixel, of some images at a time, and which these are."""
    reach = size // 2
    step = max(1, AT_A_TIME // max(images[:1].size * size**2, 1))
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        padded = np.pad(images[part], ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
        yield part, windows.reshape(*windows.shape[:4], size**2)
