"""Shifts of the colours of a picture whose brightness stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float32

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.convolution import gaussian, separable
from shiftassay.shifts.estimation.fitting import refine
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.parameters import SearchRange
from shiftassay.shifts.resizing import Kernel, resize

BT601 = np.array([0.299, 0.587, 0.114], np.float32)
BLUE_AND_RED = np.float32(0.5) / (1 - BT601[[2, 0]])  # what their difference from luma is multiplied by
ZERO = np.float32(128 / 255)  # what stands for no chroma, in bytes
FEW, VALUES, FEWEST = 32, 450_000, 3  # pairs for a fit: at most so many, of so many values, but at least so many
LUMA_CHANGE = 0.15  # of the change, which a blur of colours alone leaves to brightness at most
LUMA_ROUNDING = 0.5 / 255**2  # mean square: what bytes of luma and chroma in between leave to brightness
WORTHWHILE = 0.6  # of the change: above, the best blur explains nothing
NEARLY_WHOLE = 0.97  # an amount from which on it is 1


@FAMILIES.register("color_blur")
@dataclass(frozen=True)
class ColorBlur(Shift):
    """Blur the colours and keep the brightness, as where colours are stored at a lower resolution.

    luma + chroma − amount · (chroma − blurred chroma), clipped to [0, 1]; luma by BT.601, chroma is the rest of each
    channel, the blur a Gaussian that repeats border pixels outwards.

    Parameters:
        sd: standard deviation of the Gaussian in pixels, above 0 and at most 50.
        amount: above 0 to 1, where all of the chroma is blurred.
    """

    family: ClassVar[str] = "color_blur"
    group: ClassVar[str] = "chroma"
    example: ClassVar[str] = "sd=3"
    completed_by: ClassVar[tuple[str, ...]] = ()
    found_as_first_part: ClassVar[bool] = False
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    why: ClassVar[str] = (
        "Colours run over the edges of things: small things lose theirs, and edges that only colour shows are gone."
    )
    information: ClassVar[Information] = "reduced"
    search: ClassVar[dict[str, SearchRange]] = {
        "sd": SearchRange((0.6, 1.0, 1.7, 3.0, 5.0, 9.0), 0.05, 0.2, 30.0),
        "amount": SearchRange((1.0,), 0.02, 0.05, 1.0),
    }

    sd: float
    amount: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "sd", lambda v: 0 < v <= 50, "above 0 and at most 50")
        check(self, "amount", lambda v: 0 < v <= 1, "above 0 and at most 1")

    @classmethod
    def composable(cls) -> bool:
        """No: it is rarely one part of several."""
        return False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        luma = _luma(images)
        chroma = images - luma
        return np.clip(luma + chroma - np.float32(self.amount) * (chroma - self._blurred(chroma)), 0, 1)

    def alternatives(self) -> Mapping[str, Shift]:
        """By bytes of luma and chroma.

        Blurred, or at a lower resolution and brought back by copies or bilinearly.
        """
        others = {(f, up): _InBytes(self.sd, self.amount, f, up) for f in SHARES for up in UPS}
        named = {f"1/{factor} of the resolution, {up}": other for (factor, up), other in others.items()}
        return {"in bytes": _InBytes(self.sd, self.amount), **named}

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The amount only where it is not all of the chroma, beyond which there is none."""
        return ("sd", "amount") if self.amount < 1 else ("sd",)

    def _blurred(self, chroma: Images) -> Images:
        """Chroma lies between −1 and 1, and blurs of pictures between 0 and 1."""
        reach = int(4 * self.sd + 0.5)
        return 2 * separable(chroma / 2 + np.float32(0.5), gaussian(np.array([self.sd]), reach)) - 1

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The best of a few blurs, refined by least squares, where the brightness hardly changed.

        Empty if it explains less than two fifths of the change.
        """
        if pairs.reference.shape[1] != 3 or not 0 < pairs.change < np.inf or pairs.contrast:
            return []
        few = pairs.first_affordable(FEW, VALUES, FEWEST)
        difference = few.shifted - few.reference
        if float(np.mean(_luma(difference) ** 2)) > LUMA_CHANGE * few.change + LUMA_ROUNDING:
            return []
        starts = cls.search_starts(few)
        rng = np.random.default_rng(0)
        errors = [float(few.errors(cls.from_numbers(s).apply(few.reference, rng)).mean()) for s in starts]
        if min(errors) > WORTHWHILE * few.change:
            return []
        best = cls.from_numbers(refine(cls, starts[[int(np.argmin(errors))]], few))
        return [cls(best.sd) if best.amount > NEARLY_WHOLE else best]


SHARES = (2, 3, 4)
UPS: tuple[Kernel, ...] = ("nearest", "bilinear")


@dataclass(frozen=True)
class _InBytes(ColorBlur):
    """The same as video and pictures store it: planes of luma and chroma in bytes."""

    factor: int = 1
    up: Kernel = "nearest"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        luma = _to_bytes(_luma(images))
        if images.shape[1] != 3:
            return super().apply(images, rng)
        ends = images[:, [2, 0]]  # blue and red
        chroma = _to_bytes((ends - luma) * BLUE_AND_RED[:, None, None] + ZERO)
        blurred = _to_bytes(self._stored(chroma))
        mixed = chroma + np.float32(self.amount) * (blurred - chroma) - ZERO
        blue, red = np.moveaxis(luma + mixed / BLUE_AND_RED[:, None, None], 1, 0)
        green = (luma[:, 0] - BT601[0] * red - BT601[2] * blue) / BT601[1]
        return np.clip(np.stack([red, green, blue], 1), 0, 1)

    def _stored(self, chroma: Float32[np.ndarray, "n 2 h w"]) -> Float32[np.ndarray, "n 2 h w"]:
        if self.factor == 1:
            return separable(chroma, gaussian(np.array([self.sd]), int(4 * self.sd + 0.5)))
        h, w = chroma.shape[2:]
        return resize(resize(chroma, (-(-h // self.factor), -(-w // self.factor)), "area"), (h, w), self.up)


def _to_bytes(images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n c h w"]:
    return np.clip(np.rint(images * np.float32(255)), 0, 255) / np.float32(255)


def _luma(images: Images) -> Float32[np.ndarray, "n 1 h w"]:
    if images.shape[1] != 3:
        return images.mean(1, keepdims=True)
    return np.tensordot(images, BT601, (1, 0))[:, None]
