"""Which redesign a shift gets, and that its input is what the redesign promises."""

import numpy as np
import pytest

from shiftassay.models.predict import predict
from shiftassay.repairs.architecture import Architecture
from shiftassay.repairs.strategy import Task
from shiftassay.shifts.catalog import parse, shift


def task_of(text, model, small, **options):
    return Task(parse(text), 1.0, model, small.train.first(400), None, 10, (1, 28, 28), 1, 400, 0, "cpu", **options)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pixel_permutation:scope=per_image", "sorted pixel values"),
        ("gain:factor=0.4", "one mean and sd"),
        ("rotate:angle=30", "CoordConv"),
    ],
)
def test_the_redesign_fits_the_shift(text, what, model, small):
    repaired = Architecture().make(task_of(text, model, small))
    assert what in repaired.what
    assert predict(small.test.images[:5], model=repaired.model).shape == (5, 10)


def test_sorted_pixels_are_answered_alike_in_any_order(model, small):
    repaired = Architecture().make(task_of("pixel_permutation:scope=per_image", model, small))
    images = small.test.first(50)
    moved = shift(images, "pixel_permutation:scope=per_image", 1).images
    answers = [predict(shown, model=repaired.model) for shown in (images.images, moved)]
    assert np.allclose(*answers, atol=1e-4)


def test_it_is_tried_only_while_accuracy_is_missing(model, small):
    task = task_of("rotate:angle=30", model, small, still_missing=False)
    assert "already bring the accuracy back" in Architecture().unfit(task)
