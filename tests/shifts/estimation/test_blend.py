"""The factors of Pillow's blends, read off their bytes."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from shiftassay.shifts.catalog import make
from shiftassay.shifts.estimation.pairs import Pairs

LEVEL = 0.95


def images(pictures):
    return np.moveaxis(np.stack(pictures), 3, 1).astype(np.float32) / 255


@pytest.mark.parametrize(
    ("family", "enhance"), [("contrast", ImageEnhance.Contrast), ("saturation", ImageEnhance.Color)]
)
def test_intervals_of_factors_hold_pillows(family, enhance):
    rng = np.random.default_rng(0)
    held, widths = [], []
    for factor in rng.uniform(0.2, 2.5, 60):
        before = rng.integers(0, 256, (6, 24, 20, 3), np.uint8)
        after = [np.asarray(enhance(Image.fromarray(picture)).enhance(factor)) for picture in before]
        shift = make(family, {"factor": round(float(factor), 3)})
        interval = shift.own_intervals(Pairs(images(before), images(after)), LEVEL)["factor"]
        held.append(interval.low <= factor <= interval.high)
        widths.append(interval.high - interval.low)
    assert np.mean(held) >= 0.88  # 57 are expected
    assert np.median(widths) < 5e-4


def test_what_no_blend_makes_has_no_interval():
    rng = np.random.default_rng(0)
    before, after = (rng.integers(0, 256, (6, 24, 20, 3), np.uint8) for _ in range(2))
    assert make("contrast", {"factor": 0.5}).own_intervals(Pairs(images(before), images(after)), LEVEL) == {}
    floats = images(before) * np.float32(0.9371)
    assert make("contrast", {"factor": 0.5}).own_intervals(Pairs(images(before), floats), LEVEL) == {}
