"""Experiments say what was measured: change the numbers, and the sentences change."""

from dataclasses import replace

import numpy as np
import pytest

from shiftassay.evaluation.attack_set import QUICK, Robustness
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.report.figures import draw
from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.experiments.first_order import FirstOrder, MarginChange
from shiftassay.studies.shifted.experiments.first_order_page import first_order_part
from shiftassay.studies.shifted.experiments.image_sizes import AtSize, ImageSizes, resized
from shiftassay.studies.shifted.experiments.image_sizes_page import image_sizes_part
from shiftassay.studies.shifted.experiments.shared_draw import SharedDrawExperiment, TrainedUnderDraw
from shiftassay.studies.shifted.experiments.shared_draw_page import shared_draw_part
from shiftassay.studies.shifted.experiments.strengths import AtStrength, StrengthSweep
from shiftassay.studies.shifted.experiments.strengths_page import strengths_part


def around(value: float, half: float = 0.01) -> Interval:
    return Interval(value, value - half, value + half)


def text_of(part) -> str:
    return " ".join(part.sentences)


SAME = TrainedUnderDraw("mlp", around(0.98), around(0.98), around(0.0, 0.004), around(0.0, 0.003))
WORSE = TrainedUnderDraw("trunk", around(0.99), around(0.94), around(-0.05, 0.004), around(-0.05, 0.003))
SHARED = SharedDrawExperiment(
    name="t1",
    images=1000,
    own=around(0.1475),
    fresh=(0.055, 0.148, 0.205),
    networks=(SAME, WORSE),
    training_images=4000,
    test_images=10_000,
    updates=400,
    seeds=2,
    margin=0.005,
    moves_pixels=True,
    starts_linear=True,
)


def test_equality_is_said_only_where_the_interval_is_within_the_margin():
    text = text_of(shared_draw_part(SHARED))
    assert "lowest 5.5%, highest 20.5%" in text
    assert "0.00 [−0.40, 0.40] points: equal within 0.5 points" in text
    assert "−5.00 [−5.40, −4.60] points: worse." in text
    unsure = replace(SAME, equivalence=around(0.0, 0.02), difference=around(0.0, 0.03))
    assert "neither shown to differ" in text_of(shared_draw_part(replace(SHARED, networks=(unsure,))))


@pytest.mark.parametrize("missing", ["moves_pixels", "starts_linear"])
def test_the_symmetry_is_said_only_of_permutations_before_a_linear_layer(missing):
    assert "W₁Pᵀ" in text_of(shared_draw_part(SHARED))
    assert "W₁Pᵀ" not in text_of(shared_draw_part(replace(SHARED, **{missing: False})))


def test_the_first_order_is_told_with_what_happens():
    changes = tuple(
        MarginChange(kind, size, (0.0, predicted, 9.0), (0.0, actual, 9.0), 0.9)
        for kind, size, predicted, actual in (
            ("random signs", 0.01, 0.0, 0.0),
            ("aimed signs", 0.01, 1.5, 1.4),
            ("random signs", 0.1, 0.0, 0.1),
            ("aimed signs", 0.1, 15.0, 9.75),
        )
    )
    measured = FirstOrder(
        "t4", "t3", 300, 8, 784, 0.1, 8.0, 150.0, 18.0, (6.0, 8.1, 11.0), (21.9, 22.2, 22.5), 22.34, 1.01, changes
    )
    text = text_of(first_order_part(measured))
    assert "is 8.1 in the median" in text
    assert "Training concentrates the gradient on fewer pixels." in text
    assert "lower the margin by 1.40 in the median, where g·δ predicts 1.50" in text
    assert "by 9.75, where it predicts 15.00" in text
    assert "concentrates" not in text_of(first_order_part(replace(measured, untrained=(7.0, 8.0, 9.0))))


def test_the_exponent_is_compared_with_that_of_the_square_root(tmp_path):
    sizes = (
        AtSize(14, 196, (0.9, 0.9), (5.0, 5.1), (11.0, 11.1)),
        AtSize(28, 784, (0.9, 0.9), (8.0, 8.1), (22.0, 22.2)),
    )
    measured = ImageSizes(sizes, (0.34, 0.33), around(0.34, 0.1), (0.5, 0.5), around(0.5), 300, 10_000, 4000, 400)
    part = image_sizes_part(measured)
    assert "slower than the square root" in text_of(part)
    assert "b = 0.5, lies in the interval" in text_of(image_sizes_part(replace(measured, exponent=around(0.45, 0.1))))
    assert "not shown to grow" in text_of(image_sizes_part(replace(measured, exponent=around(0.1, 0.2))))
    assert draw(part.figures[0], tmp_path).startswith(b"<?xml")


def test_what_is_left_beyond_a_repairs_strength_is_told():
    attacks = Robustness(QUICK, 100, 95, {"log-odds": 40, "Square attack": 1})
    rows = tuple(
        AtStrength(t, 0.1 * t, around(0.95), around(0.5), around(left), attacks) for t, left in ((1.0, 0.2), (2.0, 0.0))
    )
    sweep = StrengthSweep("t4", 0.1, "linf", 100, None, {}, {"unmodified": rows})
    text = text_of(strengths_part(sweep))
    assert "At ε = 0.1, the unmodified model is right on 95.0%" in text
    assert "20.0% [19.0, 21.0] of images survive all attacks" in text
    assert "repair" not in text
    repaired = replace(sweep, repair="adversarial training", models={**sweep.models, "adversarial training": rows})
    part = strengths_part(repaired)
    assert "Beyond it, at ε = 0.2, 0.0%" in text_of(part)
    assert str(QUICK) in part.tables[0].caption
    assert {"40, 1"} == {row[-1] for row in part.tables[0].rows}


def test_resizing_keeps_gray_gray_and_shrinks_by_averaging():
    images = np.full((1, 1, 28, 28), 0.5, np.float32)
    assert np.allclose(resized(ImageSet(images, np.zeros(1, np.int64)), 56).images, 0.5)
    images[..., ::2] = 0.0
    small = resized(ImageSet(images, np.zeros(1, np.int64)), 14).images
    assert small.shape == (1, 1, 14, 14)
    assert np.allclose(small[..., 2:-2], 0.25, atol=0.02)
