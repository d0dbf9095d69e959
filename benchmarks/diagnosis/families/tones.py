"""Bytes and tones: each family alone, some without pairs or in colour."""

from collections.abc import Iterator

from benchmarks.diagnosis import tones
from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.families.channel_order import colored


def cases() -> Iterator[Case]:
    for factor in (0.4, 1.8, {"low": 0.5, "high": 1.5}):
        yield Case(tones.GROUP, (tones.contrast(factor),))
    yield Case(tones.GROUP, (tones.contrast(0.7, "float"),), prepare=colored, variant="colour")
    yield Case(tones.GROUP, (tones.autocontrast(),), prepare=tones.dull)
    yield Case(tones.GROUP, (tones.equalize(),))
    yield Case(tones.GROUP, (tones.equalize("cv2"),), prepare=colored, variant="colour")
    for threshold in (60, 128, 200):
        yield Case(tones.GROUP, (tones.solarize(threshold),))
    for bits in (1, 3):
        yield Case(tones.GROUP, (tones.posterize(bits),))
    for name in ("srgb_to_linear", "linear_to_srgb"):
        yield Case(tones.GROUP, (tones.known_curve(name),))
    yield Case(tones.GROUP, (tones.sigmoid(7.0),))
    for part in (tones.byte_wrap(60), tones.byte_wrap(-100), tones.signed_bytes()):
        yield Case(tones.BYTES, (part,))
    for written, read in (("hwc", "chw"), ("chw", "hwc")):
        yield Case(tones.BYTES, (tones.buffer_layout(written, read),), prepare=colored)
    yield Case("unpaired", (tones.byte_wrap(60),), "unpaired")
    yield Case("unpaired", (tones.solarize(100),), "unpaired")
    yield Case("unpaired", (tones.posterize(2),), "unpaired")
