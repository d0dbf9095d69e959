"""Linear maps of colours: what mixes channels, and in which simpler shifts it comes apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.optimize import linear_sum_assignment

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.color_fit import CUT_OFF, ColorPairs, color_map, color_pairs, from_image
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.families.color import ChannelOrder
from shiftassay.shifts.families.color_maps import ChannelRescale, Grayscale, channel_rescale
from shiftassay.shifts.families.color_shift import CLOSE, LUMA, SharedColorShift, need_channels
from shiftassay.shifts.families.color_strength import Saturation
from shiftassay.shifts.families.matrix_shift import nested_tuples
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.parameters import Parameters, SearchRange

COLORS = 3
NAMES = ("red", "green", "blue")
STEP = 0.02
SINGULAR = 1e-3  # of the largest singular value: below, colours can't be brought back
AS_GOOD = 1.2  # times the error of a free matrix
ROUNDING = (0.6 / 255) ** 2  # an error that says nothing, where contrast stays
MIXES = 0.8  # of the error of a map channel by channel: above, a matrix mixes nothing
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
KNOWN: dict[str, tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]] = {
    "sepia": (((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)), (0.0, 0.0, 0.0)),
    "RGB taken to YCbCr": (
        ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)),
        (0.0, 128 / 255, 128 / 255),
    ),
    "RGB taken to YCrCb": (
        ((0.299, 0.587, 0.114), (0.5, -0.418688, -0.081312), (-0.168736, -0.331264, 0.5)),
        (0.0, 128 / 255, 128 / 255),
    ),
}


@FAMILIES.register("color_matrix")
@dataclass(frozen=True)
class ColorMatrix(SharedColorShift):
    """Mix the colour channels: matrix · colour + offset, as sepia or another colour space does.

    Parameters:
        matrix: 3 × 3, a row for each channel of the result.
        offset: one number for each channel of the result.
        clip: whether the result is clipped to [0, 1].
    """

    family: ClassVar[str] = "color_matrix"
    example: ClassVar[str] = "matrix=[[0.393,0.769,0.189],[0.349,0.686,0.168],[0.272,0.534,0.131]]"
    also_called: ClassVar[tuple[str, ...]] = ("sepia", "white_balance")
    lists: ClassVar[tuple[str, ...]] = ("matrix", "offset")
    general: ClassVar[bool] = True
    why: ClassVar[str] = (
        "Each channel holds a mixture of what the weights expect in three: as if another camera, or another colour "
        "space, had made the pictures."
    )
    search: ClassVar[dict[str, SearchRange]] = {
        **{f"{row} of {column}": SearchRange((float(row == column),), STEP) for row in NAMES for column in NAMES},
        **{f"{row} offset": SearchRange((0.0,), STEP) for row in NAMES},
    }
    refined: ClassVar[tuple[str, ...] | None] = ()

    matrix: tuple[tuple[float, ...], ...] = IDENTITY
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.shape(self.matrix) != (COLORS, COLORS) or len(self.offset) != COLORS:
            raise BadInput("color_matrix: matrix must be 3 × 3 and offset 3 numbers, a row for each channel.")

    @property
    def information(self) -> Information:
        return "reduced" if self.clip or self._is_singular else "preserved"

    @property
    def _is_singular(self) -> bool:
        values = np.linalg.svd(np.array(self.matrix), compute_uv=False)
        return bool(values[-1] < SINGULAR * values[0])

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        need_channels(self.family, images, COLORS)
        mixed = _mixed(images, np.array(self.matrix, np.float32)) + np.array(self.offset, np.float32)[:, None, None]
        return self._clipped(mixed)

    def undo(self, images: Images, rng: np.random.Generator) -> Images | None:
        if self._is_singular:
            return None
        inverse = np.linalg.inv(np.array(self.matrix)).astype(np.float32)
        return self._clipped(_mixed(images - np.array(self.offset, np.float32)[:, None, None], inverse))

    def undo_steps(self) -> Steps | None:
        if self._is_singular:
            return None
        undone = "(images - offset) @ np.linalg.inv(matrix).T"
        return Steps(
            f"matrix = np.array({literal(self.matrix)})\n"
            f"offset = np.array({literal(self.offset)})\n"
            f"images = {f'np.clip({undone}, 0, 1)' if self.clip else undone}"
        )

    def _clipped(self, images: Images) -> Images:
        return np.clip(images, 0, 1) if self.clip else images

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Any:
        rows, offset = numbers[:-COLORS].reshape(COLORS, COLORS), numbers[-COLORS:]
        return cls(nested_tuples(rows), tuple(offset.tolist()))

    @classmethod
    def known_as(cls, parameters: Parameters) -> str | None:
        """The name of the matrix, if it has one."""
        numbers = np.ravel(parameters.get("matrix", IDENTITY)), np.ravel(parameters.get("offset", (0.0,) * COLORS))
        for name, known in KNOWN.items():
            if all(np.abs(own - np.ravel(other)).max() <= CLOSE for own, other in zip(numbers, known, strict=True)):
                return name
        return None

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """Least squares on values that nothing cut off.

        In its place, simpler shifts in a row that do as well. Nothing where a map channel by channel does, or a simpler
        shift alone.
        """
        colors = color_pairs(pairs)
        numbers = None if colors is None else color_map(colors)
        if colors is None or numbers is None:
            return []
        matrix, offset = numbers
        made = colors.before @ matrix.T + offset
        leaves = bool(made.min() < -CUT_OFF or made.max() > 1 + CUT_OFF)
        clip = colors.within_range and leaves
        error = colors.error(made, colors.inside)
        enough = AS_GOOD * error + ROUNDING * float(colors.after.var() / colors.before.var())
        each = channel_rescale(colors)
        if each is not None:
            alone = _error(each, colors, colors.inside)
            if error > MIXES * alone or alone <= enough:
                return []
        mixed = cls(nested_tuples(matrix), tuple(offset.tolist()), clip)
        if cls.known_as(mixed.parameters):
            return [mixed]
        simpler = [shift for shift in _simpler(matrix, colors) if _error(shift, colors, colors.inside) <= enough]
        if any(not isinstance(shift, Compose) for shift in simpler):
            return []
        if simpler:
            return [min(simpler, key=lambda shift: shift.degrees_of_freedom)]
        return [mixed]

    def normal_form(self) -> Shift:
        """A map channel by channel, or an order of channels, if it mixes nothing."""
        matrix, offset = np.array(self.matrix), np.array(self.offset)
        size = np.abs(matrix).max()
        order = linear_sum_assignment(np.abs(matrix), maximize=True)[1]
        rest = matrix.copy()
        rest[range(COLORS), order] = 0
        if np.abs(rest).max() > CLOSE * size or not matrix[range(COLORS), order].all():
            return self
        scale = tuple(matrix[range(COLORS), order].tolist())
        if tuple(order) == tuple(range(COLORS)):
            return ChannelRescale(scale, self.offset, clip=self.clip).normal_form()
        plain = np.abs(np.array(scale) - 1).max() <= CLOSE and np.abs(offset).max() <= CLOSE
        return ChannelOrder(tuple(order.tolist())) if plain else self


def _mixed(images: Images, matrix: Float32[np.ndarray, "3 3"]) -> Images:
    return np.ascontiguousarray(np.moveaxis(np.tensordot(matrix, images, (1, 1)), 0, 1), np.float32)


def _error(shift: Shift, colors: ColorPairs, among: Bool[np.ndarray, "m 3"] | None = None) -> float:
    return colors.error(from_image(shift.apply(colors.by_image(), np.random.default_rng(0))), among)


def _simpler(matrix: Float64[np.ndarray, "3 3"], colors: ColorPairs) -> Iterator[Shift]:
    """Simpler shifts, alone and in a row, that may have this matrix, in normal form.

    The matrix is that before values are cut off: of an order of channels, then grey or another saturation, then a map
    channel by channel. The rows of what comes before that map sum to 1: the sums of the matrix's rows are its scales.
    """
    sums = matrix.sum(1)
    for order in permutations(range(COLORS)):
        ordered = ChannelOrder(order)
        yield from _followed(ordered, colors)
        if not sums.all():
            continue
        # The columns of the matrix belong to channels before: in this order to those after.
        rows = matrix[:, list(order)] / sums[:, None]
        away = np.eye(COLORS) - np.array(LUMA)
        factor = float(np.sum((rows - LUMA) * away) / np.sum(away**2))
        if factor > CLOSE:
            yield from _followed(Compose((ordered, Saturation(factor))), colors)
    if sums.all():
        yield from _followed(Grayscale(tuple((matrix / sums[:, None]).mean(0).tolist())).normal_form(), colors)


def _followed(first: Shift, colors: ColorPairs) -> Iterator[Shift]:
    """A first part alone, and with the map channel by channel that follows."""
    made = first.apply(colors.by_image(), np.random.default_rng(0))
    yield in_normal_form(Compose((first,)))
    last = channel_rescale(colors.with_before(from_image(made)))
    if last is not None:
        yield in_normal_form(Compose((*first.components, last)))
