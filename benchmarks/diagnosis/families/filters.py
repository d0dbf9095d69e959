"""Filters, resolution, formats and light on digits, a case or two of each."""

from collections.abc import Iterator

from benchmarks.diagnosis.case import Case
from benchmarks.diagnosis.filters import (
    erode,
    illumination,
    jpeg2000,
    median,
    resample,
    sharpen,
    webp,
    zoom_blur,
)


def cases() -> Iterator[Case]:
    for part in (
        sharpen(1.5, 1.2),
        sharpen(0.8, 2.0, "PIL-bytes"),
        median(3, "cv2-bytes"),
        median(5),
        erode(2, "cv2"),
        erode(3),
        zoom_blur(1.3, 15),
        resample(2.0, "bilinear", "bilinear", antialias=True, way="PIL"),
        resample(2.5, "bilinear", "bilinear", antialias=False, way="cv2"),
        resample(3.0, "area", "bicubic", antialias=True, way="cv2"),
        webp(20),
        jpeg2000(2.0),
        illumination("vignette", 0.6),
        illumination("slope", 0.6, 30.0),
    ):
        yield Case(part.group, (part,))
