"""Shifts that store the picture in fewer bytes, in formats newer than JPEG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, ClassVar

import numpy as np

from shiftassay.imagesets.image_set import Images
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Information, Shift, check
from shiftassay.shifts.own_interval import OwnInterval, where_fewest_are_wrong
from shiftassay.shifts.parameters import Parameters

FEW, VALUES = 12, 450_000  # pairs on which strengths are compared: at most so many, of so many values
MOST_CHANGED = 0.5  # of the variance: no file changes as much
NEAREST = 4  # steps of quality around that which changes as much
LARGEST_RATIO, RATIO_STEP = float(np.log(1000.0)), 0.04  # logarithms
NEARLY = 0.6  # of the change: what a file cut off within such a step of the right place leaves at most
MANY = 100  # pairs, for the interval
FINE_STEPS = (4e-3, 2e-3, 1e-3, 5e-4)  # of the logarithm of the ratio, for its interval
HALF_STEP = 0.5 / 255
WORTHWHILE = 0.8  # of the change: above, the best file explains nothing


@dataclass(frozen=True)
class _Stored(Shift):
    """The base of formats with one strength, the same for all pictures."""

    group: ClassVar[str] = "compression"
    completed_by: ClassVar[tuple[str, ...]] = ()
    completes: ClassVar[tuple[str, ...]] = ("resolution", "colour")
    found_as_first_part: ClassVar[bool] = False
    random: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    refined: ClassVar[tuple[str, ...] | None] = ()
    information: ClassVar[Information] = "reduced"

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        return _each_stored(images, self._written)

    def _written(self, picture: Any, file: BytesIO) -> None:
        """Write a picture of Pillow's to a file."""
        raise NotImplementedError


def _each_stored(images: Images, write: Any) -> Images:
    """The images in 8 bits as they are read from files.

    Three channels are stored as colour pictures, others as grey ones.
    """
    from PIL import Image  # late: few need it

    n, c, h, w = images.shape
    bytes_ = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    pictures = bytes_.transpose(0, 2, 3, 1) if c == 3 else bytes_.reshape(n * c, h, w)
    stored = np.empty_like(pictures)
    for picture, out in zip(pictures, stored, strict=True):
        file = BytesIO()
        write(Image.fromarray(np.ascontiguousarray(picture)), file)
        out[...] = np.asarray(Image.open(file).convert("RGB" if c == 3 else "L"))
    return (stored.transpose(0, 3, 1, 2) if c == 3 else stored.reshape(images.shape)).astype(np.float32) / 255


@FAMILIES.register("webp")
@dataclass(frozen=True)
class Webp(_Stored):
    """Store the picture as a lossy WebP file and read it again, in 8 bits.

    Three channels are stored as one colour picture, any other number of channels as grey pictures.

    Parameters:
        quality: whole number from 0 (smallest file) to 100, on libwebp's scale.
    """

    family: ClassVar[str] = "webp"
    example: ClassVar[str] = "quality=20"
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"quality": v} for v in (1, 10, 30, 50, 70, 90))
    why: ClassVar[str] = (
        "Fine texture is smoothed away block by block, and colours are kept at half the resolution: surfaces look "
        "painted."
    )

    quality: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "quality", lambda v: 0 <= v <= 100, "between 0 and 100")

    def alternatives(self) -> Mapping[str, Shift]:
        """The encoder's slowest method, which makes the smallest files."""
        return {"slowest method": _OtherWebp(self.quality)}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The quality of least squared error, near that which changes as much as was changed.

        Empty if it explains less than a fifth of the change.
        """
        few = _few(pairs)
        if few is None:
            return []
        low, high = 0, 100
        while high - low > 1:  # the higher the quality, the smaller the change
            middle = (low + high) // 2
            low, high = (middle, high) if _change(cls(middle), few) > few.change else (low, middle)
        near = [cls(q) for q in range(max(low - NEAREST, 0), min(high + NEAREST, 100) + 1)]
        return _best(near, few)

    def _written(self, picture: Any, file: BytesIO) -> None:
        picture.save(file, "WEBP", quality=self.quality)


@dataclass(frozen=True)
class _OtherWebp(Webp):
    """The same by the encoder's slowest method."""

    def _written(self, picture: Any, file: BytesIO) -> None:
        picture.save(file, "WEBP", quality=self.quality, method=6)


@FAMILIES.register("jpeg2000")
@dataclass(frozen=True)
class Jpeg2000(_Stored):
    """Store the picture as a JPEG 2000 file of a fixed size and read it again, in 8 bits.

    Three channels are stored as one colour picture, any other number of channels as grey pictures.

    Parameters:
        ratio: by how much the file is smaller than the bytes of the picture, 1 to 1000.
    """

    family: ClassVar[str] = "jpeg2000"
    example: ClassVar[str] = "ratio=40"
    grid: ClassVar[tuple[Parameters, ...]] = tuple({"ratio": v} for v in (5.0, 10.0, 20.0, 40.0, 80.0))
    why: ClassVar[str] = "Fine wavelets are rounded away wherever they are weak: texture turns to mist, and edges ring."

    ratio: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "ratio", lambda v: 1 <= v <= 1000, "between 1 and 1000")

    def alternatives(self) -> Mapping[str, Shift]:
        """With the irreversible wavelet."""
        return {"irreversible": _OtherJpeg2000(self.ratio)}

    @classmethod
    def estimate(cls, pairs: Pairs) -> list[Shift]:
        """The ratio of least squared error, near that which changes as much as was changed.

        Files cut off a little earlier or later differ little. Empty if it explains less than a fifth of the change.
        """
        few = _few(pairs)
        if few is None:
            return []
        begun = [(_log_ratio(form, few.first_affordable(len(few), VALUES // 4, 1)), form) for form in FORMS]
        errors = [_error(form(float(np.exp(at))), few) for at, form in begun]
        center, form = begun[int(np.argmin(errors))]
        if min(errors) > NEARLY * few.change:
            return []
        tried, step = {center: min(errors)}, 2 * RATIO_STEP
        while step > RATIO_STEP / 8:
            for at in (center - step, center + step):
                if at not in tried and 0 <= at <= LARGEST_RATIO:
                    tried[at] = _error(form(float(np.exp(at))), few)
            best = min(tried, key=lambda at: tried[at])
            center, step = best, step if best != center else step / 2
        return [cls(float(np.exp(center)))._roundest(few, tried[center])]

    def own_intervals(self, pairs: Pairs, level: float) -> Mapping[str, OwnInterval]:
        """The ratios that cut the files off at the same places.

        Of hardly fewer pictures than the best ratio does. A picture so small that nothing is left of it at some
        ratio looks the same at all larger ones.
        """
        few = pairs.first_affordable(MANY, VALUES, 2)
        form = min(FORMS, key=lambda form: _error(form(self.ratio), few))

        def wrong(log_ratio: float) -> float:
            made = form(float(np.exp(log_ratio))).apply(few.reference, np.random.default_rng(0))
            return float(np.sum(np.abs(made - few.shifted).max((1, 2, 3)) > HALF_STEP))

        interval = where_fewest_are_wrong(wrong, float(np.log(self.ratio)), FINE_STEPS, (0.0, LARGEST_RATIO))
        return {"ratio": OwnInterval(*map(float, np.exp(interval)))}

    def _roundest(self, pairs: Pairs, error: float) -> "Jpeg2000":
        """With the nearest ratio of three digits, if that leaves no more."""
        near = [replace(self, ratio=float(f"{self.ratio:.{digits}g}")) for digits in (1, 2, 3)]
        forms = [[shift, *shift.alternatives().values()] for shift in near]
        good = (s for s, of in zip(near, forms, strict=True) if min(_error(f, pairs) for f in of) <= error * 1.0001)
        return next(good, self)

    def _written(self, picture: Any, file: BytesIO) -> None:
        picture.save(file, "JPEG2000", quality_mode="rates", quality_layers=[self.ratio])


@dataclass(frozen=True)
class _OtherJpeg2000(Jpeg2000):
    """The same with the irreversible wavelet."""

    def _written(self, picture: Any, file: BytesIO) -> None:
        picture.save(file, "JPEG2000", quality_mode="rates", quality_layers=[self.ratio], irreversible=True)


FORMS = (Jpeg2000, _OtherJpeg2000)


def _log_ratio(form: type[Jpeg2000], pairs: Pairs) -> float:
    """The logarithm of the ratio whose files change as much as was changed."""
    low, high = 0.0, LARGEST_RATIO
    while high - low > RATIO_STEP:
        middle = (low + high) / 2
        low, high = (low, middle) if _change(form(float(np.exp(middle))), pairs) > pairs.change else (middle, high)
    return (low + high) / 2


def _few(pairs: Pairs) -> Pairs | None:
    """A few pairs to compare strengths on; None where no file changes as much."""
    if not 0 < pairs.change < MOST_CHANGED * float(pairs.reference.var()) or pairs.contrast:
        return None
    if pairs.reference.min() < 0 or pairs.reference.max() > 1:
        return None
    few = pairs.first_affordable(FEW, VALUES, 2)
    return few if few.change > 0 else None


def _change(shift: Shift, pairs: Pairs) -> float:
    return float(np.mean((shift.apply(pairs.reference, np.random.default_rng(0)) - pairs.reference) ** 2))


def _error(shift: Shift, pairs: Pairs) -> float:
    return float(pairs.errors(shift.apply(pairs.reference, np.random.default_rng(0))).mean())


def _best(shifts: Sequence[Shift], pairs: Pairs) -> list[Shift]:
    errors = [_error(shift, pairs) for shift in shifts]
    return [shifts[int(np.argmin(errors))]] if min(errors) < WORTHWHILE * pairs.change else []
