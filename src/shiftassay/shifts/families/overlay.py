"""Shifts that change some pixels only: inverted columns, pixels that drop out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Int64

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, drawn_in_torch, literal
from shiftassay.shifts.estimation.distribution import distribution
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift, check
from shiftassay.shifts.own_interval import OwnInterval
from shiftassay.shifts.parameters import Number, Parameters, Uniform, draw, spread
from shiftassay.statistics.intervals import wilson

INK = 0.5  # a pixel as bright as this is surely ink
DROPPED = 0.4  # of its brightness: a pixel of ink that keeps less has dropped out


@FAMILIES.register("stripe")
@dataclass(frozen=True)
class Stripe(Shift):
    """Invert some columns: 1 − x, clipped to [0, 1].

    Parameters:
        columns: which ones, counted from 0, each once.
    """

    family: ClassVar[str] = "stripe"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "columns=[0,1,2]"
    exact: ClassVar[bool] = True
    found_as_first_part: ClassVar[bool] = True
    why: ClassVar[str] = (
        "Bright bars stand where training images were black: their many pixels outshout the strokes in every sum over "
        "the image."
    )
    information: ClassVar[Information] = "preserved"

    columns: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.columns or min(self.columns) < 0 or len(set(self.columns)) < len(self.columns):
            raise BadInput(f"stripe: columns must be numbers from 0, each once, not {list(self.columns)}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return self._inverted(images)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return self._inverted(images)

    def neighbours(self) -> Iterator["Stripe"]:
        """One column more or less, at either side of the columns that stand together."""
        inside = set(self.columns)
        beside = {c + step for c in inside for step in (-1, 1)} - inside
        ends = {c for c in inside if not {c - 1, c + 1} <= inside}
        for columns in [inside | {c} for c in beside if c >= 0] + [inside - {c} for c in ends if len(inside) > 1]:
            yield Stripe(tuple(sorted(columns)))

    def undo_steps(self) -> Steps:
        return Steps(
            f"columns, images = {literal(self.columns)}, images.copy()\n"
            "images[:, :, columns] = np.clip(1 - images[:, :, columns], 0, 1)"
        )

    def _inverted(self, images: Images) -> Images:
        if max(self.columns) >= images.shape[3]:
            raise BadInput(f"stripe: there is no column {max(self.columns)} in images {images.shape[3]} wide.")
        striped = images.copy()
        striped[..., list(self.columns)] = np.clip(1 - striped[..., list(self.columns)], 0, 1)
        return striped

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The columns that 1 − x explains better than x does, by squared error over all images."""
        inverse = np.clip(1 - pairs.reference, 0, 1)
        rise = (pairs.shifted - pairs.reference).mean((0, 1, 2))
        striped = rise > (rise.min() + rise.max()) / 2
        # The affine intensity fit depends on the columns, and they on it: a few rounds of both.
        for _ in range(4 if pairs.contrast else 1):
            gain, offset = pairs.fit_intensity(np.where(striped, inverse, pairs.reference))
            plain, inverted = (
                ((pairs.shifted - gain * side - offset) ** 2).mean((0, 1, 2)) for side in (pairs.reference, inverse)
            )
            striped = inverted < plain if gain > 0 else inverted > plain
        return [cls(tuple(map(int, np.flatnonzero(striped))))] if striped.any() and not striped.all() else []

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The columns of the mean picture that are nearer to its inverse."""
        before, after = (side.mean(axis=(0, 1)) for side in (samples.some_reference, samples.some_shifted))
        plain, inverted = (((after - side) ** 2).sum(0) for side in (before, 1 - before))
        columns = np.flatnonzero(inverted < plain)
        return [cls(tuple(columns.tolist()))] if 0 < len(columns) < len(plain) else []


@FAMILIES.register("pixel_dropout")
@dataclass(frozen=True)
class PixelDropout(Shift):
    """Turn random pixels black, in all their channels.

    Parameters:
        fraction: probability that a pixel drops out, 0 to 1.
    """

    family: ClassVar[str] = "pixel_dropout"
    group: ClassVar[str] = "overlay"
    example: ClassVar[str] = "fraction=0.3"
    also_called: ClassVar[tuple[str, ...]] = ("dropout", "dead_pixels")
    random: ClassVar[bool] = True
    covers: ClassVar[bool] = True
    derivative_free: ClassVar[tuple[str, ...]] = ("fraction",)
    simulated: ClassVar[tuple[str, ...]] = ("fraction",)
    strengths: ClassVar[tuple[float, float] | None] = (0.0001, 0.999)
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"fraction": v} for v in (0.1, 0.3, 0.5, 0.7, 0.9))
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Strokes lose ink at random, so that what a unit receives is weaker, and rougher, than on any image it was "
        "trained on."
    )
    information: ClassVar[Information] = "reduced"

    fraction: Number
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "fraction", lambda v: 0 <= v <= 1, "between 0 and 1")

    def training_steps(self) -> Steps:
        kept = f"(torch.rand_like(images[:, :1]) >= {drawn_in_torch(self.fraction)})"
        return Steps(f"images = images * {kept}")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        fractions, dropped = rng.spawn(2)
        u = dropped.random((len(images), 1, *images.shape[2:]), np.float32)
        return images * (u >= spread(draw(self.fraction, len(images), fractions)))

    @staticmethod
    def _counted(pairs: Pairs) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
        """Of each image, how many pixels have ink, and how many of them lost it."""
        brightness = pairs.reference.max(1)
        ink = brightness > INK
        gone = ink & (pairs.shifted.max(1) < DROPPED * brightness)
        return ink.sum((1, 2)), gone.sum((1, 2))

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """One fraction: Wilson's interval of the share of inked pixels that dropped out."""
        counts, dropped = (int(count.sum()) for count in self._counted(pairs))
        if not isinstance(self.fraction, float) or not counts:
            return {}
        ends = wilson(dropped, counts, level)
        return {"fraction": OwnInterval(dropped / counts, ends.low, ends.high)}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The share of inked pixels that dropped out; a range if it varies more than binomially."""
        counts, dropped = cls._counted(pairs)
        enough = counts >= 10
        fraction = dropped.sum() / max(counts.sum(), 1)
        if not enough.any() or not 0.002 < fraction < 0.998:
            return []
        shares = dropped[enough] / counts[enough]
        binomial = np.mean(fraction * (1 - fraction) / counts[enough])
        excess = shares.var() - binomial
        # 5 standard deviations of a variance of so many shares
        if excess <= 5 * binomial * np.sqrt(2 / len(shares)) or len(shares) < 10:
            return [cls(float(fraction))]
        fractions = distribution(shares, 4 * np.sqrt(binomial))
        if isinstance(fractions, Uniform):
            half_width = np.sqrt(3 * excess)
            low, high = max(shares.mean() - half_width, 0), min(shares.mean() + half_width, 1)
            fractions = Uniform(float(low), float(high))
        return [cls(fractions)]
