"""In which unit are the values? Nothing is rescaled without being said."""

import numpy as np

from shiftassay.arrays.image_set import ImageSet
from shiftassay.errors import BadInput

IMAGE_TYPES = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
UNITS = (1.0, 255.0, 65535.0)
LARGEST = float(np.finfo(np.float32).max)
SLACK = 4.0  # a float set is in a unit if its values reach no further than this times it: noise and contrast overshoot


def to_unit(values: np.ndarray, where: str, reference: ImageSet | None = None) -> tuple[np.ndarray, float, str]:
    """Values as float32 in units of white, that unit, and a sentence on how it was chosen.

    Types that images are stored in (uint8, uint16, bool) are divided by their maximum. Floats, and integers of types
    that no camera writes (an int64 from a CSV), carry no unit of their own: the reference fixes it, in its own raw
    values; without one, or beside one of integers, which people save either way, it is read off their range.
    Raises `BadInput` for values that are not finite or not numbers.
    """
    kind = values.dtype
    if kind.kind not in "biuf":
        raise BadInput(f"{where}: holds {kind}, not numbers. Save the images as an array of integers or floats.")
    if kind.kind == "f" and not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        raise BadInput(
            f"{where}: {len(bad)} of {len(values)} images hold NaN or infinity, the first is image {bad[0]}."
        )
    low, high = float(values.min()), float(values.max())
    if max(-low, high) > LARGEST:
        raise BadInput(f"{where}: holds values up to {max(-low, high):g}, which are no pixels. Save images as 0 to 1.")
    found = f"{kind.name} from {low:g} to {high:g}"
    if kind.name in IMAGE_TYPES:
        unit = IMAGE_TYPES[kind.name]
        why = "the maximum of its type"
        if unit > 1 and high <= 1:
            why += "; they are all but black: if they are masks of 0 and 1, save them as bool"
    elif reference is not None and not reference.integer:
        unit = reference.unit
        why = f"as in {reference.name}"
    else:
        reach = max(abs(low), abs(high))
        own = np.iinfo(kind).max if kind.kind in "iu" else np.inf
        slack = 1.0 if kind.kind in "iu" else SLACK
        unit = next((unit for unit in (*UNITS, float(own)) if unit <= own and reach <= slack * unit), 1.0)
        why = "read off its range"
    scaled = values.astype(np.float32)
    if unit == 1:
        return scaled, unit, f"{found}, taken as they are ({why})"
    scaled /= np.float32(unit)
    return scaled, unit, f"{found}, divided by {unit:g} ({why})"
