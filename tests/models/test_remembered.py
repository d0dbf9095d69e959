"""Answers that are kept: each large image is asked about once, unless something else decides its answer."""

import numpy as np
import pytest
import torch
from torch import nn

import shiftassay
from shiftassay.models.predict import predict
from shiftassay.models.remembered import Remembered, remembering

SIDE = 104  # pixels: an image of so many squared is large


class Counting(nn.Module):
    """Brightness of the upper and of the lower half, and how many images it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.halves = nn.AdaptiveAvgPool2d((2, 1))
        self.shown = 0

    def forward(self, images):
        self.shown += len(images)
        return self.halves(images).flatten(1)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((5, 1, SIDE, SIDE), np.float32)


def test_an_image_is_asked_about_once(pictures):
    model = Counting()
    with remembering(Remembered(model)):
        first = predict(pictures, model=model)
        again = predict(np.concatenate([pictures[::-1], 1 - pictures[:1], 1 - pictures[:1]]), model=model)
    assert model.shown == 6
    np.testing.assert_array_equal(again[:5], first[::-1])
    np.testing.assert_array_equal(again[5:], predict(1 - pictures[[0, 0]], model=Counting()))


def test_known_answers_are_taken_from_elsewhere(pictures):
    model = Counting()
    remembered = Remembered(model)
    remembered.know(pictures, np.full((5, 2), 7, np.float32))
    with remembering(remembered):
        assert predict(pictures[:2], model=model).tolist() == [[7, 7], [7, 7]]
    assert model.shown == 0


def test_another_model_a_model_with_a_hook_and_small_images_are_asked_always(pictures):
    model, other = Counting(), Counting()
    with remembering(Remembered(model)):
        for _ in range(2):
            predict(pictures, model=other)
            predict(pictures[..., :20, :20], model=model)
        assert (model.shown, other.shown) == (10, 10)
        predict(pictures, model=model)
        with model.halves.register_forward_hook(lambda _, given, made: made + 1):
            hooked = predict(pictures, model=model)
    np.testing.assert_allclose(hooked, predict(pictures, model=other) + 1, rtol=1e-6)


class Viewed(nn.Module):
    """A network whose code needs the usual layout: `view` of what a convolution gives."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.linear = nn.Conv2d(3, 4, 3, stride=4), nn.Linear(4 * 26 * 26, 3)

    def forward(self, images):
        return self.linear(self.convolution(images).view(len(images), -1))


class Reshaped(Viewed):
    """The same network in code that takes any layout."""

    def forward(self, images):
        return self.linear(self.convolution(images).flatten(1))


def test_code_that_needs_the_usual_layout_is_given_it():
    images = np.random.default_rng(0).random((7, 3, SIDE, SIDE), np.float32)
    np.testing.assert_allclose(predict(images, model=Viewed()), predict(images, model=Reshaped()), atol=1e-6)


def test_a_diagnosis_asks_about_few_pictures_twice(monkeypatch):
    rng = np.random.default_rng(0)
    pictures = rng.random((60, 1, SIDE, SIDE), np.float32)
    labels = rng.integers(0, 2, 60)
    model, forgetful = Counting(), Counting()
    diagnosis = shiftassay.diagnose(pictures, 1 - pictures, model=model, labels=labels)
    monkeypatch.setattr("shiftassay.models.remembered.LARGE", 1 << 30)
    without = shiftassay.diagnose(pictures, 1 - pictures, model=forgetful, labels=labels)
    assert diagnosis.verdict.family == "invert"
    assert diagnosis.accuracy == without.accuracy
    assert model.shown < 0.75 * forgetful.shown
