"""Shifts of the bytes that a picture is stored in.

Values that wrap, and buffers that are read in another layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64, Shaped

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, operand
from shiftassay.shifts.estimation.mean_picture import on_grid_by_mean_picture
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.estimation.samples import Samples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.identity import Identity

BYTE = 255  # white, in bytes
VALUES = 256  # of a byte
SIGNED = -128  # the lowest value of a signed byte
WHOLE = 2e-3  # of a byte: single precision is off by less
GLANCE = 4096  # values that rule the family out, where it is not this
PLACES = 4096  # values of each picture that layouts are compared by
PICTURES = 16  # that layouts are compared by
EXPLAINED = 0.5  # of the change: a layout that leaves more is none
COLOR_LAYOUTS = ("hwc", "chw", "whc", "cwh", "hcw", "wch")
"""Orders of a colour picture's axes in memory, the usual ones first."""
GRAY_LAYOUTS = ("hw", "wh")


@FAMILIES.register("byte_wrap")
@dataclass(frozen=True)
class ByteWrap(Shift):
    """Add an amount to bytes, which start again at the low end beyond the high one: they overflow.

    With v = 255 · image, v becomes low + ((v + amount − low) modulo 256). Bytes that are read as signed ones are amount
    0 and low −128. The result is not clipped.

    Parameters:
        amount: whole number of byte values, usually −127 to 128; others are the same modulo 256.
        low: the lowest value that the type holds: 0, or −128 for signed bytes.
    """

    family: ClassVar[str] = "byte_wrap"
    group: ClassVar[str] = "bytes"
    why: ClassVar[str] = (
        "What should have become a little brighter than white is black, and the other way round: bright areas are "
        "filled with noise and edges that no picture has."
    )
    example: ClassVar[str] = "amount=60"
    also_called: ClassVar[tuple[str, ...]] = ("overflow", "wraparound")
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"amount": (-127.0, 128.0), "low": (-128.0, 0.0)}
    information: ClassVar[Information] = "preserved"
    completed_by: ClassVar[tuple[str, ...]] = ()
    completes: ClassVar[tuple[str, ...]] = ("colour",)
    found_as_first_part: ClassVar[bool] = False
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = True
    clip: ClassVar[bool] = False

    amount: int = 0
    low: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "low", lambda v: -BYTE <= v <= 0, "between -255 and 0")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _wrapped(images, self.amount, self.low)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _wrapped(images, -self.amount, 0)

    def undo_steps(self) -> Steps:
        whole = f"np.rint({BYTE} * images - {operand(self.amount)})"
        return Steps(f"images = {whole} % {VALUES} / {BYTE}")

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The amount that all bytes share modulo 256.

        Nothing where none of them wrapped, or values lie between bytes.
        """
        sides = pairs.reference.reshape(-1), pairs.shifted.reshape(-1)
        stride = sides[0].size // GLANCE + 1
        if _amount(*(side[::stride] for side in sides)) is None or (amount := _amount(*sides)) is None:
            return []
        return cls._of_range(amount, *sides)

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The amount by which the histogram of bytes was turned, as far as it wrapped."""
        sides = samples.some_reference.reshape(-1), samples.some_shifted.reshape(-1)
        if not all(_whole(side).all() for side in sides):
            return []
        before, after = (
            np.fft.rfft(np.bincount(np.rint(side * BYTE).astype(np.int64) % VALUES, minlength=VALUES)) for side in sides
        )
        agreement = np.fft.irfft(after * before.conj(), VALUES)
        return cls._of_range(_nearest_to_zero(int(agreement.argmax())), *sides)

    @classmethod
    def _of_range(cls, amount: int, before: Float32[np.ndarray, "m"], after: Float32[np.ndarray, "k"]) -> list[Shift]:
        """The shift by this amount into the range that the values after it show.

        Nothing if none of them wrapped.
        """
        low, high = (round(float(end) * BYTE) for end in (after.min(), after.max()))
        if high - low > BYTE:
            return []
        moved = [round(float(end) * BYTE) + amount for end in (before.min(), before.max())]
        start = next((start for start in (0, SIGNED) if start <= low and high <= start + BYTE), low)
        in_range = any(start <= moved[0] + turn and moved[1] + turn <= start + BYTE for turn in (-VALUES, 0, VALUES))
        return [] if in_range or start > 0 else [cls(amount, start)]

    def normal_form(self) -> Shift:
        """With the amount nearest to zero; the identity, if bytes stay what they are."""
        amount = _nearest_to_zero(self.amount)
        return Identity() if amount == self.low == 0 else ByteWrap(amount, self.low)


@FAMILIES.register("buffer_layout")
@dataclass(frozen=True)
class BufferLayout(Shift):
    """Read a picture's values in another order of axes than they were written in.

    They lie in memory in the order `written`, the last letter's axis running fastest, and are taken as if that order
    were `read`, with the sizes that the picture has. Orders of two letters are those of each channel alone.

    Parameters:
        written: the order of height h, width w and channels c in memory, such as hwc.
        read: the order of the same letters in which they are taken, such as chw.
    """

    family: ClassVar[str] = "buffer_layout"
    group: ClassVar[str] = "rearrangement"
    why: ClassVar[str] = (
        "Neighbours in memory are no longer neighbours in the picture: it falls apart into small grey copies or "
        "slanted lines, and no filter finds a shape that it knows."
    )
    example: ClassVar[str] = "written=hwc,read=chw"
    also_called: ClassVar[tuple[str, ...]] = ("chw", "hwc", "layout")
    information: ClassVar[Information] = "preserved"
    exact: ClassVar[bool] = True

    written: str
    read: str

    def __post_init__(self) -> None:
        super().__post_init__()
        orders = COLOR_LAYOUTS if len(self.written) == 3 else GRAY_LAYOUTS
        if self.written not in orders or self.read not in orders:
            raise BadInput(
                f"buffer_layout: written and read must be two orders of h and w, or two of h, w and c, not "
                f"{self.written!r} and {self.read!r}."
            )

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _read_as(images, self.written, self.read)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        return _read_as(images, self.read, self.written)

    def undo_steps(self) -> Steps:
        written, read = ("c" * (3 - len(order)) + order for order in (self.written, self.read))
        by_read, back = (
            [0, *(1 + of.index(axis) for axis in order)] for order, of in ((read, "hwc"), ("hwc", written))
        )
        return Steps(
            "n, h, w, c = (*images.shape, 1)[:4]\n"
            f"buffer = images.reshape(n, h, w, c).transpose({by_read}).reshape(n, {', '.join(written)})\n"
            f"images = buffer.transpose({back}).reshape(images.shape)"
        )

    @property
    def degrees_of_freedom(self) -> int:
        """One: which of a few layouts carries as much information as one number."""
        return 1

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The layouts that leave least at some places; nothing if they leave half of the change."""
        few = pairs.first(PICTURES)
        n, c, h, w = few.reference.shape
        if (c == 1 and h == w) or not 0 < few.change < np.inf:
            return []
        places = np.random.default_rng(0).permutation(c * h * w)[:PLACES]
        before, after = (np.ascontiguousarray(side.reshape(n, -1)) for side in (few.reference, few.shifted))
        some = Pairs(before[:, places, None, None], after[:, places, None, None], few.contrast)
        errors = [
            float(some.errors(before[:, sources[places], None, None]).mean()) for _, _, sources in _layouts(c, h, w)
        ]
        best = int(np.argmin(errors))
        if errors[best] > EXPLAINED * float(some.errors(some.reference).mean()):
            return []
        written, read, _ = _layouts(c, h, w)[best]
        return [cls(written, read)]

    @classmethod
    def guesses(cls, samples: Samples) -> list[Shift]:
        """The layouts in which the mean pictures are most alike."""
        layouts = [cls(written, read) for written, read, _ in _layouts(*samples.reference.shape[1:])]
        return on_grid_by_mean_picture(layouts, samples) if layouts else []


class _Layout(NamedTuple):
    """Two orders of axes, one taken for the other.

    `sources` says which of a picture's values then stands at each place.
    """

    written: str
    read: str
    sources: Int64[np.ndarray, "m"]


@cache
def _layouts(c: int, h: int, w: int) -> tuple[_Layout, ...]:
    """The layouts that make different pictures of this size, but for exchanged rows and columns."""
    numbers = np.arange(c * h * w).reshape(1, c, h, w)
    seen = {numbers.tobytes(), numbers.swapaxes(2, 3).tobytes() if h == w else b""}
    layouts: list[_Layout] = []
    for written, read in permutations(GRAY_LAYOUTS if c == 1 else COLOR_LAYOUTS, 2):
        sources = _read_as(numbers, written, read).reshape(-1)
        if sources.tobytes() not in seen:
            seen.add(sources.tobytes())
            layouts.append(_Layout(written, read, sources))
    return tuple(layouts)


def _wrapped(images: Images, amount: int, low: int) -> Images:
    of_bytes = images.astype(np.float64) * BYTE
    whole = np.rint(of_bytes)
    of_bytes = np.where(np.abs(of_bytes - whole) < WHOLE, whole, of_bytes)
    return ((low + (of_bytes + amount - low) % VALUES) / BYTE).astype(np.float32)


def _whole(values: Float32[np.ndarray, "m"]) -> Bool[np.ndarray, "m"]:
    of_bytes = values * np.float32(BYTE)
    return np.abs(of_bytes - np.rint(of_bytes)) < WHOLE


def _amount(before: Float32[np.ndarray, "m"], after: Float32[np.ndarray, "m"]) -> int | None:
    """What all bytes were moved by, modulo 256; None if they differ, or are not whole."""
    if not (_whole(before).all() and _whole(after).all()):
        return None
    moved = np.rint((after - before) * np.float32(BYTE)).astype(np.int64) % VALUES
    return _nearest_to_zero(int(moved[0])) if np.all(moved == moved[0]) else None


def _nearest_to_zero(amount: int) -> int:
    """The same modulo 256, from −127 to 128."""
    return 128 - (128 - amount) % VALUES


def _read_as(images: Shaped[np.ndarray, "n c h w"], written: str, read: str) -> Shaped[np.ndarray, "n c h w"]:
    """Pictures whose values lie in one order of axes, taken as if they lay in another."""
    if "c" not in written:
        written, read = f"c{written}", f"c{read}"
    sizes = dict(zip("chw", images.shape[1:], strict=True))
    buffer = images.transpose(0, *(1 + "chw".index(axis) for axis in written)).reshape(len(images), -1)
    taken = buffer.reshape(len(images), *(sizes[axis] for axis in read))
    return np.ascontiguousarray(taken.transpose(0, *(1 + read.index(axis) for axis in "chw")))
