"""The unit of stored values. Every rescaling is noted, and none loses precision."""

from math import sqrt

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet

IMAGE_TYPES = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
UNITS = (255.0, 65535.0)
SLACK = 4.0  # a float set is in a unit if its values reach no further than this times it: noise and contrast overshoot
OWN = 64.0  # values up to here are in no usual unit (8 × 8 digits of 0 to 16), unless they are normalized
LARGEST = 2.0**32  # beyond, values are no pixels in any unit that could be guessed
SMALLEST = 2.0**-100  # below, float32 loses digits, and then all
LEVELS = 256  # fewer steps of float32 than this between an image's darkest and brightest value are no picture
ROUNDING = 2.0**-44  # of the largest value: smaller differences are float64's own rounding, and mean nothing
DARK = 1 / 8  # of white: a set of whole numbers that stays below may mean another white
BLACK = 1 / 1000  # of white
FEW = 1 / 100  # of the values that are not 0
TWICE = 1 / 64  # of white: bytes that were divided by 255 twice end below


def to_unit(values: np.ndarray, where: str, reference: ImageSet | None = None) -> tuple[np.ndarray, float, str]:
    """Values as float32 in units of white, that unit, and a sentence on how it was chosen.

    Types that images are stored in (uint8, uint16, bool) are divided by their maximum. Floats, and integers of types
    that no camera writes (an int64 from a CSV), carry no unit of their own. A reference of floats fixes it, in its
    own raw values. Beside one of integers, which people save in any way, the range tells whether it is the
    reference's, 1, 255 or 65535. Without a reference it is one of these where that fits, else the largest value is
    white. Raises `BadInput` for what is no number, not finite, in a range that no pixels have, or of differences that
    float32 can't hold.
    """
    kind = values.dtype
    if kind.kind not in "biuf":
        raise BadInput(f"{where}: holds {kind.name}, not numbers. Save the images as an array of integers or floats.")
    low, high = _range(values, where)
    contents = f"{kind.name} from {low:g} to {high:g}"
    if kind.name in IMAGE_TYPES:
        unit = IMAGE_TYPES[kind.name]
        why = "the maximum of its type" + _remark(kind.name, unit, high)
    else:
        _check_reach(low, high, where, kind, fixed=reference is not None and not reference.integer)
        unit, why = _read_off(low, high, kind.kind in "iu", reference)
        if kind.itemsize >= np.dtype(np.float32).itemsize and kind != np.float32:
            _check_differences(values, where)
    scaled = np.empty(values.shape, np.float32)
    scaled[...] = values
    if unit == 1:
        return scaled, unit, f"{contents}, taken as they are ({why})"
    scaled /= np.float32(unit)
    if reference is None and unit not in (*IMAGE_TYPES.values(), *UNITS) and _has_outliers(scaled):
        why += "; nearly all values are below a thousandth of it: if a few are outliers, clip them before saving"
    return scaled, unit, f"{contents}, divided by {unit:g} ({why})"


def _range(values: np.ndarray, where: str) -> tuple[float, float]:
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = float(values.min()), float(values.max())  # both are NaN if any value is
    if low == high == 0 and values.any():  # in extended precision, below float64
        raise _absurd(low, high, where)
    if not (np.isfinite(low) and np.isfinite(high)):
        if np.isfinite(values).all():  # in extended precision, beyond float64
            raise _absurd(low, high, where)
        bad = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
        raise BadInput(
            f"{where}: {len(bad)} of {len(values)} images hold NaN or infinity, the first is image {bad[0]}."
        )
    return low, high


def _check_reach(low: float, high: float, where: str, kind: np.dtype, fixed: bool) -> None:
    """Raise `BadInput` for values that are pixels in no unit.

    Where the unit is fixed, for values that float32 can't hold.
    """
    reach = max(-low, high)
    too_small = kind.itemsize > np.dtype(np.float32).itemsize and 0 < reach < SMALLEST
    if too_small or reach > (float(np.finfo(np.float32).max) if fixed else LARGEST):
        raise _absurd(low, high, where)


def _absurd(low: float, high: float, where: str) -> BadInput:
    return BadInput(
        f"{where}: holds values from {low:g} to {high:g}, which are no pixels in any unit. Divide them by what is "
        "white, and save them as 0 to 1."
    )


def _remark(kind: str, unit: float, high: float) -> str:
    """What a set of a camera's type may have been meant to be, if it uses little of it."""
    if unit > 1 and high <= 1:
        return "; they are all but black: if they are masks of 0 and 1, save them as bool"
    if kind == "uint16" and high <= IMAGE_TYPES["uint8"]:
        return "; they are all but black, and all fit in 8 bits: if 255 is white, save them as uint8"
    if unit > 1 and high <= DARK * unit:
        return f"; no value is above {high / unit:.1%} of it: if {high:g} is white, divide by it and save 0 to 1"
    return ""


def _read_off(low: float, high: float, whole: bool, reference: ImageSet | None) -> tuple[float, str]:
    """The unit of values whose type tells none, and why."""
    reach = max(-low, high)
    if reference is not None and not reference.integer:
        return reference.unit, f"as in {reference.name}"
    if reference is not None:
        # Halfway, as ratios go, where the two units are near each other.
        if reach <= (1.0 if whole else min(SLACK, sqrt(reference.unit))):
            return 1.0, "read off its range"
        if reach <= SLACK * reference.unit or reference.unit >= UNITS[-1]:
            return reference.unit, f"as in {reference.name}"
        return next((unit for unit in UNITS if reach <= SLACK * unit), reference.unit), "read off its range"
    slack = 1.0 if whole else SLACK
    if reach <= slack:
        dark = "; they are all but black: were they divided twice?" if 0 < reach < TWICE else ""
        return 1.0, f"read off its range{dark}"
    if reach <= OWN and low < 0:
        return 1.0, "read off its range: normalized"
    unit = next((unit for unit in UNITS if OWN < reach <= slack * unit), None)
    if unit is not None:
        return unit, "read off its range"
    return reach, f"in no usual unit: white is {reach:g}, their largest value"


def _has_outliers(scaled: np.ndarray) -> bool:
    return bool(np.count_nonzero(np.abs(scaled) > BLACK) < FEW * np.count_nonzero(scaled))


def _check_differences(values: np.ndarray, where: str) -> None:
    """Raise `BadInput` if float32 loses the differences within most of the images.

    Constant images do not count.
    """
    axes = tuple(range(1, values.ndim))
    low, high = (values.min(axis=axes).astype(np.float64), values.max(axis=axes).astype(np.float64))
    spread, reach = high - low, np.maximum(-low, high)
    varied = spread > ROUNDING * reach
    lost = np.flatnonzero(varied & (spread < LEVELS * np.spacing(reach.astype(np.float32))))
    if 2 * len(lost) <= varied.sum():
        return
    lost = [at for at in lost if not np.array_equal(values[at].astype(np.float32), values[at])]
    if 2 * len(lost) > varied.sum():
        at = lost[0]
        raise BadInput(
            f"{where}: {len(lost)} of {len(values)} images differ from one value by less than single precision can "
            f"hold: image {at} goes from {low[at]:.17g} to {high[at]:.17g}. Subtract what all values have in common, "
            "and save them as 0 to 1."
        )
