"""Any monotone curve of grey values, given by points, or by the name of a known one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise, permutations, product
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.code import Steps, literal
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs, in_bytes
from shiftassay.shifts.families.tone_curves import some_values
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift
from shiftassay.shifts.identity import Identity

BYTE = 255  # white, in bytes
STEPS = 8 * BYTE  # of the table that stands for a curve: each byte has its own entry
STEEP = 0.01  # slope from which a curve can be undone
NUMBERS_OF_POINTS = (4, 5, 6, 7, 9, 11, 13, 16, 20, 25, 33)
FITS = 10  # evaluations of the fit of their second numbers
NEAR = 1.0 / 255  # by how much a curve may miss what a value became, where that was rounded to bytes
NEAR_UNROUNDED = 0.35 / 255  # the same where it was not
ROUNDED = 0.6 / 255  # the same of a known curve, beside what all values miss: half a byte, if they were cut off
NEAR_ON_AVERAGE = 0.75 / 255  # root mean square of the same, of two curves with a number each
BY_VALUE = 0.01  # of the change: what the grey value may leave of it
FALLS = 1 / 255  # by which rounding may make a rising curve fall
STAIRS = 0.35  # of the values, that are left of them
PENALTY_OF_POINTS = 0.6  # in units of log misfit
SHOWN = 9  # points of a known curve
POINT = 5e-4  # to which points are rounded
Known = Literal["", "srgb_to_linear", "linear_to_srgb"]
Points = tuple[tuple[float, float], ...]


@FAMILIES.register("tone_curve")
@dataclass(frozen=True)
class ToneCurve(Shift):
    """Map grey values by a monotone curve that is the same for all pixels and channels.

    They are clipped to [0, 1] first. The curve goes through points; between them it is the monotone cubic of Fritsch
    and Carlson (1980), beyond them it is level. Known curves are those of IEC 61966-2-1, from sRGB to linear light and
    back.

    Parameters:
        points: pairs (before, after), at least two; `before` rises, `after` rises or falls.
        known: srgb_to_linear or linear_to_srgb, which then is the curve, whatever the points.
    """

    family: ClassVar[str] = "tone_curve"
    group: ClassVar[str] = "intensity"
    why: ClassVar[str] = (
        "Shades move against each other: some of the range gains contrast at the expense of the rest, so that edges "
        "there look sharper, or vanish."
    )
    example: ClassVar[str] = "points=[[0,0],[0.25,0.1],[0.75,0.9],[1,1]]"
    completed_by: ClassVar[tuple[str, ...]] = ()

    points: Points = ()
    known: Known = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.known:
            return
        rising = [b[0] > a[0] for a, b in pairwise(self.points)]
        steps = [b[1] - a[1] for a, b in pairwise(self.points)]
        if not rising or not all(rising) or min(steps) < 0 < max(steps):
            raise BadInput(
                "tone_curve: points must be two or more pairs (before, after), of which the first numbers rise and the "
                "second ones only rise or only fall; or known must name a curve."
            )

    @cached_property
    def table(self) -> Float64[np.ndarray, "k"]:
        """What evenly spaced values from 0 to 1 become."""
        values = np.linspace(0, 1, STEPS + 1)
        if self.known:
            return KNOWN[self.known](values)
        before, after = np.array(self.points, np.float64).T
        return np.clip(PchipInterpolator(before, after)(np.clip(values, before[0], before[-1])), 0, 1)

    @property
    def information(self) -> Information:
        return "preserved" if np.abs(np.diff(self.table)).min() * STEPS > STEEP else "reduced"

    @property
    def degrees_of_freedom(self) -> int:
        """None of a known curve."""
        return 0 if self.known else 2 * len(self.points)

    @property
    def extra_penalty(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]  # none of a known curve
        """Two curves with a number each say more than points."""
        return 0.0 if self.known else PENALTY_OF_POINTS

    @classmethod
    def composable(cls) -> bool:
        """False: some curve explains any change that depends on the value."""
        return False

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _looked_up(images, np.linspace(0, 1, STEPS + 1), self.table)

    def undo(self, images: Images, rng: np.random.Generator) -> Images:
        order = slice(None) if self.table[-1] >= self.table[0] else slice(None, None, -1)
        return _looked_up(images, self.table[order], np.linspace(0, 1, STEPS + 1)[order])

    def undo_steps(self) -> Steps:
        falls = self.table[-1] < self.table[0]
        step = f"images = np.interp(images, curve{'[::-1], values[::-1]' if falls else ', values'})"
        values = f"values = np.linspace(0, 1, {STEPS + 1})"
        if self.known:
            return Steps(f"{values}\ncurve = {CODE[self.known]}\n{step}")
        return Steps(
            f"before, after = np.transpose({literal(self.points)})\n"
            f"{values}\n"
            "curve = PchipInterpolator(before, after)(np.clip(values, before[0], before[-1]))\n"
            "curve = np.clip(curve, 0, 1)\n"
            f"{step}",
            ("from scipy.interpolate import PchipInterpolator",),
        )

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """A known curve, or one through as few points as show what each value became.

        Nothing where pixels of one value became different ones, or a curve would rise and fall.
        """
        became = _Became.of(some_values(pairs))
        if became is None or not became.is_monotone:
            return []
        for name in KNOWN:
            curve = cls(_points(np.linspace(0, 1, SHOWN), KNOWN[name](np.linspace(0, 1, SHOWN))), name)
            if became.is_rounded(curve):
                return [curve]
        if became.is_stairs or any(map(became.is_rounded, _fits([(curve,) for curve in _curves()], became))):
            return []
        points = _fewest_points(became, NEAR if in_bytes(pairs.shifted) else NEAR_UNROUNDED)
        return [] if points is None else [cls(points)]

    def in_simpler_parts(self, pairs: Pairs) -> list[Shift]:
        """Two curves with a number each, or an inversion and such a curve, that do the same."""
        became = _Became.of(some_values(pairs))
        if became is None or self.known:
            return []
        return [shift for shift in _fits(_pairs_of_curves(), became) if became.error(shift) < NEAR_ON_AVERAGE]

    def normal_form(self) -> Shift:
        """The identity, if every value stays what it is."""
        unchanged = np.abs(self.table - np.linspace(0, 1, STEPS + 1)).max() < NEAR
        return Identity() if unchanged else self


class _Became(NamedTuple):
    """What grey values became, on average: sorted values, without those that do not occur."""

    before: Float64[np.ndarray, "k"]
    after: Float64[np.ndarray, "k"]
    count: Float64[np.ndarray, "k"]

    @classmethod
    def of(cls, pairs: Pairs) -> "_Became | None":
        """None if the value before does not tell the one after."""
        before, after = (side.ravel().astype(np.float64) for side in (pairs.reference, pairs.shifted))
        level = np.clip(np.rint(before * BYTE), 0, BYTE).astype(np.int64)
        count = np.bincount(level, minlength=BYTE + 1)
        seen = np.flatnonzero(count)
        means = [np.bincount(level, side, BYTE + 1) / np.maximum(count, 1) for side in (before, after)]
        unknown = float(np.mean((after - means[1][level]) ** 2))
        if pairs.contrast or len(seen) < 3 or unknown > BY_VALUE * pairs.change:
            return None
        return cls(means[0][seen], means[1][seen], count[seen].astype(np.float64))

    @property
    def is_monotone(self) -> bool:
        steps = np.diff(self.after) * np.sign(self.after[-1] - self.after[0])
        return bool(self.after[-1] != self.after[0] and steps.min() > -FALLS)

    @property
    def is_stairs(self) -> bool:
        """Whether different values became the same, as only few levels are left."""
        return len(np.unique(np.rint(self.after * BYTE))) <= STAIRS * len(self.after)

    def error(self, shift: Shift) -> float:
        """The root of the mean square that a shift leaves."""
        return float(np.sqrt(np.average((self.made_by(shift) - self.after) ** 2, weights=self.count)))

    def is_rounded(self, shift: Shift) -> bool:
        """Whether the values are those that a shift makes, rounded to bytes or cut off."""
        missed = self.made_by(shift) - self.after
        return abs(float(np.median(missed))) < ROUNDED and bool(np.ptp(missed) < 2 * ROUNDED)

    def made_by(self, shift: Shift) -> Float64[np.ndarray, "k"]:
        """What a shift makes of the values before."""
        values = self.before.astype(np.float32)[None, None, None]
        return shift.apply(values, np.random.default_rng(0)).ravel().astype(np.float64)


def _fewest_points(became: _Became, near: float) -> Points | None:
    """Points of least squares, as few as come so near, evenly along the curve.

    None if too many are needed.
    """
    rising = np.sign(became.after[-1] - became.after[0])
    start = rising * np.maximum.accumulate(rising * became.after)
    along = became.before + np.abs(start - start[0])
    for count in NUMBERS_OF_POINTS:
        chosen = np.unique(np.abs(along - np.linspace(along[0], along[-1], count)[:, None]).argmin(1))
        before = became.before[chosen]

        def missed(of_points: Float64[np.ndarray, "p"], before: Float64[np.ndarray, "p"] = before) -> np.ndarray:
            return PchipInterpolator(before, of_points)(became.before) - became.after

        after = least_squares(missed, start[chosen], max_nfev=FITS).x
        after = rising * np.maximum.accumulate(rising * np.clip(after, 0, 1))
        if np.abs(missed(after)).max() < near:
            return _points(before, after)
    return None


def _points(before: Float64[np.ndarray, "k"], after: Float64[np.ndarray, "k"]) -> Points:
    return tuple((round(float(b), 4), round(float(a), 4)) for b, a in zip(before, after, strict=True))


def _curves() -> list[type[Shift]]:
    return [FAMILIES[name] for name in FAMILIES if FAMILIES[name].curve]


def _pairs_of_curves() -> Iterator[tuple[type[Shift], ...]]:
    yield from permutations(_curves(), 2)
    for negative in (FAMILIES[name] for name in FAMILIES if FAMILIES[name].negative):
        yield from ((negative, curve) for curve in _curves())
        yield from ((curve, negative) for curve in _curves())


def _fits(rows: Iterable[tuple[type[Shift], ...]], became: _Became) -> list[Shift]:
    """Families in a row with the numbers of least squares, where any are allowed."""
    return [shift for families in rows if (shift := _fitted(families, became)) is not None]


def _fitted(families: tuple[type[Shift], ...], became: _Became) -> Shift | None:
    searches = [list(family.search.values()) for family in families]
    ends = np.cumsum([0, *map(len, searches)])
    weights = np.sqrt(became.count / became.count.sum())

    def shift_from(numbers: Any) -> Shift:
        parts = [
            family.from_numbers(np.array(numbers[start:end])) if end > start else family()
            for family, start, end in zip(families, ends, ends[1:], strict=False)
        ]
        if "clip" in {f.name for f in fields(parts[-1])} and became.after.max() <= 1:
            parts[-1] = replace(parts[-1], clip=True)
        return Compose(tuple(parts)) if len(parts) > 1 else parts[0]

    def residual(numbers: Any) -> Float64[np.ndarray, "k"]:
        return (became.made_by(shift_from(numbers)) - became.after) * weights

    ranges = [search for of_family in searches for search in of_family]
    starts = product(*((*search.starts, 1.0 if search.low > 0 else 0.05) for search in ranges))
    try:
        start = min(starts, key=lambda numbers: float(np.sum(residual(numbers) ** 2)))
        limits = [search.low for search in ranges], [search.high for search in ranges]
        return shift_from(least_squares(residual, start, bounds=limits, diff_step=1e-3, x_scale="jac").x)
    except BadInput:
        return None


def _looked_up(images: Images, before: Float64[np.ndarray, "k"], after: Float64[np.ndarray, "k"]) -> Images:
    """Values by linear interpolation in a table, image by image, as it takes memory."""
    made = np.empty(images.shape, np.float32)
    for image, out in zip(images, made, strict=True):
        out[...] = np.interp(image, before, after)
    return made


def _to_linear(values: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _to_srgb(values: Float64[np.ndarray, "k"]) -> Float64[np.ndarray, "k"]:
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


KNOWN: dict[Known, Callable[[Float64[np.ndarray, "k"]], Float64[np.ndarray, "k"]]] = {
    "srgb_to_linear": _to_linear,
    "linear_to_srgb": _to_srgb,
}
CODE: dict[Known, str] = {
    "srgb_to_linear": "np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)",
    "linear_to_srgb": "np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)",
}
